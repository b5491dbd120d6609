// An exporter with TLS, users, health endpoints, logs, graceful shutdown and systemd support.

use std::error::Error;

use axum::{Router, http::StatusCode, routing::get};
use clap::{CommandFactory, FromArgMatches, Parser};
use exporter_toolkit::{
    LogFlags, WebFlags, flags, health, logging, process_metrics, serve, signals,
};
use prometheus::{Registry, TextEncoder};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    web: WebFlags,
    #[command(flatten)]
    log: LogFlags,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let command = flags::complete(Cli::command(), ":9999", "MINIMAL");
    let command = flags::with_safe_variables(command);
    let cli = Cli::from_arg_matches(&command.get_matches())?;
    logging::start(cli.log.level(), cli.log.format(), env!("CARGO_CRATE_NAME"))?;
    let registry = Registry::new();
    process_metrics::register(&registry)?;
    let metrics = async move || {
        let text = TextEncoder::new().encode_to_string(&registry.gather());
        text.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    };
    let router = Router::new().route("/metrics", get(metrics));
    let router = router.merge(health::router("minimal", ""));
    Ok(serve(router, &cli.web, signals::shutdown_signal()?).await?)
}
