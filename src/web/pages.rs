//! Everything that is neither a scrape nor the page for people.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};

use super::App;

const README: &str = include_str!("../../README.md");

pub(super) async fn healthy() -> &'static str {
    "qlara-exporter is Healthy.\n"
}

pub(super) async fn ready() -> &'static str {
    "qlara-exporter is Ready.\n"
}

/// The documentation of this very version, also where there is no way to the outside.
pub(super) async fn documentation() -> &'static str {
    README
}

/// From the root, and from the prefix without its slash, to the page.
pub(super) async fn go_to_prefix(State(app): State<Arc<App>>) -> Response {
    let page = format!("{}/", app.options.external_path());
    (StatusCode::FOUND, [(LOCATION, page)]).into_response()
}
