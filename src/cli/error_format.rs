//! The format of the errors that end the program.

use std::ffi::OsString;
use std::io::Write;

use tracing::{Level, error};

use crate::check;
use crate::logging;

/// The format of the errors that end the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorFormat {
    /// `qlara-exporter: …` on standard error.
    Line,
    /// A line of the log.
    JsonLog,
    /// The one line of a monitoring plugin, on standard output, which is all that Nagios reads.
    Nagios,
}

impl ErrorFormat {
    /// The format that the arguments ask for. It reads them by itself: clap may refuse them.
    pub fn wanted_by(arguments: &[OsString]) -> ErrorFormat {
        let is_check = arguments.get(1).is_some_and(|word| word == "check");
        let value = |flag| last_value(arguments, flag);
        let format = value("--log.format").or_else(|| std::env::var("QLARA_LOG_FORMAT").ok());
        let is = |value: Option<String>, word: &str| {
            value.is_some_and(|value| value.eq_ignore_ascii_case(word))
        };
        if is_check && is(value("--output"), "nagios") {
            ErrorFormat::Nagios
        } else if is(format, "json") {
            ErrorFormat::JsonLog
        } else {
            ErrorFormat::Line
        }
    }

    /// Prints errors, one per line of `lines`.
    pub fn print(self, lines: &str) {
        match self {
            ErrorFormat::Line => lines.lines().for_each(|line| {
                let _ = writeln!(std::io::stderr(), "qlara-exporter: {line}");
            }),
            ErrorFormat::JsonLog => {
                let log = logging::lines(Level::ERROR, logging::Format::Json, std::io::stderr);
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

/// The value of a flag that stands last, as `--flag value` or `--flag=value`.
fn last_value(arguments: &[OsString], flag: &str) -> Option<String> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let value = words.iter().enumerate().rev().find_map(|(place, word)| {
        let rest = word.strip_prefix(flag)?;
        match rest.is_empty() {
            true => words.get(place + 1).copied(),
            false => rest.strip_prefix('='),
        }
    });
    value.map(str::to_owned)
}
