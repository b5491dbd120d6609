//! SIGHUP before the handler for it is in place.

use nix::sys::signal::{SigSet, Signal};

/// Holds SIGHUP back, which ends a process without a handler. A signal that came meanwhile is delivered
/// when this is dropped.
#[derive(Debug)]
pub struct HeldHangup(SigSet);

impl HeldHangup {
    /// Holds SIGHUP back from this thread, and from the threads that it starts. `None` when the operating
    /// system refuses.
    pub fn hold() -> Option<HeldHangup> {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGHUP);
        signals.thread_block().ok()?;
        Some(HeldHangup(signals))
    }
}

impl Drop for HeldHangup {
    fn drop(&mut self) {
        // It can fail for an unknown operation only.
        let _ = self.0.thread_unblock();
    }
}
