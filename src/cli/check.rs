//! The flags of `check`.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use terminal_size::{Width, terminal_size_of};

use super::arguments::{CONFIGURATION, GatewayArgs, zone_of_environment};
use super::values::{
    StatusFilter, parse_plugin_timeout, parse_status, parse_target, parse_threshold, parse_verdict,
    parse_watch,
};
use crate::check::{
    CheckFilter, CheckFormat, CheckOptions, Destination, RunningExporter, TableStyle,
};
use crate::config::Settings;
use crate::verdict::{Severity, Thresholds};
use crate::zone::Zone;
use exporter_toolkit::exporter_client::Target;
use exporter_toolkit::flags::LogFlags;

const PROFILES: &str = "Profiles";
const OUTPUT: &str = "Output";

/// Flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Read the configuration from this YAML file; flags and environment variables override it
    #[arg(long = "config.file", env = "QLARA_CONFIG_FILE", value_name = "FILE", help_heading = CONFIGURATION)]
    file: Option<PathBuf>,
    /// Read only this account of the configuration file; repeatable
    #[arg(long, value_name = "NAME", help_heading = PROFILES)]
    account: Vec<String>,
    /// Show and judge only profiles of this platform; repeatable
    #[arg(long, value_name = "PLATFORM", value_delimiter = ',', help_heading = PROFILES)]
    platform: Vec<String>,
    /// Show and judge only profiles in this state, or MISSING for expected profiles that are not
    /// connected; repeatable
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = parse_status, help_heading = PROFILES)]
    status: Vec<StatusFilter>,
    /// Show and judge only profiles with this verdict: critical, warning, not_checked or fine; repeatable
    #[arg(long, value_name = "VERDICT", value_delimiter = ',', value_parser = parse_verdict, help_heading = PROFILES)]
    verdict: Vec<Severity>,
    /// Warn if a token ends within this time
    #[arg(short, long, value_name = "DURATION", default_value = "7d", value_parser = parse_threshold, help_heading = PROFILES)]
    warning: Duration,
    /// Report a profile as critical if its token ends within this time
    #[arg(short, long, value_name = "DURATION", default_value = "2d", value_parser = parse_threshold, help_heading = PROFILES)]
    critical: Duration,
    /// Write the output in this format
    #[arg(long, value_name = "FORM", value_enum, default_value = "table", help_heading = OUTPUT)]
    output: CheckOutput,
    /// List all fine profiles in the table on a terminal, where more than 10 are one line with their number
    #[arg(long, help_heading = OUTPUT)]
    all: bool,
    /// Write to this file instead of standard output, which is -; the file is replaced atomically
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    output_file: Option<PathBuf>,
    /// Start the CSV with a byte order mark, by which Excel recognizes UTF-8
    #[arg(long, help_heading = OUTPUT)]
    csv_bom: bool,
    /// List every finding on a line of its own with --output nagios, instead of the most urgent ones; the
    /// other formats are always complete
    #[arg(short, long, overrides_with = "verbose", help_heading = OUTPUT)]
    verbose: bool,
    /// Show times in this IANA time zone [default: TZ, or else UTC]; JSON, CSV and metrics are always in UTC
    #[arg(long, value_name = "ZONE", help_heading = OUTPUT)]
    timezone: Option<Zone>,
    /// Give up on an account after this time, in seconds or as a duration; overrides --qlara.timeout
    #[arg(id = "plugin_timeout", short = 't', long = "timeout", value_name = "SECONDS", value_parser = parse_plugin_timeout, help_heading = PROFILES)]
    plugin_timeout: Option<Duration>,
    /// Repeat the audit after this time, at least 10s, until a signal ends it; the exit code is that of the
    /// last audit
    #[arg(long, value_name = "DURATION", value_parser = parse_watch, help_heading = OUTPUT)]
    watch: Option<Duration>,
    /// Write a configuration file that expects the connected profiles
    #[arg(long, conflicts_with_all = ["output", "platform", "status", "verdict", "watch"], help_heading = OUTPUT)]
    write_expected: bool,
    /// Show since when each profile is in its state, as the running exporter at this URL has observed it; the URL
    /// can contain user and password
    #[arg(long, env = "QLARA_EXPORTER_URL", hide_env_values = true, value_name = "URL", value_parser = parse_target, help_heading = PROFILES)]
    exporter: Option<Target>,
    /// Trust the certificates in this PEM file for --exporter, in addition to the system's
    #[arg(long, env = "QLARA_EXPORTER_CA_FILE", value_name = "FILE", help_heading = PROFILES)]
    exporter_ca_file: Option<PathBuf>,
    /// The gateway.
    #[command(flatten)]
    gateway: GatewayArgs,
    /// Logging.
    #[command(flatten)]
    pub log: LogFlags,
}

/// `--output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CheckOutput {
    Table,
    Json,
    Csv,
    Html,
    Junit,
    Metrics,
    Nagios,
}

impl CheckArgs {
    /// The settings that these flags give for the configuration.
    pub fn settings(&self) -> Settings {
        let settings = self.gateway.settings(self.file.as_ref());
        Settings {
            timeout: self.plugin_timeout.or(settings.timeout),
            ..settings
        }
    }

    /// What to audit, and how strictly.
    pub fn options(&self) -> CheckOptions {
        CheckOptions {
            accounts: self.account.clone(),
            filter: CheckFilter {
                platforms: BTreeSet::from_iter(self.platform.iter().cloned()),
                statuses: self.status.iter().copied().collect(),
                verdicts: self.verdict.iter().copied().collect(),
            },
            thresholds: Thresholds {
                warning: self.warning,
                critical: self.critical,
            },
            exporter: self.exporter.clone().map(|url| RunningExporter {
                url,
                ca_file: self.exporter_ca_file.clone(),
            }),
        }
    }

    /// The file to write to; `None` for standard output.
    fn output_file(&self) -> Option<&Path> {
        let file = self.output_file.as_deref();
        file.filter(|path| *path != Path::new("-"))
    }

    /// The interval of `--watch`.
    ///
    /// # Errors
    /// What to do if the documents of the format cannot follow each other.
    pub fn watch(&self) -> Result<Option<Duration>, String> {
        use CheckOutput::{Json, Nagios, Table};
        let is_stream = matches!(self.output, Table | Json | Nagios);
        if self.watch.is_some() && self.output_file().is_none() && !is_stream {
            return Err("error: --watch with this --output needs --output-file".to_owned());
        }
        Ok(self.watch)
    }

    /// Where to write.
    pub fn destination(&self) -> Destination<'_> {
        match (self.output_file(), self.watch, self.output) {
            (Some(file), ..) => Destination::File(file),
            (None, Some(_), CheckOutput::Table) if self.is_on_terminal() => Destination::Redrawn,
            (None, Some(_), CheckOutput::Table) => Destination::Separated,
            (None, Some(_), _) => Destination::Stream,
            (None, None, _) => Destination::Stdout,
        }
    }

    fn is_on_terminal(&self) -> bool {
        self.output_file().is_none() && std::io::stdout().is_terminal()
    }

    fn table_style(&self) -> TableStyle {
        let on_terminal = self.is_on_terminal();
        let fine_is_asked_for = self.all || self.verdict.contains(&Severity::Fine);
        let default = TableStyle::default();
        TableStyle {
            width: terminal_width(on_terminal).unwrap_or(default.width),
            colours: on_terminal && terminal_has_colours(),
            folds_fine: on_terminal && !fine_is_asked_for,
            zone: self.zone(),
        }
    }

    fn zone(&self) -> Zone {
        self.timezone.unwrap_or_else(zone_of_environment)
    }

    /// The output format.
    pub fn format(&self) -> CheckFormat {
        match self.output {
            _ if self.write_expected => CheckFormat::Expected,
            CheckOutput::Table => CheckFormat::Table(self.table_style()),
            CheckOutput::Json => CheckFormat::Json,
            CheckOutput::Csv => CheckFormat::Csv { bom: self.csv_bom },
            CheckOutput::Html => CheckFormat::Html { zone: self.zone() },
            CheckOutput::Junit => CheckFormat::Junit,
            CheckOutput::Metrics => CheckFormat::Metrics,
            CheckOutput::Nagios => CheckFormat::Nagios {
                verbose: self.verbose,
            },
        }
    }
}

/// The width in `COLUMNS`, or of the terminal; `None` if there is neither.
fn terminal_width(on_terminal: bool) -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns.and_then(|columns| columns.parse().ok());
    let size = || terminal_size_of(std::io::stdout()).filter(|_| on_terminal);
    columns.or_else(|| size().map(|(Width(columns), _)| columns.into()))
}

/// Whether the terminal has colours that `NO_COLOR` (<https://no-color.org/>) does not turn off.
fn terminal_has_colours() -> bool {
    let turned_off = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let unsupported = std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
    !turned_off && !unsupported
}
