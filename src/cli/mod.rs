//! The command line. Flags have the names of Prometheus' own tools, and each flag for serving has an
//! environment variable.

mod arguments;
mod check;
mod commands;
mod error_format;
mod exit;
mod explain;
mod generate;
mod hash_password;
mod healthcheck;
mod simulator;
mod values;

use std::ffi::OsString;

use clap::FromArgMatches;

pub use arguments::{CacheArgs, ConfigArgs, GatewayArgs, WebArgs};
pub use check::CheckArgs;
pub(crate) use commands::command;
pub use commands::{Cli, Command, DemoArgs, GenerateArgs, ServeArgs, SimulateArgs};
pub use error_format::{ErrorFormat, is_check};
pub use exit::CliExit;
pub use explain::ExplainArgs;
use exporter_toolkit::flags;
pub use generate::GenerateError;
pub use hash_password::HashPasswordArgs;
pub use healthcheck::HealthcheckArgs;
pub use simulator::SimulatorArgs;

impl Cli {
    /// Parses the arguments, and the environment variables of flags.
    ///
    /// # Errors
    /// [`CliExit`] for `--help`, `--version`, and arguments that are not valid.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, CliExit> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        flags::with_safe_variables(command())
            .try_get_matches_from(&arguments)
            .and_then(|matches| Cli::from_arg_matches(&matches))
            .map_err(|error| CliExit::new(&error, &arguments))
    }
}
