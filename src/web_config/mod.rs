//! The web configuration file, `--web.config.file`: TLS, users, headers and a limit of requests, in
//! the format that Prometheus and its exporters share
//! (<https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>).
//!
//! [`WebConfigFile`] keeps a [`WebConfig`] current while the file and those it names change.

mod auth_cache;
mod client;
mod client_auth;
mod fair_queue;
mod file;
mod hash;
mod headers;
mod keeper;
mod names;
mod rate_limit;
mod reading;
mod tls;
mod users;

use std::path::Path;
use std::sync::Arc;

use axum::http::HeaderMap;
use rustls::ServerConfig;

pub use client::Client;
pub use hash::HashError;
pub(crate) use hash::{LONGEST_PASSWORD, USUAL_COSTS, hash_password, is_like_a_hash};
pub use keeper::WebConfigFile;
pub use rate_limit::RateLimit;
pub use users::{Login, Users};

use crate::config::{ConfigErrors, yaml};
use file::File;
use reading::{Contents, Reading};

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
    /// Whether the file says nothing, not even that it does.
    is_blank: bool,
}

impl WebConfig {
    /// Reads the file and those it names; tells all that is wrong.
    fn read(path: &Path) -> (Contents, Result<WebConfig, ConfigErrors>) {
        let mut reading = Reading::of(path);
        let text = reading.text();
        let parsed = text.and_then(|text| Ok((is_blank(&text), yaml::parse(path, &text)?)));
        let config = match parsed {
            Ok((is_blank, file)) => WebConfig {
                is_blank,
                ..WebConfig::of(file, &mut reading)
            },
            Err(error) => {
                reading.broken(error);
                WebConfig::default()
            }
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
        }
    }

    /// Takes over from an earlier reading what lives longer than the file's text: the level of the
    /// bucket, the cached password checks, and whether there is TLS at all, which needs a restart.
    fn inherit(&mut self, earlier: &WebConfig) {
        if let (Some(now), Some(before)) = (&mut self.rate_limit, &earlier.rate_limit)
            && now.rate() == before.rate()
        {
            *now = Arc::clone(before);
        }
        if let (Some(now), Some(before)) = (&mut self.users, &earlier.users) {
            now.inherit(before);
        }
        if self.tls.is_some() != earlier.tls.is_some() {
            self.tls.clone_from(&earlier.tls);
        }
    }
}

/// Whether there are only comments and the beginning of a document, if anything.
fn is_blank(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.all(|line| matches!(line, "" | "---") || line.starts_with('#'))
}
