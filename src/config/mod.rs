//! File, flags and environment become one validated [`Config`]. Nothing else in the program sees
//! raw input.

pub mod duration;
mod error;
mod file;
mod select;
mod validate;
pub(crate) mod yaml;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

pub use error::{ConfigError, ConfigErrors};
pub(crate) use error::{shown, shown_key, shown_unknown_key};
pub use select::{FieldNamesByAccount, UnknownAccount};
pub(crate) use validate::checked_timeout;

use crate::account::Freshness;
use crate::gateway::credentials::Credentials;
use crate::gateway::transport::TransportSettings;
use crate::hidden::Hidden;
use crate::refresh::Rules;

/// The base address of the examples in the API's documentation.
pub const DEFAULT_URL: &str = "https://lora-api.agiletelecom.com/api/v1/partner-gateway";
/// The default of `gateway.timeout`.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// The default of `cache.ttl`.
pub const DEFAULT_TTL: Duration = Duration::from_secs(60);
/// The default of `cache.max_stale`.
pub const DEFAULT_MAX_STALE: Duration = Duration::from_secs(15 * 60);

/// The default of `limits.concurrent_refreshes`.
pub const DEFAULT_CONCURRENT_REFRESHES: usize = 32;

/// What flags and environment variables say. They win over the file.
#[derive(Clone, Default)]
pub struct Settings {
    /// `--config.file`.
    pub file: Option<PathBuf>,
    /// `--qlara.url`.
    pub url: Option<String>,
    /// `--qlara.api-key-file`.
    pub api_key_file: Option<PathBuf>,
    /// `--qlara.account`.
    pub account: Option<String>,
    /// `--qlara.timeout`.
    pub timeout: Option<Duration>,
    /// `--cache.ttl`.
    pub ttl: Option<Duration>,
    /// `--cache.max-stale`.
    pub max_stale: Option<Duration>,
    /// Memory limit of the control group in bytes, which lowers the defaults of `limits`.
    pub memory_limit: Option<u64>,
}

/// Without the URL, which may hold a password as long as nobody has checked it.
impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Settings")
            .field("file", &self.file)
            .field("url", &self.url.as_ref().map(Hidden))
            .field("api_key_file", &self.api_key_file)
            .field("account", &self.account)
            .field("timeout", &self.timeout)
            .field("ttl", &self.ttl)
            .field("max_stale", &self.max_stale)
            .field("memory_limit", &self.memory_limit)
            .finish()
    }
}

/// How to read an environment variable. What is not UTF-8 in its value has become U+FFFD.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The validated configuration.
#[derive(Debug)]
pub struct Config {
    /// How long data is used.
    pub freshness: Freshness,
    /// Refreshes that may be under way at once.
    pub concurrent_refreshes: usize,
    /// Maximum size of a response in bytes after decompression. All concurrent responses may take twice this size.
    pub response_bytes: u64,
    /// Maximum size in bytes of the metrics of all profiles of all accounts.
    pub exposition_bytes: u64,
    /// The accounts, at least one; only a single one may be nameless.
    pub accounts: Vec<AccountConfig>,
}

/// Where the gateway is and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// The whole prefix in front of `/socials`.
    pub url: Url,
    /// The budget of a refresh.
    pub timeout: Duration,
    /// The longest body that is read, in bytes after decompression.
    pub response_bytes: u64,
    /// The way there.
    pub transport: TransportSettings,
}

/// One account.
#[derive(Debug)]
pub struct AccountConfig {
    /// The name, `None` for the account that comes from flags and environment, unless `--qlara.account`
    /// names it.
    pub name: Option<String>,
    /// What it shows to the gateway.
    pub credentials: Credentials,
    /// Where they come from.
    pub origin: Origin,
    /// Its gateway.
    pub gateway: Gateway,
    /// How its answers become snapshots.
    pub rules: Rules,
}

/// Where an account's secret comes from, as a configuration file says it. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `api_key_file`.
    ApiKeyFile(PathBuf),
    /// `api_key_env`.
    ApiKeyEnv(String),
    /// `basic_auth`.
    BasicAuth {
        /// `username`.
        username: String,
        /// `password_file`.
        password_file: PathBuf,
    },
}

impl Config {
    /// Reads and validates everything, the secret files included.
    ///
    /// # Errors
    /// [`ConfigErrors`]: all that is wrong, or the one mistake for which the file cannot be read.
    pub fn load(settings: &Settings, environment: Environment) -> Result<Config, ConfigErrors> {
        let file = match &settings.file {
            Some(path) => file::File::read(path)?,
            None => file::File::default(),
        };
        validate::config(settings, &file, environment)
    }

    /// How the configuration file names the fields of answers. No secret is looked at.
    ///
    /// # Errors
    /// [`ConfigErrors`]: all that is wrong with the names, or the one mistake for which the file
    /// cannot be read.
    pub fn field_names(settings: &Settings) -> Result<FieldNamesByAccount, ConfigErrors> {
        let file = match &settings.file {
            Some(path) => file::File::read(path)?,
            None => file::File::default(),
        };
        validate::field_names(settings, &file)
    }
}
