//! From an audit to one of its forms, and from there into a file.

use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

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
    Csv,
    /// For a textfile collector.
    Metrics,
    /// For Nagios and Icinga.
    Nagios,
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
            Format::Csv => csv::write(&report, out),
            Format::Metrics => metrics::write(self, out),
            Format::Nagios => nagios::write(self, &report, out),
            Format::Expected => expected::write(self, &report, out),
        }?;
        Ok(report.state())
    }
}

/// The file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct OutputError {
    path: PathBuf,
    source: io::Error,
}

/// Replaces a file in one step: whoever reads it meets the old text or the new one, never a part.
///
/// # Errors
/// [`OutputError`]; the old file is still there then.
pub fn write_file(path: &Path, text: &[u8]) -> Result<(), OutputError> {
    replace(path, text).map_err(|source| OutputError {
        path: path.to_owned(),
        source,
    })
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    // What a link leads to is replaced, not the link.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mode = match path.metadata() {
        // A device or a pipe cannot be replaced without losing it.
        Ok(old) if !old.is_file() => {
            return OpenOptions::new().write(true).open(path)?.write_all(text);
        }
        Ok(old) => old.permissions().mode(),
        // Others read it, the node exporter for one.
        Err(_) => 0o644,
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Its name does not end in `.prom` before it is whole.
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
