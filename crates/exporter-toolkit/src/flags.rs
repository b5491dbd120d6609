//! Flags that every exporter shares: listen addresses, the web configuration file, and logging.
//!
//! An exporter flattens [`WebFlags`] and [`LogFlags`] into its own arguments. [`complete`] adds the default listen
//! address and the environment variables:
//!
//! ```
//! use clap::{CommandFactory, FromArgMatches, Parser};
//! use exporter_toolkit::{LogFlags, WebFlags, flags};
//!
//! #[derive(Parser)]
//! struct Cli {
//!     #[command(flatten)]
//!     web: WebFlags,
//!     #[command(flatten)]
//!     log: LogFlags,
//! }
//!
//! let command = flags::complete(Cli::command(), ":9999", "MY");
//! let cli = Cli::from_arg_matches(&command.get_matches_from(["my_exporter", "--log.level=debug"]))?;
//! assert_eq!(cli.log.level(), tracing::Level::DEBUG);
//! assert!(cli.web.web_config()?.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::path::PathBuf;

use clap::builder::{FalseyValueParser, Resettable};
use clap::{Arg, Args, Command, ValueEnum};
use listenfd::ListenFd;

use crate::diagnostics::ConfigErrors;
use crate::logging;
use crate::server::{ListenAddress, Sockets};
use crate::web_config::WebConfigFile;

/// Prefix of the flags' clap identifiers; the rest is the flag's name.
const ID_PREFIX: &str = "exporter-toolkit:";
const LISTEN_ADDRESS: &str = "exporter-toolkit:web.listen-address";

/// Flags of the web server.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Web")]
pub struct WebFlags {
    /// Listen on this address; may be repeated
    #[arg(
        id = LISTEN_ADDRESS,
        long = "web.listen-address",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    listen_addresses: Vec<ListenAddress>,
    /// Listen on sockets passed by systemd instead
    #[arg(
        id = "exporter-toolkit:web.systemd-socket",
        long = "web.systemd-socket",
        value_parser = FalseyValueParser::new()
    )]
    systemd_socket: bool,
    /// Serve only health, without TLS and passwords, on this address; may be repeated
    #[arg(
        id = "exporter-toolkit:web.probe-listen-address",
        long = "web.probe-listen-address",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    probe_listen_addresses: Vec<ListenAddress>,
    /// Read TLS, users, headers and rate limit from this web configuration file
    #[arg(
        id = "exporter-toolkit:web.config.file",
        long = "web.config.file",
        value_name = "FILE"
    )]
    config_file: Option<PathBuf>,
}

impl WebFlags {
    /// Loads `--web.config.file`; without the flag, a configuration without any restriction.
    ///
    /// # Errors
    /// All errors of the file and of the files that it names.
    pub fn web_config(&self) -> Result<WebConfigFile, ConfigErrors> {
        let path = self.config_file.as_deref();
        path.map_or_else(|| Ok(WebConfigFile::none()), WebConfigFile::load)
    }

    /// The sockets to listen on. `passed` are the sockets that systemd passed to this process
    /// ([`ListenFd::from_env`]); they are used with `--web.systemd-socket` only.
    pub fn sockets(&self, passed: ListenFd) -> Sockets {
        Sockets {
            addresses: self.listen_addresses.clone(),
            from_systemd: self.systemd_socket.then_some(passed),
            probe_addresses: self.probe_listen_addresses.clone(),
        }
    }
}

/// Flags of logging.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logging")]
pub struct LogFlags {
    /// Log messages at this level and above
    #[arg(
        id = "exporter-toolkit:log.level",
        long = "log.level",
        value_name = "LEVEL",
        value_enum,
        ignore_case = true,
        default_value = "info"
    )]
    level: LevelFlag,
    /// Write log lines in this format
    #[arg(
        id = "exporter-toolkit:log.format",
        long = "log.format",
        value_name = "FORMAT",
        value_enum,
        ignore_case = true,
        default_value = "logfmt"
    )]
    format: FormatFlag,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LevelFlag {
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatFlag {
    Logfmt,
    Json,
}

impl LogFlags {
    /// The value of `--log.level`.
    pub fn level(&self) -> tracing::Level {
        match self.level {
            LevelFlag::Debug => tracing::Level::DEBUG,
            LevelFlag::Info => tracing::Level::INFO,
            LevelFlag::Warn => tracing::Level::WARN,
            LevelFlag::Error => tracing::Level::ERROR,
        }
    }

    /// The value of `--log.format`.
    pub fn format(&self) -> logging::Format {
        match self.format {
            FormatFlag::Logfmt => logging::Format::Logfmt,
            FormatFlag::Json => logging::Format::Json,
        }
    }
}

/// Adds defaults and environment variables to a command that contains these flags.
///
/// `listen_address` is the default of `--web.listen-address`. The environment variable of a flag is
/// `variable_prefix` and the flag's name: with the prefix `MY`, `--web.config.file` is read from
/// `MY_WEB_CONFIG_FILE`.
pub fn complete(command: Command, listen_address: &'static str, variable_prefix: &str) -> Command {
    command
        .mut_args(|arg| {
            let arg = with_variable(arg, variable_prefix);
            match arg.get_id() == LISTEN_ADDRESS {
                true => arg.default_value(listen_address),
                false => arg,
            }
        })
        .mut_subcommands(|command| complete(command, listen_address, variable_prefix))
}

/// Treats empty environment variables as unset and hides the values of all others in the help text, because they
/// may be secrets.
pub fn with_safe_variables(command: Command) -> Command {
    command
        .mut_args(with_safe_variable)
        .mut_subcommands(with_safe_variables)
}

fn with_variable(arg: Arg, prefix: &str) -> Arg {
    match arg.get_id().as_str().strip_prefix(ID_PREFIX) {
        Some(name) => {
            let name = name.replace(['.', '-'], "_").to_ascii_uppercase();
            arg.env(format!("{prefix}_{name}"))
        }
        None => arg,
    }
}

fn with_safe_variable(arg: Arg) -> Arg {
    let value = arg.get_env().and_then(std::env::var_os);
    match value.is_some_and(|value| value.is_empty()) {
        true => arg.env(Resettable::Reset),
        false => arg.hide_env_values(true),
    }
}
