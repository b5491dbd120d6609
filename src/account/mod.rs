//! An account: its cached snapshot, the refresh that waiting scrapes share (single-flight), and the backoff after a
//! failure.

mod accounts;
mod backoff;
mod cached_snapshot;
mod factory;
pub(crate) mod history;
mod lookup;
mod reconfigure;
mod refresh;
mod transition_log;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::config::CachePolicy;
use crate::exposition::AccountView;
use crate::refresh::{RefreshErrors, Refresher};
use crate::snapshot::Snapshot;
use crate::telemetry::account::AccountMetrics;
pub(crate) use accounts::{Accounts, ConfiguredAccount};
pub(crate) use backoff::Backoff;
use cached_snapshot::CachedSnapshot;
use exporter_toolkit::clock::Clock;
use exporter_toolkit::shared_text::SharedTexts;
pub(crate) use factory::{AccountFactory, AccountsError};
use history::History;
pub(crate) use lookup::views;
use transition_log::TransitionLog;

/// The settings of an account that a reload may change.
#[derive(Debug)]
pub struct AccountSettings {
    /// Reads snapshots from the gateway.
    pub refresher: Refresher,
    /// How long the data is used.
    pub cache_policy: CachePolicy,
    /// Counts the memory of the rendered snapshots.
    pub texts: SharedTexts,
}

/// One account of the gateway.
#[derive(Debug)]
pub struct Account {
    name: Option<Arc<str>>,
    metrics: Arc<AccountMetrics>,
    clock: Arc<dyn Clock>,
    state: Mutex<AccountState>,
    /// Whether the account has left the configuration.
    retired: watch::Sender<bool>,
}

#[derive(Debug)]
struct AccountState {
    /// The current settings. A running refresh may have started with earlier settings.
    settings: Arc<AccountSettings>,
    cached: Option<CachedSnapshot>,
    latest_refresh: Option<LatestRefresh>,
    /// Number of completed refreshes.
    refreshes: u64,
    /// Grows whenever the data or state that scrapes show changes.
    revision: u64,
    /// The view of this revision, built when it is first needed.
    view: Option<Arc<View>>,
    /// The running refresh, which closes the channel when it ends.
    running_refresh: Option<watch::Receiver<()>>,
    /// When the running refresh, or else the latest one, was requested.
    refresh_requested_at: Option<Instant>,
    backoff: Backoff,
    transitions: TransitionLog,
}

impl AccountState {
    fn new(settings: Arc<AccountSettings>) -> AccountState {
        AccountState {
            settings,
            cached: None,
            latest_refresh: None,
            refreshes: 0,
            revision: 0,
            view: None,
            running_refresh: None,
            refresh_requested_at: None,
            backoff: Backoff::default(),
            transitions: TransitionLog::default(),
        }
    }

    /// The changes up to the cached snapshot.
    fn history(&self) -> Arc<History> {
        let cached = self.cached.as_ref();
        cached.map_or_else(Arc::default, |cached| Arc::clone(&cached.history))
    }

    /// Replaces the cached snapshot, and returns the former one.
    fn replace_cached(&mut self, cached: CachedSnapshot) -> Option<CachedSnapshot> {
        self.view = None;
        self.revision += 1;
        self.cached.replace(cached)
    }
}

/// The result of the latest refresh, successful or not.
#[derive(Debug, Clone)]
struct LatestRefresh {
    /// Whether the list could be read.
    up: bool,
    took: Duration,
    errors: Arc<RefreshErrors>,
    failure: Option<ListFailure>,
}

/// A failure to read the list, by the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListFailure {
    /// When the first of the refreshes that have failed in a row ended.
    pub since: DateTime<Utc>,
    /// The earliest time of the next attempt, which the next scrape or page view after it makes.
    pub next_attempt_at: DateTime<Utc>,
}

/// The data and state of an account at one time.
#[derive(Debug, Clone)]
pub struct View {
    /// The data that a scrape shows.
    pub exposed: AccountView,
    /// The snapshot; `None` if there is none or it is too old to be shown.
    pub snapshot: Option<Arc<Snapshot>>,
    /// The errors of the latest refresh; `None` before the first refresh has ended.
    pub errors: Option<Arc<RefreshErrors>>,
    /// The failure to read the list, if the latest refresh could not.
    pub failure: Option<ListFailure>,
    /// The changes of the profiles up to the last good snapshot, however old that is.
    pub history: Arc<History>,
}

impl Account {
    /// Creates an account without data.
    pub fn new(
        name: Option<Arc<str>>,
        settings: Arc<AccountSettings>,
        clock: Arc<dyn Clock>,
    ) -> Account {
        Account {
            name,
            metrics: Arc::clone(settings.refresher.metrics()),
            clock,
            state: Mutex::new(AccountState::new(settings)),
            retired: watch::Sender::default(),
        }
    }

    /// The name, `None` for the default account.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The account's gateway metrics.
    pub fn metrics(&self) -> &Arc<AccountMetrics> {
        &self.metrics
    }

    /// Whether the latest refresh, if any, requested the list with the current content of the secret's file.
    pub fn sent_current_secret(&self) -> bool {
        let state = self.state.lock();
        let errors = state.latest_refresh.as_ref().map(|latest| &latest.errors);
        errors.is_none_or(|errors| errors.secret.is_none())
    }

    /// Whether the cached snapshot is younger than `age`.
    fn is_younger_than(&self, age: Duration, state: &AccountState) -> bool {
        let now = self.clock.monotonic();
        let cached = state.cached.as_ref();
        cached.is_some_and(|cached| now.saturating_duration_since(cached.requested_at) < age)
    }
}
