//! The web configuration file, `--web.config.file`: TLS, users, headers and a limit of requests, in
//! the format that Prometheus and its exporters share
//! (<https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>).
//!
//! [`WebConfigFile`] keeps a [`WebConfig`] current while the file and those it names change.

mod auth_cache;
mod certificates;
mod client;
mod client_auth;
mod fair_queue;
mod file;
mod hash;
mod headers;
mod names;
mod rate_limit;
mod reading;
mod reloader;
mod tls;
mod users;

use std::path::Path;
use std::sync::Arc;

use axum::http::HeaderMap;
use rustls::ServerConfig;

pub use client::Client;
pub use hash::HashError;
pub use hash::USUAL_COSTS;
pub(crate) use hash::{LONGEST_PASSWORD, hash_password, looks_like_hash};
pub use rate_limit::RateLimit;
pub use reloader::WebConfigFile;
pub use users::{Login, Users};

use crate::diagnostics::ConfigErrors;
use crate::reloader::Fingerprint;
use crate::yaml;
use file::File;
use reading::Reading;

/// What the file says, ready for use.
#[derive(Debug, Default)]
pub struct WebConfig {
    /// How to speak TLS; `None` is plain HTTP.
    pub tls: Option<Arc<ServerConfig>>,
    /// Added to every answer.
    pub headers: HeaderMap,
    /// Who may ask; `None` is everybody.
    pub users: Option<Users>,
    /// How often may be asked; `None` is as often as one likes.
    pub rate_limit: Option<Arc<RateLimit>>,
    /// Whether the file contains at most comments.
    is_blank: bool,
    /// Whether the file switches TLS on or off, which takes effect at the next start.
    needs_restart: bool,
}

impl WebConfig {
    /// Reads the file and the files that it names.
    fn read(path: &Path, files: &mut Fingerprint) -> Result<WebConfig, ConfigErrors> {
        let mut reading = Reading::new(path, files);
        let text = reading.text()?;
        let file = yaml::parse(path, &text)?;
        let config = WebConfig {
            is_blank: is_blank(&text),
            ..WebConfig::of(file, &mut reading)
        };
        reading.end(config)
    }

    fn of(file: File, reading: &mut Reading) -> WebConfig {
        let http2 = file.http_server_config.http2.unwrap_or(true);
        let tls = file.tls_server_config.as_ref();
        let rate = file.rate_limit.rate();
        WebConfig {
            tls: tls.and_then(|section| tls::server_config(section, http2, reading)),
            headers: headers::headers(&file.http_server_config.headers, reading),
            users: Users::read(file.basic_auth_users, reading),
            rate_limit: rate.map(|rate| Arc::new(RateLimit::new(rate))),
            is_blank: false,
            needs_restart: false,
        }
    }

    /// Keeps what outlives a change of the file: the state of the rate limit, the cached password checks, and whether
    /// there is TLS.
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

/// Whether there are only comments and the beginning of a document, if anything.
fn is_blank(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.all(|line| matches!(line, "" | "---") || line.starts_with('#'))
}
