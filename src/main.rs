//! Parses the command line, starts logging, runs the command, and sets the exit code.

use std::any::Any;
use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::ops::ControlFlow;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Arc;

use gateway_simulator::{PREFIX, Simulator};
use listenfd::ListenFd;
use tokio::runtime::{Builder, Runtime};
use tracing::Level;

use exporter_toolkit::clock::{Clock, SystemClock};
use exporter_toolkit::exporter_client::{Request, RequestError};
use exporter_toolkit::flags::LogFlags;
use exporter_toolkit::hash_password::{self, HashPasswordError};
use exporter_toolkit::logging;
use exporter_toolkit::memory;
use exporter_toolkit::reloader::Fingerprint;
use exporter_toolkit::server::{self, ListenError};
use exporter_toolkit::signals::{self, BlockedSignals};
use qlara_exporter::build;
use qlara_exporter::check::{self, Audit, Auditor, CheckError, CheckState, OutputError};
use qlara_exporter::cli::{
    self, CheckArgs, Cli, CliExit, Command, DemoArgs, ErrorFormat, ExplainArgs, GenerateError,
    HashPasswordArgs, HealthcheckArgs, ServeArgs, SimulateArgs, WebArgs,
};
use qlara_exporter::config::{Config, ConfigErrors, Settings};
use qlara_exporter::demo::{self, DemoError};
use qlara_exporter::explain::{
    self, Completeness, ExplainError, Explanation, SavedError, read_saved,
};
use qlara_exporter::exporter::{Exporter, ExporterError};
use qlara_exporter::plural::count;
use qlara_exporter::web::WebOptions;

/// Exit code of an error at run time.
const FAILED: u8 = 1;
/// Exit code of a wrong command line or configuration.
const WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let signals = BlockedSignals::block();
    memory::give_back_large_buffers();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let errors = ErrorFormat::of(&arguments);
    // A monitoring system reads the exit code 2 of `check` as critical profiles, so errors are 3, unknown.
    let unknown = cli::is_check(&arguments).then_some(CheckState::Unknown.code());
    let result = panic::catch_unwind(AssertUnwindSafe(|| run_command(arguments, signals)));
    let (reason, code) = match result {
        Ok(Ok(code)) => return code,
        Ok(Err(error)) => (error.to_string(), unknown.unwrap_or(error.code())),
        Err(panic) => match unknown {
            Some(code) => (panic_text(panic.as_ref()), code),
            None => panic::resume_unwind(panic),
        },
    };
    errors.print(&reason);
    ExitCode::from(code)
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("internal error: {}", text.unwrap_or("panic"))
}

fn run_command(arguments: Vec<OsString>, signals: BlockedSignals) -> Result<ExitCode, Error> {
    let cli = match Cli::read(arguments) {
        Ok(cli) => cli,
        Err(CliExit::Print(text)) => {
            print(&text);
            return Ok(ExitCode::SUCCESS);
        }
        Err(CliExit::WrongUse(line)) => return Err(Error::WrongUse(line)),
    };
    let Some(command) = cli.command else {
        return serve(&cli.serve, signals).map(|()| ExitCode::SUCCESS);
    };
    // The commands below install their own signal handlers, or end on a signal.
    signals.unblock();
    match command {
        Command::Check(args) => return audit(&args),
        Command::Explain(args) => return explain_answers(&args),
        Command::Demo(args) => run_demo(&args),
        Command::Simulate(args) => simulate(args),
        Command::Healthcheck(args) => check_health(args),
        Command::HashPassword(args) => hash_password(args),
        Command::Generate(args) => args.write().map_err(Error::from),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn serve(args: &ServeArgs, signals: BlockedSignals) -> Result<(), Error> {
    let settings = within_memory(args.settings());
    let load = move |files: &mut Fingerprint| Config::load_through(files, &settings, &variable);
    if args.config.check {
        signals.unblock();
        // Warnings are part of the result, other messages of a start are not.
        start_logging_at(args.log.level().min(Level::WARN), &args.log)?;
        web_options(&args.web, &load)?;
        let accounts = load(&mut Fingerprint::default())?.accounts.len();
        print(&format!(
            "The configuration is good: {}\n",
            count(accounts, "account")
        ));
        return Ok(());
    }
    start_logging(&args.log)?;
    // Before threads start, because this removes the environment variables of systemd.
    let sockets = args.web.server.sockets(ListenFd::from_env());
    let web = web_options(&args.web, &load)?;
    run(async {
        let clock = Arc::new(SystemClock);
        let exporter = Exporter::bind(sockets, Box::new(load), web, clock).await?;
        exporter.reload_on_hangup()?;
        let shutdown = signals::shutdown_signal()?;
        signals.unblock();
        Ok(exporter.run(shutdown).await?)
    })
}

/// The options of the web server, with its configuration file. The errors of this file are reported together
/// with those of the other configuration.
fn web_options(
    args: &WebArgs,
    load: &impl Fn(&mut Fingerprint) -> Result<Config, ConfigErrors>,
) -> Result<WebOptions, ConfigErrors> {
    let with_other_errors = |errors| match load(&mut Fingerprint::default()) {
        Ok(_) => errors,
        Err(others) => others.merge(errors),
    };
    let file = args.server.web_config().map_err(with_other_errors)?;
    Ok(WebOptions {
        config: Arc::new(file),
        ..args.options()
    })
}

/// Adds the memory limit of this process.
fn within_memory(settings: Settings) -> Settings {
    Settings {
        memory_limit: memory::limit(),
        ..settings
    }
}

/// Reads an environment variable. An empty one counts as unset, as for flags.
fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    value.map(|value| value.to_string_lossy().into_owned())
}

fn run_demo(args: &DemoArgs) -> Result<(), Error> {
    start_logging(&args.log)?;
    let cache = Settings {
        ttl: args.cache.ttl,
        max_stale: args.cache.max_stale,
        ..within_memory(Settings::default())
    };
    let gateway = gateway_simulator::Options {
        speed: Some(args.speed),
        ..args.simulator.options()
    };
    let web = WebOptions {
        config: Arc::new(args.web.server.web_config()?),
        ..args.web.options()
    };
    let sockets = args.web.server.sockets(ListenFd::from_env());
    let program = std::env::args().next().unwrap_or_default();
    run(async { Ok(demo::run(sockets, web, cache, gateway, &program, print).await?) })
}

fn simulate(args: SimulateArgs) -> Result<(), Error> {
    start_logging(&args.log)?;
    let options = gateway_simulator::Options {
        speed: args.speed(),
        api_key: args.api_key.0.into(),
        ..args.simulator.options()
    };
    run(async {
        let listener = server::bind_tcp(&args.listen_address).await?;
        let address = listener.local_addr()?;
        let simulator = Arc::new(Simulator::new(
            options,
            Arc::new(gateway_simulator::SystemClock),
        ));
        let mut shutdown = signals::shutdown_signal()?;
        print(&format!(
            "The simulated gateway is at http://{address}{PREFIX}\n"
        ));
        tokio::select! {
            result = gateway_simulator::serve(simulator, listener) => Ok(result?),
            () = shutdown() => Ok(()),
        }
    })
}

fn audit(args: &CheckArgs) -> Result<ExitCode, Error> {
    start_logging(&args.log)?;
    let config = Config::load(&within_memory(args.settings()), &variable)?;
    let interval = args.watch().map_err(Error::WrongUse)?;
    let auditor = Auditor::new(config, args.options(), Arc::new(SystemClock))?;
    let deliver = |audit: &Audit| args.destination().write(audit, args.format());
    let state = run_single_threaded(async {
        let Some(interval) = interval else {
            let (ControlFlow::Continue(state) | ControlFlow::Break(state)) =
                deliver(&auditor.audit(check::show_progress()).await)?;
            return Ok(state);
        };
        let mut shutdown = signals::shutdown_signal()?;
        Ok(check::watch(&auditor, interval, deliver, shutdown()).await?)
    })?;
    Ok(ExitCode::from(state.code()))
}

fn explain_answers(args: &ExplainArgs) -> Result<ExitCode, Error> {
    start_logging(&args.log)?;
    let explanation = match &args.from {
        Some(path) => {
            let names = Config::field_names(&args.settings())?;
            let names = explain::saved_field_names(names, &args.account)?;
            let body = read_saved(path)?;
            Explanation::of_saved(&path.display().to_string(), &body, &names)
        }
        None => {
            let config = Config::load(&within_memory(args.settings()), &variable)?;
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let accounts = explain::account_clients(config, &args.account, &clock)?;
            run_single_threaded(async { Ok(Explanation::of_accounts(accounts).await) })?
        }
    };
    let mut text = Vec::new();
    explanation.write(args.format(), &mut text)?;
    print_result(&text)?;
    Ok(ExitCode::from(explanation.completeness().code()))
}

/// Prints nothing if the exporter is healthy: the exit code says so.
fn check_health(args: HealthcheckArgs) -> Result<(), Error> {
    let (ca_file, timeout) = (args.ca_file.clone(), args.timeout);
    run_single_threaded(async {
        let request = Request {
            target: args.target(),
            ca_file: ca_file.as_deref(),
            timeout,
            user_agent: build::USER_AGENT,
        };
        request.send().await?;
        Ok(())
    })
}

fn hash_password(args: HashPasswordArgs) -> Result<(), Error> {
    Ok(hash_password::run(&args.into(), &mut std::io::stdout())?)
}

/// The errors with which the program exits.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// The command line is not valid.
    #[error("{0}")]
    WrongUse(String),
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Explain(#[from] ExplainError),
    #[error(transparent)]
    Saved(#[from] SavedError),
    #[error(transparent)]
    Exporter(#[from] ExporterError),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("not healthy: {0}")]
    Health(#[from] RequestError),
    #[error(transparent)]
    Generate(#[from] GenerateError),
    #[error(transparent)]
    HashPassword(#[from] HashPasswordError),
    #[error("cannot start logging: {0}")]
    Logging(String),
    #[error(transparent)]
    System(#[from] std::io::Error),
}

impl Error {
    fn code(&self) -> u8 {
        match self {
            // `explain` has no answer if the saved one cannot be read.
            Error::Saved(_) => Completeness::NoAnswer.code(),
            Error::WrongUse(_)
            | Error::Config(_)
            | Error::Explain(_)
            | Error::Exporter(ExporterError::Load(_)) => WRONG_USE,
            Error::HashPassword(error) if error.is_wrong_input() => WRONG_USE,
            _ => FAILED,
        }
    }
}

fn start_logging(args: &LogFlags) -> Result<(), Error> {
    start_logging_at(args.level(), args)
}

fn start_logging_at(level: Level, args: &LogFlags) -> Result<(), Error> {
    logging::start(level, args.format(), env!("CARGO_CRATE_NAME"))
        .map_err(|error| Error::Logging(error.to_string()))
}

/// Runs a server on all cores.
fn run<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    run_on(Builder::new_multi_thread().enable_all().build()?, work)
}

/// Runs a short command on the current thread, because a monitoring system may limit the number of threads.
fn run_single_threaded<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    run_on(Builder::new_current_thread().enable_all().build()?, work)
}

fn run_on<T>(runtime: Runtime, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let result = panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
    // Does not wait for blocking tasks: a hanging DNS lookup or network drive must not delay the exit.
    runtime.shutdown_background();
    result.unwrap_or_else(|panic| panic::resume_unwind(panic))
}

/// Prints to standard output. Ignores errors, because the text is only informative.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Prints the result of a command to standard output. A closed pipe is not an error, a full disk is.
fn print_result(text: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
