//! The clock that the exporter and the simulated gateway of a test share.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use exporter_toolkit::clock::Clock;

pub use super::toolkit::clock::ManualClock;

/// The clock of a test, as the simulated gateway reads it.
#[derive(Debug)]
pub struct SimulatedTime(pub Arc<dyn Clock>);

impl gateway_simulator::Clock for SimulatedTime {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    fn monotonic(&self) -> Instant {
        self.0.monotonic()
    }
}
