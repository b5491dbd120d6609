//! Validates the `gateway` blocks: URL, timeout, proxy and CA file.

use std::fmt::Display;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde_saphyr::Spanned;

use super::{fields, proxy};
use crate::config::file::{self, File, in_file};
use crate::config::model::{DEFAULT_TIMEOUT, DEFAULT_URL, Gateway};
use crate::config::settings::{Environment, Settings};
use crate::gateway::field_names::FieldNames;
use crate::gateway::proxy::ProxyUrl;
use crate::gateway::transport::TransportSettings;
use exporter_toolkit::diagnostics::{ConfigError, Diagnostics};
use exporter_toolkit::tls::client as tls;
use exporter_toolkit::yaml;

/// The key of the top-level block, which contains the defaults.
const DEFAULTS: &str = "gateway";
/// Maximum of `gateway.timeout`.
const MAX_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// The sources of an account's gateway. For each key, the account's own block wins over flags and
/// environment variables, and these win over the top-level block.
pub(super) struct GatewaySources<'a> {
    settings: &'a Settings,
    file: &'a File,
    environment: Environment<'a>,
    /// The account's own block and its key.
    own: Option<(&'a file::GatewayBlock, String)>,
}

impl<'a> GatewaySources<'a> {
    /// The sources of an account without a block of its own.
    pub(super) fn default(
        settings: &'a Settings,
        file: &'a File,
        environment: Environment<'a>,
    ) -> GatewaySources<'a> {
        GatewaySources {
            settings,
            file,
            environment,
            own: None,
        }
    }

    /// The sources of an account with its own block, which has this key.
    pub(super) fn with_own_block(
        &self,
        own: &'a file::GatewayBlock,
        key: String,
    ) -> GatewaySources<'a> {
        GatewaySources {
            own: Some((own, key)),
            ..*self
        }
    }

    /// The validated gateway; `None` if there are errors, which are added to `diagnostics`.
    pub(super) fn gateway(&self, diagnostics: &mut Diagnostics) -> Option<Gateway> {
        let written = self.url();
        let url = diagnostics.collect(written.checked());
        let proxy = diagnostics.collect(self.proxy(url.as_ref()));
        if let (Some(url), Some(proxy)) = (&url, &proxy) {
            diagnostics.collect(self.check_clear_text(&written, url, proxy.as_ref()));
        }
        let timeout = diagnostics.collect(self.timeout());
        diagnostics.collect(self.check_ca_file());
        let (url, proxy, timeout) = (url?, proxy?, timeout?);
        let via = proxy.iter().map(ProxyUrl::url);
        let over_tls = via.chain([&url]).any(|url| url.scheme() == "https");
        Some(Gateway {
            url,
            timeout,
            response_bytes: (self.file.limits).response_bytes(self.settings.memory_limit),
            transport: TransportSettings {
                proxy,
                over_tls,
                ca_file: self.ca_file().map(|(at, _)| self.file.resolve(&at.value)),
                acknowledgement_timeout: acknowledgement_timeout(timeout),
                lookup_timeout: lookup_timeout(timeout),
            },
        })
    }

    /// Whether the account's own block has `fields`.
    pub(super) fn has_own_fields(&self) -> bool {
        let own = self.own.as_ref();
        own.is_some_and(|(block, _)| block.fields.is_some())
    }

    /// The value of the account's own block, else of the top-level block, with the key of the block.
    fn find<T>(
        &self,
        value: impl Fn(&'a file::GatewayBlock) -> Option<&'a T>,
    ) -> Option<(&'a T, &str)> {
        let own = self.own.as_ref().map(|(block, key)| (*block, key.as_str()));
        let blocks = own.into_iter().chain([(&self.file.gateway, DEFAULTS)]);
        blocks
            .filter_map(|(block, key)| Some((value(block)?, key)))
            .next()
    }

    /// The key of the block in which `allow_http` would permit the URL. That is the account's own block only
    /// if it sets a key that the check of http:// reads, so that an inherited URL is reported once.
    fn allowing_block(&self) -> &str {
        let decides = |block: &file::GatewayBlock| {
            block.url.is_some() || block.proxy_url.is_some() || block.allow_http.is_some()
        };
        match &self.own {
            Some((block, key)) if decides(block) => key,
            _ => DEFAULTS,
        }
    }

    /// The names of fields in responses.
    pub(super) fn field_names(&self, diagnostics: &mut Diagnostics) -> Arc<FieldNames> {
        match self.find(|block| block.fields.as_ref()) {
            Some((fields, key)) => {
                fields::field_names(self.file, &format!("{key}.fields"), fields, diagnostics)
            }
            None => Arc::default(),
        }
    }

    fn timeout(&self) -> Result<Duration, ConfigError> {
        let own = self.own.as_ref();
        let own = own.and_then(|(block, key)| Some((block.timeout.as_ref()?, key.as_str())));
        let default = self.file.gateway.timeout.as_ref();
        let default = default.map(|at| (at, DEFAULTS));
        match (own, self.settings.timeout, default) {
            (Some((at, key)), ..) | (None, None, Some((at, key))) => checked_timeout(at.value.0)
                .map_err(|message| in_file(self.file, at, &format!("{key}.timeout"), message)),
            (None, Some(timeout), _) => checked_timeout(timeout)
                .map_err(|message| ConfigError::new("--qlara.timeout (QLARA_TIMEOUT)", message)),
            (None, None, None) => Ok(DEFAULT_TIMEOUT),
        }
    }

    fn ca_file(&self) -> Option<(&'a Spanned<PathBuf>, &str)> {
        let (tls, key) = self.find(|block| block.tls_config.as_ref())?;
        Some((tls.ca_file.as_ref()?, key))
    }

    fn check_ca_file(&self) -> Result<(), ConfigError> {
        let Some((at, key)) = self.ca_file() else {
            return Ok(());
        };
        // An inherited file was checked with the top-level block.
        if self.own.is_some() && key == DEFAULTS {
            return Ok(());
        }
        let key = format!("{key}.tls_config.ca_file");
        let wrong = |message: &dyn Display| in_file(self.file, at, &key, message);
        yaml::check_path(&at.value).map_err(|message| wrong(&message))?;
        let path = self.file.resolve(&at.value);
        let content = tls::read_ca_file(&path).map_err(|error| wrong(&error))?;
        tls::client_config(Some((&path, &content))).map_err(|error| wrong(&error))?;
        tls::warn_of_unusable(&path, &content);
        Ok(())
    }

    /// An account's own URL wins over the flag, which would send the account's key to another gateway.
    fn url(&self) -> UnvalidatedUrl<'a> {
        let own = self.own.as_ref();
        let own = own.and_then(|(block, key)| Some((block.url.as_ref()?, key.as_str())));
        match (own, &self.settings.url, &self.file.gateway.url) {
            (Some((at, key)), ..) => UnvalidatedUrl::InBlock(self.file, at, format!("{key}.url")),
            (None, Some(url), _) => UnvalidatedUrl::Flag(url),
            (None, None, Some(at)) => {
                UnvalidatedUrl::InBlock(self.file, at, format!("{DEFAULTS}.url"))
            }
            (None, None, None) => UnvalidatedUrl::Default,
        }
    }

    /// The proxy of the configuration file wins over the environment variables.
    fn proxy(&self, url: Option<&Url>) -> Result<Option<ProxyUrl>, ConfigError> {
        match (self.find(|block| block.proxy_url.as_ref()), url) {
            (Some((at, key)), _) => proxy::in_block(self.file, at, key).map(Some),
            (None, Some(url)) => proxy::from_environment(self.environment, url),
            (None, None) => Ok(None),
        }
    }

    /// Rejects a URL that would send credentials unencrypted to another host. A loopback address behind a
    /// proxy is on another host.
    fn check_clear_text(
        &self,
        written: &UnvalidatedUrl,
        url: &Url,
        proxy: Option<&ProxyUrl>,
    ) -> Result<(), ConfigError> {
        let allowed = self.find(|block| block.allow_http.as_ref());
        let is_allowed = allowed.is_some_and(|(allowed, _)| *allowed);
        let stays_here = proxy.is_none() && url.host_str().is_some_and(is_loopback);
        if url.scheme() != "http" || is_allowed || stays_here {
            return Ok(());
        }
        let block = self.allowing_block();
        let (way, instead) = match proxy.map(ProxyUrl::given_by) {
            None => (String::new(), ""),
            Some(proxy::KEY) => (format!(" through {}", proxy::KEY), ""),
            Some(variable) => (
                format!(" through the proxy of {variable}"),
                " name the host in NO_PROXY,",
            ),
        };
        Err(written.wrong(format!(
            "http:// would send the key in clear{way}: use https://,{instead} or set {block}.allow_http to true in the configuration file"
        )))
    }
}

/// The URL of a gateway before validation, and its source.
enum UnvalidatedUrl<'a> {
    /// A block of the file; the last value is the key.
    InBlock(&'a File, &'a Spanned<String>, String),
    Flag(&'a str),
    Default,
}

impl UnvalidatedUrl<'_> {
    fn checked(&self) -> Result<Url, ConfigError> {
        let text = match self {
            UnvalidatedUrl::InBlock(_, at, _) => at.value.as_str(),
            UnvalidatedUrl::Flag(text) => text,
            UnvalidatedUrl::Default => DEFAULT_URL,
        };
        checked_url(text).map_err(|message| self.wrong(message))
    }

    fn wrong(&self, message: impl Display) -> ConfigError {
        match self {
            UnvalidatedUrl::InBlock(file, at, key) => in_file(file, at, key, message),
            UnvalidatedUrl::Flag(_) => ConfigError::new("--qlara.url (QLARA_URL)", message),
            UnvalidatedUrl::Default => ConfigError::new("gateway.url", message),
        }
    }
}

/// A fifth of the budget, so that a refresh which meets several dead connections still ends in time. Less
/// than 1.5 s would leave no time for a retransmission of the first packet of a connection, which comes
/// after one second (RFC 6298, section 2.1).
fn acknowledgement_timeout(budget: Duration) -> Duration {
    (budget / 5).clamp(Duration::from_millis(1500), Duration::from_secs(3))
}

/// Three quarters of the budget: with the default of 10 s, a lookup can try a second name server after the
/// first one did not answer for 5 s, the default of glibc (`timeout` in resolv.conf(5)).
fn lookup_timeout(budget: Duration) -> Duration {
    budget - budget / 4
}

/// Validates the timeout of a refresh.
///
/// # Errors
/// A description of what is wrong with it.
pub(crate) fn checked_timeout(timeout: Duration) -> Result<Duration, &'static str> {
    match timeout.is_zero() || timeout > MAX_TIMEOUT {
        true => Err("must be longer than 0 and at most 1h"),
        false => Ok(timeout),
    }
}

fn checked_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "not an absolute URL")?;
    if url.host_str().is_none() {
        return Err("the URL names no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL must not contain credentials: use an account's basic_auth");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the URL must end with its path: no query, no fragment");
    }
    match url.scheme() {
        "https" | "http" => Ok(url),
        _ => Err("expected https:// or http://"),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}
