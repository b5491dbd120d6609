//! `healthcheck`: whether an exporter serves, for containers without a shell.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{StatusCode, Url};

use crate::gateway::client::{USER_AGENT, find_cause, root_cause};
use crate::gateway::tls::{TlsError, client_config, read_ca_file, unusable_in};
use crate::hidden::shown_path;
use crate::server::address::{ListenAddress, TcpAddress};

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

/// What to ask.
#[derive(Clone)]
pub struct Target {
    url: Url,
    socket: Option<PathBuf>,
}

impl From<Url> for Target {
    fn from(url: Url) -> Target {
        Target { url, socket: None }
    }
}

impl Target {
    /// The same behind `--web.route-prefix`.
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Target {
        self.url.set_path(&format!("{prefix}{}", self.url.path()));
        self
    }

    /// The health endpoint of an exporter that listens on the first of these addresses, which commas
    /// separate.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn first_of(addresses: &str) -> Result<Target, &'static str> {
        let first = addresses.split(',').next().unwrap_or_default();
        let (host, socket) = match first.parse()? {
            ListenAddress::Unix(path) => ("localhost".to_owned(), Some(path)),
            ListenAddress::Tcp(TcpAddress { host, port }) => {
                // Who listens on every address listens on loopback.
                let host = match host.as_str() {
                    "" | "0.0.0.0" => "127.0.0.1",
                    "[::]" => "[::1]",
                    host => host,
                };
                (format!("{host}:{port}"), None)
            }
        };
        let url = Url::parse(&format!("http://{host}/-/healthy")).map_err(|_| "no host name")?;
        Ok(Target { url, socket })
    }
}

impl Display for Target {
    /// Without credentials and query.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = Path::new(self.url.path());
        match &self.socket {
            Some(path) => write!(out, "unix://{}{}", shown_path(path), shown_path(asked)),
            None => {
                let origin = self.url.origin().ascii_serialization();
                write!(out, "{origin}{}", shown_path(asked))
            }
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Target({self})")
    }
}

/// Asks once. Proxies of the environment are for other hosts, and not used. `ca_file` is trusted beside
/// the system's roots.
///
/// # Errors
/// [`HealthError`] unless the answer is 200 and arrives within `timeout`.
pub async fn check(
    target: Target,
    ca_file: Option<&Path>,
    timeout: Duration,
) -> Result<(), HealthError> {
    let ca = ca_file.map(read_ca_file).transpose()?;
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .tls_backend_preconfigured(client_config(ca_file.zip(ca.as_deref()))?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(timeout);
    if let Some(path) = target.socket.as_deref() {
        builder = builder.unix_socket(path);
    }
    let shown = target.to_string();
    let answer = builder.build()?.get(target.url).send().await;
    match answer.map(|answer| answer.status()) {
        Ok(StatusCode::OK) => Ok(()),
        Ok(status) => Err(HealthError::Status {
            url: shown,
            status: status.as_u16(),
        }),
        Err(error) => Err(HealthError::NoAnswer {
            url: shown,
            reason: reason(&error, timeout, ca.as_deref().unwrap_or_default()),
        }),
    }
}

fn reason(error: &reqwest::Error, timeout: Duration, ca: &[u8]) -> String {
    if error.is_timeout() {
        return format!("no answer within {timeout:?}");
    }
    let mut reason = root_cause(error);
    // A server ends the handshake if the client can verify no key that the server has.
    if let Some(rustls::Error::AlertReceived(_)) = find_cause(error) {
        for unusable in unusable_in(ca) {
            reason.push_str(&format!("; in the CA file, {unusable}"));
        }
    }
    reason
}
