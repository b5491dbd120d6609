//! Reads files that a configuration names. They may be pipes, devices or endless.

#[cfg(any(not(unix), test))]
mod other;
#[cfg(unix)]
mod unix;

use std::io::{self, ErrorKind, Read};
use std::path::Path;

#[cfg(not(unix))]
use other as platform;
#[cfg(unix)]
use unix as platform;

/// Maximum size of a file in bytes. Real configurations, keys and certificates are much smaller.
const MAX_FILE_SIZE: u64 = 16 * 1024 * 1024;

/// Why an existing file is not read. The caller adds the path.
#[derive(Debug, thiserror::Error)]
enum UnfitFile {
    /// A pipe, a directory or a device.
    #[error("not a regular file")]
    NotRegular,
    /// The file is longer than the maximum.
    #[error("longer than {} MiB", MAX_FILE_SIZE >> 20)]
    TooLong,
}

impl From<UnfitFile> for io::Error {
    fn from(unfit: UnfitFile) -> io::Error {
        let kind = match unfit {
            UnfitFile::NotRegular => ErrorKind::InvalidInput,
            UnfitFile::TooLong => ErrorKind::FileTooLarge,
        };
        io::Error::new(kind, unfit)
    }
}

/// The content of a regular file of at most 16 MiB. A pipe is refused: opening it would wait for a writer, and its content
/// can be read only once.
///
/// # Errors
/// The file cannot be read, is not a regular file, or is longer than 16 MiB.
pub(crate) fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let file = platform::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(UnfitFile::NotRegular.into());
    }
    if metadata.len() > MAX_FILE_SIZE {
        return Err(UnfitFile::TooLong.into());
    }
    read_whole(file)
}

/// Reads to the end. A file may grow while it is read, and files in `/proc` have no length.
fn read_whole(file: impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(MAX_FILE_SIZE + 1).read_to_end(&mut content)?;
    match content.len() as u64 <= MAX_FILE_SIZE {
        true => Ok(content),
        false => Err(UnfitFile::TooLong.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Like a file that grows while it is read.
    #[test]
    fn file_of_unknown_length_is_read_up_to_the_limit() {
        let longest = io::repeat(b'x').take(MAX_FILE_SIZE);
        let content = read_whole(longest).expect("all of it");
        assert_eq!(content.len() as u64, MAX_FILE_SIZE);
        let mut longer = io::repeat(b'x').take(3 * MAX_FILE_SIZE);
        let error = read_whole(&mut longer).expect_err("too long");
        assert_eq!(error.to_string(), "longer than 16 MiB");
        assert_eq!(
            longer.limit(),
            2 * MAX_FILE_SIZE - 1,
            "the rest is not read"
        );
    }
}
