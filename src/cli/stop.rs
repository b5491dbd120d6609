//! Why there is nothing to run: a text that was asked for, or wrong use in one line.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, CommandFactory};

use super::Cli;
use crate::build;
use crate::likeness::is_like_one_of;

/// Why there is nothing to run.
#[derive(Debug)]
pub enum Stop {
    /// A text was asked for: print it and exit 0.
    Print(String),
    /// Wrong use: print one line and exit 2.
    WrongUse(String),
}

impl From<clap::Error> for Stop {
    fn from(error: clap::Error) -> Stop {
        match error.kind() {
            ErrorKind::DisplayHelp => Stop::Print(error.to_string()),
            ErrorKind::DisplayVersion => Stop::Print(version()),
            kind => Stop::WrongUse(format!("error: {}, try --help", complaint(&error, kind))),
        }
    }
}

/// One line. A word that is no flag, nor like one, is not repeated: it may be a key that somebody put
/// there.
fn complaint(error: &clap::Error, kind: ErrorKind) -> String {
    let named = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    match (kind, named) {
        (ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand, named) => match named {
            Some(flag) if flag.starts_with("--") => unknown_flag(&flag),
            _ => "unexpected argument".to_owned(),
        },
        (ErrorKind::ArgumentConflict, Some(flag)) => conflict(error, &flag),
        (ErrorKind::ArgumentConflict, None) => "flags stand after the command".to_owned(),
        (_, Some(flag)) => format!("{flag}: {}", expectation(error)),
        (_, None) => kind.as_str().unwrap_or("wrong use").to_owned(),
    }
}

fn conflict(error: &clap::Error, flag: &str) -> String {
    match error.get(ContextKind::PriorArg).map(ToString::to_string) {
        Some(other) if other != flag => format!("{flag} cannot be used with {other}"),
        _ => format!("{flag} stands twice"),
    }
}

fn unknown_flag(flag: &str) -> String {
    let mut command = Cli::command();
    // Only then it has --help and --version.
    command.build();
    let commands = std::iter::once(&command).chain(command.get_subcommands());
    let known = commands.flat_map(|command| command.get_arguments().filter_map(Arg::get_long));
    let plain = |char: char| char.is_ascii_alphanumeric() || "-._".contains(char);
    match flag.chars().all(plain) && is_like_one_of(flag, known) {
        true => format!("unknown flag {flag}"),
        false => "unknown flag".to_owned(),
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
        None if error.kind() == ErrorKind::TooManyValues => "takes no value".to_owned(),
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
