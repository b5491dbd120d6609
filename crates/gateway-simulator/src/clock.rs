//! The clock as a parameter, so that tests control the time.

use std::fmt::Debug;
use std::time::Instant;

use chrono::{DateTime, Utc};

/// The clock of the simulated gateway.
pub trait Clock: Debug + Send + Sync {
    /// The wall clock, for the dates in answers. It may jump.
    fn now(&self) -> DateTime<Utc>;

    /// A monotonic clock, for the rate limit.
    fn monotonic(&self) -> Instant;
}

/// The clocks of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}
