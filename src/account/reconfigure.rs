//! A reload: an account under other settings, and an account in the place of another.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::good::Good;
use super::{Account, AccountSettings, State};
use crate::refresh::Rules;

impl Account {
    /// Puts settings in force under which the gateway is asked at the same address with the same
    /// credentials. What is known is shown under the new rules at once, and the gateway is asked when
    /// the new ttl has passed since the last question. A refresh under way goes on; its result counts.
    ///
    /// This takes milliseconds for thousands of profiles: call it off the async threads.
    pub fn reconfigure(&self, settings: &Arc<AccountSettings>) {
        self.state.lock().settings = Arc::clone(settings);
        while let Some((known, rules)) = self.good_under_former_rules() {
            let renewed = known.under(rules, self.name());
            let mut state = self.state.lock();
            // A refresh or a scrape may have replaced the data meanwhile.
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

    /// An account of the same name that asks another gateway, or with other credentials: it starts
    /// without data and without backoff. Its counters and its log go on.
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

    /// This account, which has not asked yet, with the backoff of a former one that asks alike.
    #[must_use]
    pub fn pausing_as(mut self, former: &Account) -> Account {
        self.state.get_mut().pause = former.state.lock().pause.clone();
        self
    }

    /// The account has left the configuration: it asks no more, and ends the refresh under way.
    pub fn retire(&self) {
        self.retired.send_replace(true);
    }
}
