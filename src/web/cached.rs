//! The cached accounts that an answer shows, read once per request.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::app::App;
use super::render_cache::DataVersion;
use crate::account::{self, Accounts, View};

/// How long a request waits for refreshes, which continue after it. The next request shows their results.
const REFRESH_WAIT: Duration = Duration::from_secs(3);

/// The cached accounts.
#[derive(Debug)]
pub(super) struct CachedAccounts {
    pub(super) now: DateTime<Utc>,
    /// In the order of the configuration.
    pub(super) views: Vec<Arc<View>>,
    pub(super) version: DataVersion,
}

/// The permits that a request holds until it is answered.
#[derive(Debug)]
#[must_use]
pub(super) struct Permits<'a> {
    _request: Option<SemaphorePermit<'a>>,
    _render: SemaphorePermit<'a>,
}

impl App {
    /// Looks up the accounts whose names match, and waits for their refreshes for some seconds.
    ///
    /// # Errors
    /// A response with 503 if too many requests are being answered.
    pub(super) async fn cached_accounts(
        &self,
        accounts: &Arc<Accounts>,
        matches: impl Fn(Option<&str>) -> bool,
    ) -> Result<(CachedAccounts, Permits<'_>), Response> {
        let permits = Permits {
            _request: self.request_permit().map_err(IntoResponse::into_response)?,
            _render: self.rendered.wait().map_err(IntoResponse::into_response)?,
        };
        let deadline = Instant::now() + REFRESH_WAIT;
        let entries = accounts.entries().iter().map(|entry| &entry.account);
        let matching = entries.filter(|account| matches(account.name()));
        let views = account::views(matching, deadline).await;
        let views: Vec<Arc<View>> = views.into_iter().map(|(view, _)| view).collect();
        let now = self.clock.now();
        let cached = CachedAccounts {
            now,
            version: DataVersion::new(now.timestamp(), accounts, &views),
            views,
        };
        Ok((cached, permits))
    }
}
