//! An account: its cache, the one refresh that all waiting scrapes share, and the pause after a
//! failure.

mod asked;
mod good;
mod journal;
mod pause;
mod succession;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::clock::Clock;
use crate::exposition::AccountView;
use crate::refresh::{Draft, LastGood, Outcome, Refresher, Share, Standing, Troubles};
use crate::snapshot::Snapshot;
use crate::telemetry::CacheResult;
use crate::telemetry::account::AccountMetrics;
pub use asked::{Asked, Waiting, views};
use good::Good;
use journal::Journal;
use pause::Pause;

/// Fewer profiles than these are written, or given back, before a thread could be woken for them.
const FEW: usize = 32;

fn is_small(snapshot: &Snapshot) -> bool {
    snapshot.profiles.len() < FEW
}

/// How long an account's data is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// A snapshot younger than this is served without a gateway call.
    pub ttl: Duration,
    /// A snapshot younger than this is served when a refresh fails.
    pub max_stale: Duration,
}

/// One account of the gateway.
#[derive(Debug)]
pub struct Account {
    name: Option<Arc<str>>,
    refresher: Refresher,
    freshness: Freshness,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Shared with the account that takes this one's place, if it asks with the same credentials at the same
    /// address. Locked after `state`.
    pause: Arc<Mutex<Pause>>,
    /// Whether another account shares the pause: it waits for the refresh under way.
    has_successor: AtomicBool,
    /// Whether it has left the configuration.
    retired: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    good: Option<Good>,
    /// The good data was read under another configuration: it is shown, but not for the whole ttl.
    due: bool,
    latest: Option<Latest>,
    refreshes: u64,
    /// Grows whenever what is shown changes.
    revision: u64,
    /// What these show, put together when it is first asked for.
    view: Option<Arc<View>>,
    /// The refresh under way: the channel closes when it has ended.
    flight: Option<watch::Receiver<()>>,
    /// That of the account whose place this one took. Its answers may call for a pause.
    former_flight: Option<watch::Receiver<()>>,
    /// When the refresh under way, or else the latest, was asked for.
    asked: Option<Instant>,
    journal: Journal,
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
        refresher: Refresher,
        freshness: Freshness,
        clock: Arc<dyn Clock>,
    ) -> Account {
        Account {
            name,
            refresher,
            freshness,
            clock,
            state: Mutex::default(),
            pause: Arc::default(),
            has_successor: AtomicBool::default(),
            retired: watch::Sender::default(),
        }
    }

    /// The name, where it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its gateway metrics.
    pub fn metrics(&self) -> &Arc<AccountMetrics> {
        self.refresher.metrics()
    }

    /// Its share of the metrics of all accounts.
    pub fn share(&self) -> &Arc<Share> {
        self.refresher.share()
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
        if !state.due && self.is_younger_than(self.freshness.ttl, &state) {
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
        if self.is_paused() {
            return None;
        }
        let (ended, flight) = watch::channel(());
        state.flight = Some(flight.clone());
        state.asked = Some(self.clock.monotonic());
        let former_flight = state.former_flight.take();
        let account = Arc::clone(self);
        // A task of its own: scrapers that leave do not cancel it.
        tokio::spawn(async move {
            let mut retired = account.retired.subscribe();
            tokio::select! {
                biased;
                _ = retired.wait_for(|retired| *retired) => {}
                () = account.refresh_after(former_flight) => {}
            }
            drop(ended);
        });
        Some(flight)
    }

    async fn refresh(&self) {
        let (standing, last_good) = {
            let state = self.state.lock();
            let latest = state.latest.as_ref();
            let standing = latest.map_or(Standing::Prompt, |latest| latest.troubles.standing());
            (standing, self.last_good(&state))
        };
        let Outcome {
            began,
            took,
            draft,
            troubles,
        } = self.refresher.refresh(standing, last_good).await;
        let good = match draft {
            // The answer may be as old as the question.
            Some(draft) => self.render(draft, began).await,
            None => None,
        };
        let mut state = self.state.lock();
        state.flight = None;
        state.view = None;
        state.refreshes += 1;
        state.revision += 1;
        self.pause.lock().after(
            troubles.calling_for_a_pause(),
            began + took,
            self.freshness.ttl,
        );
        let snapshot = good.as_ref().map(|good| &*good.snapshot);
        (state.journal).write(self.name.as_deref(), snapshot, &troubles);
        state.latest = Some(Latest {
            up: good.is_some(),
            took,
            troubles: Arc::new(troubles),
        });
        let replaced = match good {
            Some(good) => {
                state.due = false;
                state.good.replace(good)
            }
            None => None,
        };
        drop(state);
        if let Some(replaced) = replaced.filter(|good| !is_small(&good.snapshot)) {
            // Giving back thousands of profiles takes as long as reading them.
            spawn_blocking(move || drop(replaced));
        }
    }

    fn last_good(&self, state: &State) -> Option<LastGood> {
        let good = state.good.as_ref()?;
        Some(LastGood {
            snapshot: Arc::clone(&good.snapshot),
            max_stale: self.freshness.max_stale,
        })
    }

    /// Writes the text of a snapshot, once for all the scrapes that will show it. It takes
    /// milliseconds for thousands of profiles, and must not hold up the scrapes of others.
    async fn render(&self, draft: Draft, aged_from: Instant) -> Option<Good> {
        let name = self.name.clone();
        let Draft { snapshot, claim } = draft;
        let small = is_small(&snapshot);
        let render = move || Good::new(snapshot, Arc::new(claim), name.as_deref(), aged_from);
        match small {
            true => Some(render()),
            false => spawn_blocking(render).await.ok(),
        }
    }

    fn is_younger_than(&self, age: Duration, state: &State) -> bool {
        let now = self.clock.monotonic();
        let good = state.good.as_ref();
        good.is_some_and(|good| now.saturating_duration_since(good.aged_from) < age)
    }

    fn show_what_is_left(&self, state: &mut State) -> (Arc<View>, CacheResult) {
        let view = self.show(state);
        if self.is_younger_than(self.freshness.max_stale, state) {
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
        waited.is_some_and(|waited| waited > self.refresher.timeout())
    }

    /// Details that outlived a failure of their call may end before the list does.
    fn forget_old_details(&self, state: &mut State) {
        let (now, max_stale) = (self.clock.monotonic(), self.freshness.max_stale);
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
