//! The flags of `explain`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::flags::{CONFIGURATION, GatewayArgs, LogArgs};
use crate::config::Settings;
use crate::explain::Format;

const ANSWER: &str = "Answer";
const OUTPUT: &str = "Output";

/// Flags of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Configuration file (YAML). Flags and variables win over it
    #[arg(long = "config.file", env = "QLARA_CONFIG_FILE", value_name = "FILE", help_heading = CONFIGURATION)]
    file: Option<PathBuf>,
    /// Only this account of the configuration file; may be given several times
    #[arg(long, value_name = "NAME", help_heading = ANSWER)]
    pub account: Vec<String>,
    /// Read a saved answer instead of asking the gateway; - is standard input
    #[arg(long, value_name = "FILE", help_heading = ANSWER)]
    pub from: Option<PathBuf>,
    /// Form of the output
    #[arg(long, value_name = "FORM", value_enum, default_value = "text", help_heading = OUTPUT)]
    output: Output,
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
    Text,
    Json,
}

impl ExplainArgs {
    /// What the configuration needs to know of the flags.
    pub fn settings(&self) -> Settings {
        self.gateway.settings(self.file.as_ref())
    }

    /// The form of the output.
    pub fn format(&self) -> Format {
        match self.output {
            Output::Text => Format::Text,
            Output::Json => Format::Json,
        }
    }
}
