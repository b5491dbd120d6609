//! Reading files again while the program runs, off the async threads.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// How long somebody waits for a file before the last good value is taken.
const PATIENCE: Duration = Duration::from_secs(1);

/// A look at files that may hang, as on a network drive that is gone: nobody waits for it for long,
/// and no second one is begun beside one that hangs.
#[derive(Debug)]
pub(crate) struct Rereader<T> {
    hanging: Mutex<Option<JoinHandle<T>>>,
}

impl<T> Default for Rereader<T> {
    fn default() -> Rereader<T> {
        Rereader {
            hanging: Mutex::default(),
        }
    }
}

impl<T: Send + 'static> Rereader<T> {
    /// What `look` finds, or `None` when that takes longer than a second. It goes on then, and the
    /// next call is given its result.
    pub(crate) async fn look(&self, look: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let hanging = self.hanging.lock().take();
        let mut looking = hanging.unwrap_or_else(|| spawn_blocking(look));
        match timeout(PATIENCE, &mut looking).await {
            Ok(found) => found.ok(),
            Err(_) => {
                *self.hanging.lock() = Some(looking);
                None
            }
        }
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
