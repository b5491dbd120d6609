//! The web configuration file, `--web.config.file`: TLS, users, headers and a rate limit, in the format that Prometheus and
//! its exporters share
//! (<https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>).
//!
//! [`WebConfigFile`] keeps a [`WebConfig`] up to date while the file and the files that it names change.

mod auth_cache;
mod certificates;
mod client;
mod client_auth;
mod fair_queue;
mod file;
pub(crate) mod hash;
mod headers;
mod names;
mod rate_limit;
mod reader;
mod reloader;
mod tls;
mod users;

use std::path::Path;
use std::sync::Arc;

use axum::http::HeaderMap;
use rustls::ServerConfig;

pub use auth_cache::PasswordChecks;
pub(crate) use client::Client;
use rate_limit::RateLimit;
pub use reloader::{WebConfigError, WebConfigFile};
pub(crate) use users::{Login, Users};

use crate::diagnostics::ConfigErrors;
use crate::reloader::Fingerprint;
use crate::yaml;
use file::File;
use reader::ConfigReader;

/// The content of a web configuration file.
#[derive(Debug, Default)]
pub struct WebConfig {
    /// The TLS configuration; `None` for plain HTTP.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// Headers of every response.
    pub(crate) headers: HeaderMap,
    /// The users; `None` if requests need no password.
    pub(crate) users: Option<Users>,
    /// The rate limit of the whole server.
    pub(crate) rate_limit: Option<Arc<RateLimit>>,
    /// Whether the file contains only comments, or nothing.
    is_blank: bool,
    /// Whether the file switches TLS on or off, which takes effect at the next start.
    needs_restart: bool,
}

impl WebConfig {
    /// Whether the server uses TLS.
    pub fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether requests need a user name and a password.
    pub fn has_users(&self) -> bool {
        self.users.is_some()
    }

    /// Whether the server limits the rate of requests.
    pub fn has_rate_limit(&self) -> bool {
        self.rate_limit.is_some()
    }

    /// The headers of every response.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Counters of password checks; `None` without users.
    pub fn password_checks(&self) -> Option<PasswordChecks> {
        self.users.as_ref().map(Users::checks)
    }

    /// Reads the file and the files that it names.
    fn read(path: &Path, files: &mut Fingerprint) -> Result<WebConfig, ConfigErrors> {
        let mut reader = ConfigReader::new(path, files);
        let text = reader.text()?;
        let file = yaml::parse(path, &text)?;
        let config = WebConfig {
            is_blank: is_blank(&text),
            ..WebConfig::of(file, &mut reader)
        };
        reader.finish(config)
    }

    fn of(file: File, reader: &mut ConfigReader) -> WebConfig {
        let http2 = file.http_server_config.http2.unwrap_or(true);
        let tls = file.tls_server_config.as_ref();
        let rate = file.rate_limit.rate();
        WebConfig {
            tls: tls.and_then(|section| tls::server_config(section, http2, reader)),
            headers: headers::headers(&file.http_server_config.headers, reader),
            users: Users::read(file.basic_auth_users, reader),
            rate_limit: rate.map(|rate| Arc::new(RateLimit::new(rate))),
            is_blank: false,
            needs_restart: false,
        }
    }

    /// Takes over the state that survives a change of the file: tokens of the rate limit, cached password checks, and
    /// whether TLS is enabled.
    fn inherit(&mut self, earlier: &WebConfig) {
        if let (Some(now), Some(before)) = (&mut self.rate_limit, &earlier.rate_limit)
            && now.rate() == before.rate()
        {
            *now = Arc::clone(before);
        }
        if let (Some(now), Some(before)) = (&mut self.users, &earlier.users) {
            now.inherit(before);
        }
        self.needs_restart = self.tls.is_some() != earlier.tls.is_some();
        if self.needs_restart {
            self.tls.clone_from(&earlier.tls);
        }
    }
}

/// Whether a text contains only comments and the start of a document, or nothing.
fn is_blank(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.all(|line| matches!(line, "" | "---") || line.starts_with('#'))
}
