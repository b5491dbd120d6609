//! Results of the command line that run no command: help, version, and usage errors in one line.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use crate::build;
use exporter_toolkit::redacted::shown_key;
use exporter_toolkit::suggest::closest;

/// The command that reads a password.
const HASH_PASSWORD: &str = "hash-password";

/// The program exits without running a command.
#[derive(Debug)]
pub enum CliExit {
    /// Help or version was requested: print the text and exit with 0.
    Print(String),
    /// Wrong use: print one line and exit with 2.
    WrongUse(String),
}

impl From<clap::Error> for CliExit {
    fn from(error: clap::Error) -> CliExit {
        match error.kind() {
            ErrorKind::DisplayHelp => CliExit::Print(error.to_string()),
            ErrorKind::DisplayVersion => CliExit::Print(version()),
            kind => {
                let text = usage_error(&error, kind);
                let advice = if text.ends_with('?') {
                    ""
                } else {
                    ", try --help"
                };
                CliExit::WrongUse(format!("error: {text}{advice}"))
            }
        }
    }
}

/// The error in one line. It contains flags, but no values, which may be secrets.
fn usage_error(error: &clap::Error, kind: ErrorKind) -> String {
    let named = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    match (kind, named) {
        (ErrorKind::InvalidSubcommand, _) => {
            let word = error.get(ContextKind::InvalidSubcommand);
            unexpected_word(error, &word.map(ToString::to_string).unwrap_or_default())
        }
        (ErrorKind::UnknownArgument, Some(flag)) if flag.starts_with('-') => {
            unknown_flag(error, &flag)
        }
        (ErrorKind::UnknownArgument, word) => unexpected_word(error, &word.unwrap_or_default()),
        (ErrorKind::ArgumentConflict, Some(flag)) => conflict(error, &flag),
        (ErrorKind::ArgumentConflict, None) => "flags must come after the command".to_owned(),
        (_, Some(flag)) => format!("{flag}: {}", expectation(error)),
        (_, None) => kind.as_str().unwrap_or("wrong use").to_owned(),
    }
}

fn conflict(error: &clap::Error, flag: &str) -> String {
    match error.get(ContextKind::PriorArg).map(ToString::to_string) {
        Some(other) if other != flag => format!("{flag} cannot be used with {other}"),
        _ => format!("{flag} is given more than once"),
    }
}

fn unknown_flag(error: &clap::Error, flag: &str) -> String {
    let name = flag.split('=').next().unwrap_or(flag);
    let command = command_of(error);
    let known = command.get_arguments().filter_map(Arg::get_long);
    let shown = shown_key(name);
    match closest(name, known) {
        Some(similar) => format!("unknown flag {shown}; did you mean --{similar}?"),
        // The argument may be the password that the command reads from a terminal.
        None if command.get_name() == HASH_PASSWORD => "unknown flag".to_owned(),
        None => format!("unknown flag {shown}"),
    }
}

/// A word that is not similar to a command may be an API key.
fn unexpected_word(error: &clap::Error, word: &str) -> String {
    let command = command_of(error);
    let commands = command
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let commands: Vec<&str> = commands.map(Command::get_name).collect();
    // After `--` even the name of a command is an argument.
    match closest(word, commands.iter().copied()).filter(|similar| *similar != word) {
        Some(similar) => {
            let word = shown_key(word);
            format!("unknown command \"{word}\"; did you mean \"{similar}\"?")
        }
        None if commands.is_empty() => "unexpected argument".to_owned(),
        None => format!(
            "unexpected argument, expected a flag or one of {}",
            commands.join(", ")
        ),
    }
}

/// The command that rejected an argument: a subcommand, or the whole program. clap names it only in the usage line,
/// "Usage: qlara-exporter check [OPTIONS]".
fn command_of(error: &clap::Error) -> Command {
    let mut root = super::command();
    // Adds --help and --version.
    root.build();
    let usage = error.get(ContextKind::Usage).map(ToString::to_string);
    let name = usage
        .as_deref()
        .and_then(|usage| usage.split_whitespace().nth(2));
    let subcommand = name.and_then(|name| root.find_subcommand(name)).cloned();
    subcommand.unwrap_or(root)
}

/// What is expected of the value of a flag.
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

/// The version in the format of Prometheus' tools.
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
