//! The accounts of a configuration, ready to be asked; and what becomes of them under the next one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::account::{Account, AccountSettings, Freshness};
use crate::clock::Clock;
use crate::config::{AccountConfig, Config, Gateway, Origin};
use crate::exposition::Page;
use crate::gateway::BodyBudget;
use crate::gateway::client::Client;
use crate::gateway::credentials::Credentials;
use crate::gateway::resolver::Lookups;
use crate::gateway::transport::{Transport, TransportError, TransportSettings};
use crate::refresh::{Refresher, Rules, Share, Shares, Turns};
use crate::route::Route;
use crate::telemetry::account::AccountMetrics;

/// Why accounts cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// There is no way to the gateway.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Two metrics are declared alike.
    #[error("cannot register the exporter's own metrics: {0}")]
    Telemetry(#[from] prometheus::Error),
}

/// The accounts of the configuration that is in force.
#[derive(Debug)]
pub struct Roster {
    entries: Vec<Entry>,
    /// The nameless one has the empty name.
    by_name: HashMap<String, usize>,
    page: Page,
    workshop: Workshop,
}

/// One account, with what it was made of.
#[derive(Debug)]
pub struct Entry {
    /// The account.
    pub account: Arc<Account>,
    /// The answer to scrapes of this account alone.
    pub page: Arc<Page>,
    settings: Arc<AccountSettings>,
    origin: Origin,
    gateway: Gateway,
}

impl Roster {
    /// The accounts of the first configuration.
    ///
    /// # Errors
    /// [`RosterError`] when they cannot be set up.
    pub fn new(config: Config, clock: &Arc<dyn Clock>) -> Result<Roster, RosterError> {
        let workshop = Workshop::of(&config, clock);
        Roster::build(config, workshop, None)
    }

    /// The accounts of the next configuration. Those that stay keep their cache and their counters.
    ///
    /// # Errors
    /// [`RosterError`] when they cannot be set up.
    pub fn succeeded_by(&self, config: Config) -> Result<Roster, RosterError> {
        let workshop = self.workshop.adapted_to(&config);
        Roster::build(config, workshop, Some(self))
    }

    fn build(
        config: Config,
        mut workshop: Workshop,
        former: Option<&Roster>,
    ) -> Result<Roster, RosterError> {
        let freshness = config.freshness;
        let mut entries = Vec::with_capacity(config.accounts.len());
        for account in config.accounts {
            let of_that_name = former.and_then(|roster| roster.entry(account.name.as_deref()));
            entries.push(match of_that_name {
                Some(entry) => entry.succeeded_by(account, &mut workshop, freshness)?,
                None => Entry::new(account, &mut workshop, freshness, former)?,
            });
        }
        workshop.keep_transports(&entries);
        let names = entries.iter().map(|entry| entry.account.name());
        Ok(Roster {
            by_name: names
                .map(|name| name.unwrap_or_default().to_owned())
                .zip(0..)
                .collect(),
            entries,
            page: Page::default(),
            workshop,
        })
    }

    /// Puts the settings of all accounts in force. Call it off the async threads: it takes milliseconds
    /// where an account with thousands of profiles has new rules.
    pub fn reconfigure(&self) {
        for entry in &self.entries {
            entry.account.reconfigure(&entry.settings);
        }
    }

    /// Ends the accounts of `former`, which this takes the place of, that are not part of this any more.
    pub fn take_over(&self, former: &Roster) {
        for Entry { account, .. } in &former.entries {
            let goes_on = self
                .entry(account.name())
                .is_some_and(|entry| Arc::ptr_eq(&entry.account, account));
            if !goes_on {
                account.retire();
            }
        }
        self.workshop.turns.set_places(self.workshop.places);
        let shares = &self.workshop.shares;
        shares.set_limit(self.workshop.exposition_bytes, self.entries.len());
        let bodies = &self.workshop.bodies;
        bodies.set_longest(self.workshop.response_bytes);
    }

    /// The accounts, in the order of the configuration.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The account of that name.
    pub fn entry(&self, name: Option<&str>) -> Option<&Entry> {
        let place = self.by_name.get(name.unwrap_or_default())?;
        self.entries.get(*place)
    }

    /// The answer to scrapes of all accounts.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// The ways to the gateways of all accounts, each once.
    pub fn routes(&self) -> BTreeSet<Route> {
        let gateways = self.entries.iter().map(|entry| &entry.gateway);
        gateways.map(Route::to).collect()
    }

    /// Whether every file that the configuration names could be read when it was last needed.
    pub fn files_are_good(&self) -> bool {
        let mut accounts = self.entries.iter().map(|entry| &entry.account);
        let mut transports = self.workshop.transports.iter();
        transports.all(|transport| transport.is_good())
            && accounts.all(|account| account.secret_is_good())
    }
}

impl Entry {
    fn new(
        account: AccountConfig,
        workshop: &mut Workshop,
        freshness: Freshness,
        former: Option<&Roster>,
    ) -> Result<Entry, RosterError> {
        let name = account.name.as_deref();
        let (origin, gateway) = (account.origin, account.gateway);
        let metrics = Arc::new(AccountMetrics::new(name)?);
        let client = workshop.client(&gateway, account.credentials)?;
        let share = workshop.share();
        let settings = Arc::new(AccountSettings {
            refresher: workshop.refresher(client, &gateway, account.rules, metrics, share),
            freshness,
        });
        let (name, clock) = (name.map(Arc::from), Arc::clone(&workshop.clock));
        let account = Account::new(name, Arc::clone(&settings), clock);
        let mut former = former.iter().flat_map(|roster| &roster.entries);
        // Under another name the gateway would be asked as before.
        let renamed = former.find(|entry| settings.refresher.asks_as(&entry.settings.refresher));
        Ok(Entry {
            account: Arc::new(match renamed {
                Some(entry) => account.pausing_as(&entry.account),
                None => account,
            }),
            page: Arc::default(),
            settings,
            origin,
            gateway,
        })
    }

    /// The budget of a refresh of this account.
    pub fn timeout(&self) -> Duration {
        self.gateway.timeout
    }

    /// The same account, unless another gateway or other credentials make it another one. Other settings
    /// come into force with the roster.
    fn succeeded_by(
        &self,
        next: AccountConfig,
        workshop: &mut Workshop,
        freshness: Freshness,
    ) -> Result<Entry, RosterError> {
        let (origin, gateway) = (next.origin, next.gateway);
        let client = workshop.client(&gateway, next.credentials)?;
        let is_unchanged = self.origin == origin
            && self.gateway == gateway
            && self.settings.freshness == freshness
            && **self.settings.refresher.rules() == next.rules;
        let settings = match is_unchanged {
            // A secret that has changed in its file is read again before the next request.
            true => Arc::clone(&self.settings),
            false => {
                let metrics = Arc::clone(self.account.metrics());
                let share = Arc::clone(self.settings.refresher.share());
                let refresher = workshop.refresher(client, &gateway, next.rules, metrics, share);
                Arc::new(AccountSettings {
                    refresher,
                    freshness,
                })
            }
        };
        let asks_alike = settings.refresher.asks_as(&self.settings.refresher);
        let (account, page) = match asks_alike {
            true => (Arc::clone(&self.account), Arc::clone(&self.page)),
            // The former one may still refresh, and its page must not pass for this one's.
            false => {
                let account = self.account.replaced(Arc::clone(&settings));
                (Arc::new(account), Arc::default())
            }
        };
        Ok(Entry {
            account,
            page,
            settings,
            origin,
            gateway,
        })
    }
}

/// What the accounts of a configuration share.
#[derive(Debug, Clone)]
pub struct Workshop {
    /// One for all accounts that reach their gateways alike: they share its connections.
    transports: Vec<Arc<Transport>>,
    /// Of all transports, across reloads: those that hang stay.
    lookups: Lookups,
    turns: Arc<Turns>,
    places: usize,
    /// Divides `limits.exposition_bytes`.
    shares: Arc<Shares>,
    exposition_bytes: u64,
    bodies: Arc<BodyBudget>,
    response_bytes: u64,
    clock: Arc<dyn Clock>,
}

impl Workshop {
    /// What the accounts of `config` share.
    pub fn of(config: &Config, clock: &Arc<dyn Clock>) -> Workshop {
        Workshop {
            transports: Vec::new(),
            lookups: Lookups::default(),
            turns: Arc::new(Turns::new(config.concurrent_refreshes)),
            places: config.concurrent_refreshes,
            shares: Arc::new(Shares::new(config.exposition_bytes, config.accounts.len())),
            exposition_bytes: config.exposition_bytes,
            bodies: Arc::new(BodyBudget::new(config.response_bytes)),
            response_bytes: config.response_bytes,
            clock: Arc::clone(clock),
        }
    }

    /// The same for another configuration. Its accounts take turns with those that are being read, and
    /// reach gateways as before where nothing of that has changed.
    fn adapted_to(&self, config: &Config) -> Workshop {
        Workshop {
            places: config.concurrent_refreshes,
            exposition_bytes: config.exposition_bytes,
            response_bytes: config.response_bytes,
            ..self.clone()
        }
    }

    /// The gateway as one account sees it.
    ///
    /// # Errors
    /// [`RosterError`] when there is no way to it.
    pub fn client(
        &mut self,
        gateway: &Gateway,
        credentials: Credentials,
    ) -> Result<Client, RosterError> {
        Ok(Client::new(
            self.transport(&gateway.transport)?,
            gateway.url.clone(),
            credentials,
            gateway.response_bytes,
            self.bodies.account(),
            Arc::clone(&self.clock),
        ))
    }

    /// The share of another account in the metrics of all.
    pub fn share(&self) -> Arc<Share> {
        self.shares.share()
    }

    /// What reads one account.
    pub fn refresher(
        &self,
        client: Client,
        gateway: &Gateway,
        rules: Rules,
        metrics: Arc<AccountMetrics>,
        share: Arc<Share>,
    ) -> Refresher {
        Refresher::new(
            client,
            rules,
            gateway.timeout,
            Arc::clone(&self.clock),
            metrics,
            Arc::clone(&self.turns),
            share,
        )
    }

    fn transport(
        &mut self,
        settings: &TransportSettings,
    ) -> Result<Arc<Transport>, TransportError> {
        let mut known = self.transports.iter();
        if let Some(transport) = known.find(|known| known.settings() == settings) {
            return Ok(Arc::clone(transport));
        }
        let transport = Arc::new(Transport::new(settings.clone(), self.lookups.clone())?);
        self.transports.push(Arc::clone(&transport));
        Ok(transport)
    }

    /// Forgets the transports that none of these accounts uses.
    fn keep_transports(&mut self, entries: &[Entry]) {
        self.transports.retain(|transport| {
            let mut used = entries.iter().map(|entry| &entry.gateway.transport);
            used.any(|settings| settings == transport.settings())
        });
    }
}
