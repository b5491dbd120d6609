//! Listening, serving and graceful shutdown.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use listenfd::ListenFd;
use tracing::{info, warn};

use crate::diagnostics::ConfigErrors;
use crate::flags::WebFlags;
use crate::guard::guard;
use crate::server::{ListenAddress, ListenError, Listener, ListenerGroup, ServerOptions, Sockets};
use crate::web_config::WebConfigFile;
use crate::{health, memory, systemd};

/// Time for running requests to finish after a shutdown signal.
const GRACE_PERIOD: Duration = Duration::from_secs(10);
/// The main listeners may use 1/2 of the process' file descriptors, and one connection per 512 KiB of memory; the exporter
/// needs the rest.
const MAIN_SHARE: u64 = 2;
/// The probe listeners have 1/8 for themselves, so that probes succeed while the main listeners are at their limit.
const PROBE_SHARE: u64 = 8;

/// An error that keeps an exporter from starting or from continuing to serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The web configuration file is invalid.
    #[error(transparent)]
    WebConfig(#[from] ConfigErrors),
    /// The exporter cannot listen on an address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Another system call failed.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// A web server that listens on its addresses. It accepts connections once [`Server::serve`] runs.
///
/// It is for exporters that need more than [`serve()`], such as a reload of the web configuration file on request:
///
/// ```no_run
/// # async fn start(flags: exporter_toolkit::WebFlags) -> Result<(), Box<dyn std::error::Error>> {
/// use axum::{Router, http::StatusCode, routing::post};
/// use exporter_toolkit::{Server, ServerOptions, signals};
///
/// let server = Server::from_flags(&flags).await?;
/// let web_config = server.web_config();
/// let reload = async move || match web_config.reload().await {
///     Ok(()) => (StatusCode::OK, String::new()),
///     Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
/// };
/// let router = Router::new().route("/-/reload", post(reload));
/// let options = ServerOptions::default();
/// server.serve(router, options, signals::shutdown_signal()?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    listeners: Vec<Listener>,
    probe_listeners: Vec<Listener>,
    web_config: Arc<WebConfigFile>,
}

/// Serves `router` on the addresses of `flags`, protected by their web configuration file, until `shutdown` resolves.
///
/// Running requests then have ten seconds to finish, or until `shutdown` resolves a second time. The server has the
/// default [`ServerOptions`]. It starts like [`Server::from_flags`], raises the process' soft limit of file descriptors to
/// the hard limit, and returns free memory to the operating system every few seconds.
///
/// ```no_run
/// # async fn start(flags: exporter_toolkit::WebFlags) -> Result<(), Box<dyn std::error::Error>> {
/// use axum::{Router, routing::get};
/// use exporter_toolkit::{serve, signals};
///
/// let router = Router::new().route("/metrics", get("up 1\n"));
/// serve(router, &flags, signals::shutdown_signal()?).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ServeError`] if the web configuration file is invalid or the exporter cannot listen on an address.
pub async fn serve(
    router: Router,
    flags: &WebFlags,
    shutdown: impl AsyncFnMut(),
) -> Result<(), ServeError> {
    let server = Server::from_flags(flags).await?;
    let options = ServerOptions::default();
    Ok(server.serve(router, options, shutdown).await?)
}

impl Server {
    /// Loads the web configuration file of `flags` and opens all listening sockets.
    ///
    /// Removes the variables of systemd's socket activation from the environment, which is only safe while no other
    /// thread reads the environment: call it on a current-thread runtime. Other programs call [`WebFlags::sockets`]
    /// before they start a runtime, and [`Server::bind`] in it.
    ///
    /// # Errors
    /// [`ServeError`] if the web configuration file is invalid or the exporter cannot listen on an address.
    pub async fn from_flags(flags: &WebFlags) -> Result<Server, ServeError> {
        let web_config = Arc::new(flags.web_config()?);
        Ok(Server::bind(flags.sockets(ListenFd::from_env()), web_config).await?)
    }

    /// Opens all listening sockets. `web_config` protects the main listeners.
    ///
    /// # Errors
    /// [`ListenError`], which names the address.
    pub async fn bind(
        sockets: Sockets,
        web_config: Arc<WebConfigFile>,
    ) -> Result<Server, ListenError> {
        let listeners = match sockets.from_systemd {
            Some(passed) => Listener::from_systemd(passed)?,
            None => listen(&sockets.addresses).await?,
        };
        Ok(Server {
            listeners,
            probe_listeners: listen(&sockets.probe_addresses).await?,
            web_config,
        })
    }

    /// A handle to the web configuration file, which reloads it on request.
    pub fn web_config(&self) -> Arc<WebConfigFile> {
        Arc::clone(&self.web_config)
    }

    /// The TCP addresses of the main listeners, with the port in use instead of port 0.
    ///
    /// # Errors
    /// The error of `getsockname`.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        tcp_addresses(&self.listeners)
    }

    /// The TCP addresses of the probe listeners, which serve the health endpoints only.
    ///
    /// # Errors
    /// The error of `getsockname`.
    pub fn probe_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        tcp_addresses(&self.probe_listeners)
    }

    /// Serves `router` until `shutdown` resolves. Running requests then have ten seconds to finish, or until
    /// `shutdown` resolves a second time. Notifies systemd of the start and the stop, and keeps its watchdog alive.
    ///
    /// # Errors
    /// The error of `getsockname`.
    pub async fn serve(
        self,
        router: Router,
        options: ServerOptions,
        mut shutdown: impl AsyncFnMut(),
    ) -> io::Result<()> {
        let mut main = ListenerGroup::new(MAIN_SHARE, memory::limit(), &options);
        let guarded = guard(
            router,
            Arc::clone(&self.web_config),
            Arc::clone(&options.clock),
            &options.name,
        );
        for listener in self.listeners {
            main.serve(listener, guarded.clone(), Arc::clone(&self.web_config))?;
        }
        let mut probes = ListenerGroup::new(PROBE_SHARE, memory::limit(), &options);
        // Probes do not pass through a reverse proxy, so their paths have no prefix.
        let health = health::router(&options.name, "").fallback(health::not_found);
        let unprotected = Arc::new(WebConfigFile::none());
        for listener in self.probe_listeners {
            probes.serve(listener, health.clone(), Arc::clone(&unprotected))?;
        }
        systemd::ready();
        tokio::select! {
            () = shutdown() => {}
            () = systemd::watchdog() => {}
            () = memory::return_free_pages() => {}
        }
        info!("Received a shutdown signal, finishing running requests");
        systemd::stopping();
        let drained = async { tokio::join!(main.drain(), probes.drain()) };
        tokio::select! {
            _ = drained => {}
            () = tokio::time::sleep(GRACE_PERIOD) => warn!("Grace period is over, ending without waiting for running requests"),
            () = shutdown() => warn!("Received another shutdown signal, ending without waiting for running requests"),
        }
        Ok(())
    }
}

async fn listen(addresses: &[ListenAddress]) -> Result<Vec<Listener>, ListenError> {
    let mut listeners = Vec::new();
    for address in addresses {
        listeners.push(Listener::bind(address).await?);
    }
    Ok(listeners)
}

fn tcp_addresses(listeners: &[Listener]) -> io::Result<Vec<SocketAddr>> {
    let addresses = listeners.iter().map(Listener::tcp_address);
    addresses.filter_map(Result::transpose).collect()
}
