//! Time as a parameter: everything that needs "now" is handed a [`Clock`], so that tests own it.

use std::fmt::Debug;
use std::time::Instant;

use chrono::{DateTime, Utc};

/// Where the exporter and the simulated gateway read the time.
pub trait Clock: Debug + Send + Sync {
    /// The wall clock: for timestamps that are shown, and for the time left of a token. It may jump.
    fn now(&self) -> DateTime<Utc>;

    /// A clock that never jumps: for ages, pauses and rates.
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
