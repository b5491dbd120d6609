//! The validated configuration.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use super::links::Links;
use crate::gateway::credentials::Credentials;
use crate::gateway::transport::TransportSettings;
use crate::refresh::Rules;

/// The default of `gateway.url`, from the examples in the API's documentation.
pub const DEFAULT_URL: &str = "https://lora-api.agiletelecom.com/api/v1/partner-gateway";
/// The default of `gateway.timeout`.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// The default of `cache.ttl`.
pub const DEFAULT_TTL: Duration = Duration::from_secs(60);
/// The default of `cache.max_stale`.
pub const DEFAULT_MAX_STALE: Duration = Duration::from_secs(15 * 60);
/// The default of `limits.concurrent_refreshes`.
pub const DEFAULT_CONCURRENT_REFRESHES: usize = 32;

/// The validated configuration.
#[derive(Debug)]
pub struct Config {
    /// How long cached data is used.
    pub cache_policy: CachePolicy,
    /// Maximum number of concurrent refreshes.
    pub concurrent_refreshes: usize,
    /// Maximum size of a response in bytes after decompression. All concurrent responses may take twice this size.
    pub response_bytes: u64,
    /// Maximum size in bytes of the metrics of all profiles of all accounts.
    pub exposition_bytes: u64,
    /// The accounts, at least one. Only the default account can be without a name.
    pub accounts: Vec<AccountConfig>,
}

/// How long an account's data is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachePolicy {
    /// Snapshots younger than this are served without a gateway call.
    pub ttl: Duration,
    /// Snapshots younger than this are served if a refresh fails.
    pub max_stale: Duration,
}

/// The address of a gateway, and how to connect to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// The base URL, without `/socials`.
    pub url: Url,
    /// Maximum duration of a refresh.
    pub timeout: Duration,
    /// Maximum size of a response in bytes after decompression.
    pub response_bytes: u64,
    /// Proxy, CA file and timeouts of connections.
    pub transport: TransportSettings,
}

/// The validated configuration of an account.
#[derive(Debug)]
pub struct AccountConfig {
    /// The name; `None` for the default account, which comes from flags and environment variables, unless
    /// `--qlara.account` sets its name.
    pub name: Option<String>,
    /// The credentials for the gateway.
    pub credentials: Credentials,
    /// Where the credentials come from.
    pub source: CredentialSource,
    /// The account's gateway.
    pub gateway: Gateway,
    /// How responses become snapshots.
    pub rules: Rules,
    /// Where people find more about its profiles.
    pub links: Links,
}

/// Where an account's credentials come from, in the terms of the configuration file. Contains no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialSource {
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
