//! Look-ups of host names. `getaddrinfo` may hang and cannot be cancelled: look-ups are bounded, shared,
//! and waited for until a deadline.

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

/// Look-ups under way at once, each on a thread of its own: the blocking threads of tokio read files and
/// large answers, and must not fill up with look-ups that hang.
const MAX_LOOKUPS: usize = 16;

/// Why a host has no address.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LookupError {
    /// The deadline has passed. The look-up hangs, or waits for a thread while others hang.
    #[error("the look-up of {0} takes too long")]
    TooLong(String),
    /// What the system says.
    #[error("{0}")]
    Failed(Arc<io::Error>),
}

impl From<io::Error> for LookupError {
    fn from(error: io::Error) -> LookupError {
        LookupError::Failed(Arc::new(error))
    }
}

type Answer = Result<Vec<SocketAddr>, LookupError>;
/// A look-up under way, which any number of callers can wait for.
type Running = Shared<oneshot::Receiver<Answer>>;

/// The look-ups of all transports. Clones share their threads.
#[derive(Debug, Clone)]
pub struct Lookups {
    permits: Arc<Semaphore>,
    /// By host.
    running: Arc<Mutex<HashMap<String, Running>>>,
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
    /// The addresses of a host. Callers share a look-up that is under way (single-flight).
    async fn addresses(&self, host: &str) -> Answer {
        let running = self.running.lock().get(host).cloned();
        let lookup = match running {
            Some(lookup) => lookup,
            None => {
                let permit = Arc::clone(&self.permits).acquire_owned().await;
                self.join_or_start(host, permit.map_err(io::Error::other)?)?
            }
        };
        let ended = lookup.await;
        ended.unwrap_or_else(|no_answer| Err(io::Error::other(no_answer).into()))
    }

    /// Another caller may have started the look-up while this one waited for its permit.
    fn join_or_start(&self, host: &str, permit: OwnedSemaphorePermit) -> io::Result<Running> {
        // The thread removes what is inserted below, and waits for this lock.
        let mut running = self.running.lock();
        if let Some(lookup) = running.get(host) {
            return Ok(lookup.clone());
        }
        let (answer, lookup) = oneshot::channel();
        let lookup = lookup.shared();
        let (lookups, looked_up) = (self.clone(), host.to_owned());
        thread::Builder::new()
            .name("look-up".to_owned())
            .spawn(move || {
                let found = (looked_up.as_str(), 0).to_socket_addrs();
                let found = found.map(Iterator::collect).map_err(LookupError::from);
                lookups.running.lock().remove(&looked_up);
                drop(permit);
                // Every caller may have stopped waiting.
                let _ = answer.send(found);
            })?;
        running.insert(host.to_owned(), lookup.clone());
        Ok(lookup)
    }
}

/// Resolves names for one HTTP client.
#[derive(Debug, Clone)]
pub struct Resolver {
    lookups: Lookups,
    timeout: Duration,
}

impl Resolver {
    /// No caller waits longer than `timeout`.
    pub fn new(lookups: Lookups, timeout: Duration) -> Resolver {
        Resolver { lookups, timeout }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Resolver {
            lookups,
            timeout: patience,
        } = self.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found = timeout(patience, lookups.addresses(host)).await;
            let found = found.unwrap_or_else(|_| Err(LookupError::TooLong(host.to_owned())));
            Ok(Box::new(found?.into_iter()) as Addrs)
        })
    }
}
