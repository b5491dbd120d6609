//! Refreshes of different accounts take turns: a scrape that finds hundreds of accounts due must not
//! hit the gateway with all of them at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// The least time between the beginnings of two refreshes.
const SPACING: Duration = Duration::from_millis(10);

/// Who may refresh, in the order of asking.
#[derive(Debug)]
pub struct Turns {
    concurrent: usize,
    places: Arc<Semaphore>,
    next: Mutex<Instant>,
}

/// A turn, which ends when it is dropped.
#[derive(Debug)]
pub struct Turn(#[allow(dead_code)] Option<OwnedSemaphorePermit>);

impl Turns {
    /// At most so many refreshes are under way at once.
    pub fn new(concurrent: usize) -> Turns {
        Turns {
            concurrent,
            places: Arc::new(Semaphore::new(concurrent.min(Semaphore::MAX_PERMITS))),
            next: Mutex::new(Instant::now()),
        }
    }

    /// How many may be under way at once.
    pub fn concurrent(&self) -> usize {
        self.concurrent
    }

    /// Waits for a turn: for a free place, and until the last beginning is long enough ago.
    pub async fn take(&self) -> Turn {
        // The semaphore is never closed, so that there always is a permit.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let mut next = self.next.lock().await;
        sleep_until(*next).await;
        *next = Instant::now() + SPACING;
        Turn(place)
    }
}
