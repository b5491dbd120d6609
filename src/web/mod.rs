//! The HTTP endpoints: metrics, service discovery, the page, the API, health, and reload.

mod api;
mod app;
mod cached;
mod calendar;
mod discovery;
mod external_url;
mod filter;
mod management;
mod options;
mod page;
mod paths;
mod render_cache;
mod scrape;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub use app::App;
pub use external_url::ExternalUrl;
pub use options::WebOptions;
pub use paths::{check_route_prefix, check_telemetry_path};

use crate::build;
use exporter_toolkit::health;
use paths::{ACCOUNTS, CALENDAR, DISCOVERY, DOCUMENTATION, PROBE, PROFILE, PROFILES, RELOAD};

/// The exporter's routes.
pub fn router(app: &Arc<App>) -> Router {
    let telemetry_path = &app.options().telemetry_path;
    let prefix = app.options().route_prefix();
    let prefixed = |path: &str| format!("{prefix}{path}");
    let mut router = Router::new()
        // A segment of the prefix may start with `:` or `*`, which the syntax of axum 0.7 reserves.
        .without_v07_checks()
        .route(&prefixed(DOCUMENTATION), get(page::show_documentation))
        .route(
            &prefixed(RELOAD),
            post(management::reload)
                .put(management::reload)
                .fallback(management::reload_needs_post),
        )
        .route(&prefixed(DISCOVERY), get(discovery::targets))
        .route(&prefixed(PROFILES), get(api::profiles))
        .route(&prefixed(ACCOUNTS), get(api::accounts))
        .route(&prefixed(CALENDAR), get(calendar::serve));
    if telemetry_path != "/" {
        router = router
            .route(&prefixed("/"), get(page::show))
            .route(&prefixed(PROFILE), get(page::show_profile));
    }
    if !prefix.is_empty() {
        // As in Prometheus. A reverse proxy that adds the prefix never requests the root, so that redirect stays
        // inside the exporter, while the other one leads to the external path.
        let external = app.options().external_path().to_owned();
        let (from_root, from_prefix) = (format!("{prefix}/"), format!("{external}/"));
        router = router
            .route("/", management::redirect(from_root))
            .route(prefix, management::redirect(from_prefix));
    }
    router
        .route(&prefixed(PROBE), get(scrape::probe))
        .route(&prefixed(telemetry_path), get(scrape::metrics))
        .with_state(Arc::clone(app))
        .merge(health::router(build::NAME, prefix))
        .fallback(health::not_found)
}
