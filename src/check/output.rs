//! From an audit to one of its forms, and from there into a file.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Audit, State, csv, expected, json, metrics, nagios, table};
use crate::hidden::shown_path;

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

/// The file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", shown_path(path))]
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
    let path = &follow_links(path)?;
    let old = match path.metadata() {
        // Renaming over a device or a pipe would remove it.
        Ok(old) if !old.is_file() => {
            return OpenOptions::new().write(true).open(path)?.write_all(text);
        }
        Ok(old) => Some(old),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // The textfile collector reads `*.prom` only, so the unfinished file has another name.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text)?;
    if let Some(old) = &old {
        keep_owners(file.as_file(), old)?;
    }
    // After the change of owners, which clears some bits, and whatever the umask says: other users read
    // the file, the node exporter for one.
    let mode = old.map_or(0o644, |old| old.permissions().mode());
    file.as_file()
        .set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Gives a new file the group of the old one, and its owner where the process may do that.
fn keep_owners(new: &File, old: &Metadata) -> io::Result<()> {
    let made = new.metadata()?;
    if made.uid() != old.uid() && fchown(new, Some(old.uid()), Some(old.gid())).is_ok() {
        return Ok(());
    }
    match made.gid() == old.gid() {
        true => Ok(()),
        false => fchown(new, None, Some(old.gid())),
    }
}

/// The file that a chain of symbolic links leads to. It need not exist: `canonicalize` alone would fail
/// for it, and the link would be replaced.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    match path.metadata() {
        // The links to a pipe, in /proc, have no path at their end.
        Ok(_) => Ok(path.canonicalize().unwrap_or_else(|_| path.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => match path.read_link() {
            Ok(next) => follow_links(&path.parent().unwrap_or(Path::new("")).join(next)),
            Err(_) => Ok(path.to_owned()),
        },
        Err(error) => Err(error),
    }
}
