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
