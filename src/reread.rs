//! Reading files again while the program runs, off the async threads.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// How long a request waits for a file before the last good value is taken.
const PATIENCE: Duration = Duration::from_secs(1);

/// A look at files that may hang, as on a network drive that is gone: nobody waits for it for long,
/// and no second one is begun beside it.
#[derive(Debug)]
pub(crate) struct Rereader<T> {
    patience: Duration,
    /// The look under way. It stays here while it is waited for, so that whoever stops waiting leaves
    /// it to the next.
    looking: Mutex<Option<JoinHandle<T>>>,
}

impl<T> Default for Rereader<T> {
    fn default() -> Rereader<T> {
        Rereader::new(PATIENCE)
    }
}

impl<T> Rereader<T> {
    /// Nobody waits longer than `patience`.
    pub(crate) fn new(patience: Duration) -> Rereader<T> {
        Rereader {
            patience,
            looking: Mutex::default(),
        }
    }
}

impl<T: Send + 'static> Rereader<T> {
    /// What `look` finds, or `None` when that takes too long.
    pub(crate) async fn look(&self, look: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let found = async {
            let mut looking = self.looking.lock().await;
            if let Some(earlier) = looking.as_mut() {
                // It may have looked before the change that is looked for.
                let _ = earlier.await;
            }
            let found = looking.insert(spawn_blocking(look)).await;
            *looking = None;
            found.ok()
        };
        timeout(self.patience, found).await.ok().flatten()
    }
}

/// The longest file that is read, in bytes. Nothing that is real comes near it, and whatever else gets
/// into the place of a file does not fill the memory.
const LONGEST_FILE: u64 = 16 * 1024 * 1024;

/// Why a file that is there is not read. Whoever asked for it names it.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    /// A pipe, a folder, a device.
    #[error("not a regular file")]
    NotRegular,
    /// It is longer than any file has to be.
    #[error("longer than {} MiB", LONGEST_FILE >> 20)]
    TooLong,
    /// It is no text.
    #[error("not UTF-8")]
    NotText,
}

impl From<Unfit> for io::Error {
    fn from(unfit: Unfit) -> io::Error {
        let kind = match unfit {
            Unfit::NotRegular => ErrorKind::InvalidInput,
            Unfit::TooLong => ErrorKind::FileTooLarge,
            Unfit::NotText => ErrorKind::InvalidData,
        };
        io::Error::new(kind, unfit)
    }
}

/// The content of a file that can be read again and again. A pipe gives its content once, and
/// whoever opens it waits for a writer: it is refused instead.
///
/// # Errors
/// When the file cannot be read, is not a regular one, or longer than 16 MiB.
pub(crate) fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
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

/// A file may grow while it is read, or not know its length, as in `/proc`.
fn read_whole(file: impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut content)?;
    match content.len() as u64 <= LONGEST_FILE {
        true => Ok(content),
        false => Err(Unfit::TooLong.into()),
    }
}

/// The same for text.
///
/// # Errors
/// When the file cannot be read, is not a regular one, longer than 16 MiB, or not UTF-8.
pub(crate) fn read_regular_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read_regular(path)?).map_err(|_| Unfit::NotText.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As of a file that grows while it is read.
    #[test]
    fn what_does_not_say_its_length_is_read_as_far_as_a_file_may_be_long() {
        let longest = io::repeat(b'x').take(LONGEST_FILE);
        let content = read_whole(longest).expect("all of it");
        assert_eq!(content.len() as u64, LONGEST_FILE);
        let mut longer = io::repeat(b'x').take(3 * LONGEST_FILE);
        let error = read_whole(&mut longer).expect_err("too long");
        assert_eq!(error.to_string(), "longer than 16 MiB");
        assert_eq!(longer.limit(), 2 * LONGEST_FILE - 1, "what is left unread");
    }
}
