//! An account: its cache, the one refresh that all waiting scrapes share, and the pause after a
//! failure.

mod asked;
mod good;
mod journal;
mod pause;
mod reconfigure;
mod refresh;

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::exposition::AccountView;
use crate::refresh::{Refresher, Troubles};
use crate::snapshot::Snapshot;
use crate::telemetry::CacheResult;
use crate::telemetry::account::AccountMetrics;
pub use asked::{Asked, Waiting, views};
use good::Good;
use journal::Journal;
use pause::Pause;

/// How long an account's data is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// A snapshot younger than this is served without a gateway call.
    pub ttl: Duration,
    /// A snapshot younger than this is served when a refresh fails.
    pub max_stale: Duration,
}

/// The settings of an account that a reload may change.
#[derive(Debug)]
pub struct AccountSettings {
    /// How the gateway is asked, and how its answers are read.
    pub refresher: Refresher,
    /// How long the data is used.
    pub freshness: Freshness,
}

/// One account of the gateway.
#[derive(Debug)]
pub struct Account {
    name: Option<Arc<str>>,
    metrics: Arc<AccountMetrics>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Whether it has left the configuration.
    retired: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    /// The current settings. A refresh under way may have started under earlier ones.
    settings: Arc<AccountSettings>,
    good: Option<Good>,
    latest: Option<Latest>,
    refreshes: u64,
    /// Grows whenever what is shown changes.
    revision: u64,
    /// What these show, put together when it is first asked for.
    view: Option<Arc<View>>,
    /// The refresh under way: the channel closes when it has ended.
    flight: Option<watch::Receiver<()>>,
    /// When the refresh under way, or else the latest, was asked for.
    asked: Option<Instant>,
    pause: Pause,
    journal: Journal,
}

impl State {
    fn new(settings: Arc<AccountSettings>) -> State {
        State {
            settings,
            good: None,
            latest: None,
            refreshes: 0,
            revision: 0,
            view: None,
            flight: None,
            asked: None,
            pause: Pause::default(),
            journal: Journal::default(),
        }
    }
}

/// The latest refresh, good or bad.
#[derive(Debug, Clone)]
struct Latest {
    up: bool,
    took: Duration,
    troubles: Arc<Troubles>,
}

/// What is known of an account.
#[derive(Debug, Clone)]
pub struct View {
    /// What a scrape shows.
    pub exposed: AccountView,
    /// The data behind it, where it is not too old to be shown.
    pub snapshot: Option<Arc<Snapshot>>,
    /// What did not work in the latest refresh; `None` before the first has ended.
    pub troubles: Option<Arc<Troubles>>,
}

impl Account {
    /// An account that has not asked the gateway yet.
    pub fn new(
        name: Option<Arc<str>>,
        settings: Arc<AccountSettings>,
        clock: Arc<dyn Clock>,
    ) -> Account {
        Account {
            name,
            metrics: Arc::clone(settings.refresher.metrics()),
            clock,
            state: Mutex::new(State::new(settings)),
            retired: watch::Sender::default(),
        }
    }

    /// The name, where it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its gateway metrics.
    pub fn metrics(&self) -> &Arc<AccountMetrics> {
        &self.metrics
    }

    /// Whether the secret's file could be read when it was last needed.
    pub fn secret_is_good(&self) -> bool {
        let state = self.state.lock();
        let troubles = state.latest.as_ref().map(|latest| &latest.troubles);
        troubles.is_none_or(|troubles| troubles.secret.is_none())
    }

    /// Asks for what is known of this account: the cached snapshot, or the result of the one refresh
    /// that is started or joined by this.
    pub fn ask(self: &Arc<Self>) -> Asked<'_> {
        let mut state = self.state.lock();
        if self.is_younger_than(state.settings.freshness.ttl, &state) {
            return Asked::Known(self.show(&mut state), CacheResult::Hit);
        }
        match self.join_or_start_refresh(&mut state) {
            Some(flight) => Asked::Waits(Waiting {
                account: self,
                flight,
                refreshes_before: state.refreshes,
            }),
            None => {
                let (view, result) = self.show_what_is_left(&mut state);
                Asked::Known(view, result)
            }
        }
    }

    fn join_or_start_refresh(self: &Arc<Self>, state: &mut State) -> Option<watch::Receiver<()>> {
        // A channel that is closed while it still stands here belongs to a refresh that died.
        let under_way = state
            .flight
            .as_ref()
            .filter(|flight| flight.has_changed().is_ok());
        if let Some(flight) = under_way {
            return Some(flight.clone());
        }
        if state.pause.holds(self.clock.monotonic()) {
            return None;
        }
        let (ended, flight) = watch::channel(());
        state.flight = Some(flight.clone());
        state.asked = Some(self.clock.monotonic());
        let account = Arc::clone(self);
        // A task of its own: scrapers that leave do not cancel it.
        tokio::spawn(async move {
            let mut retired = account.retired.subscribe();
            tokio::select! {
                biased;
                _ = retired.wait_for(|retired| *retired) => {}
                () = account.refresh() => {}
            }
            drop(ended);
        });
        Some(flight)
    }

    fn is_younger_than(&self, age: Duration, state: &State) -> bool {
        let now = self.clock.monotonic();
        let good = state.good.as_ref();
        good.is_some_and(|good| now.saturating_duration_since(good.aged_from) < age)
    }

    fn show_what_is_left(&self, state: &mut State) -> (Arc<View>, CacheResult) {
        let view = self.show(state);
        if self.is_younger_than(state.settings.freshness.max_stale, state) {
            return (view, CacheResult::Stale);
        }
        let mut view = Arc::unwrap_or_clone(view);
        view.exposed.snapshot = None;
        view.snapshot = None;
        if self.waits_too_long(state) {
            view.exposed.up = view.exposed.up.map(|_| false);
        }
        (Arc::new(view), CacheResult::Empty)
    }

    /// A refresh that is still waiting for its turn when it should have ended is no better than one
    /// that failed.
    fn waits_too_long(&self, state: &State) -> bool {
        let asked = state.asked.filter(|_| state.flight.is_some());
        let waited = asked.map(|asked| self.clock.monotonic().saturating_duration_since(asked));
        waited.is_some_and(|waited| waited > state.settings.refresher.timeout())
    }

    /// Details that outlived a failure of their call may end before the list does.
    fn forget_old_details(&self, state: &mut State) {
        let (now, max_stale) = (self.clock.monotonic(), state.settings.freshness.max_stale);
        let good = state.good.as_ref();
        let without = good.and_then(|good| good.without_old_details(self.name(), now, max_stale));
        if without.is_some() {
            state.good = without;
            state.view = None;
            state.revision += 1;
        }
    }

    fn show(&self, state: &mut State) -> Arc<View> {
        self.forget_old_details(state);
        let (good, latest) = (state.good.as_ref(), state.latest.as_ref());
        let view = state.view.get_or_insert_with(|| {
            let exposed = AccountView {
                account: self.name.clone(),
                revision: state.revision,
                up: latest.map(|latest| latest.up),
                read_at: good.map(|good| good.read_at),
                refresh_took: latest.map(|latest| latest.took),
                snapshot: good.map(|good| Arc::clone(&good.text)),
            };
            Arc::new(View {
                exposed,
                snapshot: good.map(|good| Arc::clone(&good.snapshot)),
                troubles: latest.map(|latest| Arc::clone(&latest.troubles)),
            })
        });
        Arc::clone(view)
    }
}
