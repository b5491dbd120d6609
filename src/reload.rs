//! Reloads the configuration while the exporter runs.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info};

use crate::account::{Accounts, AccountsError};
use crate::config::{Config, ConfigErrors};
use crate::route::Route;
use crate::telemetry::Telemetry;
use exporter_toolkit::clock::Clock;
use exporter_toolkit::reloader::{Event, Fingerprint, Loader, ReloadError, Reloader};
use exporter_toolkit::systemd;
use exporter_toolkit::web_config::{WebConfigError, WebConfigFile};

/// Time that a reload may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Loads the configuration from file, flags and environment. The file is read through the fingerprint.
pub type Load = Box<dyn Fn(&mut Fingerprint) -> Result<Config, ConfigErrors> + Send + Sync>;

/// An error of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The accounts cannot be created.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The web configuration file is wrong. It is reloaded by itself, too.
    #[error(transparent)]
    WebConfig(#[from] WebConfigError),
}

/// All errors of the configuration, one per line.
#[derive(Debug)]
pub struct LoadErrors(pub Vec<LoadError>);

impl Display for LoadErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        out.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for LoadErrors {}

/// Keeps the accounts of the configuration in use, and replaces them on request.
#[derive(Debug)]
pub struct ConfigReloader(Reloader<ConfigLoader>);

struct ConfigLoader {
    load: Load,
    telemetry: Arc<Telemetry>,
    web_config: Arc<WebConfigFile>,
    clock: Arc<dyn Clock>,
}

impl ConfigReloader {
    /// Loads the first configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(
        load: Load,
        telemetry: Arc<Telemetry>,
        web_config: Arc<WebConfigFile>,
        clock: Arc<dyn Clock>,
    ) -> Result<ConfigReloader, LoadErrors> {
        let loader = ConfigLoader {
            load,
            telemetry,
            web_config,
            clock,
        };
        let reloader = Reloader::new(loader)?.with_timeout(TIMEOUT);
        reloader.loader().note_success();
        Ok(ConfigReloader(reloader))
    }

    /// The accounts in use.
    pub fn accounts(&self) -> Arc<Accounts> {
        self.0.last_good()
    }

    /// Whether the files are in use as they are.
    pub fn is_good(&self) -> bool {
        self.0.is_up_to_date()
            && self.0.loader().web_config.is_up_to_date()
            && self.accounts().files_are_good()
    }

    /// Loads the configuration again. A wrong configuration changes nothing. A caller that stops waiting does not stop
    /// the reload.
    ///
    /// # Errors
    /// Everything that is wrong, which is also logged.
    pub async fn reload(&self) -> Result<(), Arc<ReloadError<LoadErrors>>> {
        self.0.loader().web_config.current().await;
        self.0.reload().await
    }
}

impl ConfigLoader {
    fn accounts(
        &self,
        files: &mut Fingerprint,
        former: Option<&Accounts>,
    ) -> Result<Accounts, LoadError> {
        let config = (self.load)(files)?;
        let accounts = match former {
            Some(former) => former.reloaded(config),
            None => Accounts::new(config, &self.clock),
        };
        Ok(accounts?)
    }

    fn note_success(&self) {
        self.telemetry.set_configuration_loaded(self.clock.now());
    }
}

impl Loader for ConfigLoader {
    type Value = Accounts;
    type Error = LoadErrors;

    fn load(
        &self,
        files: &mut Fingerprint,
        last_good: Option<&Accounts>,
    ) -> Result<Accounts, LoadErrors> {
        let web_config = self.web_config.error().map(LoadError::WebConfig);
        match (self.accounts(files, last_good), web_config) {
            (Ok(accounts), None) => Ok(accounts),
            (accounts, web_config) => Err(LoadErrors(
                accounts.err().into_iter().chain(web_config).collect(),
            )),
        }
    }

    fn on_event(&self, event: Event<'_, ConfigLoader>) {
        match event {
            Event::Started => systemd::reloading(),
            // First, so that no scrape finds the next accounts with their former settings.
            Event::Replacing { next } => next.reconfigure(),
            Event::Replaced { value, former } => {
                value.take_over(former);
                let (routes, known) = (value.routes(), former.routes());
                routes.difference(&known).for_each(Route::log);
                self.note_success();
                let accounts = value.entries().len();
                info!(accounts, "Loaded the configuration again");
            }
            Event::Failed(errors) => {
                for err in errors.to_string().lines() {
                    error!(
                        err,
                        "Cannot load the configuration, the running one stays in force"
                    );
                }
            }
            Event::Recovered => {}
            Event::Ended => systemd::ready(),
        }
    }
}

impl fmt::Debug for ConfigLoader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ConfigLoader").finish_non_exhaustive()
    }
}
