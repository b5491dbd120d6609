//! One account in the place of another, after a reload: what it takes over, and what it waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Account, Freshness, State};
use crate::refresh::Refresher;

impl Account {
    /// This account under another configuration. It asks at the next scrape, and until then goes on
    /// with what it knows, if that is `still_true`. A backoff holds on if the gateway would be asked
    /// with the same credentials at the same address.
    pub fn reconfigured(
        &self,
        refresher: Refresher,
        freshness: Freshness,
        still_true: bool,
    ) -> Account {
        let before = self.state.lock();
        let asks_alike = refresher.asks_as(&self.refresher);
        self.has_successor.store(asks_alike, Ordering::Relaxed);
        let (pause, former_flight) = match asks_alike {
            true => {
                let flight = before.flight.as_ref().or(before.former_flight.as_ref());
                (Arc::clone(&self.pause), flight.cloned())
            }
            false => Default::default(),
        };
        let state = State {
            former_flight,
            good: before.good.clone().filter(|_| still_true),
            due: true,
            latest: before.latest.clone().filter(|_| still_true),
            refreshes: before.refreshes,
            revision: before.revision,
            journal: before.journal.clone(),
            ..State::default()
        };
        Account {
            name: self.name.clone(),
            refresher,
            freshness,
            clock: Arc::clone(&self.clock),
            state: Mutex::new(state),
            pause,
            has_successor: AtomicBool::default(),
            retired: watch::Sender::default(),
        }
    }

    /// Whether this account asks with the same credentials at the same address as `other`.
    pub fn asks_as(&self, other: &Account) -> bool {
        self.refresher.asks_as(&other.refresher)
    }

    /// This account, which has not asked yet, with the pause of a former one that asks alike.
    #[must_use]
    pub fn pausing_as(self, former: &Account) -> Account {
        let pause = former.pause.lock().clone();
        *self.pause.lock() = pause;
        self
    }

    /// It has left the configuration, or another has taken its place: it asks no more. It ends what it is
    /// asking, unless the other has to know what comes of that.
    pub fn retire(&self) {
        if !self.has_successor.load(Ordering::Relaxed) {
            self.retired.send_replace(true);
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.pause.lock().holds(self.clock.monotonic())
    }

    /// Refreshes, unless the refresh that is awaited before calls for a pause.
    pub(super) async fn refresh_after(&self, former: Option<watch::Receiver<()>>) {
        if let Some(mut former) = former {
            // Nothing is ever sent: the channel closes.
            let _ = former.changed().await;
            if self.is_paused() {
                return;
            }
        }
        self.refresh().await;
    }
}
