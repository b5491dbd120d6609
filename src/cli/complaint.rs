//! How the program tells why it ends: as a line on standard error, or as the reader of its output expects.

use std::ffi::OsString;
use std::io::Write;

use tracing::{Level, error};

use crate::check;
use crate::logging;

/// The form in which the program tells why it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complaint {
    /// `qlara-exporter: …` on standard error.
    Line,
    /// A line of the log.
    JsonLog,
    /// The one line of a monitoring plugin, on standard output: monitoring reads nothing else.
    Nagios,
}

impl Complaint {
    /// What the arguments ask for, also where they cannot be parsed.
    pub fn form(arguments: &[OsString]) -> Complaint {
        let is_check = arguments.get(1).is_some_and(|word| word == "check");
        let value = |flag| last_value(arguments, flag);
        let format = value("--log.format").or_else(|| std::env::var("QLARA_LOG_FORMAT").ok());
        let is = |value: Option<String>, word: &str| {
            value.is_some_and(|value| value.eq_ignore_ascii_case(word))
        };
        if is_check && is(value("--output"), "nagios") {
            Complaint::Nagios
        } else if is(format, "json") {
            Complaint::JsonLog
        } else {
            Complaint::Line
        }
    }

    /// Tells what is wrong, a mistake per line.
    pub fn tell(self, lines: &str) {
        match self {
            Complaint::Line => lines.lines().for_each(|line| {
                let _ = writeln!(std::io::stderr(), "qlara-exporter: {line}");
            }),
            Complaint::JsonLog => {
                let log = logging::lines(Level::ERROR, logging::Format::Json, std::io::stderr);
                tracing::subscriber::with_default(log, || {
                    lines.lines().for_each(|line| error!("{line}"));
                });
            }
            Complaint::Nagios => {
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
