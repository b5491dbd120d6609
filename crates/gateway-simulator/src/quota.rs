//! The rate limit of an API key: requests per minute, with a burst per second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::clock::Clock;

/// The rate limit of an API key. The default is the documented limit of production.
#[derive(Debug, Clone, Copy)]
pub struct RateLimit {
    /// Requests per minute.
    pub per_minute: u64,
    /// Requests per second.
    pub burst: u64,
}

impl RateLimit {
    /// No limit.
    pub const UNLIMITED: RateLimit = RateLimit {
        per_minute: u64::MAX,
        burst: u64::MAX,
    };
}

impl Default for RateLimit {
    fn default() -> RateLimit {
        RateLimit {
            per_minute: 1000,
            burst: 50,
        }
    }
}

/// The state of the quota after a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct QuotaStatus {
    pub limit: u64,
    pub remaining: u64,
    /// Time until the end of the window, if the request exceeds the limit.
    pub retry_after: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Quota {
    limit: RateLimit,
    clock: Arc<dyn Clock>,
    windows: Mutex<Windows>,
}

#[derive(Debug)]
struct Windows {
    minute: Window,
    second: Window,
}

/// A fixed window with the number of requests since its start.
#[derive(Debug)]
struct Window {
    start: Instant,
    length: Duration,
    sent: u64,
}

impl Quota {
    pub(super) fn new(limit: RateLimit, clock: Arc<dyn Clock>) -> Quota {
        let window = |length| Window {
            start: clock.monotonic(),
            length,
            sent: 0,
        };
        let windows = Mutex::new(Windows {
            minute: window(Duration::from_secs(60)),
            second: window(Duration::from_secs(1)),
        });
        Quota {
            limit,
            clock,
            windows,
        }
    }

    /// Counts a request if the quota allows it.
    pub(super) fn take(&self) -> QuotaStatus {
        let now = self.clock.monotonic();
        let mut windows = self.windows.lock();
        windows.minute.roll(now);
        windows.second.roll(now);
        let retry_after = if windows.minute.sent >= self.limit.per_minute {
            Some(windows.minute.rest(now))
        } else if windows.second.sent >= self.limit.burst {
            Some(windows.second.rest(now))
        } else {
            windows.minute.sent += 1;
            windows.second.sent += 1;
            None
        };
        QuotaStatus {
            limit: self.limit.per_minute,
            remaining: self.limit.per_minute.saturating_sub(windows.minute.sent),
            retry_after,
        }
    }
}

impl Window {
    fn roll(&mut self, now: Instant) {
        if now.saturating_duration_since(self.start) >= self.length {
            self.start = now;
            self.sent = 0;
        }
    }

    fn rest(&self, now: Instant) -> Duration {
        self.length
            .saturating_sub(now.saturating_duration_since(self.start))
    }
}
