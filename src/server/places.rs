//! How many connections there may be at once.

use std::sync::Arc;

use rlimit::Resource;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::debug;

/// Where the operating system does not say how many file descriptors there may be.
const USUAL_LIMIT: u64 = 1024;
/// More connections than anybody has a use for.
const MOST: usize = 16 * 1024;

/// Places for connections.
#[derive(Debug, Clone)]
pub(super) struct Places {
    most: usize,
    free: Arc<Semaphore>,
}

impl Places {
    /// One of so many parts of the file descriptors that this process may have.
    pub(super) fn one_part_of(parts: u64) -> Places {
        raise_limit();
        let limit = Resource::NOFILE.get().map_or(USUAL_LIMIT, |(soft, _)| soft);
        let most = usize::try_from(limit / parts)
            .unwrap_or(MOST)
            .clamp(1, MOST);
        Places {
            most,
            free: Arc::new(Semaphore::new(most)),
        }
    }

    /// A place, until it is dropped; `None` never comes, since the places are never closed.
    pub(super) async fn take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// Whether so few places are left that nobody should keep one for later.
    pub(super) fn are_scarce(&self) -> bool {
        self.free.available_permits() < self.most / 4
    }
}

/// Lets this process have as many file descriptors as the administrator allows, as programs in Go do:
/// the usual limit is so low for the sake of programs that cannot handle more.
fn raise_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        debug!(err = %error, "Cannot raise the limit of file descriptors");
    }
}
