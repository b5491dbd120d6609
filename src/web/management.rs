//! The endpoint `/-/reload`, and redirects to the page. Reload works as in Prometheus'
//! management API.

use std::future;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{ALLOW, LOCATION};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};

use super::app::App;

/// Reloads the configuration, if the options allow it.
pub(super) async fn reload(State(app): State<Arc<App>>) -> Response {
    if !app.options.enable_lifecycle {
        let text = "Reloading over HTTP is disabled: set --web.enable-lifecycle, or send SIGHUP.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    match app.reloader.reload().await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(errors) => {
            let text = format!(
                "Cannot load the configuration, the running one stays in force:\n{errors}\n"
            );
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}

/// Answers methods other than POST and PUT, for example the GET of a browser.
pub(super) async fn reload_needs_post() -> Response {
    let text = "This endpoint requires POST: curl -X POST …/-/reload\n";
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST, PUT")], text).into_response()
}

/// Redirects to another path of this exporter and keeps the query string.
pub(super) fn redirect(path: String) -> MethodRouter<Arc<App>> {
    get(move |RawQuery(query): RawQuery| {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        future::ready((StatusCode::FOUND, [(LOCATION, format!("{path}{query}"))]))
    })
}
