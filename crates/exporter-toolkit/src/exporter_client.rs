//! A request to a running exporter, as its own subcommands send it: a health check for containers without a shell, for
//! example.
//!
//! ```no_run
//! # async fn check() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use exporter_toolkit::exporter_client::{Request, Target};
//!
//! let request = Request {
//!     target: Target::from_listen_addresses(":9999")?,
//!     ca_file: None,
//!     timeout: Duration::from_secs(5),
//!     user_agent: "my_exporter/1.0",
//! };
//! request.send().await?;
//! # Ok(())
//! # }
//! ```

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Response, StatusCode, Url};

use crate::error_chain::{find_cause, root_cause};
use crate::redacted::shown_path;
use crate::server::{ListenAddress, TcpAddress, connect_to};
use crate::tls::client::{TlsError, client_config, read_ca_file, unusable_in};

/// An exporter gave no answer of the status 200.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
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
    /// The body is longer than the limit.
    #[error("{url}: the answer is longer than {} MiB", .max_bytes >> 20)]
    TooLarge {
        /// The URL, without credentials and query.
        url: String,
        /// The limit.
        max_bytes: usize,
    },
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// The target is a Unix socket, and this system has none.
    #[error("this system has no Unix sockets; use HOST:PORT")]
    NoUnixSockets,
    /// The TLS configuration is invalid.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The URL, and optionally the Unix socket, of a request.
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

    /// Inserts `prefix` before the path.
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Target {
        self.url.set_path(&format!("{prefix}{}", self.url.path()));
        self
    }

    /// Appends `path` to the path.
    #[must_use]
    pub fn join(mut self, path: &str) -> Target {
        let joined = format!("{}{path}", self.url.path().trim_end_matches('/'));
        self.url.set_path(&joined);
        self
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

/// A request to an exporter.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Where to.
    pub target: Target,
    /// Certificates in this file are trusted in addition to the system's roots.
    pub ca_file: Option<&'a Path>,
    /// The time for the whole answer.
    pub timeout: Duration,
    /// The name of the program.
    pub user_agent: &'a str,
}

impl Request<'_> {
    /// Sends the request. Proxies of the environment are not used, because the exporter is on the same host or in the same
    /// network.
    ///
    /// # Errors
    /// [`RequestError`] unless a response with status 200 arrives in time.
    pub async fn send(&self) -> Result<Response, RequestError> {
        let ca = self.ca_file.map(read_ca_file).transpose()?;
        let mut builder = reqwest::Client::builder()
            .user_agent(self.user_agent)
            .tls_backend_preconfigured(client_config(self.ca_file.zip(ca.as_deref()))?)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(self.timeout);
        if let Some(path) = self.target.socket.as_deref() {
            builder = connect_to(builder, path).ok_or(RequestError::NoUnixSockets)?;
        }
        let answer = builder.build()?.get(self.target.url.clone()).send().await;
        let answer = answer.map_err(|error| self.failure(&error, ca.as_deref()))?;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            status => Err(RequestError::Status {
                url: self.target.to_string(),
                status: status.as_u16(),
            }),
        }
    }

    /// Sends the request and reads the body.
    ///
    /// # Errors
    /// [`RequestError`] as for [`Request::send`], and if the body is longer than `max_bytes` or ends early.
    pub async fn read(&self, max_bytes: usize) -> Result<Vec<u8>, RequestError> {
        let mut response = self.send().await?;
        let mut body = Vec::new();
        let failure = |error| self.failure(&error, None);
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > max_bytes {
                return Err(RequestError::TooLarge {
                    url: self.target.to_string(),
                    max_bytes,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn failure(&self, error: &reqwest::Error, ca: Option<&[u8]>) -> RequestError {
        RequestError::NoResponse {
            url: self.target.to_string(),
            reason: reason(error, self.timeout, ca.unwrap_or_default()),
        }
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
