//! Starts the exporter, serves until a signal, and shuts down gracefully.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tracing::info;

use crate::build;
use crate::reload::ConfigReloader;
pub use crate::reload::{Load, LoadErrors};
use crate::route::Route;
use crate::telemetry::Telemetry;
use crate::web::{self, App, WebOptions};
use exporter_toolkit::clock::Clock;
use exporter_toolkit::server::ListenError;
use exporter_toolkit::signals::ReloadSignal;
use exporter_toolkit::{Server, ServerOptions, Sockets};

/// The exporter cannot start, or stops because of an error.
#[derive(Debug, thiserror::Error)]
pub enum ExporterError {
    /// The configuration is not valid.
    #[error(transparent)]
    Load(#[from] LoadErrors),
    /// The exporter cannot listen on an address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Two metrics have the same name, which is a bug.
    #[error("cannot register the exporter's own metrics: {0}")]
    Telemetry(#[from] prometheus::Error),
    /// The operating system reports an error.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// An exporter that listens but does not serve yet.
#[derive(Debug)]
pub struct Exporter {
    server: Server,
    app: Arc<App>,
}

impl Exporter {
    /// Loads the configuration, creates the accounts, and listens on all addresses. Sends no request to a
    /// gateway.
    ///
    /// # Errors
    /// [`ExporterError`] if the configuration is not valid, or the exporter cannot listen on an address.
    pub async fn bind(
        sockets: Sockets,
        load: Load,
        options: WebOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Exporter, ExporterError> {
        let telemetry = Arc::new(Telemetry::new(clock.now())?);
        let web_config = Arc::clone(&options.config);
        let reloader =
            ConfigReloader::new(load, Arc::clone(&telemetry), web_config, Arc::clone(&clock))?;
        let (version, revision) = (build::VERSION, build::REVISION);
        let accounts = reloader.accounts().entries().len();
        info!(version, revision, accounts, "Starting qlara-exporter");
        reloader.accounts().routes().iter().for_each(Route::log);
        let server = Server::bind(sockets, Arc::clone(&options.config)).await?;
        let app = App::new(Arc::new(reloader), telemetry, options, clock);
        Ok(Exporter {
            server,
            app: Arc::new(app),
        })
    }

    /// The TCP addresses that serve all endpoints, with the actual port in place of port 0.
    ///
    /// # Errors
    /// If the operating system does not report an address.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.server.addresses()
    }

    /// The TCP addresses that serve only health.
    ///
    /// # Errors
    /// If the operating system does not report an address.
    pub fn probe_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.server.probe_addresses()
    }

    /// Installs a signal handler: SIGHUP reloads the configuration from now on. Without the handler, SIGHUP ends
    /// the process. Systems without Unix signals have only `POST /-/reload`.
    ///
    /// # Errors
    /// If the operating system rejects the handler.
    pub fn reload_on_hangup(&self) -> io::Result<()> {
        let mut hangup = ReloadSignal::new()?;
        let app = Arc::clone(&self.app);
        tokio::spawn(async move {
            while hangup.next().await.is_some() {
                // The reload logs its errors.
                let _ = app.reloader().reload().await;
            }
        });
        Ok(())
    }

    /// Serves until `shutdown` resolves, then shuts down gracefully: running requests have ten seconds to finish,
    /// or less if `shutdown` resolves again.
    ///
    /// # Errors
    /// If the operating system reports an error.
    pub async fn run(self, shutdown: impl AsyncFnMut()) -> Result<(), ExporterError> {
        let app = &self.app;
        let options = ServerOptions {
            timeouts: app.options().timeouts,
            clock: Arc::clone(app.clock()),
            failed_handshakes: Some(app.telemetry().failed_handshakes().clone()),
            texts: app.reloader().accounts().texts().clone(),
            ..ServerOptions::new(build::NAME)
        };
        let router = web::router(app);
        Ok(self.server.serve(router, options, shutdown).await?)
    }
}
