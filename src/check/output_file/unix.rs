//! Owner, group, mode and file descriptors of Unix.

use std::fs::{File, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

/// Directories whose links lead to open files of a process, not to paths.
pub(super) const DESCRIPTOR_DIRECTORIES: &[&str] = &["/proc", "/dev/fd"];

/// Standard output if `path` leads to it. Opening it again would give it a separate file offset, and fails for a
/// socket.
pub(super) fn standard_output_at(path: &Path) -> io::Result<Option<File>> {
    let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let is_same = is_same(&stdout.metadata()?, &path.metadata()?);
    Ok(is_same.then_some(stdout))
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Gives a new file the owner, group and mode of the old one.
pub(super) fn set_access(new: &File, old: Option<&Metadata>) -> io::Result<()> {
    if let Some(old) = old {
        keep_owners(new, old)?;
    }
    // After the change of owner, which clears the set-ID bits. The umask does not apply: other users, for
    // example that of the node exporter, must be able to read the file.
    let mode = old.map_or(0o644, Metadata::mode);
    new.set_permissions(Permissions::from_mode(mode))
}

/// Gives a new file the group of the old one, and its owner if the process may do that. A group with the
/// same rights as other users need not be kept.
fn keep_owners(new: &File, old: &Metadata) -> io::Result<()> {
    let new_metadata = new.metadata()?;
    if new_metadata.uid() != old.uid() && fchown(new, Some(old.uid()), Some(old.gid())).is_ok() {
        return Ok(());
    }
    let (group, others) = (old.mode() >> 3 & 0o7, old.mode() & 0o7);
    if new_metadata.gid() == old.gid()
        || fchown(new, None, Some(old.gid())).is_ok()
        || group == others
    {
        return Ok(());
    }
    let reason = format!("its group {} cannot be kept", old.gid());
    Err(io::Error::new(ErrorKind::PermissionDenied, reason))
}
