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
use crate::telemetry::Telemetry;
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
    pub fn new(
        config: Config,
        telemetry: &Telemetry,
        clock: &Arc<dyn Clock>,
    ) -> Result<Roster, RosterError> {
        let workshop = Workshop::of(&config, clock)?;
        Roster::build(config, workshop, None, telemetry, clock)
    }

    /// The accounts of the next configuration. Those that stay keep their cache and their counters;
    /// the metrics of those that are gone are removed.
    ///
    /// # Errors
    /// [`RosterError`] when they cannot be set up; this roster stays as it is then.
    pub fn succeeded_by(
        &self,
        config: Config,
        telemetry: &Telemetry,
        clock: &Arc<dyn Clock>,
    ) -> Result<Roster, RosterError> {
        let workshop = match self.workshop.fits(&config) {
            true => self.workshop.clone(),
            false => Workshop::of(&config, clock)?,
        };
        let next = Roster::build(config, workshop, Some(self), telemetry, clock)?;
        let gone = self.entries.iter().map(|entry| &entry.account);
        for account in gone.filter(|account| next.entry(account.name()).is_none()) {
            telemetry.remove(account.metrics())?;
        }
        Ok(next)
    }

    fn build(
        config: Config,
        workshop: Workshop,
        former: Option<&Roster>,
        telemetry: &Telemetry,
        clock: &Arc<dyn Clock>,
    ) -> Result<Roster, RosterError> {
        let freshness = config.freshness;
        let former = |name: Option<&str>| {
            let former = former?;
            let unchanged = former.workshop.is(&workshop) && former.freshness == freshness;
            former.entry(name).map(|entry| (entry, unchanged))
        };
        let make = |account: AccountConfig| -> Result<Entry, RosterError> {
            let name = account.name.as_deref();
            let (origin, rules) = (account.origin, account.rules);
            let refresher =
                |metrics| workshop.refresher(account.credentials, rules.clone(), metrics);
            let (account, page) = match former(name) {
                Some((entry, true)) if entry.origin == origin && entry.rules == rules => {
                    (Arc::clone(&entry.account), Arc::clone(&entry.page))
                }
                Some((Entry { account, page, .. }, _)) => {
                    let refresher = refresher(Arc::clone(account.metrics()));
                    let account = account.reconfigured(refresher, freshness);
                    (Arc::new(account), Arc::clone(page))
                }
                None => {
                    let refresher = refresher(telemetry.account(name)?);
                    let (name, clock) = (name.map(Arc::from), Arc::clone(clock));
                    let account = Account::new(name, refresher, freshness, clock);
                    (Arc::new(account), Arc::default())
                }
            };
            Ok(Entry {
                account,
                page,
                origin,
                rules,
            })
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

/// What all accounts of a configuration have in common.
#[derive(Debug, Clone)]
pub struct Workshop {
    gateway: Gateway,
    transport: Arc<Transport>,
    turns: Arc<Turns>,
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
            clock: Arc::clone(clock),
        })
    }

    /// What reads one account.
    pub fn refresher(
        &self,
        credentials: Credentials,
        rules: Rules,
        metrics: Arc<AccountMetrics>,
    ) -> Refresher {
        let client = Client::new(
            Arc::clone(&self.transport),
            self.gateway.url.clone(),
            credentials,
            self.gateway.response_bytes,
            Arc::clone(&self.clock),
        );
        Refresher::new(
            client,
            rules,
            self.gateway.timeout,
            Arc::clone(&self.clock),
            metrics,
            Arc::clone(&self.turns),
        )
    }

    fn fits(&self, config: &Config) -> bool {
        self.gateway == config.gateway && self.turns.concurrent() == config.concurrent_refreshes
    }

    fn is(&self, other: &Workshop) -> bool {
        Arc::ptr_eq(&self.transport, &other.transport) && Arc::ptr_eq(&self.turns, &other.turns)
    }
}
