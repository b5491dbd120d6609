//! Where the gateway is, and the way to it.

use std::fmt::Display;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde_saphyr::Spanned;

use super::super::error::Mistakes;
use super::super::file::{self, File};
use super::super::yaml;
use super::super::{ConfigError, DEFAULT_TIMEOUT, DEFAULT_URL, Environment, Gateway, Settings};
use super::{fields, in_file, proxy};
use crate::gateway::field_names::FieldNames;
use crate::gateway::proxy::ProxyUrl;
use crate::gateway::tls;
use crate::gateway::transport::TransportSettings;

/// The key of the block of defaults.
const DEFAULTS: &str = "gateway";
/// Nobody waits longer for metrics.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// The gateway of an account: what its own block gives, else what flags and variables say, else the
/// block of defaults, key by key.
pub(super) struct Blocks<'a> {
    settings: &'a Settings,
    file: &'a File,
    environment: Environment<'a>,
    /// The account's block, and the key under which it stands.
    own: Option<(&'a file::Gateway, String)>,
}

impl<'a> Blocks<'a> {
    /// Those of an account that has no block.
    pub(super) fn default(
        settings: &'a Settings,
        file: &'a File,
        environment: Environment<'a>,
    ) -> Blocks<'a> {
        Blocks {
            settings,
            file,
            environment,
            own: None,
        }
    }

    /// Those of an account whose block stands under `key`.
    pub(super) fn with(&self, own: &'a file::Gateway, key: String) -> Blocks<'a> {
        Blocks {
            own: Some((own, key)),
            ..*self
        }
    }

    /// The gateway.
    pub(super) fn gateway(&self, mistakes: &mut Mistakes) -> Option<Gateway> {
        let written = self.url();
        let url = mistakes.or_note(written.checked());
        let proxy = mistakes.or_note(self.proxy(url.as_ref()));
        if let (Some(url), Some(proxy)) = (&url, &proxy) {
            mistakes.or_note(self.check_clear_text(&written, url, proxy.as_ref()));
        }
        let timeout = mistakes.or_note(self.timeout());
        mistakes.or_note(self.check_ca_file());
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

    /// Whether the account's own block names fields.
    pub(super) fn have_own_fields(&self) -> bool {
        let own = self.own.as_ref();
        own.is_some_and(|(block, _)| block.fields.is_some())
    }

    /// A value, from the block that wins, and the key of that block.
    fn find<T>(&self, value: impl Fn(&'a file::Gateway) -> Option<&'a T>) -> Option<(&'a T, &str)> {
        let own = self.own.as_ref().map(|(block, key)| (*block, key.as_str()));
        let blocks = own.into_iter().chain([(&self.file.gateway, DEFAULTS)]);
        blocks
            .filter_map(|(block, key)| Some((value(block)?, key)))
            .next()
    }

    /// The block whose `allow_http` would permit a URL: the account's only if it gives a key that the
    /// rule on http:// looks at, so that a URL which accounts inherit is one mistake.
    fn allowing_block(&self) -> &str {
        let decides = |block: &file::Gateway| {
            block.url.is_some() || block.proxy_url.is_some() || block.allow_http.is_some()
        };
        match &self.own {
            Some((block, key)) if decides(block) => key,
            _ => DEFAULTS,
        }
    }

    /// How the gateway names the fields of its answers.
    pub(super) fn field_names(&self, mistakes: &mut Mistakes) -> Arc<FieldNames> {
        match self.find(|block| block.fields.as_ref()) {
            Some((fields, key)) => {
                fields::field_names(self.file, &format!("{key}.fields"), fields, mistakes)
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
        // A file that is inherited has been checked with the block of defaults.
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

    /// An account's own URL counts even if a flag gives another: the flag would send its key there.
    fn url(&self) -> WrittenUrl<'a> {
        let own = self.own.as_ref();
        let own = own.and_then(|(block, key)| Some((block.url.as_ref()?, key.as_str())));
        match (own, &self.settings.url, &self.file.gateway.url) {
            (Some((at, key)), ..) => WrittenUrl::InBlock(self.file, at, format!("{key}.url")),
            (None, Some(url), _) => WrittenUrl::Flag(url),
            (None, None, Some(at)) => WrittenUrl::InBlock(self.file, at, format!("{DEFAULTS}.url")),
            (None, None, None) => WrittenUrl::Default,
        }
    }

    /// The proxy of the configuration file wins over those of the environment.
    fn proxy(&self, url: Option<&Url>) -> Result<Option<ProxyUrl>, ConfigError> {
        match (self.find(|block| block.proxy_url.as_ref()), url) {
            (Some((at, key)), _) => proxy::in_block(self.file, at, key).map(Some),
            (None, Some(url)) => proxy::of_environment(self.environment, url),
            (None, None) => Ok(None),
        }
    }

    /// Through a proxy even a loopback address is somewhere else.
    fn check_clear_text(
        &self,
        written: &WrittenUrl,
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

/// Where the URL of a gateway is written.
enum WrittenUrl<'a> {
    /// In a block of the file, under this key.
    InBlock(&'a File, &'a Spanned<String>, String),
    Flag(&'a str),
    Default,
}

impl WrittenUrl<'_> {
    fn checked(&self) -> Result<Url, ConfigError> {
        let text = match self {
            WrittenUrl::InBlock(_, at, _) => at.value.as_str(),
            WrittenUrl::Flag(text) => text,
            WrittenUrl::Default => DEFAULT_URL,
        };
        checked_url(text).map_err(|message| self.wrong(message))
    }

    fn wrong(&self, message: impl Display) -> ConfigError {
        match self {
            WrittenUrl::InBlock(file, at, key) => in_file(file, at, key, message),
            WrittenUrl::Flag(_) => ConfigError::new("--qlara.url (QLARA_URL)", message),
            WrittenUrl::Default => ConfigError::new("gateway.url", message),
        }
    }
}

/// A fifth of the budget, so that a refresh which meets several dead connections still ends in time. Less
/// than 1.5 s would leave no time for a retransmission of the first packet of a connection, which comes
/// after one second (RFC 6298, section 2.1).
fn acknowledgement_timeout(budget: Duration) -> Duration {
    (budget / 5).clamp(Duration::from_millis(1500), Duration::from_secs(3))
}

/// Three quarters of the budget: with the default of 10 s, a look-up may ask a name server that is dead and
/// then another, for which glibc takes 5 s (`timeout` in resolv.conf(5)).
fn lookup_timeout(budget: Duration) -> Duration {
    budget - budget / 4
}

/// A timeout that a refresh can have.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn checked_timeout(timeout: Duration) -> Result<Duration, &'static str> {
    match timeout.is_zero() || timeout > LONGEST_TIMEOUT {
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
        return Err("credentials do not belong into the URL: use an account's basic_auth");
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
