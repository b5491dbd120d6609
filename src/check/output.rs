//! From an audit to one of its forms.

use std::io::{self, Write};

use super::{Audit, State, csv, expected, json, metrics, nagios, table};

/// The forms that an audit can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table {
        /// Whether to colour it.
        colours: bool,
    },
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv {
        /// Whether it begins with a byte order mark.
        bom: bool,
    },
    /// For a textfile collector.
    Metrics,
    /// For Nagios and Icinga.
    Nagios {
        /// Whether every finding follows on a line of its own.
        verbose: bool,
    },
    /// A configuration that expects the profiles that are there.
    Expected,
}

impl Audit {
    /// Writes the audit and says what it comes to.
    ///
    /// # Errors
    /// When nothing can be written.
    pub fn write(&self, format: Format, out: &mut dyn Write) -> io::Result<State> {
        let report = self.report();
        match format {
            Format::Table { colours } => table::write(self, &report, colours, out),
            Format::Json => json::write(self, &report, out),
            Format::Csv { bom } => csv::write(&report, bom, out),
            Format::Metrics => metrics::write(self, out),
            Format::Nagios { verbose } => nagios::write(self, &report, verbose, out),
            Format::Expected => expected::write(self, &report, out),
        }?;
        Ok(report.state())
    }
}
