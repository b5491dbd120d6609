//! The HTTP side: routes, the deadline of a scrape, and the listeners.

pub mod listen;
mod page;
mod pages;
mod scrape;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::sync::Semaphore;
use tower_http::compression::{CompressionLayer, CompressionLevel};

use crate::account::Account;
use crate::clock::Clock;
use crate::exposition::Page;
use crate::telemetry::Telemetry;

/// How the exporter presents itself.
#[derive(Debug, Clone)]
pub struct WebOptions {
    /// Where the metrics are, by default `/metrics`.
    pub telemetry_path: String,
    /// Scrapes that run at once; 0 is no limit.
    pub max_requests: usize,
    /// The path under which a reverse proxy shows the exporter, without a trailing slash; it leads
    /// the links on the page.
    pub external_path: String,
}

/// Everything that a request can reach.
#[derive(Debug)]
pub struct App {
    /// The accounts, in the order of the configuration.
    pub accounts: Vec<Arc<Account>>,
    /// The exporter's own metrics.
    pub telemetry: Telemetry,
    /// The answer to scrapes, kept for a second.
    pub page: Page,
    /// The exporter's clock.
    pub clock: Arc<dyn Clock>,
    /// How long a scrape waits when Prometheus does not say.
    pub gateway_timeout: Duration,
    /// How it presents itself.
    pub options: WebOptions,
    /// Places for scrapes, where they are limited.
    pub places: Option<Semaphore>,
}

/// Where the page finds the documentation of this very version.
const DOCUMENTATION: &str = "/-/documentation";

/// The exporter's routes.
pub fn router(app: App) -> Router {
    let telemetry_path = app.options.telemetry_path.clone();
    let mut router = Router::new()
        .route("/-/healthy", get(pages::healthy))
        .route("/-/ready", get(pages::ready))
        .route(DOCUMENTATION, get(pages::documentation))
        .route(&telemetry_path, get(scrape::metrics));
    if telemetry_path != "/" {
        router = router.route("/", get(page::show));
    }
    router
        .fallback(async || (StatusCode::NOT_FOUND, "404 page not found\n"))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .with_state(Arc::new(app))
}

/// Whether metrics can be served at `path`.
///
/// # Errors
/// What is wrong with it.
pub fn check_telemetry_path(path: &str) -> Result<(), &'static str> {
    if !path.starts_with('/') {
        return Err("must start with a slash");
    }
    let plain = |char: char| char.is_ascii_alphanumeric() || "/-._~".contains(char);
    if !path.chars().all(plain) || path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err("must be a plain path of letters, digits, - . _ ~ and slashes");
    }
    if path.starts_with("/-/") {
        return Err("must not start with /-/, where health is served");
    }
    Ok(())
}
