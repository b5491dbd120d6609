//! Recognizes changes of files by their content.

use std::io;
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};

use crate::bounded_read::read_regular;

/// The digests of all files that a load has read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint(Vec<(PathBuf, FileDigest)>);

/// SHA-256 of the content, or the kind of the error that reading returned.
type FileDigest = Result<Vec<u8>, io::ErrorKind>;

impl Fingerprint {
    /// Reads a regular file of at most 16 MiB.
    ///
    /// # Errors
    /// The error of reading. A file that is not regular or is longer than 16 MiB is an error, too.
    pub fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let content = read_regular(path);
        self.0.push((path.to_owned(), file_digest(&content)));
        content
    }

    /// Reads a text file.
    ///
    /// # Errors
    /// As for [`Fingerprint::read`]; `InvalidData` if the file is not UTF-8.
    pub fn read_text(&mut self, path: &Path) -> io::Result<String> {
        let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8");
        String::from_utf8(self.read(path)?).map_err(not_text)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all files still have the same content.
    pub(super) fn is_current(&self) -> bool {
        let mut files = self.0.iter();
        files.all(|(path, before)| file_digest(&read_regular(path)) == *before)
    }
}

fn file_digest(content: &io::Result<Vec<u8>>) -> FileDigest {
    match content {
        Ok(content) => Ok(digest(&SHA256, content).as_ref().to_vec()),
        Err(error) => Err(error.kind()),
    }
}
