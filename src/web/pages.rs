//! Everything that is neither a scrape nor the page for people.

use axum::http::StatusCode;
use axum::http::header::{HeaderName, LOCATION};

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

/// A redirect to another path of this exporter.
pub(super) fn redirect(path: String) -> (StatusCode, [(HeaderName, String); 1]) {
    (StatusCode::FOUND, [(LOCATION, path)])
}
