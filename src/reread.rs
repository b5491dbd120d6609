//! Reading files again while the program runs, off the async threads.

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

/// The content of a file that can be read again and again. A pipe gives its content once, and
/// whoever opens it waits for a writer: it is refused instead.
///
/// # Errors
/// When the file cannot be read, or is not a regular one.
pub(crate) fn read_regular(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::{Error, ErrorKind, Read};
    use std::os::unix::fs::OpenOptionsExt;

    let mut options = std::fs::File::options();
    let mut file = options
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(content)
}

/// The same for text.
///
/// # Errors
/// When the file cannot be read, is not a regular one, or not UTF-8.
pub(crate) fn read_regular_text(path: &std::path::Path) -> std::io::Result<String> {
    let content = read_regular(path)?;
    String::from_utf8(content)
        .map_err(|_| std::io::Error::new(std::io::ErrorKind::InvalidData, "not UTF-8"))
}
