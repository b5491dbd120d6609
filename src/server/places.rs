//! How many connections there may be at once, and which one makes room for another.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rlimit::Resource;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::debug;

use super::watch::Watch;

/// Where the operating system does not say how many file descriptors there may be.
const USUAL_LIMIT: u64 = 1024;
/// More connections than anybody has a use for. Each takes up to 60 KiB while it is in a head or a
/// handshake.
const MOST: usize = 1024;

/// Places for connections.
#[derive(Debug, Clone)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    taken: Arc<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: AtomicU64,
    connections: Mutex<HashMap<u64, Weak<Watch>>>,
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
            free: Arc::new(Semaphore::new(most)),
            taken: Arc::default(),
        }
    }

    /// A place for a connection, for which another has to leave if there is none; `None` never comes, since
    /// the places are never closed. From now on the connection may have to leave, too.
    pub(super) async fn take(&self, watch: &Arc<Watch>) -> Option<Place> {
        let free = Arc::clone(&self.free);
        let permit = match free.try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                self.taken.evict_one();
                Arc::clone(&self.free).acquire_owned().await.ok()?
            }
        };
        let number = self.taken.next.fetch_add(1, Ordering::Relaxed);
        let mut connections = self.taken.connections.lock();
        connections.insert(number, Arc::downgrade(watch));
        Some(Place {
            number,
            taken: Arc::clone(&self.taken),
            _permit: permit,
        })
    }
}

impl Taken {
    /// The first to go is who has shown the least: no head yet, then no answer read, then idle.
    fn evict_one(&self) {
        let connections = self.connections.lock();
        let watches = connections.values().filter_map(Weak::upgrade);
        let candidates = watches.filter_map(|watch| Some((watch.standing()?, watch)));
        if let Some((_, watch)) = candidates.min_by_key(|(standing, _)| *standing) {
            watch.evict();
        }
    }
}

/// A place of a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    taken: Arc<Taken>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.connections.lock().remove(&self.number);
    }
}

/// Lets this process have as many file descriptors as the administrator allows, as programs in Go do:
/// the usual limit is so low for the sake of programs that cannot handle more.
fn raise_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        debug!(err = %error, "Cannot raise the limit of file descriptors");
    }
}
