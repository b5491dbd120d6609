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

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), test))]
mod other;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(not(target_os = "linux"))]
use other as platform;

/// Sends `READY=1`: the exporter serves, and its configuration is loaded.
pub fn ready() {
    platform::ready();
}

/// Sends `RELOADING=1`. [`ready`] ends the reload.
pub fn reloading() {
    platform::reloading();
}

/// Sends `STOPPING=1`: the graceful shutdown has started.
pub(crate) fn stopping() {
    platform::stopping();
}

/// Sends `WATCHDOG=1` twice per `WatchdogSec` and never resolves; without `WatchdogSec` it sends nothing. It runs on the
/// runtime that serves requests, so the messages stop if the runtime hangs.
pub(crate) async fn watchdog() {
    platform::watchdog().await;
}
