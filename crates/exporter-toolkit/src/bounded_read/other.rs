//! Fallback without `O_NONBLOCK`: the kind of the file is checked before it is opened.

use std::fs::File;
use std::io;
use std::path::Path;

use super::UnfitFile;

/// Opens a file for reading. Refuses pipes, devices and directories by their metadata: opening a pipe would wait for its
/// writer. The file may become a pipe in between, so the caller checks the opened file again.
pub(super) fn open(path: &Path) -> io::Result<File> {
    match path.metadata()?.is_file() {
        true => File::open(path),
        false => Err(UnfitFile::NotRegular.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        let directory = tempfile::tempdir().expect("a folder");
        let file = directory.path().join("file");
        std::fs::write(&file, "text").expect("a file");
        let opened = open(&file).expect("a regular file");
        assert_eq!(io::read_to_string(opened).expect("text"), "text");
        let error = open(directory.path()).expect_err("a folder");
        assert_eq!(error.to_string(), "not a regular file");
    }
}
