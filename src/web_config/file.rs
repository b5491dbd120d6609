//! The web configuration file as it is written
//! (<https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use super::rate_limit::{self, Rate};
use crate::config::yaml::or_default;
use crate::hidden::Hidden;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub tls_server_config: Option<Spanned<Tls>>,
    #[serde(deserialize_with = "or_default")]
    pub http_server_config: Http,
    #[serde(deserialize_with = "or_default")]
    pub basic_auth_users: BTreeMap<String, Spanned<Hidden>>,
    #[serde(deserialize_with = "or_default")]
    pub rate_limit: RateLimit,
}

/// Whatever is PEM is hidden: a key may stand in the place of a certificate.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Tls {
    #[serde(deserialize_with = "hidden")]
    pub cert: Option<Spanned<Hidden>>,
    #[serde(deserialize_with = "hidden")]
    pub key: Option<Spanned<Hidden>>,
    #[serde(deserialize_with = "hidden")]
    pub client_ca: Option<Spanned<Hidden>>,
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
pub(super) struct Http {
    pub http2: Option<bool>,
    #[serde(deserialize_with = "or_default")]
    pub headers: BTreeMap<String, Option<Spanned<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RateLimit {
    #[serde(deserialize_with = "rate_limit::interval")]
    interval: std::time::Duration,
    #[serde(deserialize_with = "or_default")]
    burst: u32,
}

impl RateLimit {
    /// An interval of 0 is no limit.
    pub(super) fn rate(&self) -> Option<Rate> {
        let (interval, burst) = (self.interval, self.burst);
        (!interval.is_zero()).then_some(Rate { interval, burst })
    }
}

impl Tls {
    /// Whether the server speaks TLS at all.
    pub(super) fn is_on(&self) -> bool {
        let inline = [&self.cert, &self.key, &self.client_ca];
        let files = [&self.cert_file, &self.key_file, &self.client_ca_file];
        inline.into_iter().any(Option::is_some)
            || files.into_iter().any(Option::is_some)
            || self.client_auth_type.is_some()
    }
}

/// An empty text is as good as none.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Spanned<String>>, D::Error> {
    let text = Option::<Spanned<String>>::deserialize(deserializer)?;
    Ok(text.filter(|at| !at.value.is_empty()))
}

fn hidden<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Spanned<Hidden>>, D::Error> {
    let text = Option::<Spanned<Hidden>>::deserialize(deserializer)?;
    Ok(text.filter(|at| !at.value.0.is_empty()))
}
