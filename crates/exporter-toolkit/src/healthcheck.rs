//! A health check of an exporter, for containers without a shell.
//!
//! ```no_run
//! # async fn check() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use exporter_toolkit::healthcheck::{self, Target};
//!
//! let target = Target::from_listen_addresses(":9999")?;
//! healthcheck::check(target, None, Duration::from_secs(5), "my_exporter/1.0").await?;
//! # Ok(())
//! # }
//! ```

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{StatusCode, Url};

use crate::error_chain::{find_cause, root_cause};
use crate::redacted::shown_path;
use crate::server::{ListenAddress, TcpAddress};
use crate::tls::client::{TlsError, client_config, read_ca_file, unusable_in};

/// An error of a health check.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// The exporter sent no valid HTTP response in time.
    #[error("{url}: {reason}")]
    NoResponse {
        /// The URL, without credentials and query.
        url: String,
        /// The cause.
        reason: String,
    },
    /// The status is not 200. Redirects are not followed.
    #[error("{url}: answered {status}, expected 200")]
    Status {
        /// The URL, without credentials and query.
        url: String,
        /// The status of the response.
        status: u16,
    },
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// The TLS configuration is invalid.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The URL, and optionally the Unix socket, of a health check.
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
    /// Inserts `prefix` before the path.
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Target {
        self.url.set_path(&format!("{prefix}{}", self.url.path()));
        self
    }

    /// The health endpoint of an exporter that listens on `addresses`, a comma-separated list. The first address is used.
    ///
    /// # Errors
    /// The expected format, if the first address is invalid.
    pub fn from_listen_addresses(addresses: &str) -> Result<Target, &'static str> {
        let first = addresses.split(',').next().unwrap_or_default();
        let (host, socket) = match first.parse()? {
            ListenAddress::Unix(path) => ("localhost".to_owned(), Some(path)),
            ListenAddress::Tcp(TcpAddress { host, port }) => {
                // An exporter that listens on all addresses also listens on loopback.
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

/// Sends one request to `target`. Certificates in `ca_file` are trusted in addition to the system's roots. Proxies of the
/// environment are not used, because the exporter is on the same host.
///
/// # Errors
/// [`HealthError`] unless a response with status 200 arrives within `timeout`.
pub async fn check(
    target: Target,
    ca_file: Option<&Path>,
    timeout: Duration,
    user_agent: &str,
) -> Result<(), HealthError> {
    let ca = ca_file.map(read_ca_file).transpose()?;
    let mut builder = reqwest::Client::builder()
        .user_agent(user_agent)
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
        Err(error) => Err(HealthError::NoResponse {
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
    // The server aborts the handshake if the client supports none of its keys.
    if let Some(rustls::Error::AlertReceived(_)) = find_cause(error) {
        for unusable in unusable_in(ca) {
            reason.push_str(&format!("; in the CA file, {unusable}"));
        }
    }
    reason
}
