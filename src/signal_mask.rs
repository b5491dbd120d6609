//! The signals of a server before their handlers are installed.

use nix::sys::signal::{SigSet, Signal};

/// SIGHUP, SIGINT and SIGTERM, blocked. Without a handler they end the process, or are lost if it is
/// PID 1. The kernel keeps a blocked signal pending.
#[derive(Debug)]
#[must_use]
pub struct BlockedSignals(SigSet);

impl BlockedSignals {
    /// Blocks the signals in this thread and in the threads that it starts.
    pub fn block() -> BlockedSignals {
        let signals = SigSet::from_iter([Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]);
        // pthread_sigmask fails for an invalid operation only.
        let _ = signals.thread_block();
        BlockedSignals(signals)
    }

    /// Unblocks the signals in this thread. The kernel delivers what is pending.
    pub fn unblock(self) {
        let _ = self.0.thread_unblock();
    }
}
