//! The URL of the proxy between the exporter and the gateway.

use std::fmt;

use reqwest::{Proxy, Url};

/// The supported schemes, with curl's names.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
/// curl's alias of `socks4`, which GNOME uses.
const SOCKS: &str = "socks";
/// The default port of a SOCKS proxy.
const SOCKS_PORT: u16 = 1080;

/// Why a text is not the URL of a proxy. The text is not repeated, because it may contain a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// Not a URL.
    #[error("not an absolute URL")]
    NotAUrl,
    /// An unsupported scheme.
    #[error(
        "expected http:// or https://, or a SOCKS proxy by socks5h://, socks5://, socks4a://, socks4:// or socks://"
    )]
    Scheme,
    /// A SOCKS4 URL with a user, which the HTTP client would not send.
    #[error(
        "the user of a SOCKS4 proxy cannot be sent: leave it out, or use socks5h:// or socks5://"
    )]
    Socks4User,
    /// A URL that the HTTP client refuses, for example without a host.
    #[error("not the URL of a proxy")]
    NotAProxy,
}

/// The URL of a proxy, and the setting it comes from. `Display` and `Debug` show neither user nor password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    url: Url,
    given_by: &'static str,
}

impl ProxyUrl {
    /// Parses the URL of a proxy. `given_by` is the configuration key or the environment variable, for the log.
    ///
    /// # Errors
    /// [`ProxyError`] if it is not the URL of a supported proxy.
    pub fn parse(text: &str, given_by: &'static str) -> Result<ProxyUrl, ProxyError> {
        let mut url = Url::parse(text).map_err(|_| ProxyError::NotAUrl)?;
        if url.scheme() == SOCKS {
            url.set_scheme("socks4")
                .map_err(|()| ProxyError::NotAProxy)?;
        }
        if !SCHEMES.contains(&url.scheme()) {
            return Err(ProxyError::Scheme);
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user && url.scheme().starts_with("socks4") {
            return Err(ProxyError::Socks4User);
        }
        let has_host = url.host_str().is_some_and(|host| !host.is_empty());
        match Proxy::all(url.clone()) {
            Ok(_) if has_host => Ok(ProxyUrl { url, given_by }),
            _ => Err(ProxyError::NotAProxy),
        }
    }

    /// The URL with its credentials.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether this is an HTTP proxy. It receives unencrypted requests itself, and may answer them.
    pub fn speaks_http(&self) -> bool {
        self.url.scheme().starts_with("http")
    }

    /// The configuration key or the environment variable.
    pub fn given_by(&self) -> &'static str {
        self.given_by
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or(SOCKS_PORT);
        write!(out, "{}://{host}:{port}", self.url.scheme())
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ProxyUrl({self})")
    }
}
