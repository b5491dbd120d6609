//! Creates the parts of accounts, and holds the resources that all accounts share.

use std::sync::Arc;

use crate::config::{Config, Gateway};
use crate::gateway::BodyBudget;
use crate::gateway::client::GatewayClient;
use crate::gateway::credentials::Credentials;
use crate::gateway::resolver::Lookups;
use crate::gateway::transport::{Transport, TransportError, TransportSettings};
use crate::refresh::{RefreshLimiter, Refresher, Rules, Share, Shares};
use crate::telemetry::account::AccountMetrics;
use exporter_toolkit::clock::Clock;
use exporter_toolkit::shared_text::SharedTexts;

/// Why the accounts of a configuration cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The transport to a gateway cannot be created.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Two metrics have the same name, which is a bug.
    #[error("cannot register the exporter's own metrics: {0}")]
    Telemetry(#[from] prometheus::Error),
}

/// Creates the parts of accounts. The resources that all accounts share are kept across reloads.
#[derive(Debug, Clone)]
pub(crate) struct AccountFactory {
    /// One transport for all accounts with the same transport settings, which share its connections.
    pub(super) transports: Vec<Arc<Transport>>,
    /// The lookups of all transports. Lookups that hang stay across reloads.
    lookups: Lookups,
    limiter: Arc<RefreshLimiter>,
    max_concurrent_refreshes: usize,
    /// Divides `limits.exposition_bytes`.
    shares: Arc<Shares>,
    exposition_bytes: u64,
    body_budget: Arc<BodyBudget>,
    response_bytes: u64,
    pub(super) texts: SharedTexts,
    pub(super) clock: Arc<dyn Clock>,
}

impl AccountFactory {
    /// Creates the factory of the first configuration.
    pub(crate) fn new(config: &Config, clock: &Arc<dyn Clock>) -> AccountFactory {
        AccountFactory {
            transports: Vec::new(),
            lookups: Lookups::default(),
            limiter: Arc::new(RefreshLimiter::new(config.concurrent_refreshes)),
            max_concurrent_refreshes: config.concurrent_refreshes,
            shares: Arc::new(Shares::new(config.exposition_bytes, config.accounts.len())),
            exposition_bytes: config.exposition_bytes,
            body_budget: Arc::new(BodyBudget::new(config.response_bytes)),
            response_bytes: config.response_bytes,
            texts: SharedTexts::default(),
            clock: Arc::clone(clock),
        }
    }

    /// Creates the factory of the next configuration. It keeps the transports, and the limits of the former configuration
    /// until [`AccountFactory::apply_limits`].
    pub(super) fn reloaded(&self, config: &Config) -> AccountFactory {
        AccountFactory {
            max_concurrent_refreshes: config.concurrent_refreshes,
            exposition_bytes: config.exposition_bytes,
            response_bytes: config.response_bytes,
            ..self.clone()
        }
    }

    /// Creates the gateway client of an account.
    ///
    /// # Errors
    /// [`AccountsError`] if the transport cannot be created.
    pub(crate) fn client(
        &mut self,
        gateway: &Gateway,
        credentials: Credentials,
    ) -> Result<GatewayClient, AccountsError> {
        Ok(GatewayClient::new(
            self.transport(&gateway.transport)?,
            gateway.url.clone(),
            credentials,
            gateway.response_bytes,
            self.body_budget.account(),
            Arc::clone(&self.clock),
        ))
    }

    /// Adds the share of another account in `limits.exposition_bytes`.
    pub(crate) fn share(&self) -> Arc<Share> {
        self.shares.share()
    }

    /// Creates the refresher of an account.
    pub(crate) fn refresher(
        &self,
        client: GatewayClient,
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
            Arc::clone(&self.limiter),
            share,
        )
    }

    /// The transport with these settings, shared or new.
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

    /// Starts no refresh until [`AccountFactory::apply_limits`].
    pub(super) fn hold_refreshes(&self) {
        self.limiter.set_limit(0);
    }

    /// Applies the limits of this factory's configuration; `accounts` is the number of accounts.
    pub(super) fn apply_limits(&self, accounts: usize) {
        self.limiter.set_limit(self.max_concurrent_refreshes);
        self.shares.set_limit(self.exposition_bytes, accounts);
        self.body_budget.set_max_body_bytes(self.response_bytes);
    }

    /// Drops the transports whose settings are not among the `used` ones.
    pub(super) fn retain_transports<'a>(
        &mut self,
        used: impl Iterator<Item = &'a TransportSettings> + Clone,
    ) {
        self.transports.retain(|transport| {
            used.clone()
                .any(|settings| settings == transport.settings())
        });
    }
}
