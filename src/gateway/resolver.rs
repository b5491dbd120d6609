//! Resolves host names. `getaddrinfo` may hang and cannot be cancelled, so lookups are limited in number, shared
//! (single-flight), and awaited with a timeout.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

/// Maximum number of concurrent lookups. Each has its own thread, because lookups that hang must not use up tokio's
/// blocking threads, which read files and parse large responses.
const MAX_LOOKUPS: usize = 16;

/// Why a host name could not be resolved.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum LookupError {
    /// The timeout. The lookup hangs, or waits for a thread while others hang.
    #[error("the DNS lookup of {0} takes too long")]
    TooLong(String),
    /// An error of the operating system.
    #[error("{0}")]
    Failed(Arc<io::Error>),
}

impl From<io::Error> for LookupError {
    fn from(error: io::Error) -> LookupError {
        LookupError::Failed(Arc::new(error))
    }
}

type LookupResult = Result<Vec<SocketAddr>, LookupError>;
/// A running lookup that any number of callers can await.
type SharedLookup = Shared<oneshot::Receiver<LookupResult>>;

/// The lookups of all transports. Clones share running lookups and the limit.
#[derive(Debug, Clone)]
pub struct Lookups {
    permits: Arc<Semaphore>,
    /// Running lookups by host.
    running: Arc<Mutex<HashMap<String, SharedLookup>>>,
}

impl Default for Lookups {
    fn default() -> Lookups {
        Lookups {
            permits: Arc::new(Semaphore::new(MAX_LOOKUPS)),
            running: Arc::default(),
        }
    }
}

impl Lookups {
    /// Resolves a host. Callers share a running lookup (single-flight).
    async fn addresses(&self, host: &str) -> LookupResult {
        let running = self.running.lock().get(host).cloned();
        let lookup = match running {
            Some(lookup) => lookup,
            None => {
                let permit = Arc::clone(&self.permits).acquire_owned().await;
                self.join_or_start(host, permit.map_err(io::Error::other)?)?
            }
        };
        let result = lookup.await;
        result.unwrap_or_else(|panicked| Err(io::Error::other(panicked).into()))
    }

    /// Joins a running lookup, which another caller may have started during the wait for the permit, or starts one.
    fn join_or_start(&self, host: &str, permit: OwnedSemaphorePermit) -> io::Result<SharedLookup> {
        // Held until the lookup is inserted below, because the thread removes it.
        let mut running = self.running.lock();
        if let Some(lookup) = running.get(host) {
            return Ok(lookup.clone());
        }
        let (sender, lookup) = oneshot::channel();
        let lookup = lookup.shared();
        let (lookups, name) = (self.clone(), host.to_owned());
        thread::Builder::new()
            .name("lookup".to_owned())
            .spawn(move || {
                let addresses = (name.as_str(), 0).to_socket_addrs();
                let result = addresses.map(Iterator::collect).map_err(LookupError::from);
                lookups.running.lock().remove(&name);
                drop(permit);
                // Fails if no caller waits any more.
                let _ = sender.send(result);
            })?;
        running.insert(host.to_owned(), lookup.clone());
        Ok(lookup)
    }
}

/// Resolves names for one HTTP client.
#[derive(Debug, Clone)]
pub(crate) struct Resolver {
    lookups: Lookups,
    timeout: Duration,
}

impl Resolver {
    /// Creates a resolver whose callers wait at most `timeout`.
    pub(crate) fn new(lookups: Lookups, timeout: Duration) -> Resolver {
        Resolver { lookups, timeout }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let host = name.as_str();
            let lookup = resolver.lookups.addresses(host);
            let result = timeout(resolver.timeout, lookup).await;
            let result = result.unwrap_or_else(|_| Err(LookupError::TooLong(host.to_owned())));
            Ok(Box::new(result?.into_iter()) as Addrs)
        })
    }
}
