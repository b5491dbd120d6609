//! The accounts of a configuration, ready to be asked; and what becomes of them under the next one.

use std::collections::HashMap;
use std::sync::Arc;

use crate::account::{Account, Freshness};
use crate::clock::Clock;
use crate::config::{AccountConfig, Config, Gateway, Origin};
use crate::exposition::Page;
use crate::gateway::client::Client;
use crate::gateway::credentials::Credentials;
use crate::gateway::transport::{Transport, TransportError};
use crate::refresh::{Refresher, Rules, Turns};
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
    freshness: Freshness,
    workshop: Workshop,
}

/// One account, with what it was made of.
#[derive(Debug)]
pub struct Entry {
    /// The account.
    pub account: Arc<Account>,
    /// The answer to scrapes of this account alone.
    pub page: Arc<Page>,
    origin: Origin,
    rules: Rules,
}

impl Roster {
    /// The accounts of the first configuration.
    ///
    /// # Errors
    /// [`RosterError`] when they cannot be set up.
    pub fn new(config: Config, clock: &Arc<dyn Clock>) -> Result<Roster, RosterError> {
        let workshop = Workshop::of(&config, clock)?;
        Roster::build(config, workshop, |_| None)
    }

    /// The accounts of the next configuration. Those that stay keep their cache and their counters.
    ///
    /// # Errors
    /// [`RosterError`] when they cannot be set up.
    pub fn succeeded_by(&self, config: Config) -> Result<Roster, RosterError> {
        let workshop = self.workshop.adapted_to(&config)?;
        Roster::build(config, workshop, |name| {
            self.entry(name).map(|entry| (self, entry))
        })
    }

    fn build<'a>(
        config: Config,
        workshop: Workshop,
        former: impl Fn(Option<&str>) -> Option<(&'a Roster, &'a Entry)>,
    ) -> Result<Roster, RosterError> {
        let freshness = config.freshness;
        let make = |account: AccountConfig| match former(account.name.as_deref()) {
            Some((roster, entry)) => Ok(entry.succeeded_by(account, roster, &workshop, freshness)),
            None => Entry::new(account, &workshop, freshness),
        };
        let entries: Vec<Entry> = (config.accounts.into_iter())
            .map(make)
            .collect::<Result<_, _>>()?;
        let names = entries.iter().map(|entry| entry.account.name());
        Ok(Roster {
            by_name: names
                .map(|name| name.unwrap_or_default().to_owned())
                .zip(0..)
                .collect(),
            entries,
            page: Page::default(),
            freshness,
            workshop,
        })
    }

    /// Takes the place of `former`, whose accounts that are not part of this any more ask no longer.
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

    /// Where the gateway is.
    pub fn gateway(&self) -> &Gateway {
        &self.workshop.gateway
    }

    /// Whether every file that the configuration names could be read when it was last needed.
    pub fn files_are_good(&self) -> bool {
        let mut accounts = self.entries.iter().map(|entry| &entry.account);
        self.workshop.transport.is_good() && accounts.all(|account| account.secret_is_good())
    }
}

impl Entry {
    fn new(
        account: AccountConfig,
        workshop: &Workshop,
        freshness: Freshness,
    ) -> Result<Entry, RosterError> {
        let name = account.name.as_deref();
        let (origin, rules) = (account.origin, account.rules);
        let metrics = Arc::new(AccountMetrics::new(name)?);
        let refresher = workshop.refresher(account.credentials, rules.clone(), metrics);
        let (name, clock) = (name.map(Arc::from), Arc::clone(&workshop.clock));
        Ok(Entry {
            account: Arc::new(Account::new(name, refresher, freshness, clock)),
            page: Arc::default(),
            origin,
            rules,
        })
    }

    /// The same account if nothing has changed for it, else one that takes over what it knows; but
    /// not what another key or another gateway told, nor a number that must no longer be shown.
    fn succeeded_by(
        &self,
        next: AccountConfig,
        roster: &Roster,
        workshop: &Workshop,
        freshness: Freshness,
    ) -> Entry {
        let (origin, rules) = (next.origin, next.rules);
        let same_source = self.origin == origin && roster.gateway().url == workshop.gateway.url;
        let same_way = roster.workshop.is(workshop) && roster.freshness == freshness;
        let (account, page) = match same_source && same_way && self.rules == rules {
            true => (Arc::clone(&self.account), Arc::clone(&self.page)),
            false => {
                let metrics = Arc::clone(self.account.metrics());
                let refresher = workshop.refresher(next.credentials, rules.clone(), metrics);
                let still_true = same_source && self.rules.phone_number == rules.phone_number;
                let account = self.account.reconfigured(refresher, freshness, still_true);
                // The former one may still refresh, and its page must not pass for this one's.
                (Arc::new(account), Arc::default())
            }
        };
        Entry {
            account,
            page,
            origin,
            rules,
        }
    }
}

/// What all accounts of a configuration have in common.
#[derive(Debug, Clone)]
pub struct Workshop {
    gateway: Gateway,
    transport: Arc<Transport>,
    turns: Arc<Turns>,
    places: usize,
    clock: Arc<dyn Clock>,
}

impl Workshop {
    /// What the accounts of `config` have in common.
    ///
    /// # Errors
    /// [`RosterError`] when there is no way to the gateway.
    pub fn of(config: &Config, clock: &Arc<dyn Clock>) -> Result<Workshop, RosterError> {
        Ok(Workshop {
            gateway: config.gateway.clone(),
            transport: Arc::new(Transport::new(config.gateway.transport.clone())?),
            turns: Arc::new(Turns::new(config.concurrent_refreshes)),
            places: config.concurrent_refreshes,
            clock: Arc::clone(clock),
        })
    }

    /// The same for another configuration. Its accounts take turns with those that are being read.
    fn adapted_to(&self, config: &Config) -> Result<Workshop, RosterError> {
        let transport = match self.gateway.transport == config.gateway.transport {
            true => Arc::clone(&self.transport),
            false => Arc::new(Transport::new(config.gateway.transport.clone())?),
        };
        Ok(Workshop {
            gateway: config.gateway.clone(),
            transport,
            turns: Arc::clone(&self.turns),
            places: config.concurrent_refreshes,
            clock: Arc::clone(&self.clock),
        })
    }

    /// The gateway as one account sees it.
    pub fn client(&self, credentials: Credentials) -> Client {
        Client::new(
            Arc::clone(&self.transport),
            self.gateway.url.clone(),
            credentials,
            self.gateway.response_bytes,
            Arc::clone(&self.clock),
        )
    }

    /// What reads one account.
    pub fn refresher(
        &self,
        credentials: Credentials,
        rules: Rules,
        metrics: Arc<AccountMetrics>,
    ) -> Refresher {
        let client = self.client(credentials);
        Refresher::new(
            client,
            rules,
            self.gateway.timeout,
            Arc::clone(&self.clock),
            metrics,
            Arc::clone(&self.turns),
        )
    }

    fn is(&self, other: &Workshop) -> bool {
        Arc::ptr_eq(&self.transport, &other.transport) && self.gateway == other.gateway
    }
}
