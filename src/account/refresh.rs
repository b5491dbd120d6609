//! Starts the refresh of an account, and stores its result.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::cached_snapshot::CachedSnapshot;
use super::history::History;
use super::transition_log::log_changes;
use super::{Account, AccountSettings, AccountState, LatestRefresh, ListFailure};
use crate::refresh::{Draft, LastGood, Priority, RefreshErrors, RefreshOutcome, Rules};
use crate::snapshot::Snapshot;

/// Snapshots with fewer profiles are rendered and freed on the async thread, which is faster than waking another
/// thread.
const SMALL_BELOW: usize = 32;

fn is_small(snapshot: &Snapshot) -> bool {
    snapshot.profiles.len() < SMALL_BELOW
}

/// What a refresh starts with.
struct RefreshParameters {
    settings: Arc<AccountSettings>,
    priority: Priority,
    last_good: Option<LastGood>,
    history: Arc<History>,
}

/// The result of a refresh without its snapshot.
struct CompletedRefresh {
    ended_at: Instant,
    took: Duration,
    errors: Arc<RefreshErrors>,
}

/// A snapshot rendered under outdated rules, and the current rules.
struct OutdatedRules(CachedSnapshot, Arc<Rules>);

impl Account {
    /// Returns a channel that closes when the refresh ends: the running refresh, or a new one. `None` during a backoff.
    pub(super) fn join_or_start_refresh(
        self: &Arc<Self>,
        state: &mut AccountState,
    ) -> Option<watch::Receiver<()>> {
        let refresh = state.running_refresh.as_ref();
        // A channel that is closed and still stored belongs to a refresh that panicked.
        if let Some(refresh) = refresh.filter(|refresh| refresh.has_changed().is_ok()) {
            return Some(refresh.clone());
        }
        if state.backoff.is_active(self.clock.monotonic()) {
            return None;
        }
        let (ended, refresh) = watch::channel(());
        state.running_refresh = Some(refresh.clone());
        state.refresh_requested_at = Some(self.clock.monotonic());
        let account = Arc::clone(self);
        // A separate task, so that scrapes that are cancelled do not cancel the refresh.
        tokio::spawn(async move {
            let mut retired = account.retired.subscribe();
            tokio::select! {
                biased;
                _ = retired.wait_for(|retired| *retired) => {}
                () = account.refresh() => {}
            }
            drop(ended);
        });
        Some(refresh)
    }

    async fn refresh(&self) {
        let RefreshParameters {
            settings,
            priority,
            last_good,
            history,
        } = self.refresh_parameters();
        let RefreshOutcome {
            began,
            took,
            draft,
            errors,
        } = settings.refresher.refresh(priority, last_good).await;
        let mut cached = match draft {
            Some(Draft {
                mut snapshot,
                claim,
            }) => {
                let (name, small) = (self.name.clone(), is_small(&snapshot));
                let rules = Arc::clone(settings.refresher.rules());
                let texts = settings.texts.clone();
                render(small, move || {
                    let (history, claim) = (history.advanced(&mut snapshot), Arc::new(claim));
                    let name = name.as_deref();
                    CachedSnapshot::new(snapshot, history, claim, rules, name, began, texts)
                })
                .await
            }
            None => None,
        };
        let completed = CompletedRefresh {
            ended_at: began + took,
            took,
            errors: Arc::new(errors),
        };
        while let Err(OutdatedRules(outdated, rules)) = self.store(cached, &completed) {
            let (name, small) = (self.name.clone(), is_small(&outdated.snapshot));
            cached = render(small, move || outdated.with_rules(rules, name.as_deref())).await;
        }
    }

    /// The failure of a refresh that has just ended, after its backoff was recorded.
    fn list_failure(&self, state: &AccountState) -> ListFailure {
        let (now, latest) = (self.clock.now(), state.latest_refresh.as_ref());
        let former = latest.and_then(|latest| latest.failure);
        ListFailure {
            since: former.map_or(now, |former| former.since),
            next_attempt_at: now + state.backoff.remaining(self.clock.monotonic()),
        }
    }

    fn refresh_parameters(&self) -> RefreshParameters {
        let state = self.state.lock();
        let settings = Arc::clone(&state.settings);
        let latest = state.latest_refresh.as_ref();
        let priority = latest.map_or(Priority::Prompt, |latest| latest.errors.priority());
        let last_good = state.cached.as_ref().map(|cached| LastGood {
            snapshot: Arc::clone(&cached.snapshot),
            max_stale: settings.cache_policy.max_stale,
        });
        RefreshParameters {
            settings,
            priority,
            last_good,
            history: state.history(),
        }
    }

    /// Stores the result of a refresh.
    ///
    /// # Errors
    /// [`OutdatedRules`] if a reload has changed the rules in the meantime; nothing is stored.
    fn store(
        &self,
        cached: Option<CachedSnapshot>,
        completed: &CompletedRefresh,
    ) -> Result<(), OutdatedRules> {
        let mut state = self.state.lock();
        let rules = state.settings.refresher.rules();
        let cached = match cached {
            Some(cached) if cached.rules != *rules => {
                return Err(OutdatedRules(cached, Arc::clone(rules)));
            }
            cached => cached,
        };
        state.running_refresh = None;
        state.view = None;
        state.refreshes += 1;
        state.revision += 1;
        let (ttl, errors) = (state.settings.cache_policy.ttl, &completed.errors);
        (state.backoff).record(errors.calling_for_backoff(), completed.ended_at, ttl);
        let snapshot = cached.as_ref().map(|cached| &*cached.snapshot);
        (state.transitions).write(self.name(), snapshot, errors);
        if let Some(cached) = &cached {
            log_changes(self.name(), &cached.history, &state.history());
        }
        let failure = (cached.is_none()).then(|| self.list_failure(&state));
        state.latest_refresh = Some(LatestRefresh {
            failure,
            up: cached.is_some(),
            took: completed.took,
            errors: Arc::clone(errors),
        });
        let replaced = cached.and_then(|cached| state.replace_cached(cached));
        drop(state);
        if let Some(replaced) = replaced.filter(|cached| !is_small(&cached.snapshot)) {
            // Freeing thousands of profiles takes milliseconds.
            spawn_blocking(move || drop(replaced));
        }
        Ok(())
    }
}

/// Renders large snapshots on a blocking thread, because thousands of profiles take milliseconds. `None` if `render`
/// panics.
async fn render(
    is_small: bool,
    render: impl FnOnce() -> CachedSnapshot + Send + 'static,
) -> Option<CachedSnapshot> {
    match is_small {
        true => Some(render()),
        false => spawn_blocking(render).await.ok(),
    }
}
