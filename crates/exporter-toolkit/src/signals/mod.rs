//! Signals that end or reload a server.

#[cfg(any(not(unix), test))]
mod other;
#[cfg(unix)]
mod unix;

use std::io;

#[cfg(not(unix))]
use other as platform;
#[cfg(unix)]
use unix as platform;

/// SIGHUP, SIGINT and SIGTERM, blocked until their handlers are installed. Without a handler they end the process, or are
/// lost if it is PID 1; a blocked signal stays pending in the kernel. Without Unix
/// signals, nothing is blocked.
///
/// ```no_run
/// use exporter_toolkit::signals::{self, BlockedSignals};
///
/// let blocked = BlockedSignals::block();
/// let runtime = tokio::runtime::Runtime::new()?;
/// runtime.block_on(async {
///     let mut shutdown = signals::shutdown_signal()?;
///     blocked.unblock();
///     shutdown().await;
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct BlockedSignals(platform::Blocked);

impl BlockedSignals {
    /// Blocks the signals in this thread and in the threads that it starts.
    pub fn block() -> BlockedSignals {
        BlockedSignals(platform::Blocked::block())
    }

    /// Unblocks the signals in this thread; the kernel then delivers the pending ones.
    pub fn unblock(self) {
        self.0.unblock();
    }
}

/// Installs handlers of SIGINT and SIGTERM. Each call of the returned function waits for the next of these signals. Without
/// Unix signals, it waits for Ctrl-C.
///
/// # Errors
/// If a handler cannot be installed.
pub fn shutdown_signal() -> io::Result<impl AsyncFnMut()> {
    platform::shutdown_signal()
}

/// The signal that reloads the configuration: SIGHUP. Without a handler it ends the process. Without Unix signals, it never
/// arrives.
#[derive(Debug)]
pub struct ReloadSignal(platform::Reload);

impl ReloadSignal {
    /// Installs the handler.
    ///
    /// # Errors
    /// If the handler cannot be installed.
    pub fn new() -> io::Result<ReloadSignal> {
        platform::Reload::new().map(ReloadSignal)
    }

    /// Waits for the next signal. `None` if none can arrive any more.
    pub async fn next(&mut self) -> Option<()> {
        self.0.next().await
    }
}
