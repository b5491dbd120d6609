//! `/-/reload`, as in Prometheus.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::ALLOW;
use axum::response::{IntoResponse, Response};

use super::App;
use crate::reload::ReloadError;

pub(super) async fn reload(State(app): State<Arc<App>>) -> Response {
    if !app.options.enable_lifecycle {
        let text = "Reloading over HTTP is off, --web.enable-lifecycle turns it on. SIGHUP works always.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    match app.reloader.reload().await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(errors) => {
            let lines = errors.iter().flat_map(ReloadError::lines);
            let lines: String = lines.map(|line| line + "\n").collect();
            let text =
                format!("Cannot load the configuration, the running one stays in force:\n{lines}");
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}

/// Every other method: whoever opens it in a browser, for one.
pub(super) async fn hint() -> Response {
    let text = "This endpoint takes POST: curl -X POST …/-/reload\n";
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST, PUT")], text).into_response()
}
