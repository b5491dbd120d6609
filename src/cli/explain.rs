//! The flags of `explain`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::arguments::{CONFIGURATION, GatewayArgs};
use crate::config::Settings;
use crate::explain::ExplainFormat;
use exporter_toolkit::flags::LogFlags;

const ANSWER: &str = "Answer";
const OUTPUT: &str = "Output";

/// Flags of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Read the configuration from this YAML file; flags and environment variables override it
    #[arg(long = "config.file", env = "QLARA_CONFIG_FILE", value_name = "FILE", help_heading = CONFIGURATION)]
    file: Option<PathBuf>,
    /// Explain only this account of the configuration file; repeatable
    #[arg(long, value_name = "NAME", help_heading = ANSWER)]
    pub account: Vec<String>,
    /// Explain a saved answer from this file instead of asking the gateway; - is standard input
    #[arg(long, value_name = "FILE", help_heading = ANSWER)]
    pub from: Option<PathBuf>,
    /// Write the output in this format
    #[arg(long, value_name = "FORM", value_enum, default_value = "text", help_heading = OUTPUT)]
    output: ExplainOutput,
    /// The gateway.
    #[command(flatten)]
    gateway: GatewayArgs,
    /// Logging.
    #[command(flatten)]
    pub log: LogFlags,
}

/// `--output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExplainOutput {
    Text,
    Json,
}

impl ExplainArgs {
    /// The settings that these flags give for the configuration.
    pub fn settings(&self) -> Settings {
        self.gateway.settings(self.file.as_ref())
    }

    /// The output format.
    pub fn format(&self) -> ExplainFormat {
        match self.output {
            ExplainOutput::Text => ExplainFormat::Text,
            ExplainOutput::Json => ExplainFormat::Json,
        }
    }
}
