//! The structure of the web configuration file
//! (<https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use super::rate_limit::{self, Rate};
use crate::redacted::Redacted;
use crate::yaml::or_default;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub tls_server_config: Option<Spanned<TlsSection>>,
    #[serde(deserialize_with = "or_default")]
    pub http_server_config: HttpSection,
    #[serde(deserialize_with = "or_default")]
    pub basic_auth_users: BTreeMap<String, Spanned<Redacted>>,
    #[serde(deserialize_with = "or_default")]
    pub rate_limit: RateLimitSection,
}

/// All PEM texts are redacted, because a user may paste a private key where a certificate is expected.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TlsSection {
    #[serde(deserialize_with = "redacted")]
    pub cert: Option<Spanned<Redacted>>,
    #[serde(deserialize_with = "redacted")]
    pub key: Option<Spanned<Redacted>>,
    #[serde(deserialize_with = "redacted")]
    pub client_ca: Option<Spanned<Redacted>>,
    #[serde(deserialize_with = "text")]
    pub cert_file: Option<Spanned<String>>,
    #[serde(deserialize_with = "text")]
    pub key_file: Option<Spanned<String>>,
    #[serde(deserialize_with = "text")]
    pub client_ca_file: Option<Spanned<String>>,
    #[serde(deserialize_with = "text")]
    pub client_auth_type: Option<Spanned<String>>,
    pub client_allowed_sans: Option<Spanned<Vec<String>>>,
    #[serde(deserialize_with = "text")]
    pub min_version: Option<Spanned<String>>,
    #[serde(deserialize_with = "text")]
    pub max_version: Option<Spanned<String>>,
    #[serde(deserialize_with = "or_default")]
    pub cipher_suites: Vec<Spanned<String>>,
    #[serde(deserialize_with = "or_default")]
    pub curve_preferences: Vec<Spanned<String>>,
    pub prefer_server_cipher_suites: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HttpSection {
    pub http2: Option<bool>,
    #[serde(deserialize_with = "or_default")]
    pub headers: BTreeMap<String, Option<Spanned<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RateLimitSection {
    #[serde(deserialize_with = "rate_limit::interval")]
    interval: std::time::Duration,
    #[serde(deserialize_with = "or_default")]
    burst: u32,
}

impl RateLimitSection {
    /// The configured rate; `None` if the interval is 0.
    pub(super) fn rate(&self) -> Option<Rate> {
        let (interval, burst) = (self.interval, self.burst);
        (!interval.is_zero()).then_some(Rate { interval, burst })
    }
}

impl TlsSection {
    /// Whether TLS is enabled.
    pub(super) fn is_enabled(&self) -> bool {
        let inline = [&self.cert, &self.key, &self.client_ca];
        let files = [&self.cert_file, &self.key_file, &self.client_ca_file];
        inline.into_iter().any(Option::is_some)
            || files.into_iter().any(Option::is_some)
            || self.client_auth_type.is_some()
    }
}

/// Treats an empty text as unset.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Spanned<String>>, D::Error> {
    let text = Option::<Spanned<String>>::deserialize(deserializer)?;
    Ok(text.filter(|at| !at.value.is_empty()))
}

/// Treats an empty text as unset.
fn redacted<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Spanned<Redacted>>, D::Error> {
    let text = Option::<Spanned<Redacted>>::deserialize(deserializer)?;
    Ok(text.filter(|at| !at.value.0.is_empty()))
}
