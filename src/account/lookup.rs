//! Looks up the views of accounts, at once or after a running refresh.
//!
//! A lookup that waits for other accounts holds no account data. Refreshes and reloads may replace the data meanwhile,
//! and the replaced data would stay in memory.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::{Account, AccountState, View};
use crate::exposition::AccountView;
use crate::telemetry::CacheResult;

/// The lookup of one account.
#[derive(Debug)]
pub enum Lookup<'a> {
    /// A lookup that does not wait.
    Ready(Ready<'a>),
    /// A lookup that waits for a refresh.
    Pending(Pending<'a>),
}

/// A lookup that does not wait.
#[derive(Debug)]
pub struct Ready<'a> {
    account: &'a Account,
    /// The source of current data; `None` if there is no data, or only older data.
    current: Option<CacheResult>,
}

/// A lookup that waits for a refresh.
#[derive(Debug)]
pub struct Pending<'a> {
    account: &'a Account,
    refresh: watch::Receiver<()>,
    refreshes_before: u64,
}

impl<'a> Lookup<'a> {
    /// Returns the account's view after its refresh, or at `deadline` if that comes first.
    pub async fn view(self, deadline: Instant) -> (Arc<View>, CacheResult) {
        self.ready(deadline).await.view()
    }

    async fn ready(self, deadline: Instant) -> Ready<'a> {
        match self {
            Lookup::Ready(ready) => ready,
            Lookup::Pending(pending) => pending.ready(deadline).await,
        }
    }
}

impl<'a> Pending<'a> {
    async fn ready(mut self, deadline: Instant) -> Ready<'a> {
        // The refresh sends nothing; it drops the sender when it ends. The state tells whether it ended in time.
        let _ = timeout_at(deadline, self.refresh.changed()).await;
        let account = self.account;
        let state = account.state.lock();
        let latest = state.latest_refresh.as_ref();
        let is_up = latest.is_some_and(|latest| latest.up);
        let is_refreshed = is_up && state.refreshes > self.refreshes_before;
        Ready {
            account,
            current: is_refreshed.then_some(CacheResult::Refreshed),
        }
    }
}

impl Ready<'_> {
    fn view(&self) -> (Arc<View>, CacheResult) {
        let mut state = self.account.state.lock();
        match self.current {
            Some(result) => (self.account.view(&mut state), result),
            None => self.account.view_without_current_data(&mut state),
        }
    }
}

/// Looks up `accounts` and returns their views in the same order. All refreshes start before the first is awaited.
pub(crate) async fn views<'a>(
    accounts: impl Iterator<Item = &'a Arc<Account>>,
    deadline: Instant,
) -> Vec<(Arc<View>, CacheResult)> {
    let lookups: Vec<Lookup<'_>> = accounts.map(Account::look_up).collect();
    let mut ready = Vec::with_capacity(lookups.len());
    for lookup in lookups {
        ready.push(lookup.ready(deadline).await);
    }
    ready.iter().map(Ready::view).collect()
}

impl Account {
    /// Looks up the cached snapshot, or joins or starts a refresh if the snapshot is older than the ttl.
    pub fn look_up(self: &Arc<Self>) -> Lookup<'_> {
        let mut state = self.state.lock();
        if self.is_younger_than(state.settings.cache_policy.ttl, &state) {
            return self.ready(Some(CacheResult::Hit));
        }
        match self.join_or_start_refresh(&mut state) {
            Some(refresh) => Lookup::Pending(Pending {
                account: self,
                refresh,
                refreshes_before: state.refreshes,
            }),
            None => self.ready(None),
        }
    }

    fn ready(&self, current: Option<CacheResult>) -> Lookup<'_> {
        Lookup::Ready(Ready {
            account: self,
            current,
        })
    }

    /// The view with the cached snapshot, whatever its age.
    fn view(&self, state: &mut AccountState) -> Arc<View> {
        self.drop_old_details(state);
        let history = state.history();
        let (cached, latest) = (state.cached.as_ref(), state.latest_refresh.as_ref());
        let view = state.view.get_or_insert_with(|| {
            let exposed = AccountView {
                account: self.name.clone(),
                revision: state.revision,
                up: latest.map(|latest| latest.up),
                read_at: cached.map(|cached| cached.read_at),
                refresh_took: latest.map(|latest| latest.took),
                snapshot: cached.map(|cached| Arc::clone(&cached.text)),
            };
            Arc::new(View {
                exposed,
                snapshot: cached.map(|cached| Arc::clone(&cached.snapshot)),
                errors: latest.map(|latest| Arc::clone(&latest.errors)),
                failure: latest.and_then(|latest| latest.failure),
                history,
            })
        });
        Arc::clone(view)
    }

    /// The view with a stale snapshot, or without data if the snapshot is older than `cache.max_stale`.
    fn view_without_current_data(&self, state: &mut AccountState) -> (Arc<View>, CacheResult) {
        let view = self.view(state);
        if self.is_younger_than(state.settings.cache_policy.max_stale, state) {
            return (view, CacheResult::Stale);
        }
        let mut view = Arc::unwrap_or_clone(view);
        view.exposed.snapshot = None;
        view.snapshot = None;
        if self.is_refresh_overdue(state) {
            view.exposed.up = view.exposed.up.map(|_| false);
        }
        (Arc::new(view), CacheResult::Empty)
    }

    /// Whether the running refresh has waited for its permit for longer than its timeout, which counts as a failure.
    fn is_refresh_overdue(&self, state: &AccountState) -> bool {
        let requested_at = state.refresh_requested_at;
        let requested_at = requested_at.filter(|_| state.running_refresh.is_some());
        let now = self.clock.monotonic();
        let waited = requested_at.map(|requested_at| now.saturating_duration_since(requested_at));
        waited.is_some_and(|waited| waited > state.settings.refresher.timeout())
    }

    /// Drops details older than `cache.max_stale`. Details that are kept after a failed call are older than the list.
    fn drop_old_details(&self, state: &mut AccountState) {
        let max_stale = state.settings.cache_policy.max_stale;
        let (cached, now) = (state.cached.as_ref(), self.clock.monotonic());
        let without =
            cached.and_then(|cached| cached.without_old_details(self.name(), now, max_stale));
        if let Some(without) = without {
            state.replace_cached(without);
        }
    }
}
