//! Merges flags, environment variables and the configuration file into a validated [`Config`]. The rest of the
//! program sees only validated values.

mod file;
mod links;
mod model;
mod select;
mod settings;
mod validate;

pub use exporter_toolkit::diagnostics::{ConfigError, ConfigErrors};
pub use links::Links;
pub use model::{
    AccountConfig, CachePolicy, Config, CredentialSource, DEFAULT_CONCURRENT_REFRESHES,
    DEFAULT_MAX_STALE, DEFAULT_TIMEOUT, DEFAULT_TTL, DEFAULT_URL, Gateway,
};
pub use select::{FieldNamesByAccount, UnknownAccount};
pub use settings::{Environment, Settings};
pub(crate) use validate::checked_timeout;

use exporter_toolkit::reloader::Fingerprint;
use file::File;

impl Config {
    /// Reads and validates the configuration file, flags, environment variables and secret files.
    ///
    /// # Errors
    /// [`ConfigErrors`] with all errors, or with a single one if the file cannot be read or parsed.
    pub fn load(settings: &Settings, environment: Environment) -> Result<Config, ConfigErrors> {
        Config::load_through(&mut Fingerprint::default(), settings, environment)
    }

    /// Like [`Config::load`], and adds the configuration file to `files`, so that a reload notices its changes.
    ///
    /// # Errors
    /// As for [`Config::load`].
    pub fn load_through(
        files: &mut Fingerprint,
        settings: &Settings,
        environment: Environment,
    ) -> Result<Config, ConfigErrors> {
        let file = read_file(files, settings)?;
        validate::config(settings, &file, environment)
    }

    /// Reads only the field names (`gateway.fields`) of the configuration file. Does not read secrets.
    ///
    /// # Errors
    /// [`ConfigErrors`] with all errors in field names, or with a single one if the file cannot be read or
    /// parsed.
    pub fn field_names(settings: &Settings) -> Result<FieldNamesByAccount, ConfigErrors> {
        let file = read_file(&mut Fingerprint::default(), settings)?;
        validate::field_names(settings, &file)
    }
}

fn read_file(files: &mut Fingerprint, settings: &Settings) -> Result<File, ConfigError> {
    match &settings.file {
        Some(path) => File::read(path, files),
        None => Ok(File::default()),
    }
}
