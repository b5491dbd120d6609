//! How the program prints the error with which it exits.

use std::ffi::OsString;
use std::io::Write;

use clap::Arg;
use tracing::{Level, error};

use crate::check;
use exporter_toolkit::logging;

const CHECK: &str = "check";

/// The format of the error with which the program exits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorFormat {
    /// `qlara-exporter: …` on standard error.
    Line,
    /// A JSON line of the log.
    JsonLog,
    /// The status line of a monitoring plugin on standard output. Nagios reads nothing else.
    Nagios,
}

impl ErrorFormat {
    /// The format that the arguments select. They are read without clap, which may reject them.
    pub fn of(arguments: &[OsString]) -> ErrorFormat {
        let value = |flag| last_value(arguments, flag);
        let format = value("--log.format").or_else(|| std::env::var("QLARA_LOG_FORMAT").ok());
        let is = |value: Option<String>, word: &str| {
            value.is_some_and(|value| value.eq_ignore_ascii_case(word))
        };
        if is_check(arguments) && is(value("--output"), "nagios") {
            ErrorFormat::Nagios
        } else if is(format, "json") {
            ErrorFormat::JsonLog
        } else {
            ErrorFormat::Line
        }
    }

    /// Prints one error for each line of `lines`.
    pub fn print(self, lines: &str) {
        match self {
            ErrorFormat::Line => lines.lines().for_each(|line| {
                let _ = writeln!(std::io::stderr(), "qlara-exporter: {line}");
            }),
            ErrorFormat::JsonLog => {
                let log = logging::lines(
                    Level::ERROR,
                    logging::Format::Json,
                    env!("CARGO_CRATE_NAME"),
                    std::io::stderr,
                );
                tracing::subscriber::with_default(log, || {
                    lines.lines().for_each(|line| error!("{line}"));
                });
            }
            ErrorFormat::Nagios => {
                let reason = lines.lines().collect::<Vec<_>>().join("; ");
                let _ = writeln!(std::io::stdout(), "{}", check::nagios_unknown(&reason));
            }
        }
    }
}

/// Whether the command is `check`, even if clap rejects the arguments before it. Values of flags are not
/// commands.
pub fn is_check(arguments: &[OsString]) -> bool {
    let root = super::command();
    let check = root.find_subcommand(CHECK);
    let flags: Vec<&Arg> = (root.get_arguments())
        .chain(check.into_iter().flat_map(clap::Command::get_arguments))
        .filter(|flag| flag.get_action().takes_values())
        .collect();
    let takes_value = |word: &str| {
        let long = word.strip_prefix("--");
        let short = word.strip_prefix('-').and_then(|rest| rest.parse().ok());
        flags.iter().any(|flag| {
            long.is_some_and(|_| flag.get_long() == long)
                || short.is_some_and(|_| flag.get_short() == short)
        })
    };
    let mut words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    while let Some(word) = words.next() {
        if root.find_subcommand(word).is_some() {
            return word == CHECK;
        }
        if takes_value(word) {
            words.next();
        }
    }
    false
}

/// The last value of a flag, given as `--flag value` or `--flag=value`.
fn last_value(arguments: &[OsString], flag: &str) -> Option<String> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let value = words.iter().enumerate().rev().find_map(|(index, word)| {
        let rest = word.strip_prefix(flag)?;
        match rest.is_empty() {
            true => words.get(index + 1).copied(),
            false => rest.strip_prefix('='),
        }
    });
    value.map(str::to_owned)
}
