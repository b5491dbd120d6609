//! The commands and their flags, as clap parses them.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

use super::arguments::{CacheArgs, ConfigArgs, GatewayArgs, WEB, WebArgs};
use super::check::CheckArgs;
use super::explain::ExplainArgs;
use super::hash_password::HashPasswordArgs;
use super::healthcheck::HealthcheckArgs;
use super::simulator::{SIMULATOR, SimulatorArgs};
use super::values::parse_speed;
use crate::build;
use crate::config::Settings;
use exporter_toolkit::flags::{self, LogFlags};
use exporter_toolkit::redacted::Redacted;
use exporter_toolkit::server::TcpAddress;

const NAME: &str = "qlara-exporter";
/// The default of `--web.listen-address`.
const DEFAULT_LISTEN_ADDRESS: &str = ":10017";
/// The prefix of environment variables for flags.
const VARIABLE_PREFIX: &str = "QLARA";

/// The flags that `-h` shows of the program or a command; `--help` shows all. `None` if both show the same.
fn main_flags(command: &str) -> Option<&'static [&'static str]> {
    Some(match command {
        NAME => &[
            "config.file",
            "web.listen-address",
            "qlara.url",
            "qlara.api-key-file",
        ],
        "check" => &[
            "config.file",
            "account",
            "platform",
            "verdict",
            "output",
            "output-file",
            "watch",
            "qlara.url",
            "qlara.api-key-file",
        ],
        "explain" => &["config.file", "account", "from", "qlara.api-key-file"],
        "demo" => &["web.listen-address", "profiles", "seed", "fault", "speed"],
        "simulate" => &["web.listen-address", "profiles", "fault", "api-key"],
        "healthcheck" => &["web.listen-address", "url", "ca-file"],
        _ => return None,
    })
}

const SHORT_HELP: &str = "\
Examples:
  qlara-exporter demo                         Try it without a key
  qlara-exporter --qlara.api-key-file FILE    Serve metrics, and a page on port 10017

--help shows all flags, and \"qlara-exporter help COMMAND\" those of a command.";
const LONG_HELP: &str = "\
Without a command, qlara-exporter serves metrics. The API key is read from a file or from QLARA_API_KEY, never from an \
argument.";
const CHECK_EXAMPLES: &str = "\
Examples:
  QLARA_API_KEY=KEY qlara-exporter check                   Profiles by urgency
  qlara-exporter check --config.file FILE --output nagios  One line for Nagios";
const EXPLAIN_EXAMPLES: &str = "\
Examples:
  QLARA_API_KEY=KEY qlara-exporter explain  The fields that the gateway answers
  qlara-exporter explain --from FILE        Those of a saved answer";
const DEMO_EXAMPLES: &str = "\
Examples:
  qlara-exporter demo                             A page on port 10017
  qlara-exporter demo --profiles 30 --speed 1000  30 profiles that change quickly";
const SIMULATE_EXAMPLES: &str = "\
Examples:
  qlara-exporter simulate                     The gateway on port 10018
  qlara-exporter simulate --fault status=503  One that answers HTTP 503";
const HEALTHCHECK_EXAMPLES: &str = "\
Examples:
  qlara-exporter healthcheck
  qlara-exporter healthcheck --url https://exporter.example/-/healthy";

/// The parsed command line.
#[derive(Debug, Parser)]
#[command(
    name = NAME,
    version = build::VERSION,
    about = "Prometheus exporter for the social profiles connected to the Qlara messaging gateway",
    after_help = SHORT_HELP,
    after_long_help = LONG_HELP,
    args_conflicts_with_subcommands = true,
    propagate_version = true,
)]
pub struct Cli {
    /// The command; `None` to serve metrics.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags for serving, without a command.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read all accounts once and judge their profiles
    ///
    /// Exits with 0 if all are fine, 1 for a warning, 2 if something is critical, 3 if the state could not be
    /// determined.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Show which fields the gateway's answers have, and which of these are read, without values
    ///
    /// Exits with 0 if everything that the metrics need was read, 1 if something is missing, 3 if there was no
    /// answer.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Serve metrics of a simulated gateway in the same process, without a key, a file or network access
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(DemoArgs),
    /// Serve only the simulated gateway
    #[command(after_help = SIMULATE_EXAMPLES)]
    Simulate(SimulateArgs),
    /// Check that a running exporter is healthy, for containers
    ///
    /// Exits with 0 if it is, 1 if not.
    #[command(after_help = HEALTHCHECK_EXAMPLES)]
    Healthcheck(HealthcheckArgs),
    /// Print the bcrypt hash of a password for the web configuration file
    ///
    /// Reads the password twice on a terminal, or once from standard input.
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
    pub log: LogFlags,
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
    /// Let the simulated time pass this many times faster than real time
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_speed, help_heading = SIMULATOR)]
    pub speed: f64,
    /// Logging.
    #[command(flatten)]
    pub log: LogFlags,
}

/// Flags of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Listen on this address
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
    /// Let the simulated time pass this many times faster than real time
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_speed, help_heading = SIMULATOR)]
    speed: f64,
    /// Stop the simulated time on the day of the documented answers, 9 April 2026, with their dates
    #[arg(long, conflicts_with = "speed", help_heading = SIMULATOR)]
    documented_day: bool,
    /// Accept this API key, also as the password of HTTP Basic authentication; it protects nothing
    #[arg(long = "api-key", value_name = "WORD", default_value = "simulated", help_heading = SIMULATOR)]
    pub api_key: Redacted,
    /// Logging.
    #[command(flatten)]
    pub log: LogFlags,
}

/// Flags of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Write to man and completions in this directory, which is created if needed
    #[arg(value_name = "DIRECTORY")]
    pub(super) directory: PathBuf,
}

impl ServeArgs {
    /// The settings that these flags give for the configuration.
    pub fn settings(&self) -> Settings {
        Settings {
            ttl: self.cache.ttl,
            max_stale: self.cache.max_stale,
            ..self.gateway.settings(self.config.file.as_ref())
        }
    }
}

impl SimulateArgs {
    /// The speed of the simulated time; `None` if it stands still.
    pub fn speed(&self) -> Option<f64> {
        (!self.documented_day).then_some(self.speed)
    }
}

/// The clap command of the program, with defaults and environment variables.
pub(crate) fn command() -> clap::Command {
    let command = with_short_help(Cli::command());
    flags::complete(command, DEFAULT_LISTEN_ADDRESS, VARIABLE_PREFIX)
}

/// Leaves only the main flags in `-h`, of the command and of its subcommands. A negative number is a wrong value rather than
/// an unknown flag.
fn with_short_help(command: clap::Command) -> clap::Command {
    let shown = main_flags(command.get_name());
    let is_hidden = |flag: &str| shown.is_some_and(|shown| !shown.contains(&flag));
    let command = command.mut_args(|arg| {
        let is_hidden = arg.get_long().is_some_and(is_hidden);
        let takes_value = arg.get_action().takes_values();
        arg.hide_short_help(is_hidden)
            .allow_negative_numbers(takes_value)
    });
    command.mut_subcommands(with_short_help)
}
