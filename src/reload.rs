//! Loading the configuration again while the exporter runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::task::spawn_blocking;
use tracing::{error, info};

use crate::clock::Clock;
use crate::config::{Config, ConfigErrors};
use crate::roster::{Roster, RosterError};
use crate::service_manager;
use crate::telemetry::Telemetry;

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
    /// A mistake in this program.
    #[error("loading the configuration failed")]
    Died,
}

/// Keeps the accounts of the configuration that is in force, and puts the next one in force.
pub struct Reloader {
    load: Load,
    telemetry: Arc<Telemetry>,
    clock: Arc<dyn Clock>,
    roster: RwLock<Arc<Roster>>,
    /// One reload at a time.
    reloading: Mutex<()>,
    latest_is_good: AtomicBool,
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Reloader").finish_non_exhaustive()
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
        clock: Arc<dyn Clock>,
    ) -> Result<Reloader, ReloadError> {
        let roster = Roster::new(load()?, &telemetry, &clock)?;
        telemetry.set_configuration_loaded(clock.now());
        Ok(Reloader {
            load,
            telemetry,
            clock,
            roster: RwLock::new(Arc::new(roster)),
            reloading: Mutex::default(),
            latest_is_good: AtomicBool::new(true),
        })
    }

    /// The accounts that are in force.
    pub fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.roster.read())
    }

    /// Whether what is in force is what the configuration's files say.
    pub fn is_good(&self) -> bool {
        self.latest_is_good.load(Ordering::Relaxed) && self.roster().files_are_good()
    }

    /// Loads the configuration again and puts it in force. A wrong one changes nothing. Whoever
    /// stops waiting does not stop it.
    ///
    /// # Errors
    /// [`ReloadError`], which is logged, too.
    pub async fn reload(self: &Arc<Self>) -> Result<(), ReloadError> {
        let reloader = Arc::clone(self);
        let reloading = spawn_blocking(move || {
            let _one_at_a_time = reloader.reloading.lock();
            service_manager::reloading();
            let result = reloader.put_next_in_force();
            reloader.take_note(&result);
            service_manager::ready();
            result.map(drop)
        });
        reloading.await.unwrap_or(Err(ReloadError::Died))
    }

    fn put_next_in_force(&self) -> Result<usize, ReloadError> {
        let config = (self.load)()?;
        let next = (self.roster()).succeeded_by(config, &self.telemetry, &self.clock)?;
        let accounts = next.entries().len();
        *self.roster.write() = Arc::new(next);
        Ok(accounts)
    }

    fn take_note(&self, result: &Result<usize, ReloadError>) {
        self.latest_is_good.store(result.is_ok(), Ordering::Relaxed);
        match result {
            Ok(accounts) => {
                self.telemetry.set_configuration_loaded(self.clock.now());
                info!(accounts, "Loaded the configuration again");
            }
            Err(ReloadError::Config(mistakes)) => {
                for err in &mistakes.0 {
                    error!(%err, "Cannot load the configuration, the running one stays in force");
                }
            }
            Err(err) => {
                error!(%err, "Cannot load the configuration, the running one stays in force")
            }
        }
    }
}
