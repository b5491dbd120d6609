//! The limit of connections, and the eviction of one connection for another.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rlimit::Resource;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::debug;

use super::watch::Watch;

/// Where the operating system does not say how many file descriptors there may be.
const USUAL_LIMIT: u64 = 1024;
/// The limit whatever the file descriptors: a connection in a handshake or a head takes up to 60 KiB.
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
    connections: Mutex<Connections>,
}

#[derive(Debug, Default)]
struct Connections {
    by_number: HashMap<u64, Connection>,
    /// How many there are of each network.
    of_network: HashMap<u64, usize>,
}

#[derive(Debug)]
struct Connection {
    network: u64,
    watch: Weak<Watch>,
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

    /// Takes a place for a connection of a client in `network`, a key of its address. If none is free, another connection is evicted, and from now on this
    /// one can be. `None` never comes, because the semaphore is never closed.
    pub(super) async fn take(&self, network: u64, watch: &Arc<Watch>) -> Option<Place> {
        let free = Arc::clone(&self.free);
        let permit = match free.try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                self.taken.evict_one();
                Arc::clone(&self.free).acquire_owned().await.ok()?
            }
        };
        let number = self.taken.next.fetch_add(1, Ordering::Relaxed);
        let watch = Arc::downgrade(watch);
        let mut connections = self.taken.connections.lock();
        connections.add(number, Connection { network, watch });
        Some(Place {
            number,
            taken: Arc::clone(&self.taken),
            _permit: permit,
        })
    }
}

impl Taken {
    /// Evicts a connection of the first [`EvictionClass`](super::watch::EvictionClass) that has any: the oldest one
    /// of the network with the most connections, so that a flood evicts its own.
    fn evict_one(&self) {
        let connections = self.connections.lock();
        let candidates = connections.by_number.values().filter_map(|connection| {
            let watch = connection.watch.upgrade()?;
            let (class, since) = watch.eviction_class()?;
            let neighbors = connections.of_network.get(&connection.network);
            Some(((class, Reverse(neighbors), since), watch))
        });
        if let Some((_, watch)) = candidates.min_by_key(|(order, _)| *order) {
            watch.evict();
        }
    }
}

impl Connections {
    fn add(&mut self, number: u64, connection: Connection) {
        *self.of_network.entry(connection.network).or_default() += 1;
        self.by_number.insert(number, connection);
    }

    fn remove(&mut self, number: u64) {
        let Some(Connection { network, .. }) = self.by_number.remove(&number) else {
            return;
        };
        if let Entry::Occupied(mut count) = self.of_network.entry(network) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
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
        self.taken.connections.lock().remove(self.number);
    }
}

/// Lets this process have as many file descriptors as the administrator allows, as programs in Go do:
/// the usual limit is so low for the sake of programs that cannot handle more.
fn raise_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        debug!(err = %error, "Cannot raise the limit of file descriptors");
    }
}
