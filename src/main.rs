//! Parse, log, run, exit code.

use std::any::Any;
use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Arc;

use listenfd::ListenFd;
use tokio::runtime::{Builder, Runtime};
use tracing::Level;

use qlara_exporter::check::{self, CheckError, OutputError, State, progress};
use qlara_exporter::cli::{
    self, CheckArgs, Cli, Command, DemoArgs, ErrorFormat, ExplainArgs, GenerateError,
    HashPasswordArgs, HealthcheckArgs, LogArgs, ServeArgs, SimulateArgs, Stop, WebArgs,
};
use qlara_exporter::clock::{Clock, SystemClock};
use qlara_exporter::config::{Config, ConfigErrors, Settings};
use qlara_exporter::demo::{self, DemoError};
use qlara_exporter::explain::{self, ExplainError, Explanation, SavedError, Verdict, read_saved};
use qlara_exporter::hash_password::{self, HashPasswordError};
use qlara_exporter::healthcheck::{self, HealthError};
use qlara_exporter::lifecycle::{self, Exporter, LifecycleError};
use qlara_exporter::logging;
use qlara_exporter::memory;
use qlara_exporter::plural::count;
use qlara_exporter::server::listener::{self, ListenError};
use qlara_exporter::signal_mask::BlockedSignals;
use qlara_exporter::simulator::{self, PREFIX, Simulator};
use qlara_exporter::web::WebOptions;

/// Something ended the program while it was running.
const FAILED: u8 = 1;
/// Wrong use or configuration.
const WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let signals = BlockedSignals::block();
    memory::give_back_large_buffers();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let errors = ErrorFormat::wanted_by(&arguments);
    // To monitoring, 2 would mean that a profile is in trouble.
    let unknown = cli::is_check(&arguments).then_some(State::Unknown.code());
    let ended = panic::catch_unwind(AssertUnwindSafe(|| run_command(arguments, signals)));
    let (reason, code) = match ended {
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
        Err(Stop::Print(text)) => {
            print(&text);
            return Ok(ExitCode::SUCCESS);
        }
        Err(Stop::WrongUse(line)) => return Err(Error::WrongUse(line)),
    };
    let Some(command) = cli.command else {
        return serve(&cli.serve, signals).map(|()| ExitCode::SUCCESS);
    };
    // These end as the signals say, or install handlers of their own.
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
    let load = move || Config::load(&settings, &variable);
    if args.config.check {
        signals.unblock();
        // Warnings belong to what is checked; what else a start says does not.
        start_logging_at(args.log.level().min(Level::WARN), &args.log)?;
        web_options(&args.web, &load)?;
        let accounts = load()?.accounts.len();
        print(&format!(
            "The configuration is good: {}\n",
            count(accounts, "account")
        ));
        return Ok(());
    }
    start_logging(&args.log)?;
    // Before there are threads: it takes the variables that systemd set out of the environment.
    let sockets = args.web.sockets(ListenFd::from_env());
    let web = web_options(&args.web, &load)?;
    run(async {
        let clock = Arc::new(SystemClock);
        let exporter = Exporter::bind(sockets, Box::new(load), web, clock).await?;
        exporter.reload_on_hangup()?;
        let shutdown = lifecycle::end_signal()?;
        signals.unblock();
        Ok(exporter.run(shutdown).await?)
    })
}

/// The web server's flags and its file. What is wrong with the other configuration is told with what
/// is wrong with this.
fn web_options(
    args: &WebArgs,
    load: &impl Fn() -> Result<Config, ConfigErrors>,
) -> Result<WebOptions, ConfigErrors> {
    let file = args.config_file().map_err(|mistakes| match load() {
        Ok(_) => mistakes,
        Err(others) => others.and(mistakes),
    })?;
    Ok(WebOptions {
        config: Arc::new(file),
        ..args.options()
    })
}

/// With the memory that this process may use.
fn within_memory(settings: Settings) -> Settings {
    Settings {
        memory_limit: memory::limit(),
        ..settings
    }
}

/// As for flags, an empty variable counts as unset.
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
    let gateway = simulator::Options {
        speed: Some(args.speed),
        ..args.simulator.options()
    };
    let web = WebOptions {
        config: Arc::new(args.web.config_file()?),
        ..args.web.options()
    };
    let sockets = args.web.sockets(ListenFd::from_env());
    run(async { Ok(demo::run(sockets, web, cache, gateway, print).await?) })
}

fn simulate(args: SimulateArgs) -> Result<(), Error> {
    start_logging(&args.log)?;
    let options = simulator::Options {
        speed: args.speed,
        api_key: args.api_key,
        ..args.simulator.options()
    };
    run(async {
        let listener = listener::bind(&args.listen_address).await?;
        let address = listener.local_addr()?;
        let simulator = Arc::new(Simulator::new(options, Arc::new(SystemClock)));
        let mut shutdown = lifecycle::end_signal()?;
        print(&format!(
            "The simulated gateway is at http://{address}{PREFIX}\n"
        ));
        tokio::select! {
            result = simulator::serve(simulator, listener) => Ok(result?),
            () = shutdown() => Ok(()),
        }
    })
}

fn audit(args: &CheckArgs) -> Result<ExitCode, Error> {
    start_logging(&args.log)?;
    let config = Config::load(&within_memory(args.settings()), &variable)?;
    let clock = Arc::new(SystemClock);
    let progress = progress::on_terminal();
    let audit = run_here(async { Ok(check::run(config, args.options(), clock, progress).await?) })?;
    let mut text = Vec::new();
    let state = audit.write(args.format(), &mut text)?;
    match args.output_file() {
        Some(path) => check::write_file(path, &text)?,
        None => print_whole(&text)?,
    }
    Ok(ExitCode::from(state.code()))
}

fn explain_answers(args: &ExplainArgs) -> Result<ExitCode, Error> {
    start_logging(&args.log)?;
    let explanation = match &args.from {
        Some(path) => {
            let names = Config::field_names(&args.settings())?;
            let names = explain::names_of_saved(names, &args.account)?;
            let body = read_saved(path)?;
            Explanation::of_saved(&path.display().to_string(), &body, &names)
        }
        None => {
            let config = Config::load(&within_memory(args.settings()), &variable)?;
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let accounts = explain::accounts(config, &args.account, &clock)?;
            run_here(async { Ok(Explanation::of_accounts(accounts).await) })?
        }
    };
    let mut text = Vec::new();
    explanation.write(args.format(), &mut text)?;
    print_whole(&text)?;
    Ok(ExitCode::from(explanation.verdict().code()))
}

/// The exit code is the answer; there is nothing to say about an exporter that serves.
fn check_health(args: HealthcheckArgs) -> Result<(), Error> {
    let (ca_file, timeout) = (args.ca_file.clone(), args.timeout);
    run_here(async { Ok(healthcheck::check(args.target(), ca_file.as_deref(), timeout).await?) })
}

fn hash_password(args: HashPasswordArgs) -> Result<(), Error> {
    Ok(hash_password::run(&args.into(), &mut std::io::stdout())?)
}

/// Why the program ends with another exit code than 0.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// What clap says of the command line.
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
    Lifecycle(#[from] LifecycleError),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("not healthy: {0}")]
    Health(#[from] HealthError),
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
            // A saved answer that cannot be read is as good as none.
            Error::Saved(_) => Verdict::NoAnswer.code(),
            Error::WrongUse(_)
            | Error::Config(_)
            | Error::Explain(_)
            | Error::Lifecycle(LifecycleError::Config(_)) => WRONG_USE,
            Error::HashPassword(error) if error.is_wrong_input() => WRONG_USE,
            _ => FAILED,
        }
    }
}

fn start_logging(args: &LogArgs) -> Result<(), Error> {
    start_logging_at(args.level(), args)
}

fn start_logging_at(level: Level, args: &LogArgs) -> Result<(), Error> {
    logging::start(level, args.format()).map_err(|error| Error::Logging(error.to_string()))
}

/// Runs what serves others.
fn run<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    run_on(Builder::new_multi_thread().enable_all().build()?, work)
}

/// Runs a short command in this thread: a monitoring system may allow no other.
fn run_here<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    run_on(Builder::new_current_thread().enable_all().build()?, work)
}

fn run_on<T>(runtime: Runtime, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let result = panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
    // A name look-up or a secret file on a dead network drive must not hold up the end, nor a panic.
    runtime.shutdown_background();
    result.unwrap_or_else(|panic| panic::resume_unwind(panic))
}

/// To standard output, which may be closed: that is nobody's loss.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// To standard output, where a full disk is a failure, and a reader that has left is none.
fn print_whole(text: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
