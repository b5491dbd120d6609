//! A clock that only the test moves.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use exporter_toolkit::clock::Clock;
use parking_lot::Mutex;

#[derive(Debug)]
pub struct ManualClock(Mutex<(DateTime<Utc>, Instant)>);

impl ManualClock {
    pub fn at(moment: &str) -> ManualClock {
        let moment = DateTime::parse_from_rfc3339(moment).expect("RFC 3339");
        ManualClock(Mutex::new((moment.to_utc(), Instant::now())))
    }

    /// Advances both clocks.
    pub fn advance(&self, time: Duration) {
        let mut now = self.0.lock();
        now.0 += time;
        now.1 += time;
    }

    /// Sets the wall clock, as an administrator or NTP does; the monotonic clock does not move.
    pub fn jump(&self, seconds: i64) {
        self.0.lock().0 += TimeDelta::seconds(seconds);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.lock().0
    }

    fn monotonic(&self) -> Instant {
        self.0.lock().1
    }
}
