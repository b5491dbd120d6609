//! What the exporter tells systemd (sd_notify(3)); nothing where no service manager listens.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

/// The exporter serves, with a configuration that is in force.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Tells that the configuration is being reloaded. Dropping the result tells that the reload has ended,
/// also when it panics.
pub(crate) fn reloading() -> Reloading {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
    Reloading(())
}

/// A reload that has been announced. Its end is the end of this value.
pub(crate) struct Reloading(());

impl Drop for Reloading {
    fn drop(&mut self) {
        ready();
    }
}

/// The exporter is about to end.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Gives signs of life for ever, as often as the unit's `WatchdogSec` asks for, if it does. It runs
/// beside the requests, so that a program that no longer answers gives no sign.
pub(crate) async fn give_signs_of_life() {
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut beat = interval((patience / 2).max(Duration::from_millis(1)));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(state: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(state) {
        debug!(err = %error, "Cannot tell the service manager");
    }
}
