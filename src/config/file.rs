//! The configuration file before validation. It is YAML; unknown and duplicate keys are errors.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use serde_saphyr::Spanned;

use crate::refresh::PhoneNumber;
use exporter_toolkit::diagnostics::ConfigError;
use exporter_toolkit::duration;
use exporter_toolkit::redacted::{Redacted, shown_path};
use exporter_toolkit::reloader::Fingerprint;
use exporter_toolkit::size;
use exporter_toolkit::yaml::{self, or_default};

const MIB: u64 = 1024 * 1024;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    #[serde(skip)]
    pub path: PathBuf,
    #[serde(deserialize_with = "or_default")]
    pub gateway: GatewayBlock,
    #[serde(deserialize_with = "or_default")]
    pub cache: Cache,
    #[serde(deserialize_with = "or_default")]
    pub permissions: BTreeMap<String, Vec<String>>,
    #[serde(deserialize_with = "or_default")]
    pub tokens_without_expiry: Vec<Spanned<WithoutExpiry>>,
    pub phone_number: PhoneNumber,
    #[serde(deserialize_with = "or_default")]
    pub links: LinksBlock,
    #[serde(deserialize_with = "or_default")]
    pub limits: Limits,
    #[serde(deserialize_with = "or_default")]
    pub accounts: Vec<AccountBlock>,
}

/// A `gateway` block: at the top level the defaults of all accounts, in an account what overrides them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct GatewayBlock {
    pub url: Option<Spanned<String>>,
    #[serde(deserialize_with = "duration::deserialize_spanned")]
    pub timeout: Option<Spanned<duration::PrometheusDuration>>,
    /// May contain a password.
    pub proxy_url: Option<Spanned<Redacted>>,
    pub tls_config: Option<Tls>,
    pub allow_http: Option<bool>,
    pub fields: Option<Fields>,
}

/// `gateway.fields`: paths of fields in an entry of a response, if they differ from the usual names.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Fields {
    pub platform: Option<Spanned<String>>,
    pub id: Option<Spanned<String>>,
    pub username: Option<Spanned<String>>,
    pub name: Option<Spanned<String>>,
    pub status: Option<Spanned<String>>,
    pub disconnected: Option<Spanned<String>>,
    pub token_expires_at: Option<Spanned<String>>,
    pub connected_at: Option<Spanned<String>>,
    pub phone_number: Option<Spanned<String>>,
    pub linked_accounts: Option<Spanned<String>>,
    pub page_id: Option<Spanned<String>>,
    pub category: Option<Spanned<String>>,
    pub permissions: Option<Spanned<String>>,
    pub last_activity_at: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Tls {
    pub ca_file: Option<Spanned<PathBuf>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Cache {
    #[serde(deserialize_with = "duration::deserialize")]
    pub ttl: Option<Duration>,
    #[serde(deserialize_with = "duration::deserialize")]
    pub max_stale: Option<Duration>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    pub profiles: usize,
    #[serde(deserialize_with = "size::deserialize")]
    pub response_bytes: Option<u64>,
    #[serde(deserialize_with = "size::deserialize")]
    pub exposition_bytes: Option<u64>,
    pub concurrent_refreshes: Option<Spanned<usize>>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            profiles: 100_000,
            response_bytes: None,
            exposition_bytes: None,
            concurrent_refreshes: None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountBlock {
    pub name: Spanned<String>,
    pub api_key_file: Option<Spanned<PathBuf>>,
    pub api_key_env: Option<Spanned<String>>,
    pub basic_auth: Option<BasicAuth>,
    #[serde(default)]
    pub expected: Vec<Spanned<Expected>>,
    #[serde(default)]
    pub gateway: Option<GatewayBlock>,
    #[serde(default, deserialize_with = "or_default")]
    pub links: AccountLinksBlock,
}

/// `links`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LinksBlock {
    pub dashboard: Option<Spanned<Redacted>>,
    pub grafana: Option<Spanned<Redacted>>,
    pub runbooks: Option<Spanned<Redacted>>,
}

/// `accounts[].links`, which wins over `links`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AccountLinksBlock {
    pub dashboard: Option<Spanned<Redacted>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BasicAuth {
    pub username: Spanned<String>,
    pub password_file: Spanned<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    pub platform: String,
    pub profile: String,
}

/// An entry of `tokens_without_expiry`: a profile, or a whole platform.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WithoutExpiry {
    pub platform: String,
    pub profile: Option<String>,
}

impl Limits {
    /// `response_bytes`. Default: 64 MiB, but at most a sixteenth of the memory limit, because concurrent
    /// responses together may take twice this size.
    pub(super) fn response_bytes(&self, memory_limit: Option<u64>) -> u64 {
        let most = memory_limit.map_or(u64::MAX, |limit| limit / 16);
        let default = (64 * MIB).min(most);
        self.response_bytes.unwrap_or(default)
    }

    /// `exposition_bytes`. Default: 128 MiB, but at most a sixteenth of the memory limit, because profiles take
    /// three times the size of their metrics, and slow clients keep the metrics of earlier refreshes.
    pub(super) fn exposition_bytes(&self, memory_limit: Option<u64>) -> u64 {
        let most = memory_limit.map_or(u64::MAX, |limit| limit / 16);
        let default = (128 * MIB).min(most);
        self.exposition_bytes.unwrap_or(default)
    }
}

impl File {
    /// Reads and parses the file at `path`, and adds it to `files`.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be read or parsed.
    pub(super) fn read(path: &Path, files: &mut Fingerprint) -> Result<File, ConfigError> {
        let text = files.read_text(path);
        let text = text.map_err(|error| ConfigError::new(shown_path(path), error))?;
        let mut file: File = yaml::parse(path, &text)?;
        file.path = path.to_owned();
        Ok(file)
    }

    /// The path of a file that this file names. Relative paths start at the folder of this file.
    pub(super) fn resolve(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PhoneNumber, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "omit" => Ok(PhoneNumber::Omit),
            "mask" => Ok(PhoneNumber::Mask),
            "show" => Ok(PhoneNumber::Show),
            _ => Err(de::Error::custom("expected one of omit, mask, show")),
        }
    }
}

/// An error at the position of a value in the file.
pub(super) fn in_file<T>(
    file: &File,
    at: &Spanned<T>,
    key: &str,
    message: impl Display,
) -> ConfigError {
    ConfigError::in_file(&file.path, at.referenced, key, message)
}
