//! Applies a reload to an account: new settings, a replacement, or retirement.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::cached_snapshot::CachedSnapshot;
use super::{Account, AccountSettings, AccountState};
use crate::refresh::Rules;

impl Account {
    /// Applies new settings with the same gateway address and credentials. The new rules are applied to the cached
    /// snapshot; the new ttl counts from the start of the latest refresh. A running refresh continues, and its result is
    /// used.
    ///
    /// This takes milliseconds for thousands of profiles. Call it off the async threads.
    pub fn reconfigure(&self, settings: &Arc<AccountSettings>) {
        self.state.lock().settings = Arc::clone(settings);
        while let Some((outdated, rules)) = self.cached_with_outdated_rules() {
            let updated = outdated.with_rules(rules, self.name());
            let mut state = self.state.lock();
            let cached = state.cached.as_ref();
            // A refresh or a scrape may have replaced the snapshot since the lock was released.
            if cached.is_some_and(|cached| cached.is_same_snapshot(&outdated)) {
                state.replace_cached(updated);
            }
        }
    }

    fn cached_with_outdated_rules(&self) -> Option<(CachedSnapshot, Arc<Rules>)> {
        let state = self.state.lock();
        let rules = state.settings.refresher.rules();
        let cached = state.cached.as_ref();
        let outdated = cached.filter(|cached| cached.rules != *rules)?;
        Some((outdated.clone(), Arc::clone(rules)))
    }

    /// Creates a replacement with the same name and another gateway or other credentials. It starts without data,
    /// history and backoff, and keeps the counters and the state of the log.
    pub fn replacement(&self, settings: Arc<AccountSettings>) -> Account {
        let before = self.state.lock();
        Account {
            name: self.name.clone(),
            metrics: Arc::clone(&self.metrics),
            clock: Arc::clone(&self.clock),
            state: Mutex::new(AccountState {
                revision: before.revision,
                transitions: before.transitions.clone(),
                ..AccountState::new(settings)
            }),
            retired: watch::Sender::default(),
        }
    }

    /// Copies the backoff of `former`, which has the same gateway and credentials.
    #[must_use]
    pub fn with_backoff_of(mut self, former: &Account) -> Account {
        self.state.get_mut().backoff = former.state.lock().backoff.clone();
        self
    }

    /// Stops an account that has left the configuration, and cancels its refresh.
    pub fn retire(&self) {
        self.retired.send_replace(true);
    }

    /// Undoes [`Account::retire`] for an account that has returned to the configuration.
    pub fn reinstate(&self) {
        self.retired.send_replace(false);
    }

    /// Whether a lookup would send no request now, because of fresh data or a backoff.
    pub fn sends_no_request_now(&self) -> bool {
        let state = self.state.lock();
        let is_fresh = self.is_younger_than(state.settings.cache_policy.ttl, &state);
        is_fresh || state.backoff.is_active(self.clock.monotonic())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use exporter_toolkit::clock::{Clock, SystemClock};
    use gateway_simulator::{Options, PREFIX, Simulator};
    use tokio::net::TcpListener;

    use super::super::Accounts;
    use crate::config::{Config, Settings};
    use crate::exposition::Representation;

    const KEY: &str = "simulated";

    /// The URL of a simulated gateway with this number of profiles. It runs until the test ends.
    async fn gateway(profiles: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let options = Options {
            profiles,
            api_key: KEY.into(),
            ..Options::default()
        };
        let simulator = Simulator::new(options, Arc::new(gateway_simulator::SystemClock));
        tokio::spawn(gateway_simulator::serve(Arc::new(simulator), listener));
        format!("http://{address}{PREFIX}")
    }

    /// The configuration of one default account at this gateway.
    fn config(url: String) -> Config {
        let settings = Settings {
            url: Some(url),
            ..Settings::default()
        };
        let environment = |name: &str| (name == "QLARA_API_KEY").then(|| KEY.to_owned());
        Config::load(&settings, &environment).expect("a valid configuration")
    }

    async fn profiles_shown(accounts: &Accounts) -> usize {
        let entry = accounts.entry(None).expect("the account");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        let (view, _) = entry.account.look_up().view(deadline).await;
        let (now, texts) = (SystemClock.now(), accounts.texts());
        let responses = accounts.account_responses();
        let form = Representation::PLAIN_TEXT;
        let body = responses.expose(&view.exposed, now, form, texts);
        let text = String::from_utf8(body.chunks().concat()).expect("UTF-8");
        text.matches("\nqlara_profile_info{").count()
    }

    /// A refresh of the former account may end while the next configuration is applied.
    /// [other-key]
    #[tokio::test]
    async fn cached_response_of_a_former_account_is_not_served() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (first, second) = (gateway(3).await, gateway(8).await);
        let former = Accounts::new(config(first), &clock).expect("accounts");
        let next = former.reloaded(config(second)).expect("accounts");
        assert_eq!(profiles_shown(&former).await, 3);
        next.take_over(&former);
        assert_eq!(profiles_shown(&next).await, 8);
    }
}
