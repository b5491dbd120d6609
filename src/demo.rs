//! `demo`: the exporter and the gateway it asks, in one process.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Settings};
use crate::hidden::Hidden;
use crate::lifecycle::{Exporter, LifecycleError, Sockets, end_signal};
use crate::simulator::{self, PREFIX, Simulator};
use crate::web::WebOptions;

/// Why the demonstration cannot run.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The exporter cannot start.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    /// No loopback port for the simulated gateway.
    #[error("cannot listen for the simulated gateway: {0}")]
    Gateway(#[from] io::Error),
}

/// Serves until a signal. `announce` is given the text for the person who started it.
///
/// # Errors
/// [`DemoError`] when a port is taken.
pub async fn run(
    sockets: Sockets,
    web: WebOptions,
    cache: Settings,
    gateway: simulator::Options,
    announce: impl Fn(&str),
) -> Result<(), DemoError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let gateway_address = listener.local_addr()?;
    let settings = Settings {
        url: Some(format!("http://{gateway_address}{PREFIX}")),
        ..cache
    };
    let Hidden(api_key) = gateway.api_key.clone();
    let load = move || {
        Config::load(&settings, &|name| {
            (name == "QLARA_API_KEY").then(|| api_key.clone())
        })
    };
    let telemetry_path = web.telemetry_path.clone();
    let scheme = match web.config.current().await.tls {
        Some(_) => "https",
        None => "http",
    };
    let exporter = Exporter::bind(sockets, Box::new(load), web, Arc::clone(&clock)).await?;
    let simulator = Arc::new(Simulator::new(gateway, clock));
    let shutdown = end_signal()?;
    let simulated = tokio::spawn(simulator::serve(simulator, listener));
    let open: String = exporter
        .addresses()?
        .into_iter()
        .map(reachable)
        .map(|at| format!("    {scheme}://{at}/\n    {scheme}://{at}{telemetry_path}\n"))
        .collect();
    announce(&format!(
        "The exporter shows a simulated Qlara account. Open\n\n{open}\n\
         The simulated gateway obeys, for example\n\n    \
         curl -X PUT --data 'status=503' http://{gateway_address}/-/faults\n    \
         curl -X DELETE http://{gateway_address}/-/faults\n\n\
         Ctrl-C ends it.\n\n"
    ));
    exporter.run(shutdown).await?;
    simulated.abort();
    Ok(())
}

/// Who listens on every address is reached by this machine's own name.
fn reachable(address: SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!("localhost:{}", address.port()),
        false => address.to_string(),
    }
}
