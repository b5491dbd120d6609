//! The command line. Flags are named as in Prometheus' own tools, and each has an environment
//! variable.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{FalseyValueParser, Resettable};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use reqwest::Url;

use crate::build;
use crate::config::{DEFAULT_URL, Settings, duration};
use crate::healthcheck;
use crate::logging;
use crate::simulator::faults::Fault;
use crate::simulator::{self, RateLimit};
use crate::web::listen::check_listen_address;
use crate::web::{WebOptions, check_telemetry_path};

/// What the command line asks for.
#[derive(Debug, Parser)]
#[command(
    name = "qlara-exporter",
    version = build::VERSION,
    about = "Prometheus exporter for the social profiles connected to the Qlara messaging gateway",
    after_help = "Without a command it serves metrics. The API key is read from a file or from QLARA_API_KEY, never from an argument.",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
)]
pub struct Cli {
    /// Another thing to do than serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags for serving.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// Other things to do than serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve metrics of a simulated gateway inside the same process: no key, no file, no network
    Demo(DemoArgs),
    /// Serve the simulated gateway alone
    Simulate(SimulateArgs),
    /// Ask a running exporter whether it serves, for containers: exit 0 if it does, 1 if not
    Healthcheck(HealthcheckArgs),
}

/// Flags for serving.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The configuration file.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The web server.
    #[command(flatten)]
    pub web: WebArgs,
    /// The gateway.
    #[command(flatten)]
    pub gateway: GatewayArgs,
    /// The cache.
    #[command(flatten)]
    pub cache: CacheArgs,
    /// Logging.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Flags of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The web server.
    #[command(flatten)]
    pub web: WebArgs,
    /// The cache.
    #[command(flatten)]
    pub cache: CacheArgs,
    /// The simulated gateway.
    #[command(flatten)]
    pub simulator: SimulatorArgs,
    /// How many times faster than in reality tokens live and end
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_speed, help_heading = SIMULATOR)]
    pub speed: f64,
    /// Logging.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Flags of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Address to listen on
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:10018",
        value_parser = parse_listen_address,
        help_heading = WEB
    )]
    pub listen_address: String,
    /// The simulated gateway.
    #[command(flatten)]
    pub simulator: SimulatorArgs,
    /// How many times faster than in reality tokens live and end. Without it time stands still at
    /// the day of the documented answers
    #[arg(long, value_name = "FACTOR", value_parser = parse_speed, help_heading = SIMULATOR)]
    pub speed: Option<f64>,
    /// The API key that is accepted, also as password of HTTP Basic. It protects nothing
    #[arg(long = "api-key", value_name = "WORD", default_value = "simulated", help_heading = SIMULATOR)]
    pub api_key: String,
    /// Logging.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Flags of `healthcheck`.
#[derive(Debug, Args)]
pub struct HealthcheckArgs {
    /// Address that the exporter listens on; the first of several, which commas separate, is asked
    #[arg(
        long = "web.listen-address",
        env = "QLARA_WEB_LISTEN_ADDRESS",
        value_name = "ADDRESS",
        default_value = ":10017",
        value_parser = healthcheck::local_url
    )]
    listen_address: Url,
    /// URL to ask instead of that address
    #[arg(long, env = "QLARA_HEALTHCHECK_URL", value_name = "URL", value_parser = parse_http_url)]
    url: Option<Url>,
    /// Time that the answer may take
    #[arg(
        long,
        env = "QLARA_HEALTHCHECK_TIMEOUT",
        value_name = "DURATION",
        default_value = "3s",
        value_parser = duration::parse
    )]
    pub timeout: Duration,
}

const CONFIGURATION: &str = "Configuration";
const WEB: &str = "Web";
const GATEWAY: &str = "Gateway";
const CACHE: &str = "Cache";
const SIMULATOR: &str = "Simulated gateway";
const LOGGING: &str = "Logging";

/// The configuration file.
#[derive(Debug, Args)]
#[command(next_help_heading = CONFIGURATION)]
pub struct ConfigArgs {
    /// Configuration file (YAML). Flags and variables win over it
    #[arg(long = "config.file", env = "QLARA_CONFIG_FILE", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Check the configuration and exit: 0 if it is good, 2 if not
    #[arg(long = "config.check", env = "QLARA_CONFIG_CHECK", value_parser = FalseyValueParser::new())]
    pub check: bool,
}

/// The web server.
#[derive(Debug, Args)]
#[command(next_help_heading = WEB)]
pub struct WebArgs {
    /// Address to listen on; may be given several times
    #[arg(
        long = "web.listen-address",
        env = "QLARA_WEB_LISTEN_ADDRESS",
        value_name = "ADDRESS",
        value_delimiter = ',',
        default_value = ":10017",
        value_parser = parse_listen_address
    )]
    pub listen_addresses: Vec<String>,
    /// Path under which metrics are served
    #[arg(
        long = "web.telemetry-path",
        env = "QLARA_WEB_TELEMETRY_PATH",
        value_name = "PATH",
        default_value = "/metrics",
        value_parser = parse_telemetry_path
    )]
    pub telemetry_path: String,
    /// Scrapes that are answered at once, 503 beyond; 0 is no limit
    #[arg(
        long = "web.max-requests",
        env = "QLARA_WEB_MAX_REQUESTS",
        value_name = "N",
        default_value_t = 0
    )]
    pub max_requests: usize,
    /// URL under which the exporter is reached from outside, for example behind a reverse proxy;
    /// its path leads the links on the page
    #[arg(
        long = "web.external-url",
        env = "QLARA_WEB_EXTERNAL_URL",
        value_name = "URL",
        value_parser = parse_external_path
    )]
    pub external_path: Option<String>,
}

/// The gateway.
#[derive(Debug, Args)]
#[command(next_help_heading = GATEWAY)]
pub struct GatewayArgs {
    /// Base address of the API
    #[arg(long = "qlara.url", env = "QLARA_URL", value_name = "URL", help = url_help())]
    pub url: Option<String>,
    /// File that holds the API key of a single account (or set QLARA_API_KEY to the key itself)
    #[arg(
        long = "qlara.api-key-file",
        env = "QLARA_API_KEY_FILE",
        value_name = "FILE"
    )]
    pub api_key_file: Option<PathBuf>,
    /// Time that a refresh may take in all [default: 10s]
    #[arg(
        long = "qlara.timeout",
        env = "QLARA_TIMEOUT",
        value_name = "DURATION",
        value_parser = duration::parse
    )]
    pub timeout: Option<Duration>,
}

/// The cache.
#[derive(Debug, Args)]
#[command(next_help_heading = CACHE)]
pub struct CacheArgs {
    /// Age below which data is served without asking the gateway [default: 1m]
    #[arg(
        long = "cache.ttl",
        env = "QLARA_CACHE_TTL",
        value_name = "DURATION",
        value_parser = duration::parse
    )]
    pub ttl: Option<Duration>,
    /// Age up to which data is shown while the gateway cannot be read [default: 15m]
    #[arg(
        long = "cache.max-stale",
        env = "QLARA_CACHE_MAX_STALE",
        value_name = "DURATION",
        value_parser = duration::parse
    )]
    pub max_stale: Option<Duration>,
}

/// Logging.
#[derive(Debug, Args)]
#[command(next_help_heading = LOGGING)]
pub struct LogArgs {
    /// Least severe level that is logged
    #[arg(
        long = "log.level",
        env = "QLARA_LOG_LEVEL",
        value_name = "LEVEL",
        value_enum,
        default_value = "info"
    )]
    pub level: LogLevel,
    /// Format of log lines
    #[arg(
        long = "log.format",
        env = "QLARA_LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value = "logfmt"
    )]
    pub format: LogFormat,
}

/// The simulated gateway.
#[derive(Debug, Args)]
#[command(next_help_heading = SIMULATOR)]
pub struct SimulatorArgs {
    /// Connected profiles; the three of the API's documentation come first
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub profiles: usize,
    /// The same seed gives the same profiles and the same fates
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Requests per minute that the key may send
    #[arg(long, value_name = "N", default_value_t = RateLimit::default().per_minute)]
    pub rate_limit: u64,
    /// Requests per second that the key may send
    #[arg(long, value_name = "N", default_value_t = RateLimit::default().burst)]
    pub burst: u64,
    /// A fault from the start, such as status=503, list:latency=2s or details/facebook:hang; may be
    /// given several times
    #[arg(long, value_name = "[SCOPE:]KIND[=ARGUMENT]")]
    pub fault: Vec<Fault>,
}

/// `--log.level`.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[allow(missing_docs)]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

/// `--log.format`.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[allow(missing_docs)]
pub enum LogFormat {
    Logfmt,
    Json,
}

/// Why there is nothing to run.
#[derive(Debug)]
pub enum Stop {
    /// A text was asked for: print it and exit 0.
    Print(String),
    /// Wrong use: print one line and exit 2.
    WrongUse(String),
}

impl Cli {
    /// Reads arguments and environment.
    ///
    /// # Errors
    /// [`Stop`] for `--help`, `--version` and wrong use.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, Stop> {
        let command = with_environment(Cli::command());
        command
            .try_get_matches_from(arguments)
            .and_then(|matches| Cli::from_arg_matches(&matches))
            .map_err(stop)
    }
}

impl ServeArgs {
    /// What the configuration needs to know of the flags.
    pub fn settings(&self) -> Settings {
        Settings {
            file: self.config.file.clone(),
            url: self.gateway.url.clone(),
            api_key_file: self.gateway.api_key_file.clone(),
            timeout: self.gateway.timeout,
            ttl: self.cache.ttl,
            max_stale: self.cache.max_stale,
        }
    }
}

impl WebArgs {
    /// What the web server needs to know of the flags.
    pub fn options(&self) -> WebOptions {
        WebOptions {
            telemetry_path: self.telemetry_path.clone(),
            max_requests: self.max_requests,
            external_path: self.external_path.clone().unwrap_or_default(),
        }
    }
}

impl HealthcheckArgs {
    /// What to ask.
    pub fn url(self) -> Url {
        self.url.unwrap_or(self.listen_address)
    }
}

impl SimulatorArgs {
    /// The gateway to simulate, with the defaults for what only `simulate` can choose.
    pub fn options(&self) -> simulator::Options {
        simulator::Options {
            profiles: self.profiles,
            seed: self.seed,
            rate_limit: RateLimit {
                per_minute: self.rate_limit,
                burst: self.burst,
            },
            faults: self.fault.clone(),
            ..simulator::Options::default()
        }
    }
}

impl LogArgs {
    /// The level.
    pub fn level(&self) -> tracing::Level {
        match self.level {
            LogLevel::Debug => tracing::Level::DEBUG,
            LogLevel::Info => tracing::Level::INFO,
            LogLevel::Warn => tracing::Level::WARN,
            LogLevel::Error => tracing::Level::ERROR,
        }
    }

    /// The format.
    pub fn format(&self) -> logging::Format {
        match self.format {
            LogFormat::Logfmt => logging::Format::Logfmt,
            LogFormat::Json => logging::Format::Json,
        }
    }
}

/// An empty variable counts as unset. Values of variables, a URL with credentials say, do not belong
/// into the help text.
fn with_environment(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| {
        let value = arg.get_env().and_then(std::env::var_os);
        value.is_some_and(|value| value.is_empty())
    };
    command
        .mut_args(|arg| match is_empty(&arg) {
            true => arg.env(Resettable::Reset),
            false => arg.hide_env_values(true),
        })
        .mut_subcommands(with_environment)
}

fn url_help() -> String {
    format!("Base address of the API, the whole prefix before /socials [default: {DEFAULT_URL}]")
}

fn parse_listen_address(text: &str) -> Result<String, &'static str> {
    check_listen_address(text).map(|()| text.to_owned())
}

fn parse_telemetry_path(text: &str) -> Result<String, &'static str> {
    check_telemetry_path(text).map(|()| text.to_owned())
}

/// The path of the URL, which is all that the page needs.
fn parse_external_path(text: &str) -> Result<String, &'static str> {
    let url = parse_http_url(text)?;
    Ok(url.path().trim_end_matches('/').to_owned())
}

fn parse_http_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "not an absolute URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("expected http:// or https://");
    }
    Ok(url)
}

fn parse_speed(text: &str) -> Result<f64, &'static str> {
    let speed = text
        .parse()
        .ok()
        .filter(|speed| (1.0..=1e6).contains(speed));
    speed.ok_or("expected a number from 1 to 1000000")
}

fn stop(error: clap::Error) -> Stop {
    match error.kind() {
        ErrorKind::DisplayHelp => Stop::Print(error.to_string()),
        ErrorKind::DisplayVersion => Stop::Print(version()),
        kind => Stop::WrongUse(format!("error: {}, try --help", complaint(&error, kind))),
    }
}

/// One line. A word that is no flag is not repeated: it may be a key that somebody put there.
fn complaint(error: &clap::Error, kind: ErrorKind) -> String {
    let named = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    match (kind, named) {
        (ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand, named) => match named {
            Some(flag) if flag.starts_with("--") => format!("unknown flag {flag}"),
            _ => "unexpected argument".to_owned(),
        },
        (ErrorKind::ArgumentConflict, Some(flag)) => format!("{flag} stands twice"),
        (ErrorKind::ArgumentConflict, None) => "flags stand after the command".to_owned(),
        (_, Some(flag)) => format!("{flag}: {}", expectation(error)),
        (_, None) => kind.as_str().unwrap_or("wrong use").to_owned(),
    }
}

/// What a flag's value should be.
fn expectation(error: &clap::Error) -> String {
    if let Some(ContextValue::Strings(words)) = error.get(ContextKind::ValidValue)
        && !words.is_empty()
    {
        return format!("expected one of {}", words.join(", "));
    }
    match std::error::Error::source(error) {
        Some(reason) if reason.is::<std::num::ParseIntError>() => {
            "expected a whole number".to_owned()
        }
        Some(reason) => reason.to_string(),
        None => "a value is missing".to_owned(),
    }
}

/// As Prometheus' tools tell their version.
fn version() -> String {
    format!(
        "qlara-exporter, version {} (revision: {})\n  rust version:     {}\n  platform:         {}/{}\n",
        build::VERSION,
        build::REVISION,
        build::RUST_VERSION,
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}
