//! The configuration file as it is written: YAML, where unknown and doubled keys are errors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Deserializer, de};
use serde_saphyr::Spanned;

use super::yaml::{self, or_default};
use super::{ConfigError, duration};
use crate::hidden::{Hidden, shown_path};
use crate::refresh::PhoneNumber;
use crate::reread::read_regular_text;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    #[serde(skip)]
    pub path: PathBuf,
    #[serde(deserialize_with = "or_default")]
    pub gateway: Gateway,
    #[serde(deserialize_with = "or_default")]
    pub cache: Cache,
    #[serde(deserialize_with = "or_default")]
    pub permissions: BTreeMap<String, Vec<String>>,
    pub phone_number: PhoneNumber,
    #[serde(deserialize_with = "or_default")]
    pub limits: Limits,
    #[serde(deserialize_with = "or_default")]
    pub accounts: Vec<Account>,
}

/// The defaults of all accounts, or what one account has instead.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Gateway {
    pub url: Option<Spanned<String>>,
    #[serde(deserialize_with = "duration::deserialize_spanned")]
    pub timeout: Option<Spanned<duration::Written>>,
    /// May hold a password.
    pub proxy_url: Option<Spanned<Hidden>>,
    pub tls_config: Option<Tls>,
    pub allow_http: Option<bool>,
    pub fields: Option<Fields>,
}

/// Where in an entry of an answer a field stands, where not under its usual names.
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
    #[serde(deserialize_with = "byte_size")]
    pub response_bytes: Option<u64>,
    #[serde(deserialize_with = "byte_size")]
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
pub(super) struct Account {
    pub name: Spanned<String>,
    pub api_key_file: Option<Spanned<PathBuf>>,
    pub api_key_env: Option<Spanned<String>>,
    pub basic_auth: Option<BasicAuth>,
    #[serde(default)]
    pub expected: Vec<Spanned<Expected>>,
    #[serde(default)]
    pub gateway: Option<Gateway>,
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

impl Limits {
    /// `response_bytes`. Default: 64 MiB, but at most a sixteenth of the memory limit, because concurrent
    /// responses together may take twice this size.
    pub(super) fn response_bytes(&self, memory_limit: Option<u64>) -> u64 {
        let part = memory_limit.map_or(u64::MAX, |limit| limit / 16);
        let default = ByteSize::mib(64).as_u64().min(part);
        self.response_bytes.unwrap_or(default)
    }

    /// `exposition_bytes`. Default: 128 MiB, but at most a sixteenth of the memory limit, because profiles take
    /// three times the size of their metrics, and slow clients keep the metrics of earlier refreshes.
    pub(super) fn exposition_bytes(&self, memory_limit: Option<u64>) -> u64 {
        let part = memory_limit.map_or(u64::MAX, |limit| limit / 16);
        let default = ByteSize::mib(128).as_u64().min(part);
        self.exposition_bytes.unwrap_or(default)
    }
}

impl File {
    pub(super) fn read(path: &Path) -> Result<File, ConfigError> {
        let text =
            read_regular_text(path).map_err(|error| ConfigError::new(shown_path(path), error))?;
        let mut file: File = yaml::parse(path, &text)?;
        file.path = path.to_owned();
        Ok(file)
    }

    /// Paths in the file are relative to it.
    pub(super) fn resolve(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

/// `64MiB`, `500kB` or a plain number of bytes.
fn byte_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.parse::<ByteSize>() {
        Ok(size) if size.as_u64() > 0 => Ok(Some(size.as_u64())),
        _ => Err(de::Error::custom("expected a size such as 64MiB")),
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PhoneNumber, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "omit" => Ok(PhoneNumber::Omit),
            "mask" => Ok(PhoneNumber::Mask),
            "show" => Ok(PhoneNumber::Show),
            _ => Err(de::Error::custom("expected omit, mask or show")),
        }
    }
}
