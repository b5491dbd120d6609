//! From a configuration to a running exporter, and from a signal to its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use listenfd::ListenFd;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use crate::build;
use crate::clock::Clock;
use crate::config::ConfigErrors;
use crate::memory;
use crate::reload::{Load, ReloadError, Reloader};
use crate::route::Route;
use crate::server::Server;
use crate::server::address::ListenAddress;
use crate::server::listener::{ListenError, Listener};
use crate::service_manager;
use crate::telemetry::Telemetry;
use crate::web::{self, App, WebOptions};
use crate::web_config::WebConfigFile;

/// How long running scrapes may take to end after a signal.
const DRAIN: Duration = Duration::from_secs(10);

/// Why the exporter cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(ConfigErrors),
    /// The accounts cannot be set up.
    #[error(transparent)]
    Accounts(ReloadError),
    /// An address is taken or not ours.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Two metrics are declared alike.
    #[error("cannot register the exporter's own metrics: {0}")]
    Telemetry(#[from] prometheus::Error),
    /// The operating system refuses something.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl From<ReloadError> for LifecycleError {
    fn from(error: ReloadError) -> LifecycleError {
        match error {
            ReloadError::Config(mistakes) => LifecycleError::Config(mistakes),
            other => LifecycleError::Accounts(other),
        }
    }
}

/// Where the exporter listens.
#[derive(Default)]
#[allow(missing_debug_implementations)]
pub struct Sockets {
    /// Addresses for everything.
    pub addresses: Vec<ListenAddress>,
    /// The sockets that systemd handed over, instead of those addresses.
    pub from_systemd: Option<ListenFd>,
    /// Addresses for health alone.
    pub probe_addresses: Vec<ListenAddress>,
}

/// An exporter that listens, but does not answer yet.
#[derive(Debug)]
pub struct Exporter {
    listeners: Vec<Listener>,
    probe_listeners: Vec<Listener>,
    app: Arc<App>,
}

impl Exporter {
    /// Loads the configuration, listens on every address and prepares the accounts. No gateway is
    /// asked.
    ///
    /// # Errors
    /// [`LifecycleError`] when the configuration is wrong, or an address cannot be listened on.
    pub async fn bind(
        sockets: Sockets,
        load: Load,
        options: WebOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Exporter, LifecycleError> {
        let telemetry = Arc::new(Telemetry::new(clock.now())?);
        let web_config = Arc::clone(&options.config);
        let reloader = Reloader::new(load, Arc::clone(&telemetry), web_config, Arc::clone(&clock))?;
        let (version, revision) = (build::VERSION, build::REVISION);
        let accounts = reloader.roster().entries().len();
        info!(version, revision, accounts, "Starting qlara-exporter");
        reloader.roster().routes().iter().for_each(Route::log);
        let listeners = match sockets.from_systemd {
            Some(handed_over) => Listener::from_systemd(handed_over)?,
            None => listen(&sockets.addresses).await?,
        };
        let probe_listeners = listen(&sockets.probe_addresses).await?;
        let app = App::new(Arc::new(reloader), telemetry, options, clock);
        Ok(Exporter {
            listeners,
            probe_listeners,
            app: Arc::new(app),
        })
    }

    /// The addresses for everything, as far as they are TCP; a port of 0 has become a real one.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        tcp_addresses(&self.listeners)
    }

    /// The addresses for health alone, as far as they are TCP.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn probe_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        tcp_addresses(&self.probe_listeners)
    }

    /// From now on SIGHUP loads the configuration again. Without this it ends the process.
    ///
    /// # Errors
    /// When the operating system refuses the handler.
    pub fn reload_on_hangup(&self) -> io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let app = Arc::clone(&self.app);
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                // It is logged, and there is nobody else to tell.
                let _ = app.reloader().reload().await;
            }
        });
        Ok(())
    }

    /// Answers until `shutdown` resolves, then lets running requests end within ten seconds, or until
    /// it would resolve again.
    ///
    /// # Errors
    /// When the operating system refuses something.
    pub async fn run(self, mut shutdown: impl AsyncFnMut()) -> Result<(), LifecycleError> {
        let timeouts = self.app.options().timeouts;
        let failed_handshakes = self.app.telemetry().failed_handshakes();
        let memory_limit = memory::limit();
        let mut server = Server::new(2, memory_limit, failed_handshakes.clone());
        let (router, config) = (web::router(&self.app), &self.app.options().config);
        for listener in self.listeners {
            server.serve(listener, router.clone(), timeouts, Arc::clone(config))?;
        }
        // Health is there for its own clients, however many others there are.
        let mut probe_server = Server::new(8, memory_limit, failed_handshakes.clone());
        let no_config = Arc::new(WebConfigFile::none());
        for listener in self.probe_listeners {
            let router = web::probe_router();
            probe_server.serve(listener, router, timeouts, Arc::clone(&no_config))?;
        }
        service_manager::ready();
        tokio::select! {
            () = shutdown() => {}
            () = service_manager::give_signs_of_life() => {}
        }
        info!("Received a signal to end, finishing running requests");
        service_manager::stopping();
        let drained = async { tokio::join!(server.drain(), probe_server.drain()) };
        tokio::select! {
            _ = drained => {}
            () = tokio::time::sleep(DRAIN) => warn!("Requests still run after the time to drain, ending without them"),
            () = shutdown() => warn!("Received another signal to end, ending without the running requests"),
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

/// Waits for the next SIGINT or SIGTERM. The handlers are in place when this returns.
///
/// # Errors
/// When the operating system refuses the handlers.
pub fn end_signal() -> io::Result<impl AsyncFnMut()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
