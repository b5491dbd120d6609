//! The value of `--web.external-url`, the URL at which clients reach the exporter.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

/// An `http://` or `https://` URL without query and fragment, or a path alone.
#[derive(Clone)]
pub struct ExternalUrl {
    url: Url,
    has_origin: bool,
}

impl ExternalUrl {
    /// The percent-encoded path without a trailing slash.
    pub fn path(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// The scheme and `host:port`; `None` for a path alone.
    pub(super) fn origin(&self) -> Option<(String, String)> {
        let host = self.url.host_str().filter(|_| self.has_origin)?;
        let port = self.url.port_or_known_default()?;
        Some((self.url.scheme().to_owned(), format!("{host}:{port}")))
    }
}

/// Omits the URL, which may contain a password.
impl fmt::Debug for ExternalUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ExternalUrl")
    }
}

impl FromStr for ExternalUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<ExternalUrl, &'static str> {
        let has_origin = !text.starts_with('/');
        let url = match has_origin {
            true => Url::parse(text),
            // The host is a placeholder; `has_origin` keeps it from being used.
            false => Url::parse(&format!("http://localhost{text}")),
        };
        let url = url.map_err(|_| "expected an absolute URL or a path that starts with a slash")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("expected http:// or https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL must not contain credentials");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("the URL must end with its path: no query, no fragment");
        }
        // Browsers take `//host` for a URL with another host.
        if url.path().starts_with("//") {
            return Err("the path must start with a single slash");
        }
        Ok(ExternalUrl { url, has_origin })
    }
}
