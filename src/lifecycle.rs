//! From a configuration to a running exporter, and from a signal to its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::account::Account;
use crate::build;
use crate::clock::Clock;
use crate::config::{AccountConfig, Config, Gateway, GatewayProxy};
use crate::exposition::Page;
use crate::gateway::client::{Client, USER_AGENT};
use crate::refresh::Refresher;
use crate::telemetry::Telemetry;
use crate::web::listen::{ListenError, listen};
use crate::web::{self, App, WebOptions};

/// How much longer than the ttl an unused gateway connection is kept.
const IDLE_BEYOND_TTL: Duration = Duration::from_secs(5 * 60);
/// How often an unused gateway connection is probed, so that a dead one is noticed.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How long running scrapes may take to end after a signal.
const DRAIN: Duration = Duration::from_secs(10);

/// Why the exporter cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// An address is taken or not ours.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// No HTTP client can be made.
    #[error("cannot set up the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// Two metrics are declared alike.
    #[error("cannot register the exporter's own metrics: {0}")]
    Telemetry(#[from] prometheus::Error),
    /// The operating system refuses something.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// An exporter that listens, but does not answer yet.
#[derive(Debug)]
pub struct Exporter {
    listeners: Vec<TcpListener>,
    router: Router,
}

impl Exporter {
    /// Listens on every address and prepares the accounts. No gateway is asked.
    ///
    /// # Errors
    /// [`LifecycleError`] when an address cannot be listened on.
    pub async fn bind(
        addresses: &[String],
        config: Config,
        options: WebOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Exporter, LifecycleError> {
        let (version, revision) = (build::VERSION, build::REVISION);
        let accounts = config.accounts.len();
        info!(version, revision, accounts, "Starting qlara-exporter");
        let app = app(config, options, clock)?;
        let mut listeners = Vec::new();
        for address in addresses {
            listeners.push(listen(address).await?);
        }
        Ok(Exporter {
            listeners,
            router: web::router(app),
        })
    }

    /// Where it listens; a port of 0 has become a real one.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }

    /// Answers until `shutdown` resolves, then lets running requests end within ten seconds, or until
    /// it would resolve again.
    ///
    /// # Errors
    /// When the operating system refuses something.
    pub async fn run(self, mut shutdown: impl AsyncFnMut()) -> Result<(), LifecycleError> {
        let (stop, stopped) = watch::channel(());
        let mut servers = JoinSet::new();
        for listener in self.listeners {
            let router = self.router.clone();
            let mut stopped = stopped.clone();
            info!(address = %listener.local_addr()?, "Listening on");
            let listener = listener.tap_io(|connection| {
                // An answer is written whole: waiting for more would only delay its end.
                let _ = connection.set_nodelay(true);
            });
            servers.spawn(
                axum::serve(listener, router)
                    .with_graceful_shutdown(async move {
                        // Resolves when the sender is dropped.
                        let _ = stopped.changed().await;
                    })
                    .into_future(),
            );
        }
        shutdown().await;
        info!("Received a signal to end, finishing running requests");
        drop(stop);
        let drained = async { while servers.join_next().await.is_some() {} };
        tokio::select! {
            () = drained => {}
            () = tokio::time::sleep(DRAIN) => warn!("Requests still run after the time to drain, ending without them"),
            () = shutdown() => warn!("Received another signal to end, ending without the running requests"),
        }
        Ok(())
    }
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

fn app(config: Config, options: WebOptions, clock: Arc<dyn Clock>) -> Result<App, LifecycleError> {
    let telemetry = Telemetry::new(clock.now())?;
    let Config {
        gateway,
        freshness,
        accounts,
    } = config;
    let accounts = accounts
        .into_iter()
        .map(|account| {
            let name = account.name.as_deref().map(Arc::from);
            let refresher = refresher(account, &gateway, freshness.ttl, &telemetry, &clock)?;
            Ok(Arc::new(Account::new(
                name,
                refresher,
                freshness,
                Arc::clone(&clock),
            )))
        })
        .collect::<Result<_, LifecycleError>>()?;
    Ok(App {
        accounts,
        telemetry,
        page: Page::default(),
        clock,
        gateway_timeout: gateway.timeout,
        places: (options.max_requests > 0).then(|| Semaphore::new(options.max_requests)),
        options,
    })
}

/// What reads one account; `ttl` is how long its connections will lie idle.
///
/// # Errors
/// [`LifecycleError`] when no HTTP client can be made.
pub(crate) fn refresher(
    account: AccountConfig,
    gateway: &Gateway,
    ttl: Duration,
    telemetry: &Telemetry,
    clock: &Arc<dyn Clock>,
) -> Result<Refresher, LifecycleError> {
    let client = Client::new(
        http_client(gateway, ttl)?,
        gateway.url.clone(),
        account.credentials,
        gateway.response_bytes,
        Arc::clone(clock),
    );
    let metrics = telemetry.account(account.name.as_deref())?;
    Ok(Refresher::new(
        client,
        account.rules,
        gateway.timeout,
        Arc::clone(clock),
        metrics,
    ))
}

fn http_client(gateway: &Gateway, ttl: Duration) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .tls_backend_preconfigured(gateway.tls.clone())
        .redirect(reqwest::redirect::Policy::none())
        // A connection outlives the time between two refreshes, whoever scrapes how often.
        .pool_idle_timeout(ttl + IDLE_BEYOND_TTL)
        .tcp_keepalive(KEEPALIVE)
        .no_proxy();
    match &gateway.proxy {
        Some(GatewayProxy(proxy)) => builder.proxy(proxy.clone()).build(),
        None => builder.build(),
    }
}
