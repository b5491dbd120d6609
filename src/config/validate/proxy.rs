//! The proxy to the gateway: `gateway.proxy_url`, else the environment as curl reads it
//! (<https://curl.se/docs/manpage.html#ENVIRONMENT>).

use std::borrow::Cow;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use serde_saphyr::Spanned;

use super::super::file::File;
use super::super::{ConfigError, Environment};
use super::in_file;
use crate::gateway::proxy::ProxyUrl;
use crate::hidden::Hidden;

/// The key of a proxy in the configuration file.
pub(super) const KEY: &str = "gateway.proxy_url";
/// Variables with a proxy for `https://`; the first that is set wins.
const FOR_HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// And for `http://`. A CGI server sets `HTTP_PROXY` from a header of its client, so nobody reads it.
const FOR_HTTP: [&str; 3] = ["http_proxy", "all_proxy", "ALL_PROXY"];
/// Variables with hosts that are asked directly.
const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The proxy that a block of the configuration file gives.
pub(super) fn in_block(
    file: &File,
    at: &Spanned<Hidden>,
    key: &str,
) -> Result<ProxyUrl, ConfigError> {
    let Hidden(text) = &at.value;
    ProxyUrl::parse(text, KEY)
        .map_err(|error| in_file(file, at, &format!("{key}.proxy_url"), error))
}

/// The proxy that the environment gives for the gateway at `url`, if it gives one.
pub(super) fn of_environment(
    environment: Environment,
    url: &Url,
) -> Result<Option<ProxyUrl>, ConfigError> {
    let variables = match url.scheme() {
        "https" => FOR_HTTPS.as_slice(),
        _ => FOR_HTTP.as_slice(),
    };
    let Some((variable, text)) = first(environment, variables) else {
        return Ok(None);
    };
    let exceptions = first(environment, &EXCEPTIONS);
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

/// An empty variable counts as unset.
fn first(environment: Environment, names: &[&'static str]) -> Option<(&'static str, String)> {
    let mut values = names
        .iter()
        .filter_map(|name| Some((*name, environment(name)?)));
    values.find(|(_, value)| !value.is_empty())
}

/// Whether a list of hosts, domains and networks names the host of a URL.
fn is_exception(list: &str, url: &Url) -> bool {
    // As for curl, `*` means all hosts only where nothing else stands, not even a blank.
    if list == "*" {
        return true;
    }
    let entries = list
        .split([',', ' ', '\t'])
        .map(bare)
        .filter(|entry| *entry != "*");
    let entries: Vec<_> = entries.map(ascii).collect();
    let host = bare(url.host_str().unwrap_or_default());
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

/// A domain as URLs have it: the host of a URL with a name outside of ASCII is in Punycode (RFC 5891).
fn ascii(domain: &str) -> Cow<'_, str> {
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

/// A host without the dot that ends a full domain name, and without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.trim_start_matches('[').trim_end_matches(']')
}
