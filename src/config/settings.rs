//! Settings from command line flags and environment variables.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use exporter_toolkit::redacted::Redacted;

/// Values of flags and their environment variables. They override the configuration file.
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

/// Redacts the URL, which may contain a password until it is validated.
impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Settings")
            .field("file", &self.file)
            .field("url", &self.url.as_ref().map(Redacted))
            .field("api_key_file", &self.api_key_file)
            .field("account", &self.account)
            .field("timeout", &self.timeout)
            .field("ttl", &self.ttl)
            .field("max_stale", &self.max_stale)
            .field("memory_limit", &self.memory_limit)
            .finish()
    }
}

/// Reads an environment variable. Bytes that are not UTF-8 are replaced by U+FFFD.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;
