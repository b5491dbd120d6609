//! The flags of `check`.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::flags::{CONFIGURATION, GatewayArgs, LogArgs};
use super::values::{parse_plugin_timeout, parse_state, parse_threshold};
use crate::check::{Filter, Format, Options};
use crate::config::Settings;
use crate::gateway::model::Status;
use crate::verdict::Thresholds;

const PROFILES: &str = "Profiles";
const OUTPUT: &str = "Output";

/// Flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Configuration file (YAML). Flags and variables win over it
    #[arg(long = "config.file", env = "QLARA_CONFIG_FILE", value_name = "FILE", help_heading = CONFIGURATION)]
    file: Option<PathBuf>,
    /// Only this account of the configuration file; may be given several times
    #[arg(long, value_name = "NAME", help_heading = PROFILES)]
    account: Vec<String>,
    /// Only profiles of this platform; may be given several times
    #[arg(long, value_name = "PLATFORM", value_delimiter = ',', help_heading = PROFILES)]
    platform: Vec<String>,
    /// Only profiles of this status, missing for expected ones that are not connected; may be given
    /// several times
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = parse_state, help_heading = PROFILES)]
    status: Vec<State>,
    /// A token that ends sooner is a warning
    #[arg(short, long, value_name = "DURATION", default_value = "7d", value_parser = parse_threshold, help_heading = PROFILES)]
    warning: Duration,
    /// A token that ends sooner is critical
    #[arg(short, long, value_name = "DURATION", default_value = "2d", value_parser = parse_threshold, help_heading = PROFILES)]
    critical: Duration,
    /// Form of the output
    #[arg(long, value_name = "FORM", value_enum, default_value = "table", help_heading = OUTPUT)]
    output: Output,
    /// File to write instead of standard output, which is -; it is replaced in one step
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    output_file: Option<PathBuf>,
    /// Begin the CSV with the byte order mark by which Excel tells UTF-8
    #[arg(long, help_heading = OUTPUT)]
    csv_bom: bool,
    /// Tell every finding to Nagios, one per line, instead of the most urgent; the other forms are
    /// always complete
    #[arg(short, long, overrides_with = "verbose", help_heading = OUTPUT)]
    verbose: bool,
    /// Time that reading an account may take: seconds, or a duration. It wins over --qlara.timeout
    #[arg(id = "plugin_timeout", short = 't', long = "timeout", value_name = "SECONDS", value_parser = parse_plugin_timeout, help_heading = PROFILES)]
    plugin_timeout: Option<Duration>,
    /// Write the profiles that are there as a configuration that expects them
    #[arg(long, conflicts_with_all = ["output", "platform", "status"], help_heading = OUTPUT)]
    write_expected: bool,
    /// The gateway.
    #[command(flatten)]
    gateway: GatewayArgs,
    /// Logging.
    #[command(flatten)]
    pub log: LogArgs,
}

/// `--output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
    Csv,
    Metrics,
    Nagios,
}

/// `--status`: a status, or `None` for a profile that is missing.
pub(super) type State = Option<Status>;

impl CheckArgs {
    /// What the configuration needs to know of the flags.
    pub fn settings(&self) -> Settings {
        let settings = self.gateway.settings(self.file.as_ref());
        Settings {
            timeout: self.plugin_timeout.or(settings.timeout),
            ..settings
        }
    }

    /// What to audit, and how strictly.
    pub fn options(&self) -> Options {
        Options {
            accounts: self.account.clone(),
            filter: Filter {
                platforms: BTreeSet::from_iter(self.platform.iter().cloned()),
                statuses: self.status.iter().copied().collect(),
            },
            thresholds: Thresholds {
                warning: self.warning,
                critical: self.critical,
            },
        }
    }

    /// The file to write; `None` is standard output.
    pub fn output_file(&self) -> Option<&Path> {
        let file = self.output_file.as_deref();
        file.filter(|path| *path != Path::new("-"))
    }

    /// The form of the output.
    pub fn format(&self) -> Format {
        match self.output {
            _ if self.write_expected => Format::Expected,
            Output::Table => Format::Table {
                colours: self.output_file().is_none() && colours_are_welcome(),
            },
            Output::Json => Format::Json,
            Output::Csv => Format::Csv { bom: self.csv_bom },
            Output::Metrics => Format::Metrics,
            Output::Nagios => Format::Nagios {
                verbose: self.verbose,
            },
        }
    }
}

/// On a terminal that knows them, unless somebody does not want them (<https://no-color.org/>).
fn colours_are_welcome() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let unknown = std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
    std::io::stdout().is_terminal() && !unwanted && !unknown
}
