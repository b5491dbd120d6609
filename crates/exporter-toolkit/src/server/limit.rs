//! The connection limit. At the limit, a new connection evicts another one.
//!
//! A semaphore alone, such as tower's `ConcurrencyLimit`, would let idle or slow clients lock out all others.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::deadlines::{Deadlines, EvictionClass};
use super::file_limit;

/// Maximum number of connections, independent of the file descriptor and memory limits.
const MAX_CONNECTIONS: usize = 1024;
/// Memory limit per connection, in bytes. A connection takes up to 60 KiB during its handshake or request head, so all
/// main and probe connections together take less than a sixth of the memory.
const MEMORY_PER_CONNECTION: u64 = 256 * 1024;

/// Time for an evicted connection to end before another one is evicted.
const EVICTION_TIMEOUT: Duration = Duration::from_millis(100);

/// A limit of concurrent connections.
#[derive(Debug, Clone)]
pub(super) struct ConnectionLimit {
    free: Arc<Semaphore>,
    table: Arc<ConnectionTable>,
}

#[derive(Debug, Default)]
struct ConnectionTable {
    next: AtomicU64,
    connections: Mutex<Connections>,
}

#[derive(Debug, Default)]
struct Connections {
    by_number: HashMap<u64, Connection>,
    /// Number of connections by network.
    by_network: HashMap<u64, usize>,
}

#[derive(Debug)]
struct Connection {
    network: u64,
    deadlines: Weak<Deadlines>,
}

impl ConnectionLimit {
    /// A limit that uses 1/`share` of the process' file descriptors and of `memory_limit` (in bytes).
    pub(super) fn for_share(share: u64, memory_limit: Option<u64>) -> ConnectionLimit {
        let files = file_limit::raise();
        let by_memory = memory_limit.map_or(u64::MAX, |bytes| bytes / MEMORY_PER_CONNECTION);
        let permits = usize::try_from(files.min(by_memory) / share)
            .unwrap_or(MAX_CONNECTIONS)
            .clamp(1, MAX_CONNECTIONS);
        ConnectionLimit {
            free: Arc::new(Semaphore::new(permits)),
            table: Arc::default(),
        }
    }

    /// Acquires a permit for a connection. `network` is the key of the client's network. At the limit, evicts another
    /// connection. Returns `None` only if the semaphore is closed, which never happens.
    pub(super) async fn acquire(
        &self,
        network: u64,
        deadlines: &Arc<Deadlines>,
    ) -> Option<ConnectionPermit> {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                break permit;
            }
            self.table.evict_one();
            let free = Arc::clone(&self.free).acquire_owned();
            // The evicted connection may take long to end, or all connections may be evicted already.
            if let Ok(permit) = timeout(EVICTION_TIMEOUT, free).await {
                break permit.ok()?;
            }
        };
        let number = self.table.next.fetch_add(1, Ordering::Relaxed);
        let deadlines = Arc::downgrade(deadlines);
        let mut connections = self.table.connections.lock();
        connections.add(number, Connection { network, deadlines });
        Some(ConnectionPermit {
            number,
            table: Arc::clone(&self.table),
            _permit: permit,
        })
    }
}

impl ConnectionTable {
    /// Evicts the oldest connection of the network with the most connections, within one class: the first
    /// [`EvictionClass`] that has at least an equal share of all connections. Smaller classes are spared, because
    /// otherwise a flood in one class would evict new clients during their handshake.
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
            first.deadlines.evict();
        }
    }
}

/// A connection that may be evicted.
struct Candidate {
    deadlines: Arc<Deadlines>,
    class: EvictionClass,
    /// When the connection entered its class.
    since: Instant,
    /// Number of connections from the same network.
    neighbors: usize,
}

impl Connections {
    fn candidates(&self) -> impl Iterator<Item = Candidate> {
        self.by_number.values().filter_map(|connection| {
            let deadlines = connection.deadlines.upgrade()?;
            let (class, since) = deadlines.eviction_class()?;
            let neighbors = self.by_network.get(&connection.network).copied();
            Some(Candidate {
                deadlines,
                class,
                since,
                neighbors: neighbors.unwrap_or_default(),
            })
        })
    }

    fn add(&mut self, number: u64, connection: Connection) {
        *self.by_network.entry(connection.network).or_default() += 1;
        self.by_number.insert(number, connection);
    }

    fn remove(&mut self, number: u64) {
        let Some(Connection { network, .. }) = self.by_number.remove(&number) else {
            return;
        };
        if let Entry::Occupied(mut count) = self.by_network.entry(network) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// A connection's permit, which is released on drop.
#[derive(Debug)]
pub(super) struct ConnectionPermit {
    number: u64,
    table: Arc<ConnectionTable>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.table.connections.lock().remove(self.number);
    }
}
