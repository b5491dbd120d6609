//! Notifications to systemd (sd_notify(3)). All functions do nothing without `NOTIFY_SOCKET`, so that an exporter can
//! call them on every system.
//!
//! ```
//! use exporter_toolkit::systemd;
//!
//! systemd::reloading();
//! // Load the new configuration.
//! systemd::ready();
//! ```

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

/// Sends `READY=1`: the exporter serves, and its configuration is loaded.
pub fn ready() {
    send(&[NotifyState::Ready]);
}

/// Sends `RELOADING=1`. [`ready`] ends the reload.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(_) => send(&[NotifyState::Reloading]),
    }
}

/// Sends `STOPPING=1`: the graceful shutdown has started.
pub(crate) fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// Sends `WATCHDOG=1` twice per `WatchdogSec` and never resolves; without `WatchdogSec` it sends nothing. It runs on the
/// runtime that serves requests, so the messages stop if the runtime hangs.
pub(crate) async fn watchdog() {
    let Some(timeout) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut ticks = interval((timeout / 2).max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        send(&[NotifyState::Watchdog]);
    }
}

fn send(state: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(state) {
        debug!(err = %error, "Cannot notify the service manager");
    }
}
