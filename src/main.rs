//! Parse, log, run, exit code.

use std::process::ExitCode;
use std::sync::Arc;

use qlara_exporter::cli::{
    Cli, Command, DemoArgs, HealthcheckArgs, LogArgs, ServeArgs, SimulateArgs, Stop,
};
use qlara_exporter::clock::SystemClock;
use qlara_exporter::config::{Config, ConfigError, Settings};
use qlara_exporter::demo::{self, DemoError};
use qlara_exporter::healthcheck::{self, HealthError};
use qlara_exporter::lifecycle::{self, Exporter, LifecycleError};
use qlara_exporter::logging;
use qlara_exporter::simulator::{self, PREFIX, Simulator};
use qlara_exporter::web::listen::{ListenError, listen};

/// Something ended the program while it was running.
const FAILED: u8 = 1;
/// Wrong use or configuration.
const WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(Stop::Print(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(Stop::WrongUse(line)) => return fail(&line, WRONG_USE),
    };
    let result = match cli.command {
        None => serve(&cli.serve),
        Some(Command::Demo(args)) => run_demo(&args),
        Some(Command::Simulate(args)) => simulate(args),
        Some(Command::Healthcheck(args)) => check_health(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ Error::Config(_)) => fail(&error.to_string(), WRONG_USE),
        Err(error) => fail(&error.to_string(), FAILED),
    }
}

fn serve(args: &ServeArgs) -> Result<(), Error> {
    let config = Config::load(&args.settings(), &|name| std::env::var(name).ok())?;
    if args.config.check {
        println!(
            "The configuration is good: {} account(s)",
            config.accounts.len()
        );
        return Ok(());
    }
    start_logging(&args.log)?;
    runtime()?.block_on(async {
        let clock = Arc::new(SystemClock);
        let addresses = &args.web.listen_addresses;
        let exporter = Exporter::bind(addresses, config, args.web.options(), clock).await?;
        let shutdown = lifecycle::end_signal()?;
        Ok(exporter.run(shutdown).await?)
    })
}

fn run_demo(args: &DemoArgs) -> Result<(), Error> {
    start_logging(&args.log)?;
    let cache = Settings {
        ttl: args.cache.ttl,
        max_stale: args.cache.max_stale,
        ..Settings::default()
    };
    let gateway = simulator::Options {
        speed: Some(args.speed),
        ..args.simulator.options()
    };
    let web = args.web.options();
    let demo = demo::run(&args.web.listen_addresses, web, cache, gateway, |text| {
        println!("{text}")
    });
    Ok(runtime()?.block_on(demo)?)
}

fn simulate(args: SimulateArgs) -> Result<(), Error> {
    start_logging(&args.log)?;
    let options = simulator::Options {
        speed: args.speed,
        api_key: args.api_key,
        ..args.simulator.options()
    };
    runtime()?.block_on(async {
        let listener = listen(&args.listen_address).await?;
        let address = listener.local_addr()?;
        let simulator = Arc::new(Simulator::new(options, Arc::new(SystemClock)));
        let shutdown = lifecycle::end_signal()?;
        println!("The simulated gateway is at http://{address}{PREFIX}");
        tokio::select! {
            result = simulator::serve(simulator, listener) => Ok(result?),
            () = shutdown => Ok(()),
        }
    })
}

/// The exit code is the answer; there is nothing to say about an exporter that serves.
fn check_health(args: HealthcheckArgs) -> Result<(), Error> {
    let timeout = args.timeout;
    Ok(runtime()?.block_on(healthcheck::check(args.url(), timeout))?)
}

/// Why the program ends with another exit code than 0.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("not healthy: {0}")]
    Health(#[from] HealthError),
    #[error("cannot start logging: {0}")]
    Logging(String),
    #[error(transparent)]
    System(#[from] std::io::Error),
}

fn start_logging(args: &LogArgs) -> Result<(), Error> {
    logging::start(args.level(), args.format()).map_err(|error| Error::Logging(error.to_string()))
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

fn fail(line: &str, code: u8) -> ExitCode {
    eprintln!("qlara-exporter: {line}");
    ExitCode::from(code)
}
