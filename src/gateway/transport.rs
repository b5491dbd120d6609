//! Connections to a gateway, which accounts share: proxy, trusted CAs, connection pool, DNS lookups.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{ClientBuilder, Proxy};
use rustls::ClientConfig;
use rustls::pki_types::pem;
use tracing::{info, warn};

use super::body::ACCEPTED;
use super::proxy::ProxyUrl;
use super::resolver::{Lookups, Resolver};
use crate::build::USER_AGENT;
use exporter_toolkit::reloader::{Event, Fingerprint, Loader, Reloader};
use exporter_toolkit::tls::client::{self as tls, TlsError};

/// Time that an idle connection is kept. With the default `cache.ttl` and a scrape per minute, refreshes are at most two
/// minutes apart, so they reuse connections.
const IDLE: Duration = Duration::from_secs(150);
/// Time without traffic after which the kernel probes a connection (`TCP_KEEPIDLE`). A probe also keeps
/// NAT gateways and firewalls from forgetting the connection.
const PROBE_AFTER: Duration = Duration::from_secs(5);
/// Time that the peer has to acknowledge a probe (`TCP_KEEPINTVL`). Where `TCP_USER_TIMEOUT` is set, Linux
/// closes the connection after a single lost probe, so a dead one is gone after 7 s.
const PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// Settings of a transport. Accounts with equal settings share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportSettings {
    /// The proxy, if there is one.
    pub proxy: Option<ProxyUrl>,
    /// CA certificates that are trusted in addition to the system's. A changed file counts from the next request on.
    pub ca_file: Option<PathBuf>,
    /// Whether the gateway or the proxy is reached over TLS.
    pub over_tls: bool,
    /// Time that sent bytes, or the first packet of a connection, may stay unacknowledged before the kernel closes the
    /// connection (`TCP_USER_TIMEOUT` of Linux).
    pub acknowledgement_timeout: Duration,
    /// Time that a request waits for the DNS lookup of a host name.
    pub lookup_timeout: Duration,
}

/// Why a transport cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The trusted CA certificates cannot be determined.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP client cannot be created.
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// The connections to a gateway.
pub struct Transport(Reloader<TransportLoader>);

struct TransportLoader {
    settings: TransportSettings,
    lookups: Lookups,
}

#[derive(Debug)]
struct Loaded {
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
        out.debug_struct("Transport")
            .field("settings", self.settings())
            .finish_non_exhaustive()
    }
}

impl Transport {
    /// Creates a transport. Its DNS lookups are among `lookups`.
    ///
    /// # Errors
    /// [`TransportError`] if the CA file cannot be used or no HTTP client can be created.
    pub fn new(settings: TransportSettings, lookups: Lookups) -> Result<Transport, TransportError> {
        Reloader::new(TransportLoader { settings, lookups }).map(Transport)
    }

    /// The settings of the transport.
    pub fn settings(&self) -> &TransportSettings {
        &self.0.loader().settings
    }

    /// Whether the clients use the current content of the CA file.
    pub fn ca_file_is_good(&self) -> bool {
        self.0.is_up_to_date()
    }

    /// The clients for the next request, which trust the CA file as it is now, if it can be used.
    pub async fn http(&self) -> HttpClients {
        self.0.current().await.http.clone()
    }
}

impl TransportLoader {
    fn client_builder(&self, tls: ClientConfig) -> reqwest::Result<ClientBuilder> {
        let settings = &self.settings;
        let resolver = Resolver::new(self.lookups.clone(), settings.lookup_timeout);
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
        // Elsewhere, only the request's timeout ends a request on a dead connection.
        #[cfg(target_os = "linux")]
        let builder = builder.tcp_user_timeout(settings.acknowledgement_timeout);
        match &settings.proxy {
            Some(proxy) => Ok(builder.proxy(Proxy::all(proxy.url().clone())?)),
            None => Ok(builder),
        }
    }
}

impl Loader for TransportLoader {
    type Value = Loaded;
    type Error = TransportError;

    fn load(&self, files: &mut Fingerprint, _: Option<&Loaded>) -> Result<Loaded, TransportError> {
        let ca_file = self.settings.ca_file.as_deref();
        let read = |path: &Path| {
            files.read(path).map_err(|error| TlsError::Unreadable {
                path: path.to_owned(),
                source: pem::Error::Io(error),
            })
        };
        let ca = ca_file.map(read).transpose()?;
        let tls = match self.settings.over_tls {
            true => tls::client_config(ca_file.zip(ca.as_deref()))?,
            false => tls::client_config_without_roots()?,
        };
        let pooled = self.client_builder(tls.clone())?.build()?;
        let unpooled = self.client_builder(tls)?.pool_max_idle_per_host(0);
        let http = HttpClients {
            pooled,
            unpooled: unpooled.build()?,
        };
        Ok(Loaded { ca, http })
    }

    fn on_event(&self, event: Event<'_, TransportLoader>) {
        let path = self.settings.ca_file.as_deref().unwrap_or(Path::new(""));
        let file = path.display();
        match event {
            Event::Replaced { value, .. } => {
                info!(%file, "Trusts the certificates of the changed CA file");
                tls::warn_of_unusable(path, value.ca.as_deref().unwrap_or_default());
            }
            Event::Failed(err) => {
                warn!(%file, %err, "CA file cannot be used, the last good one stays in use");
            }
            Event::Recovered => info!(%file, "CA file can be used again"),
            Event::Started | Event::Replacing { .. } | Event::Ended => {}
        }
    }
}

fn accepting_gzip() -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED))])
}
