//! Fallback without Unix owners and file descriptors: a new file has the access rights that its directory gives it.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

/// No path leads to an open file of a process.
pub(super) const DESCRIPTOR_DIRECTORIES: &[&str] = &[];

/// Always `None`: files cannot be compared with standard output. Without `--output`, the audit goes there.
pub(super) fn standard_output_at(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Keeps neither owner nor rights of the old file.
pub(super) fn set_access(_: &File, _: Option<&Metadata>) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_left_as_it_was_created() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let before = file.as_file().metadata().expect("metadata");
        set_access(file.as_file(), Some(&before)).expect("no error");
        set_access(file.as_file(), None).expect("no error");
        let after = file.as_file().metadata().expect("metadata");
        assert_eq!(after.permissions(), before.permissions());
        let stdout = standard_output_at(file.path()).expect("no error");
        assert!(stdout.is_none() && DESCRIPTOR_DIRECTORIES.is_empty());
    }
}
