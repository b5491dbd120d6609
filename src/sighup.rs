//! SIGHUP before its handler is installed.

use nix::sys::signal::{SigSet, Signal};

/// Blocks SIGHUP, which ends a process that has no handler for it. The kernel delivers a pending signal
/// when this is dropped.
#[derive(Debug)]
pub struct BlockedSighup(SigSet);

impl BlockedSighup {
    /// Blocks SIGHUP in this thread and in the threads that it starts. `None` if the operating system
    /// refuses.
    pub fn new() -> Option<BlockedSighup> {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGHUP);
        signals.thread_block().ok()?;
        Some(BlockedSighup(signals))
    }
}

impl Drop for BlockedSighup {
    fn drop(&mut self) {
        // pthread_sigmask fails for an invalid operation only.
        let _ = self.0.thread_unblock();
    }
}
