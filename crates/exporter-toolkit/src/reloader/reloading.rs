//! Checks files for changes, with single-flight and a timeout for callers.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tracing::dispatcher;

use super::loader::{Loader, ReloadError};
use super::state::Shared;

/// Default time that a caller waits for the files.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Keeps the last good value of a [`Loader`].
pub struct Reloader<L: Loader> {
    shared: Arc<Shared<L>>,
    timeout: Duration,
    /// Number of checks and loads that have started.
    started: AtomicU64,
    flight: tokio::sync::Mutex<Flight>,
}

/// The check or load in progress. Callers share a check that started after they asked (single-flight).
#[derive(Default)]
struct Flight {
    /// Number of the last check or load that ended.
    ended: u64,
    /// The task stays here if its caller stops waiting, so that the next caller waits for it.
    running: Option<JoinHandle<()>>,
}

impl<L: Loader> Debug for Reloader<L> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reloader")
            .field("value", &self.last_good())
            .finish_non_exhaustive()
    }
}

impl<L: Loader> Reloader<L> {
    /// Loads the first value.
    ///
    /// # Errors
    /// [`Loader::Error`] if the files cannot be used.
    pub fn new(loader: L) -> Result<Reloader<L>, L::Error> {
        Ok(Reloader {
            shared: Arc::new(Shared::new(loader)?),
            timeout: TIMEOUT,
            started: AtomicU64::new(0),
            flight: tokio::sync::Mutex::default(),
        })
    }

    /// Sets the time that callers wait for the files. Default: one second.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Reloader<L> {
        Reloader { timeout, ..self }
    }

    /// The loader.
    pub fn loader(&self) -> &L {
        &self.shared.loader
    }

    /// The value in use, without checking the files for changes.
    pub fn last_good(&self) -> Arc<L::Value> {
        self.shared.value()
    }

    /// Why the files are not in use; `None` if they are.
    pub fn error(&self) -> Option<Arc<ReloadError<L::Error>>> {
        self.shared.error()
    }

    /// Whether the value in use is that of the files.
    pub fn is_up_to_date(&self) -> bool {
        self.error().is_none()
    }

    /// The value. Checks first whether its files have changed. The last good value stays in use while the files cannot be
    /// used, keep changing, or cannot be read in time. After a timeout, callers get the last good value without waiting,
    /// until the files can be read again.
    pub async fn current(&self) -> Arc<L::Value> {
        if self.shared.can_check() {
            // A check that starts after this call sees every change before this call.
            let started = self.started.load(Ordering::Relaxed);
            let _ = self.run(Shared::check, Some(started)).await;
        }
        self.last_good()
    }

    /// Loads the value again, even if no file has changed. A caller that stops waiting does not stop the reload.
    ///
    /// # Errors
    /// [`ReloadError`] if the last good value stays in use.
    pub async fn reload(&self) -> Result<(), Arc<ReloadError<L::Error>>> {
        match self.run(Shared::reload, None).await {
            Ok(()) => self.error().map_or(Ok(()), Err),
            Err(_) => Err(Arc::new(ReloadError::Timeout)),
        }
    }

    /// Runs `work` after earlier work has ended. With the number of the work that had started when the caller asked, work
    /// that has started and ended since then is enough.
    async fn run(&self, work: fn(&Shared<L>), started_before: Option<u64>) -> Result<(), Elapsed> {
        let turn = async {
            let mut flight = self.flight.lock().await;
            if let Some(earlier) = flight.running.as_mut() {
                // Its result is not used here, because it may have read the files before the latest change.
                let _ = earlier.await;
                flight.running = None;
            }
            if started_before.is_some_and(|before| flight.ended > before) {
                return;
            }
            let number = self.started.fetch_add(1, Ordering::Relaxed) + 1;
            let shared = Arc::clone(&self.shared);
            shared.start();
            // The subscriber of this thread, because a test may collect its log.
            let log = dispatcher::get_default(Clone::clone);
            let run = move || dispatcher::with_default(&log, || shared.run(work));
            let result = flight.running.insert(spawn_blocking(run)).await;
            flight.running = None;
            flight.ended = number;
            if result.is_err() {
                self.shared.note_panic();
            }
        };
        let result = timeout(self.timeout, turn).await;
        if result.is_err() {
            self.shared.note_timeout();
        }
        result
    }
}
