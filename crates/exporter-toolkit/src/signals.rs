//! Signals that end or reload a server.

use std::io;

use nix::sys::signal::{SigSet, Signal};
use tokio::signal::unix::{SignalKind, signal};

/// SIGHUP, SIGINT and SIGTERM, blocked until their handlers are installed. Without a handler they end the process, or are
/// lost if it is PID 1; a blocked signal stays pending in the kernel.
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
pub struct BlockedSignals(SigSet);

impl BlockedSignals {
    /// Blocks the signals in this thread and in the threads that it starts.
    pub fn block() -> BlockedSignals {
        let signals = SigSet::from_iter([Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]);
        // pthread_sigmask fails only for an invalid operation.
        let _ = signals.thread_block();
        BlockedSignals(signals)
    }

    /// Unblocks the signals in this thread; the kernel then delivers the pending ones.
    pub fn unblock(self) {
        let _ = self.0.thread_unblock();
    }
}

/// Installs handlers of SIGINT and SIGTERM. Each call of the returned function waits for the next of these signals.
///
/// # Errors
/// If a handler cannot be installed.
pub fn shutdown_signal() -> io::Result<impl AsyncFnMut()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
