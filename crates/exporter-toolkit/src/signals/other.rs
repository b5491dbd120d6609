//! Fallback without Unix signals: Ctrl-C ends the program, and no signal reloads the configuration.

use std::future::pending;
use std::io;

/// No signals, so none are blocked: Ctrl-C ends a program that has not started yet.
#[derive(Debug)]
pub(super) struct Blocked;

impl Blocked {
    pub(super) fn block() -> Blocked {
        Blocked
    }

    pub(super) fn unblock(self) {}
}

/// Ctrl-C. If its handler cannot be installed, the returned function waits forever, and the system ends the program.
pub(super) fn shutdown_signal() -> io::Result<impl AsyncFnMut()> {
    Ok(async || {
        if tokio::signal::ctrl_c().await.is_err() {
            pending().await
        }
    })
}

/// No signal.
#[derive(Debug)]
pub(super) struct Reload;

impl Reload {
    pub(super) fn new() -> io::Result<Reload> {
        Ok(Reload)
    }

    /// Never resolves.
    pub(super) async fn next(&mut self) -> Option<()> {
        pending().await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn nothing_but_a_signal_resolves() {
        Blocked::block().unblock();
        let mut reload = Reload::new().expect("no handler");
        assert!(reload.next().now_or_never().is_none());
        let mut shutdown = shutdown_signal().expect("a handler");
        assert!(shutdown().now_or_never().is_none());
    }
}
