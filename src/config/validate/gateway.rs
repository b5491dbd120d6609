//! Where the gateway is, and the way to it.

use std::fmt::Display;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Proxy, Url};
use serde_saphyr::Spanned;

use super::super::error::Mistakes;
use super::super::file::File;
use super::super::yaml;
use super::super::{ConfigError, DEFAULT_TIMEOUT, DEFAULT_URL, Gateway, Settings};
use super::in_file;
use crate::gateway::tls;
use crate::gateway::transport::{ProxyUrl, TransportSettings};
use crate::hidden::Hidden;

/// Nobody waits longer for metrics.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// How much longer than the ttl an unused connection is kept: it outlives the time between two
/// refreshes, whoever scrapes how often.
const IDLE_BEYOND_TTL: Duration = Duration::from_secs(5 * 60);

pub(super) fn gateway(
    settings: &Settings,
    file: &File,
    ttl: Duration,
    mistakes: &mut Mistakes,
) -> Option<Gateway> {
    let proxy = file.gateway.proxy_url.as_ref();
    let proxy = proxy.map(|at| proxy_url(file, at)).transpose();
    let (url, timeout, proxy) = (
        mistakes.or_note(url(settings, file)),
        mistakes.or_note(timeout(settings, file)),
        mistakes.or_note(proxy),
    );
    mistakes.or_note(check_ca_file(file));
    let ca_file = file.gateway.tls_config.ca_file.as_ref();
    let (url, proxy) = (url?, proxy?);
    let via = proxy.iter().map(|ProxyUrl(url)| url);
    let over_tls = via.chain([&url]).any(|url| url.scheme() == "https");
    Some(Gateway {
        url,
        timeout: timeout?,
        response_bytes: file.limits.response_bytes,
        transport: TransportSettings {
            proxy,
            over_tls,
            ca_file: ca_file.map(|at| file.resolve(&at.value)),
            idle: ttl.saturating_add(IDLE_BEYOND_TTL),
        },
    })
}

fn timeout(settings: &Settings, file: &File) -> Result<Duration, ConfigError> {
    let timeout = settings.timeout.or(file.gateway.timeout);
    let timeout = timeout.unwrap_or(DEFAULT_TIMEOUT);
    if timeout.is_zero() || timeout > LONGEST_TIMEOUT {
        let message = "must be longer than 0 and at most 1h";
        return Err(ConfigError::new(
            "gateway.timeout (--qlara.timeout)",
            message,
        ));
    }
    Ok(timeout)
}

fn check_ca_file(file: &File) -> Result<(), ConfigError> {
    let Some(at) = &file.gateway.tls_config.ca_file else {
        return Ok(());
    };
    let wrong = |message: &dyn Display| in_file(file, at, "gateway.tls_config.ca_file", message);
    yaml::check_path(&at.value).map_err(|message| wrong(&message))?;
    let path = file.resolve(&at.value);
    tls::read_ca_file(&path)
        .and_then(|content| tls::client_config(Some((&path, &content))))
        .map(drop)
        .map_err(|error| wrong(&error))
}

fn url(settings: &Settings, file: &File) -> Result<Url, ConfigError> {
    // Through a proxy even a loopback address is somewhere else.
    let proxied = file.gateway.proxy_url.is_some();
    let clear = match (file.gateway.allow_http, proxied) {
        (true, _) => ClearText::Anywhere,
        (false, false) => ClearText::Loopback,
        (false, true) => ClearText::Nowhere,
    };
    match (&settings.url, &file.gateway.url) {
        (Some(url), _) => checked_url(url, clear)
            .map_err(|message| ConfigError::new("--qlara.url (QLARA_URL)", message)),
        (None, Some(at)) => checked_url(&at.value, clear)
            .map_err(|message| in_file(file, at, "gateway.url", message)),
        (None, None) => checked_url(DEFAULT_URL, clear)
            .map_err(|message| ConfigError::new("gateway.url", message)),
    }
}

/// Where a key may travel without TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ClearText {
    Anywhere,
    Loopback,
    Nowhere,
}

fn checked_url(text: &str, clear: ClearText) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "not an absolute URL")?;
    let Some(host) = url.host_str() else {
        return Err("the URL names no host");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("credentials do not belong into the URL: use an account's basic_auth");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the URL must end with its path: no query, no fragment");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if clear == ClearText::Anywhere => Ok(url),
        "http" if clear == ClearText::Loopback && is_loopback(host) => Ok(url),
        "http" => Err(
            "http:// would send the key in clear: use https://, or set gateway.allow_http to true in the configuration file",
        ),
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

fn proxy_url(file: &File, at: &Spanned<Hidden>) -> Result<ProxyUrl, ConfigError> {
    let wrong = |message| in_file(file, at, "gateway.proxy_url", message);
    let url = Url::parse(&at.value.0).map_err(|_| wrong("not an absolute URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("expected http:// or https://"));
    }
    match Proxy::all(url.clone()) {
        Ok(_) => Ok(ProxyUrl(url)),
        Err(_) => Err(wrong("not the URL of a proxy")),
    }
}
