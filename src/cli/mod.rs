//! The command line. Flags are named as in Prometheus' own tools, and each flag for serving has an
//! environment variable.

mod check;
mod error_format;
mod explain;
mod flags;
mod generate;
mod hash_password;
mod simulator;
mod stop;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::Resettable;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::build;
use crate::config::{Settings, duration};
use crate::healthcheck::Target;
use crate::hidden::Hidden;
use crate::server::address::TcpAddress;
use crate::web::ExternalUrl;
pub use check::CheckArgs;
pub use error_format::{ErrorFormat, is_check};
pub use explain::ExplainArgs;
use flags::WEB;
pub use flags::{CacheArgs, ConfigArgs, GatewayArgs, LogArgs, LogFormat, LogLevel, WebArgs};
pub use generate::{GenerateArgs, GenerateError};
pub use hash_password::HashPasswordArgs;
use simulator::SIMULATOR;
pub use simulator::SimulatorArgs;
pub use stop::Stop;
use values::{parse_route_prefix, parse_speed, parse_target};

/// What the command line asks for.
#[derive(Debug, Parser)]
#[command(
    name = "qlara-exporter",
    version = build::VERSION,
    about = "Prometheus exporter for the social profiles connected to the Qlara messaging gateway",
    after_help = "Without a command it serves metrics. The API key is read from a file or from QLARA_API_KEY, never from an argument.",
    args_conflicts_with_subcommands = true,
    propagate_version = true,
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
    /// Read all accounts once and judge their profiles: exit 0 if all is fine, 1 for a warning, 2 if
    /// something is critical, 3 if that cannot be found out
    Check(CheckArgs),
    /// Show which fields the gateway answers, and which of them are read, without any value: exit 0 if
    /// everything that the metrics need was read, 1 if something is missing, 3 if there was no answer
    Explain(ExplainArgs),
    /// Serve metrics of a simulated gateway inside the same process: no key, no file, no network
    Demo(DemoArgs),
    /// Serve the simulated gateway alone
    Simulate(SimulateArgs),
    /// Ask a running exporter whether it serves, for containers: exit 0 if it does, 1 if not
    Healthcheck(HealthcheckArgs),
    /// Read a password, twice on a terminal or once from standard input, and print its bcrypt hash for
    /// the web configuration file
    HashPassword(HashPasswordArgs),
    /// Write the man pages and the completions for bash, zsh and fish
    Generate(GenerateArgs),
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
        help_heading = WEB
    )]
    pub listen_address: TcpAddress,
    /// The simulated gateway.
    #[command(flatten)]
    pub simulator: SimulatorArgs,
    /// How many times faster than in reality tokens live and end. Without it time stands still at
    /// the day of the documented answers
    #[arg(long, value_name = "FACTOR", value_parser = parse_speed, help_heading = SIMULATOR)]
    pub speed: Option<f64>,
    /// The API key that is accepted, also as password of HTTP Basic. It protects nothing
    #[arg(long = "api-key", value_name = "WORD", default_value = "simulated", help_heading = SIMULATOR)]
    pub api_key: Hidden,
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
        value_parser = Target::first_of
    )]
    listener: Target,
    /// Address that serves health alone; if there is one, it is asked instead
    #[arg(
        long = "web.probe-listen-address",
        env = "QLARA_WEB_PROBE_LISTEN_ADDRESS",
        value_name = "ADDRESS",
        value_parser = Target::first_of
    )]
    probe_listener: Option<Target>,
    /// Path in front of every route of the exporter, unless an address for health alone is asked
    /// [default: the path of --web.external-url]
    #[arg(
        long = "web.route-prefix",
        env = "QLARA_WEB_ROUTE_PREFIX",
        value_name = "PATH",
        value_parser = parse_route_prefix
    )]
    route_prefix: Option<String>,
    /// URL, or path alone, under which others reach the exporter
    #[arg(
        long = "web.external-url",
        env = "QLARA_WEB_EXTERNAL_URL",
        value_name = "URL"
    )]
    external_url: Option<ExternalUrl>,
    /// URL to ask instead of those addresses
    #[arg(long, env = "QLARA_HEALTHCHECK_URL", value_name = "URL", value_parser = parse_target)]
    url: Option<Target>,
    /// Certificates (PEM) to trust beside the system's, a self-signed one of the exporter included
    #[arg(long, env = "QLARA_HEALTHCHECK_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
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
            .map_err(Stop::from)
    }
}

impl ServeArgs {
    /// What the configuration needs to know of the flags.
    pub fn settings(&self) -> Settings {
        Settings {
            ttl: self.cache.ttl,
            max_stale: self.cache.max_stale,
            ..self.gateway.settings(self.config.file.as_ref())
        }
    }
}

impl HealthcheckArgs {
    /// What to ask.
    pub fn target(self) -> Target {
        let external = self.external_url.as_ref().map(ExternalUrl::path);
        let prefix = self.route_prefix.as_deref().or(external);
        let chosen = self.url.or(self.probe_listener);
        chosen.unwrap_or_else(|| self.listener.below(prefix.unwrap_or_default()))
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
