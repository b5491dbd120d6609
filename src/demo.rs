//! `demo`: the exporter and a simulated gateway in one process.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use gateway_simulator::{PREFIX, Simulator};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;

use crate::config::{Config, Settings};
use crate::exporter::{Exporter, ExporterError};
use crate::web::WebOptions;
use exporter_toolkit::Sockets;
use exporter_toolkit::clock::{Clock, SystemClock};
use exporter_toolkit::reloader::Fingerprint;
use exporter_toolkit::signals::shutdown_signal;

/// The demo cannot run.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The exporter cannot start.
    #[error(transparent)]
    Exporter(#[from] ExporterError),
    /// The simulated gateway cannot listen on a loopback port.
    #[error("cannot listen for the simulated gateway: {0}")]
    Gateway(#[from] io::Error),
}

/// Serves until SIGINT or SIGTERM. Calls `announce` with the addresses and examples once both are ready, after the log
/// lines of the start. `program` is the name by which the user runs this program.
///
/// # Errors
/// [`DemoError`] if the exporter or the gateway cannot start.
pub async fn run(
    sockets: Sockets,
    web: WebOptions,
    cache: Settings,
    gateway: gateway_simulator::Options,
    program: &str,
    announce: impl Fn(&str),
) -> Result<(), DemoError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let gateway_address = listener.local_addr()?;
    let settings = Settings {
        url: Some(format!("http://{gateway_address}{PREFIX}")),
        ..cache
    };
    let api_key = gateway.api_key.expose_secret().to_owned();
    let check = check_command(program, &api_key, gateway_address);
    let load = move |_: &mut Fingerprint| {
        Config::load(&settings, &|name| {
            (name == "QLARA_API_KEY").then(|| api_key.clone())
        })
    };
    let telemetry_path = web.telemetry_path.clone();
    let scheme = match web.config.current().await.has_tls() {
        true => "https",
        false => "http",
    };
    let exporter = Exporter::bind(sockets, Box::new(load), web, clock).await?;
    let simulator = Arc::new(Simulator::new(
        gateway,
        Arc::new(gateway_simulator::SystemClock),
    ));
    let mut shutdown = shutdown_signal()?;
    let simulated = tokio::spawn(gateway_simulator::serve(simulator, listener));
    let open: String = exporter
        .addresses()?
        .into_iter()
        .map(reachable)
        .map(|at| format!("    {scheme}://{at}/\n    {scheme}://{at}{telemetry_path}\n"))
        .collect();
    let mut text = Some(format!(
        "\nThe exporter shows a simulated Qlara account. Three things to try:\n\n\
         1. Open the page and the metrics:\n\n{open}\n\
         2. Judge the profiles on the command line:\n\n    {check}\n\n\
         3. Let the simulated gateway fail, see what the page says, and end it:\n\n    \
         curl -X PUT --data 'status=503' http://{gateway_address}/-/faults\n    \
         curl -X DELETE http://{gateway_address}/-/faults\n\n\
         Press Ctrl-C to stop.\n\n"
    ));
    // The server awaits this once it serves and has logged its addresses.
    let announce_and_wait = async || {
        text.take().iter().for_each(|text| announce(text));
        shutdown().await;
    };
    exporter.run(announce_and_wait).await?;
    simulated.abort();
    Ok(())
}

/// The command that checks the simulated account.
fn check_command(program: &str, api_key: &str, gateway: SocketAddr) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    let program = match !program.is_empty() && program.bytes().all(is_plain) {
        true => program,
        // It would need quotes.
        false => "qlara-exporter",
    };
    format!("QLARA_API_KEY={api_key} {program} check --qlara.url http://{gateway}{PREFIX}")
}

/// The address for a browser on this machine: `localhost` if the address is unspecified.
fn reachable(address: SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!("localhost:{}", address.port()),
        false => address.to_string(),
    }
}
