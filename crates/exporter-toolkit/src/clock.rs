//! A clock as a parameter, so that tests can set the time.
//!
//! ```
//! use exporter_toolkit::clock::{Clock, SystemClock};
//!
//! let clock: &dyn Clock = &SystemClock;
//! assert!(clock.monotonic() <= clock.monotonic());
//! ```

use std::fmt::Debug;
use std::time::Instant;

use chrono::{DateTime, Utc};

/// A source of the current time.
pub trait Clock: Debug + Send + Sync {
    /// The wall clock, for timestamps. It may jump.
    fn now(&self) -> DateTime<Utc>;

    /// The monotonic clock, for ages, delays and rates. It never jumps.
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
