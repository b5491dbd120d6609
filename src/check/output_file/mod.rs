//! Writing an audit to a file, which is replaced atomically, or to a stream.

#[cfg(any(not(unix), test))]
mod other;
#[cfg(unix)]
mod unix;

use std::fs::{Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use exporter_toolkit::redacted::shown_path;
#[cfg(not(unix))]
use other as platform;
#[cfg(unix)]
use unix as platform;

/// The output cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The operating system reports an error.
    #[error("cannot write {}: {source}", shown_path(path))]
    System {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Standard output cannot be written.
    #[error(transparent)]
    Stdout(#[from] io::Error),
    /// The file can neither be replaced nor written, for example because another user owns it.
    #[error(
        "cannot write {}: this user can neither replace the file ({replace}) nor write to it ({overwrite}); remove the file, or make it writable for this user",
        shown_path(path)
    )]
    Locked {
        /// The file.
        path: PathBuf,
        /// Why it cannot be replaced.
        replace: io::Error,
        /// Why it cannot be overwritten.
        overwrite: io::Error,
    },
}

/// Replaces a regular file atomically: a reader sees either the old or the new content. A file that this
/// user may write but not replace is overwritten in place. Streams are appended to.
///
/// # Errors
/// [`OutputError`]. A file that cannot be replaced or opened keeps its content.
pub fn write_file(path: &Path, text: &[u8]) -> Result<(), OutputError> {
    let failed = |source| OutputError::System {
        path: path.to_owned(),
        source,
    };
    match Destination::resolve(path).map_err(failed)? {
        Destination::Stream => append(path, text).map_err(failed),
        Destination::New(file) => replace(&file, None, text).map_err(failed),
        Destination::Existing(file, old) => match replace(&file, Some(&old), text) {
            Err(error) if is_refused(&error) => {
                overwrite(&file, text).map_err(|overwrite| OutputError::Locked {
                    path: path.to_owned(),
                    replace: error,
                    overwrite,
                })
            }
            result => result.map_err(failed),
        },
    }
}

/// What a path refers to, after its symbolic links are resolved.
enum Destination {
    /// An open file of a process, a pipe, a device.
    Stream,
    /// A regular file.
    Existing(PathBuf, Metadata),
    /// A file that does not exist yet.
    New(PathBuf),
}

impl Destination {
    fn resolve(path: &Path) -> io::Result<Destination> {
        let old = match path.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            old => Some(old?),
        };
        Ok(match (follow_links(path)?, old) {
            (Some(file), None) => Destination::New(file),
            (Some(file), Some(old)) if old.is_file() => Destination::Existing(file, old),
            // A rename would replace the pipe or device by a file.
            _ => Destination::Stream,
        })
    }
}

/// The path at the end of a chain of symbolic links. The file need not exist, so `canonicalize` does not
/// work here. `None` if the chain ends in a directory of open files.
fn follow_links(path: &Path) -> io::Result<Option<PathBuf>> {
    let directory = parent_directory(path).canonicalize()?;
    let is_of_descriptors = |descriptors: &&str| directory.starts_with(descriptors);
    if platform::DESCRIPTOR_DIRECTORIES
        .iter()
        .any(is_of_descriptors)
    {
        return Ok(None);
    }
    match path.read_link() {
        Ok(next) => follow_links(&directory.join(next)),
        Err(_) => Ok(Some(path.to_owned())),
    }
}

fn parent_directory(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut stream = match platform::standard_output_at(path)? {
        Some(stdout) => stdout,
        None => OpenOptions::new().append(true).open(path)?,
    };
    stream.write_all(text)
}

fn replace(path: &Path, old: Option<&Metadata>, text: &[u8]) -> io::Result<()> {
    // The textfile collector reads `*.prom` only, so it ignores the temporary file.
    let mut file = NamedTempFile::new_in(parent_directory(path))?;
    file.write_all(text)?;
    platform::set_access(file.as_file(), old)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Whether this user cannot replace the file, or not in its directory, although it may be writable. A file
/// that is a mount point is busy.
fn is_refused(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::ResourceBusy
    )
}

fn overwrite(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).truncate(true).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}
