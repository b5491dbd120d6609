//! Reads files whose path comes from a configuration, and which may be a pipe, a device, or endless.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Maximum size of a file in bytes, far above that of every real configuration, key or certificate.
const LONGEST_FILE: u64 = 16 * 1024 * 1024;

/// Why an existing file is not read. The caller adds the path.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    /// A pipe, a directory or a device.
    #[error("not a regular file")]
    NotRegular,
    /// The file is longer than the maximum.
    #[error("longer than {} MiB", LONGEST_FILE >> 20)]
    TooLong,
}

impl From<Unfit> for io::Error {
    fn from(unfit: Unfit) -> io::Error {
        let kind = match unfit {
            Unfit::NotRegular => ErrorKind::InvalidInput,
            Unfit::TooLong => ErrorKind::FileTooLarge,
        };
        io::Error::new(kind, unfit)
    }
}

/// The content of a regular file of at most 16 MiB. A pipe is refused: opening it would wait for a writer, and its content
/// can be read only once.
///
/// # Errors
/// The file cannot be read, is not a regular file, or is longer than 16 MiB.
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let mut options = File::options();
    let file = options
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Unfit::NotRegular.into());
    }
    if metadata.len() > LONGEST_FILE {
        return Err(Unfit::TooLong.into());
    }
    read_whole(file)
}

/// Reads to the end. A file may grow while it is read, and files in `/proc` have no length.
fn read_whole(file: impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut content)?;
    match content.len() as u64 <= LONGEST_FILE {
        true => Ok(content),
        false => Err(Unfit::TooLong.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As of a file that grows while it is read.
    #[test]
    fn file_of_unknown_length_is_read_up_to_the_limit() {
        let longest = io::repeat(b'x').take(LONGEST_FILE);
        let content = read_whole(longest).expect("all of it");
        assert_eq!(content.len() as u64, LONGEST_FILE);
        let mut longer = io::repeat(b'x').take(3 * LONGEST_FILE);
        let error = read_whole(&mut longer).expect_err("too long");
        assert_eq!(error.to_string(), "longer than 16 MiB");
        assert_eq!(longer.limit(), 2 * LONGEST_FILE - 1, "what is left unread");
    }
}
