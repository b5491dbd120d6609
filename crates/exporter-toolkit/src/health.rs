//! The health endpoints `/-/healthy` and `/-/ready`, as in Prometheus.

use axum::Router;
use axum::routing::get;

/// Path of the liveness endpoint.
pub const HEALTHY: &str = "/-/healthy";
/// Path of the readiness endpoint.
pub const READY: &str = "/-/ready";

/// A router with both endpoints, which answer 200. `name` is the exporter's name in the response. `prefix`
/// precedes the paths; it is empty or starts with a slash.
///
/// ```
/// use axum::Router;
/// use exporter_toolkit::health;
///
/// let router: Router = Router::new().merge(health::router("my_exporter", "/monitoring"));
/// ```
pub fn router(name: &str, prefix: &str) -> Router {
    let (healthy, ready) = (
        format!("{name} is Healthy.\n"),
        format!("{name} is Ready.\n"),
    );
    Router::new()
        // A prefix segment may begin with `:` or `*`, which had a meaning in axum 0.7.
        .without_v07_checks()
        .route(&format!("{prefix}{HEALTHY}"), get(async || healthy))
        .route(&format!("{prefix}{READY}"), get(async || ready))
}

/// The 404 response, with the text of Go's `http.NotFound`.
pub async fn not_found() -> (axum::http::StatusCode, &'static str) {
    (axum::http::StatusCode::NOT_FOUND, "404 page not found\n")
}
