//! The limit of connections, and the eviction of one connection for another.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rlimit::Resource;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tracing::debug;

use super::watch::{EvictionClass, Watch};

/// Where the operating system does not say how many file descriptors there may be.
const USUAL_LIMIT: u64 = 1024;
/// Maximum number of connections, whatever the file descriptor and memory limits.
const MOST: usize = 1024;
/// Bytes of the control group's memory limit per connection. A connection during its handshake or request head
/// takes up to 60 KiB, so connections take less than a quarter of the memory.
const MEMORY: u64 = 256 * 1024;

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
    /// Number of connections by network.
    of_network: HashMap<u64, usize>,
}

#[derive(Debug)]
struct Connection {
    network: u64,
    watch: Weak<Watch>,
}

impl Places {
    /// One of `parts` equal parts of the file descriptors and of the memory that this process may have.
    pub(super) fn one_part_of(parts: u64, memory_limit: Option<u64>) -> Places {
        raise_limit();
        let files = Resource::NOFILE.get().map_or(USUAL_LIMIT, |(soft, _)| soft);
        let of_memory = memory_limit.map_or(u64::MAX, |bytes| bytes / MEMORY);
        let most = usize::try_from(files.min(of_memory) / parts)
            .unwrap_or(MOST)
            .clamp(1, MOST);
        Places {
            free: Arc::new(Semaphore::new(most)),
            taken: Arc::default(),
        }
    }

    /// Takes a place for a connection of a client in `network`, a key of its address. If none is free, evicts
    /// another connection. Never `None`, because the semaphore is never closed.
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
    /// Evicts the oldest connection of the network with the most connections, within one class: the first
    /// [`EvictionClass`] that holds at least an equal part of all connections. A class with fewer is spared,
    /// because otherwise a flood of one class would leave new clients no time for their handshake.
    fn evict_one(&self) {
        let connections = self.connections.lock();
        let candidates: Vec<Candidate> = connections.candidates().collect();
        let mut sizes: BTreeMap<EvictionClass, usize> = BTreeMap::new();
        for candidate in &candidates {
            *sizes.entry(candidate.class).or_default() += 1;
        }
        let classes = sizes.len();
        let class = sizes
            .into_iter()
            .find(|(_, size)| size * classes >= candidates.len());
        let Some((class, _)) = class else { return };
        let of_class = candidates
            .into_iter()
            .filter(|candidate| candidate.class == class);
        if let Some(first) =
            of_class.min_by_key(|candidate| (Reverse(candidate.neighbors), candidate.since))
        {
            first.watch.evict();
        }
    }
}

/// A connection that may be evicted.
struct Candidate {
    watch: Arc<Watch>,
    class: EvictionClass,
    /// When it entered its class.
    since: Instant,
    /// Connections of its network.
    neighbors: usize,
}

impl Connections {
    fn candidates(&self) -> impl Iterator<Item = Candidate> {
        self.by_number.values().filter_map(|connection| {
            let watch = connection.watch.upgrade()?;
            let (class, since) = watch.eviction_class()?;
            let neighbors = self.of_network.get(&connection.network).copied();
            Some(Candidate {
                watch,
                class,
                since,
                neighbors: neighbors.unwrap_or_default(),
            })
        })
    }

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
