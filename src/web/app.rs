//! The state that all request handlers share.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::options::WebOptions;
use super::render_cache::RenderCache;
use crate::reload::ConfigReloader;
use crate::telemetry::Telemetry;
use exporter_toolkit::clock::Clock;

/// The state that all request handlers share.
#[derive(Debug)]
pub struct App {
    pub(super) reloader: Arc<ConfigReloader>,
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) options: WebOptions,
    /// Permits for requests that read accounts; `None` without a limit.
    request_permits: Option<Semaphore>,
    /// Rendered answers other than metrics.
    pub(super) rendered: RenderCache,
}

impl App {
    /// An app that serves the current accounts of `reloader`. `telemetry` must be the registry of these
    /// accounts.
    pub fn new(
        reloader: Arc<ConfigReloader>,
        telemetry: Arc<Telemetry>,
        options: WebOptions,
        clock: Arc<dyn Clock>,
    ) -> App {
        let limit = options.max_requests.min(Semaphore::MAX_PERMITS);
        App {
            telemetry,
            clock,
            request_permits: (limit > 0).then(|| Semaphore::new(limit)),
            options,
            rendered: RenderCache::new(reloader.accounts().texts().clone()),
            reloader,
        }
    }

    /// The exporter's own metrics.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// The options of the web server.
    pub fn options(&self) -> &WebOptions {
        &self.options
    }

    /// The clock by which data ages.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Reloads the configuration and holds the current accounts.
    pub fn reloader(&self) -> &Arc<ConfigReloader> {
        &self.reloader
    }

    /// Takes a permit for a request that reads accounts; `None` without a limit. The request holds the permit
    /// until it is answered.
    ///
    /// # Errors
    /// [`Busy`] if `max_requests` requests hold permits.
    pub(super) fn request_permit(&self) -> Result<Option<SemaphorePermit<'_>>, Busy> {
        let permits = self.request_permits.as_ref();
        let permit = permits.map(Semaphore::try_acquire).transpose();
        permit.map_err(|_| Busy(self.options.max_requests))
    }
}

/// The limit `max_requests` is reached. Answered with 503.
#[derive(Debug)]
pub(super) struct Busy(usize);

impl IntoResponse for Busy {
    fn into_response(self) -> Response {
        let Busy(limit) = self;
        let text = format!("Limit of concurrent requests reached ({limit}), try again later.\n");
        (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
    }
}
