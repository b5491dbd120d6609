//! The way to the gateway, which all accounts share: proxy, trusted roots, kept connections, look-ups of names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{ClientBuilder, Proxy};
use rustls::ClientConfig;
use tracing::{info, warn};

use super::body::ACCEPTED;
use super::client::USER_AGENT;
use super::proxy::ProxyUrl;
use super::resolver::{Lookups, Resolver};
use super::tls::{self, TlsError};
use crate::reread::Rereader;

/// How long an unused connection is kept. With the default `cache.ttl` and a scrape a minute, refreshes
/// are at most two minutes apart, so they share the handshakes.
const IDLE: Duration = Duration::from_secs(150);
/// Time without traffic after which the kernel probes a connection (`TCP_KEEPIDLE`). A probe also keeps
/// NAT gateways and firewalls from forgetting the connection.
const PROBE_AFTER: Duration = Duration::from_secs(5);
/// Time that the peer has to acknowledge a probe (`TCP_KEEPINTVL`). Where `TCP_USER_TIMEOUT` is set, Linux
/// closes the connection after a single lost probe, so a dead one is gone after 7 s.
const PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// What the way to the gateway depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportSettings {
    /// The proxy, if there is one.
    pub proxy: Option<ProxyUrl>,
    /// The operator's own CA, trusted beside the system's roots. It is read again before each use.
    pub ca_file: Option<PathBuf>,
    /// Whether there is TLS on it, to the gateway or to the proxy.
    pub over_tls: bool,
    /// How long bytes, or the first packet of a connection, may stay unacknowledged before the kernel
    /// gives the connection up (`TCP_USER_TIMEOUT` of Linux).
    pub acknowledgement_timeout: Duration,
    /// How long a request waits for the look-up of a host name.
    pub lookup_timeout: Duration,
}

/// Why there is no way to the gateway.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The trusted roots cannot be made out.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No HTTP client can be made.
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// The way to the gateway.
pub struct Transport {
    settings: TransportSettings,
    lookups: Lookups,
    current: Mutex<Current>,
    rereader: Rereader<Result<Option<Current>, TransportError>>,
    looking: tokio::sync::Mutex<()>,
    trouble: Mutex<bool>,
}

#[derive(Clone)]
struct Current {
    ca: Option<Vec<u8>>,
    http: HttpClients,
}

/// The HTTP clients of one transport. They do not follow redirects: a custom header such as
/// `X-Api-Key` would be sent on to whatever host the redirect names.
#[derive(Clone)]
pub struct HttpClients {
    /// Reuses connections.
    pub pooled: reqwest::Client,
    /// Opens a connection for each request, for the second attempt after a kept one turned out dead.
    pub unpooled: reqwest::Client,
}

impl fmt::Debug for HttpClients {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // They hold the proxy's password.
        out.debug_struct("HttpClients").finish_non_exhaustive()
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The HTTP client holds the proxy's password.
        let settings = &self.settings;
        out.debug_struct("Transport")
            .field("settings", settings)
            .finish_non_exhaustive()
    }
}

impl Transport {
    /// The way that these settings describe. Its look-ups of host names are among `lookups`.
    ///
    /// # Errors
    /// [`TransportError`] when there is none.
    pub fn new(settings: TransportSettings, lookups: Lookups) -> Result<Transport, TransportError> {
        let ca = read_ca(settings.ca_file.as_deref())?;
        Ok(Transport {
            current: Mutex::new(Current::new(&settings, &lookups, ca)?),
            settings,
            lookups,
            rereader: Rereader::default(),
            looking: tokio::sync::Mutex::default(),
            trouble: Mutex::default(),
        })
    }

    /// What it was made of.
    pub fn settings(&self) -> &TransportSettings {
        &self.settings
    }

    /// Whether the CA file could be read when it was last needed.
    pub fn is_good(&self) -> bool {
        !*self.trouble.lock()
    }

    /// The clients for the next request.
    pub async fn http(&self) -> HttpClients {
        // One of several accounts looks for all of them.
        if let (Some(path), Ok(_looking)) = (&self.settings.ca_file, self.looking.try_lock()) {
            let renewed = self.look_at_ca().await;
            self.note(path, renewed.as_ref().err());
            if let Ok(Some(renewed)) = renewed {
                info!(file = %path.display(), "Trusts the certificates of the changed CA file");
                tls::warn_of_unusable(path, renewed.ca.as_deref().unwrap_or_default());
                *self.current.lock() = renewed;
            }
        }
        self.current.lock().http.clone()
    }

    async fn look_at_ca(&self) -> Result<Option<Current>, String> {
        let (settings, lookups) = (self.settings.clone(), self.lookups.clone());
        let known = self.current.lock().ca.clone();
        let look = move || {
            let ca = read_ca(settings.ca_file.as_deref())?;
            match ca == known {
                true => Ok(None),
                false => Current::new(&settings, &lookups, ca).map(Some),
            }
        };
        match self.rereader.look(look).await {
            Some(renewed) => renewed.map_err(|error| error.to_string()),
            None => Err("reading it takes too long".to_owned()),
        }
    }

    /// A change is one line in the log, for all accounts together.
    fn note(&self, path: &Path, error: Option<&String>) {
        let mut trouble = self.trouble.lock();
        match error {
            Some(err) if !*trouble => {
                let file = path.display();
                warn!(%file, err, "CA file cannot be used, the last good one stays in force");
            }
            None if *trouble => info!(file = %path.display(), "CA file can be used again"),
            _ => {}
        }
        *trouble = error.is_some();
    }
}

fn read_ca(path: Option<&Path>) -> Result<Option<Vec<u8>>, TlsError> {
    path.map(tls::read_ca_file).transpose()
}

impl Current {
    fn new(
        settings: &TransportSettings,
        lookups: &Lookups,
        ca: Option<Vec<u8>>,
    ) -> Result<Current, TransportError> {
        let trusted = settings.ca_file.as_deref().zip(ca.as_deref());
        let tls = match settings.over_tls {
            true => tls::client_config(trusted)?,
            false => tls::client_config_without_roots()?,
        };
        let pooled = client_builder(settings, lookups, tls.clone())?.build()?;
        let unpooled = client_builder(settings, lookups, tls)?.pool_max_idle_per_host(0);
        let http = HttpClients {
            pooled,
            unpooled: unpooled.build()?,
        };
        Ok(Current { ca, http })
    }
}

fn client_builder(
    settings: &TransportSettings,
    lookups: &Lookups,
    tls: ClientConfig,
) -> reqwest::Result<ClientBuilder> {
    let resolver = Resolver::new(lookups.clone(), settings.lookup_timeout);
    let builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .default_headers(accepting_gzip())
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(resolver)
        .pool_idle_timeout(IDLE)
        .tcp_keepalive(PROBE_AFTER)
        .tcp_keepalive_interval(PROBE_INTERVAL)
        .no_proxy();
    #[cfg(target_os = "linux")]
    let builder = builder.tcp_user_timeout(settings.acknowledgement_timeout);
    match &settings.proxy {
        Some(proxy) => Ok(builder.proxy(Proxy::all(proxy.url().clone())?)),
        None => Ok(builder),
    }
}

fn accepting_gzip() -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED))])
}
