//! Loading the configuration again while the exporter runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::{error, info};

use crate::clock::Clock;
use crate::config::{Config, ConfigErrors};
use crate::reread::Rereader;
use crate::roster::{Roster, RosterError};
use crate::route::Route;
use crate::service_manager;
use crate::telemetry::Telemetry;
use crate::web_config::WebConfigFile;

/// How long files may take to be read before a reload has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Loads the configuration: files, flags and environment.
pub type Load = Box<dyn Fn() -> Result<Config, ConfigErrors> + Send + Sync>;

/// Why a configuration cannot be put in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// It is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Its accounts cannot be set up.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// The web configuration file is wrong. It is looked at by itself, too.
    #[error("{0}")]
    WebConfig(String),
    /// A file does not answer, as on a network drive that is gone.
    #[error("reading the files takes too long")]
    Slow,
    /// A defect of this program; the panic itself is on standard error.
    #[error("the reload panicked: this is a defect of qlara-exporter, please report it")]
    Panicked,
}

impl ReloadError {
    /// A line for each mistake.
    pub fn lines(&self) -> Vec<String> {
        self.to_string().lines().map(str::to_owned).collect()
    }
}

/// Keeps the accounts of the configuration that is in force, and puts the next one in force.
pub struct Reloader {
    load: Load,
    telemetry: Arc<Telemetry>,
    web_config: Arc<WebConfigFile>,
    clock: Arc<dyn Clock>,
    roster: RwLock<Arc<Roster>>,
    rereader: Rereader<Result<Roster, ReloadError>>,
    reloading: tokio::sync::Mutex<()>,
    latest_is_good: AtomicBool,
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Reloader")
            .field("roster", &self.roster)
            .finish_non_exhaustive()
    }
}

impl Reloader {
    /// Loads the first configuration.
    ///
    /// # Errors
    /// [`ReloadError`] when there is nothing to put in force.
    pub fn new(
        load: Load,
        telemetry: Arc<Telemetry>,
        web_config: Arc<WebConfigFile>,
        clock: Arc<dyn Clock>,
    ) -> Result<Reloader, ReloadError> {
        let roster = Roster::new(load()?, &clock)?;
        telemetry.set_configuration_loaded(clock.now());
        Ok(Reloader {
            load,
            telemetry,
            web_config,
            clock,
            roster: RwLock::new(Arc::new(roster)),
            rereader: Rereader::new(PATIENCE),
            reloading: tokio::sync::Mutex::default(),
            latest_is_good: AtomicBool::new(true),
        })
    }

    /// The accounts that are in force.
    pub fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.roster.read())
    }

    /// Whether what is in force is what the files say.
    pub fn is_good(&self) -> bool {
        self.latest_is_good.load(Ordering::Relaxed)
            && self.web_config.is_good()
            && self.roster().files_are_good()
    }

    /// Loads the configuration again and puts it in force. A wrong one changes nothing. Whoever
    /// stops waiting does not stop it.
    ///
    /// # Errors
    /// [`ReloadError`], all that is wrong, which is logged, too.
    pub async fn reload(self: &Arc<Self>) -> Result<(), Vec<ReloadError>> {
        let reloader = Arc::clone(self);
        let reloading = tokio::spawn(async move { reloader.put_next_in_force().await });
        reloading
            .await
            .unwrap_or_else(|_| Err(vec![ReloadError::Panicked]))
    }

    async fn put_next_in_force(self: &Arc<Self>) -> Result<(), Vec<ReloadError>> {
        let Ok(_one_at_a_time) = timeout(PATIENCE, self.reloading.lock()).await else {
            self.latest_is_good.store(false, Ordering::Relaxed);
            return self.take_note(Err(vec![ReloadError::Slow]));
        };
        // Inside the lock, so that READY of one reload does not speak for the next.
        let _announced = service_manager::reloading();
        let next = self.next().await;
        self.web_config.current().await;
        let web_config = self.web_config.fault().map(ReloadError::WebConfig);
        let result = match (next, web_config) {
            (Ok(next), None) => self.put_in_force(next).await,
            (next, web_config) => Err(next.err().into_iter().chain(web_config).collect()),
        };
        self.latest_is_good.store(result.is_ok(), Ordering::Relaxed);
        self.take_note(result)
    }

    async fn next(self: &Arc<Self>) -> Result<Roster, ReloadError> {
        let reloader = Arc::clone(self);
        let next = move || {
            let config = (reloader.load)()?;
            Ok(reloader.roster().succeeded_by(config)?)
        };
        let next = self.rereader.look(next).await;
        next.unwrap_or(Err(ReloadError::Slow))
    }

    /// How many accounts there are now.
    async fn put_in_force(&self, next: Roster) -> Result<usize, Vec<ReloadError>> {
        let next = Arc::new(next);
        let accounts = Arc::clone(&next);
        // First, so that no scrape finds the next accounts under their former settings.
        let reconfigured = spawn_blocking(move || accounts.reconfigure());
        reconfigured
            .await
            .map_err(|_| vec![ReloadError::Panicked])?;
        let former = std::mem::replace(&mut *self.roster.write(), Arc::clone(&next));
        next.take_over(&former);
        let (routes, known) = (next.routes(), former.routes());
        routes.difference(&known).for_each(Route::log);
        Ok(next.entries().len())
    }

    fn take_note(&self, result: Result<usize, Vec<ReloadError>>) -> Result<(), Vec<ReloadError>> {
        match result {
            Ok(accounts) => {
                self.telemetry.set_configuration_loaded(self.clock.now());
                info!(accounts, "Loaded the configuration again");
                Ok(())
            }
            Err(errors) => {
                for err in errors.iter().flat_map(ReloadError::lines) {
                    error!(
                        err,
                        "Cannot load the configuration, the running one stays in force"
                    );
                }
                Err(errors)
            }
        }
    }
}
