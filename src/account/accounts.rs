//! The accounts of the current configuration, and their transition to the next one.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::factory::{AccountFactory, AccountsError};
use crate::account::{Account, AccountSettings};
use crate::config::{AccountConfig, CachePolicy, Config, CredentialSource, Gateway, Links};
use crate::exposition::{AccountResponses, ResponseCache};
use crate::gateway::client::GatewayClient;
use crate::route::Route;
use crate::telemetry::account::AccountMetrics;
use exporter_toolkit::clock::Clock;
use exporter_toolkit::shared_text::SharedTexts;

/// The accounts of the current configuration.
#[derive(Debug)]
pub struct Accounts {
    entries: Vec<ConfiguredAccount>,
    /// Accounts that have left the configuration and would send no request yet.
    retired: Vec<RetiredAccount>,
    /// Index in `entries` by name. The default account has the empty name.
    by_name: HashMap<String, usize>,
    responses: ResponseCache,
    account_responses: AccountResponses,
    factory: AccountFactory,
}

/// An account that has left the configuration. If its name, address and credentials return, it continues with its data
/// and backoff, so that no request is sent too early.
#[derive(Debug, Clone)]
struct RetiredAccount {
    account: Arc<Account>,
    settings: Arc<AccountSettings>,
}

/// An account and its configuration.
#[derive(Debug)]
pub struct ConfiguredAccount {
    /// The account.
    pub account: Arc<Account>,
    settings: Arc<AccountSettings>,
    source: CredentialSource,
    gateway: Gateway,
    /// Where people find more about its profiles.
    pub links: Links,
}

impl Accounts {
    /// Creates the accounts of the first configuration.
    ///
    /// # Errors
    /// [`AccountsError`] if they cannot be created.
    pub fn new(config: Config, clock: &Arc<dyn Clock>) -> Result<Accounts, AccountsError> {
        let factory = AccountFactory::new(&config, clock);
        Accounts::build(config, factory, None)
    }

    /// Creates the accounts of the next configuration. Accounts that stay keep their cache and counters.
    ///
    /// # Errors
    /// [`AccountsError`] if they cannot be created.
    pub fn reloaded(&self, config: Config) -> Result<Accounts, AccountsError> {
        let factory = self.factory.reloaded(&config);
        Accounts::build(config, factory, Some(self))
    }

    fn build(
        config: Config,
        mut factory: AccountFactory,
        former: Option<&Accounts>,
    ) -> Result<Accounts, AccountsError> {
        let cache_policy = config.cache_policy;
        let mut entries = Vec::with_capacity(config.accounts.len());
        for account in config.accounts {
            let same_name = former.and_then(|accounts| accounts.entry(account.name.as_deref()));
            entries.push(match same_name {
                Some(entry) => entry.reloaded(account, &mut factory, cache_policy, former)?,
                None => ConfiguredAccount::new(account, &mut factory, cache_policy, former)?,
            });
        }
        factory.retain_transports(entries.iter().map(|entry| &entry.gateway.transport));
        let names = entries.iter().map(|entry| entry.account.name());
        let by_name = names.map(|name| name.unwrap_or_default().to_owned());
        Ok(Accounts {
            by_name: by_name.zip(0..).collect(),
            retired: former.map_or_else(Vec::new, |former| former.retired_by(&entries)),
            entries,
            responses: ResponseCache::default(),
            account_responses: AccountResponses::default(),
            factory,
        })
    }

    /// Applies the settings of all accounts. This takes milliseconds for an account with thousands of profiles and new
    /// rules. Call it off the async threads.
    pub fn reconfigure(&self) {
        for entry in &self.entries {
            entry.account.reinstate();
            entry.account.reconfigure(&entry.settings);
        }
    }

    /// The retired account with this name that sends the same requests as `client`.
    fn returning(&self, name: Option<&str>, client: &GatewayClient) -> Option<RetiredAccount> {
        let mut retired = self.retired.iter();
        let returning = retired.find(|retired| {
            retired.account.name() == name && retired.settings.refresher.sends_requests_of(client)
        });
        returning.cloned()
    }

    /// Current and retired accounts.
    fn known(&self) -> impl Iterator<Item = RetiredAccount> {
        let current = self.entries.iter().map(|entry| RetiredAccount {
            account: Arc::clone(&entry.account),
            settings: Arc::clone(&entry.settings),
        });
        current.chain(self.retired.iter().cloned())
    }

    /// The known accounts that are not among the `next` ones and would send no request now. Their number is limited to
    /// the number of configured accounts, however often the configuration changes.
    fn retired_by(&self, next: &[ConfiguredAccount]) -> Vec<RetiredAccount> {
        let kept: HashSet<_> = next
            .iter()
            .map(|entry| Arc::as_ptr(&entry.account))
            .collect();
        let retired = self.known().filter(|known| {
            let account = &known.account;
            !kept.contains(&Arc::as_ptr(account)) && account.sends_no_request_now()
        });
        retired.take(self.entries.len().max(next.len())).collect()
    }

    /// Retires the accounts of `former` that are no longer configured, and applies the limits of this configuration.
    pub fn take_over(&self, former: &Accounts) {
        // The permit of a retired account must not go to another account that is about to be retired.
        self.factory.hold_refreshes();
        for ConfiguredAccount { account, .. } in &former.entries {
            let is_kept = self
                .entry(account.name())
                .is_some_and(|entry| Arc::ptr_eq(&entry.account, account));
            if !is_kept {
                account.retire();
            }
        }
        self.factory.apply_limits(self.entries.len());
    }

    /// The accounts in the order of the configuration.
    pub fn entries(&self) -> &[ConfiguredAccount] {
        &self.entries
    }

    /// The account with this name; `None` is the default account.
    pub fn entry(&self, name: Option<&str>) -> Option<&ConfiguredAccount> {
        let index = self.by_name.get(name.unwrap_or_default())?;
        self.entries.get(*index)
    }

    /// The cached response with all accounts.
    pub fn responses(&self) -> &ResponseCache {
        &self.responses
    }

    /// The cached responses with a single account.
    pub fn account_responses(&self) -> &AccountResponses {
        &self.account_responses
    }

    /// The texts that responses share, which are kept across reloads.
    pub fn texts(&self) -> &SharedTexts {
        &self.factory.texts
    }

    /// The routes to the gateways of all accounts, each once.
    pub fn routes(&self) -> BTreeSet<Route> {
        let gateways = self.entries.iter().map(|entry| &entry.gateway);
        gateways.map(Route::to).collect()
    }

    /// Whether every configured file could be read when it was last needed.
    pub fn files_are_good(&self) -> bool {
        let mut accounts = self.entries.iter().map(|entry| &entry.account);
        let mut transports = self.factory.transports.iter();
        transports.all(|transport| transport.ca_file_is_good())
            && accounts.all(|account| account.sent_current_secret())
    }
}

impl ConfiguredAccount {
    fn new(
        account: AccountConfig,
        factory: &mut AccountFactory,
        cache_policy: CachePolicy,
        former: Option<&Accounts>,
    ) -> Result<ConfiguredAccount, AccountsError> {
        let name = account.name.as_deref();
        let (source, gateway, links) = (account.source, account.gateway, account.links);
        let client = factory.client(&gateway, account.credentials)?;
        let returning = former.and_then(|former| former.returning(name, &client));
        let (metrics, share) = match &returning {
            Some(RetiredAccount { account, settings }) => {
                let share = settings.refresher.share();
                (Arc::clone(account.metrics()), Arc::clone(share))
            }
            None => {
                let metrics = AccountMetrics::new(name, factory.clock.now())?;
                (Arc::new(metrics), factory.share())
            }
        };
        let settings = Arc::new(AccountSettings {
            refresher: factory.refresher(client, &gateway, account.rules, metrics, share),
            cache_policy,
            texts: factory.texts.clone(),
        });
        let (name, clock) = (name.map(Arc::from), Arc::clone(&factory.clock));
        let account = match returning {
            Some(returning) => returning.account,
            None => {
                let account = Account::new(name, Arc::clone(&settings), clock);
                Arc::new(with_known_backoff(account, &settings, former))
            }
        };
        Ok(ConfiguredAccount {
            account,
            settings,
            source,
            gateway,
            links,
        })
    }

    /// The timeout of a refresh of this account.
    pub fn timeout(&self) -> Duration {
        self.gateway.timeout
    }

    /// Keeps the account under its next configuration. With another gateway or other credentials, it is replaced. Other
    /// settings are applied by [`Accounts::reconfigure`].
    fn reloaded(
        &self,
        next: AccountConfig,
        factory: &mut AccountFactory,
        cache_policy: CachePolicy,
        former: Option<&Accounts>,
    ) -> Result<ConfiguredAccount, AccountsError> {
        let (source, gateway, links) = (next.source, next.gateway, next.links);
        let client = factory.client(&gateway, next.credentials)?;
        let returning = former.and_then(|former| former.returning(self.account.name(), &client));
        let is_unchanged = self.source == source
            && self.gateway == gateway
            && self.settings.cache_policy == cache_policy
            && **self.settings.refresher.rules() == next.rules;
        let settings = match is_unchanged {
            // A changed secret file is read again before the next request.
            true => Arc::clone(&self.settings),
            false => {
                let metrics = Arc::clone(self.account.metrics());
                let share = Arc::clone(self.settings.refresher.share());
                let refresher = factory.refresher(client, &gateway, next.rules, metrics, share);
                Arc::new(AccountSettings {
                    refresher,
                    cache_policy,
                    texts: factory.texts.clone(),
                })
            }
        };
        let former_refresher = &self.settings.refresher;
        let is_same = settings.refresher.sends_same_requests_as(former_refresher);
        let account = match (is_same, returning) {
            (true, _) => Arc::clone(&self.account),
            (false, Some(returning)) => returning.account,
            // A new object, because the former account may still have a running refresh.
            (false, None) => {
                let account = self.account.replacement(Arc::clone(&settings));
                Arc::new(with_known_backoff(account, &settings, former))
            }
        };
        Ok(ConfiguredAccount {
            account,
            settings,
            source,
            gateway,
            links,
        })
    }
}

/// Adds the backoff of a known account, perhaps with another name, that sends the same requests.
fn with_known_backoff(
    account: Account,
    settings: &AccountSettings,
    former: Option<&Accounts>,
) -> Account {
    let mut known = former.into_iter().flat_map(Accounts::known);
    let sends_same_requests = |known: &RetiredAccount| {
        let refresher = &known.settings.refresher;
        settings.refresher.sends_same_requests_as(refresher)
    };
    match known.find(sends_same_requests) {
        Some(known) => account.with_backoff_of(&known.account),
        None => account,
    }
}
