//! Reloads: new settings for an account, and an account that replaces another of the same name.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::good::Good;
use super::{Account, AccountSettings, State};
use crate::refresh::Rules;

impl Account {
    /// Applies new settings with the same gateway address and credentials. Cached data follows the new rules at
    /// once; the next refresh starts when the new ttl has passed since the last one started. A refresh under
    /// way goes on, and its result is used.
    ///
    /// This takes milliseconds for thousands of profiles: call it off the async threads.
    pub fn reconfigure(&self, settings: &Arc<AccountSettings>) {
        self.state.lock().settings = Arc::clone(settings);
        while let Some((known, rules)) = self.good_under_former_rules() {
            let renewed = known.under(rules, self.name());
            let mut state = self.state.lock();
            // A refresh or a scrape may have replaced the data since the lock was released.
            if state.good.as_ref().is_some_and(|good| good.is(&known)) {
                state.good = Some(renewed);
                state.view = None;
                state.revision += 1;
            }
        }
    }

    fn good_under_former_rules(&self) -> Option<(Good, Arc<Rules>)> {
        let state = self.state.lock();
        let rules = state.settings.refresher.rules();
        let outdated = state.good.as_ref().filter(|good| good.rules != *rules)?;
        Some((outdated.clone(), Arc::clone(rules)))
    }

    /// A replacement with the same name and another gateway or other credentials. It starts without data and
    /// backoff, and keeps the counters and the log state.
    pub fn replaced(&self, settings: Arc<AccountSettings>) -> Account {
        let before = self.state.lock();
        Account {
            name: self.name.clone(),
            metrics: Arc::clone(&self.metrics),
            clock: Arc::clone(&self.clock),
            state: Mutex::new(State {
                revision: before.revision,
                journal: before.journal.clone(),
                ..State::new(settings)
            }),
            retired: watch::Sender::default(),
        }
    }

    /// Copies the backoff of `former`, which has the same gateway and credentials, to this new account.
    #[must_use]
    pub fn pausing_as(mut self, former: &Account) -> Account {
        self.state.get_mut().pause = former.state.lock().pause.clone();
        self
    }

    /// Stops an account that has left the configuration, and cancels its refresh.
    pub fn retire(&self) {
        self.retired.send_replace(true);
    }
}
