//! Fallback without systemd, which exists on Linux only: nobody is notified.

pub(super) fn ready() {}

pub(super) fn reloading() {}

pub(super) fn stopping() {}

/// Never resolves, as with a systemd unit without `WatchdogSec`.
pub(super) async fn watchdog() {
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    #[test]
    fn watchdog_never_resolves() {
        super::ready();
        super::reloading();
        super::stopping();
        assert!(super::watchdog().now_or_never().is_none());
    }
}
