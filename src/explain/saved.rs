//! A saved answer, from a file or from standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::hidden::shown_path;

/// No answer is longer that the exporter reads by default, in bytes.
const LONGEST: u64 = 64 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// It cannot be read.
    #[error("--from: cannot read {}: {source}", shown_path(path))]
    Unreadable {
        /// The file, `-` for standard input.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It is no answer of the gateway.
    #[error("--from: {} is longer than 64 MiB", shown_path(path))]
    TooLong {
        /// The file, `-` for standard input.
        path: PathBuf,
    },
    /// There is nothing in it.
    #[error("--from: {} is empty", shown_path(path))]
    Empty {
        /// The file, `-` for standard input.
        path: PathBuf,
    },
}

/// Reads a saved answer; `-` is standard input.
///
/// # Errors
/// [`SavedError`] when there is none.
pub fn read_saved(path: &Path) -> Result<Vec<u8>, SavedError> {
    let body = match path.as_os_str() == "-" {
        true => read(io::stdin().lock()),
        false => File::open(path).and_then(read),
    };
    let path = path.to_owned();
    let body = match body {
        Ok(body) => body,
        Err(source) => return Err(SavedError::Unreadable { path, source }),
    };
    if body.len() as u64 > LONGEST {
        return Err(SavedError::TooLong { path });
    }
    match body.iter().all(u8::is_ascii_whitespace) {
        true => Err(SavedError::Empty { path }),
        false => Ok(body),
    }
}

fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    from.take(LONGEST + 1).read_to_end(&mut body)?;
    Ok(body)
}
