//! Where an audit is written: a file that is replaced in one step, or a stream.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::hidden::shown_path;

/// Folders whose links lead to open files of a process, not to paths.
const DESCRIPTORS: [&str; 2] = ["/proc", "/dev/fd"];

/// The output cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The operating system refuses it.
    #[error("cannot write {}: {source}", shown_path(path))]
    System {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is another user's.
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

/// Replaces a regular file in one step, so that a reader sees the old text or the new one. A file that
/// this user may write but not replace is overwritten. Streams are appended to.
///
/// # Errors
/// [`OutputError`]. A file that cannot be replaced or opened keeps its text.
pub fn write_file(path: &Path, text: &[u8]) -> Result<(), OutputError> {
    let failed = |source| OutputError::System {
        path: path.to_owned(),
        source,
    };
    match Destination::of(path).map_err(failed)? {
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

/// What a path leads to, after its symbolic links.
enum Destination {
    /// An open file of a process, a pipe, a device.
    Stream,
    /// A regular file.
    Existing(PathBuf, Metadata),
    /// A file that does not exist yet.
    New(PathBuf),
}

impl Destination {
    fn of(path: &Path) -> io::Result<Destination> {
        let old = match path.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            old => Some(old?),
        };
        Ok(match (follow_links(path)?, old) {
            (Some(file), None) => Destination::New(file),
            (Some(file), Some(old)) if old.is_file() => Destination::Existing(file, old),
            // Renaming a file over it would remove it.
            _ => Destination::Stream,
        })
    }
}

/// The path at the end of a chain of symbolic links. Nothing need exist there, which rules out
/// `canonicalize`. `None` if the chain ends among the [`DESCRIPTORS`].
fn follow_links(path: &Path) -> io::Result<Option<PathBuf>> {
    let folder = folder_of(path).canonicalize()?;
    if DESCRIPTORS.iter().any(|place| folder.starts_with(place)) {
        return Ok(None);
    }
    match path.read_link() {
        Ok(next) => follow_links(&folder.join(next)),
        Err(_) => Ok(Some(path.to_owned())),
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    // A file opened again has an offset of its own, and a socket cannot be opened at all.
    let mut stream = match is_same(&stdout.metadata()?, &path.metadata()?) {
        true => stdout,
        false => OpenOptions::new().append(true).open(path)?,
    };
    stream.write_all(text)
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

fn replace(path: &Path, old: Option<&Metadata>, text: &[u8]) -> io::Result<()> {
    // The textfile collector reads `*.prom` only, so the unfinished file has another name.
    let mut file = NamedTempFile::new_in(folder_of(path))?;
    file.write_all(text)?;
    if let Some(old) = old {
        keep_owners(file.as_file(), old)?;
    }
    // After the change of owners, which clears some bits, and whatever the umask says: other users read
    // the file, the node exporter for one.
    let mode = old.map_or(0o644, Metadata::mode);
    file.as_file()
        .set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Gives a new file the group of the old one, and its owner where the process may do that. A group with
/// the rights of all others need not be kept.
fn keep_owners(new: &File, old: &Metadata) -> io::Result<()> {
    let made = new.metadata()?;
    if made.uid() != old.uid() && fchown(new, Some(old.uid()), Some(old.gid())).is_ok() {
        return Ok(());
    }
    let (group, others) = (old.mode() >> 3 & 0o7, old.mode() & 0o7);
    if made.gid() == old.gid() || fchown(new, None, Some(old.gid())).is_ok() || group == others {
        return Ok(());
    }
    let reason = format!("its group {} cannot be kept", old.gid());
    Err(io::Error::new(ErrorKind::PermissionDenied, reason))
}

/// Whether a file cannot be replaced by this user or in this place, but may be writable. A file that is
/// mounted on its own is busy.
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
