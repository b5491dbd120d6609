//! Validates the proxy to the gateway: `gateway.proxy_url`, or else the environment variables that curl reads
//! (<https://curl.se/docs/manpage.html#ENVIRONMENT>).

use std::borrow::Cow;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use serde_saphyr::Spanned;

use crate::config::file::{File, in_file};
use crate::config::settings::Environment;
use crate::gateway::proxy::ProxyUrl;
use exporter_toolkit::diagnostics::ConfigError;
use exporter_toolkit::redacted::Redacted;

/// The key of a proxy in the configuration file.
pub(super) const KEY: &str = "gateway.proxy_url";
/// Environment variables with a proxy for `https://`; the first one that is set wins.
const FOR_HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// Environment variables with a proxy for `http://`. `HTTP_PROXY` is not among them: a CGI server sets it from
/// the header `Proxy` of a request.
const FOR_HTTP: [&str; 3] = ["http_proxy", "all_proxy", "ALL_PROXY"];
/// Environment variables with hosts that are reached without a proxy.
const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The proxy of a block of the configuration file.
pub(super) fn in_block(
    file: &File,
    at: &Spanned<Redacted>,
    key: &str,
) -> Result<ProxyUrl, ConfigError> {
    let Redacted(text) = &at.value;
    ProxyUrl::parse(text, KEY)
        .map_err(|error| in_file(file, at, &format!("{key}.proxy_url"), error))
}

/// The proxy of the environment variables for the gateway at `url`; `None` without one.
pub(super) fn from_environment(
    environment: Environment,
    url: &Url,
) -> Result<Option<ProxyUrl>, ConfigError> {
    let variables = match url.scheme() {
        "https" => FOR_HTTPS.as_slice(),
        _ => FOR_HTTP.as_slice(),
    };
    let Some((variable, text)) = first_set(environment, variables) else {
        return Ok(None);
    };
    let exceptions = first_set(environment, &EXCEPTIONS);
    if exceptions.is_some_and(|(_, list)| is_exception(&list, url)) {
        return Ok(None);
    }
    let text = match text.contains("://") {
        true => text,
        false => format!("http://{text}"),
    };
    let hint = |error| format!("{error}; NO_PROXY names the hosts that are asked directly");
    ProxyUrl::parse(&text, variable)
        .map(Some)
        .map_err(|error| ConfigError::new(variable, hint(error)))
}

/// The first variable that is set. An empty variable counts as unset.
fn first_set(environment: Environment, names: &[&'static str]) -> Option<(&'static str, String)> {
    let mut values = names
        .iter()
        .filter_map(|name| Some((*name, environment(name)?)));
    values.find(|(_, value)| !value.is_empty())
}

/// Whether the host of a URL is in a list of hosts, domains and networks.
fn is_exception(list: &str, url: &Url) -> bool {
    // As in curl, `*` means all hosts only if the list contains nothing else, not even a space.
    if list == "*" {
        return true;
    }
    let entries = list
        .split([',', ' ', '\t'])
        .map(plain_host)
        .filter(|entry| *entry != "*");
    let entries: Vec<_> = entries.map(to_punycode).collect();
    let host = plain_host(url.host_str().unwrap_or_default());
    let matched_by_list = Matcher::builder()
        .all("http://proxy.invalid")
        .no(entries.join(","))
        .build();
    let host = match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    let target = format!("{}://{host}/", url.scheme()).parse();
    target.is_ok_and(|target| matched_by_list.intercept(&target).is_none())
}

/// The domain in Punycode (RFC 5891), as in the host of a parsed URL.
fn to_punycode(domain: &str) -> Cow<'_, str> {
    if domain.is_ascii() {
        return Cow::Borrowed(domain);
    }
    let (dot, name) = match domain.strip_prefix('.') {
        Some(name) => (".", name),
        None => ("", domain),
    };
    let url = Url::parse(&format!("http://{name}/")).ok();
    match url.as_ref().and_then(Url::host_str) {
        Some(host) => Cow::Owned(format!("{dot}{host}")),
        None => Cow::Borrowed(domain),
    }
}

/// The host without the trailing dot of a fully qualified name and without the brackets of an IPv6 address.
fn plain_host(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.trim_start_matches('[').trim_end_matches(']')
}
