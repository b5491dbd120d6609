//! `healthcheck`: whether an exporter serves, for containers without a shell.

use std::time::Duration;

use reqwest::{StatusCode, Url};

use crate::gateway::client::{USER_AGENT, root_cause};
use crate::gateway::tls::{TlsError, client_config};
use crate::web::listen::host_and_port;

/// Why an exporter does not count as healthy.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// No whole answer in time, or none that is HTTP.
    #[error("{url}: {reason}")]
    NoAnswer {
        /// What was asked, without credentials and query.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// An answer other than 200; a redirect is one, too.
    #[error("{url}: answered {status}, expected 200")]
    Status {
        /// What was asked, without credentials and query.
        url: String,
        /// The answer's status.
        status: u16,
    },
    /// No HTTP client can be made.
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// No TLS configuration can be made.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The health endpoint of an exporter that listens on these addresses, the first of a list.
///
/// # Errors
/// What is expected instead.
pub fn local_url(listen_addresses: &str) -> Result<Url, &'static str> {
    let first = listen_addresses.split(',').next().unwrap_or_default();
    let (host, port) = host_and_port(first)?;
    // Who listens on every address listens on loopback.
    let host = match host {
        "" | "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        host => host,
    };
    Url::parse(&format!("http://{host}:{port}/-/healthy")).map_err(|_| "no host name")
}

/// Asks `url` once. Proxies of the environment are for other hosts, and not used.
///
/// # Errors
/// [`HealthError`] unless the answer is 200 and arrives within `timeout`.
pub async fn check(url: Url, timeout: Duration) -> Result<(), HealthError> {
    let client = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .tls_backend_preconfigured(client_config(None)?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(timeout)
        .build()?;
    let shown = format!("{}{}", url.origin().ascii_serialization(), url.path());
    let answer = client.get(url).send().await;
    match answer.map(|answer| answer.status()) {
        Ok(StatusCode::OK) => Ok(()),
        Ok(status) => Err(HealthError::Status {
            url: shown,
            status: status.as_u16(),
        }),
        Err(error) => Err(HealthError::NoAnswer {
            url: shown,
            reason: reason(&error, timeout),
        }),
    }
}

fn reason(error: &reqwest::Error, timeout: Duration) -> String {
    match error.is_timeout() {
        true => format!("no answer within {timeout:?}"),
        false => root_cause(error),
    }
}
