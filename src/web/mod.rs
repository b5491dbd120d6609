//! The HTTP side: routes, the deadline of a scrape, and what a request can reach.

mod discovery;
mod encoding;
mod external_url;
pub mod guard;
mod lifecycle;
mod page;
mod pages;
mod render_cache;
mod scrape;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::{Semaphore, SemaphorePermit};

pub use external_url::ExternalUrl;

use crate::clock::Clock;
use crate::reload::Reloader;
use crate::server::Timeouts;
use crate::telemetry::Telemetry;
use crate::web_config::WebConfigFile;
use render_cache::RenderCache;

/// How the exporter presents itself.
#[derive(Debug, Clone)]
pub struct WebOptions {
    /// Where the metrics are, by default `/metrics`.
    pub telemetry_path: String,
    /// Whether the accounts are among them, or only at `/probe`.
    pub accounts_on_metrics: bool,
    /// Requests that may read accounts at once; 0 is no limit.
    pub max_requests: usize,
    /// Whether `POST /-/reload` loads the configuration again.
    pub enable_lifecycle: bool,
    /// Where others reach the exporter, for example behind a reverse proxy.
    pub external_url: Option<ExternalUrl>,
    /// The path in front of every route, without a slash at its end; by default that of
    /// `external_url`.
    pub route_prefix: Option<String>,
    /// How long clients may take.
    pub timeouts: Timeouts,
    /// TLS, users, headers and a limit of requests.
    pub config: Arc<WebConfigFile>,
}

impl Default for WebOptions {
    fn default() -> WebOptions {
        WebOptions {
            telemetry_path: "/metrics".to_owned(),
            accounts_on_metrics: true,
            max_requests: 0,
            enable_lifecycle: false,
            external_url: None,
            route_prefix: None,
            timeouts: Timeouts::default(),
            config: Arc::new(WebConfigFile::none()),
        }
    }
}

impl WebOptions {
    /// The path in front of every route, without a slash at its end.
    fn route_prefix(&self) -> &str {
        let external = self.external_url.as_ref().map(ExternalUrl::path);
        let prefix = self.route_prefix.as_deref().or(external);
        prefix.unwrap_or_default()
    }

    /// The path under which others reach the exporter, without a slash at its end.
    fn external_path(&self) -> &str {
        let external = self.external_url.as_ref().map(ExternalUrl::path);
        external.unwrap_or_else(|| self.route_prefix())
    }
}

/// Everything that a request can reach.
#[derive(Debug)]
pub struct App {
    reloader: Arc<Reloader>,
    telemetry: Arc<Telemetry>,
    clock: Arc<dyn Clock>,
    options: WebOptions,
    /// Places for requests that read accounts, where they are limited.
    places: Option<Semaphore>,
    /// Answers that are not metrics.
    rendered: RenderCache,
}

impl App {
    /// The accounts in force are those of `reloader`, and `telemetry` is theirs.
    pub fn new(
        reloader: Arc<Reloader>,
        telemetry: Arc<Telemetry>,
        options: WebOptions,
        clock: Arc<dyn Clock>,
    ) -> App {
        let most = options.max_requests.min(Semaphore::MAX_PERMITS);
        App {
            reloader,
            telemetry,
            clock,
            places: (most > 0).then(|| Semaphore::new(most)),
            options,
            rendered: RenderCache::default(),
        }
    }

    /// The exporter's own metrics.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// How it presents itself.
    pub fn options(&self) -> &WebOptions {
        &self.options
    }

    /// What loads the configuration again.
    pub fn reloader(&self) -> &Arc<Reloader> {
        &self.reloader
    }

    /// A place for a request that reads accounts, until it is dropped.
    ///
    /// # Errors
    /// [`Busy`] when all places are taken.
    fn place(&self) -> Result<Option<SemaphorePermit<'_>>, Busy> {
        let places = self.places.as_ref();
        let place = places.map(Semaphore::try_acquire).transpose();
        place.map_err(|_| Busy(self.options.max_requests))
    }
}

/// As many requests as may read accounts at once are doing so.
#[derive(Debug)]
struct Busy(usize);

impl IntoResponse for Busy {
    fn into_response(self) -> Response {
        let Busy(most) = self;
        let text = format!("Limit of concurrent requests reached ({most}), try again later.\n");
        (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
    }
}

/// Where the page finds the documentation of this very version.
const DOCUMENTATION: &str = "/-/documentation";
/// Where single accounts are scraped.
const PROBE: &str = "/probe";
/// Where Prometheus finds out about them.
const DISCOVERY: &str = "/sd";
const RELOAD: &str = "/-/reload";
const HEALTHY: &str = "/-/healthy";
const READY: &str = "/-/ready";

/// The exporter's routes.
pub fn router(app: &Arc<App>) -> Router {
    let telemetry_path = &app.options.telemetry_path;
    let prefix = app.options.route_prefix();
    let at = |path: &str| format!("{prefix}{path}");
    let mut router = Router::new()
        // A segment of the external URL may begin with `:` or `*`, which axum 0.7 gave a meaning.
        .without_v07_checks()
        .route(&at(DOCUMENTATION), get(pages::documentation))
        .route(
            &at(RELOAD),
            post(lifecycle::reload)
                .put(lifecycle::reload)
                .fallback(lifecycle::hint),
        )
        .route(&at(DISCOVERY), get(discovery::targets));
    if telemetry_path != "/" {
        router = router.route(&at("/"), get(page::show));
    }
    if !prefix.is_empty() {
        // As in Prometheus. The root itself is never asked through a proxy that adds the prefix.
        let external = app.options.external_path().to_owned();
        let (from_root, from_prefix) = (format!("{prefix}/"), format!("{external}/"));
        router = router
            .route("/", pages::redirect(from_root))
            .route(prefix, pages::redirect(from_prefix));
    }
    let router = router
        .route(&at(PROBE), get(scrape::probe))
        .route(&at(telemetry_path), get(scrape::metrics))
        .with_state(Arc::clone(app))
        .merge(health(prefix))
        .fallback(not_found);
    let (config, clock) = (Arc::clone(&app.options.config), Arc::clone(&app.clock));
    guard::guard(router, config, clock)
}

/// Health alone, for probes that have no credentials. No reverse proxy stands before it, so it has no
/// prefix.
pub fn probe_router() -> Router {
    health("").fallback(not_found)
}

fn health(prefix: &str) -> Router {
    Router::new()
        .without_v07_checks()
        .route(&format!("{prefix}{HEALTHY}"), get(pages::healthy))
        .route(&format!("{prefix}{READY}"), get(pages::ready))
}

async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}

/// Whether `path` can stand in front of every route.
///
/// # Errors
/// What is wrong with it.
pub fn check_route_prefix(path: &str) -> Result<(), &'static str> {
    check_plain_path(path)?;
    match path.trim_end_matches('/').contains("//") || path.starts_with("//") {
        true => Err("must not contain an empty segment"),
        false => Ok(()),
    }
}

/// Whether metrics can be served at `path`.
///
/// # Errors
/// What is wrong with it.
pub fn check_telemetry_path(path: &str) -> Result<(), &'static str> {
    check_plain_path(path)?;
    if path.starts_with("/-/") {
        return Err("must not start with /-/, where health is served");
    }
    if matches!(path, PROBE | DISCOVERY) {
        return Err("must not be /probe or /sd, which serve something else");
    }
    Ok(())
}

fn check_plain_path(path: &str) -> Result<(), &'static str> {
    if !path.starts_with('/') {
        return Err("must start with a slash");
    }
    let plain = |char: char| char.is_ascii_alphanumeric() || "/-._~".contains(char);
    if !path.chars().all(plain) || path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err("must be a plain path of letters, digits, - . _ ~ and slashes");
    }
    Ok(())
}
