//! Signals of Unix.

use std::io;

use nix::sys::signal::{SigSet, Signal};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

/// The signals that are blocked.
#[derive(Debug)]
pub(super) struct Blocked(SigSet);

impl Blocked {
    pub(super) fn block() -> Blocked {
        let signals = SigSet::from_iter([Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]);
        // pthread_sigmask fails only for an invalid operation.
        let _ = signals.thread_block();
        Blocked(signals)
    }

    pub(super) fn unblock(self) {
        let _ = self.0.thread_unblock();
    }
}

/// SIGINT or SIGTERM.
pub(super) fn shutdown_signal() -> io::Result<impl AsyncFnMut()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// SIGHUP.
#[derive(Debug)]
pub(super) struct Reload(Signals);

impl Reload {
    pub(super) fn new() -> io::Result<Reload> {
        signal(SignalKind::hangup()).map(Reload)
    }

    pub(super) async fn next(&mut self) -> Option<()> {
        self.0.recv().await
    }
}
