//! The difference between the clock of this machine and that of the gateway.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

/// Differences up to this are not reported: they change no judgement about a token.
const MAX: TimeDelta = TimeDelta::minutes(5);

/// How far the clock of this machine is from that of the gateway, if it is more than five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockDifference(
    /// Positive if the clock of this machine is ahead.
    TimeDelta,
);

impl ClockDifference {
    /// The difference for a response with the header `Date: stated` that arrived at `now`.
    pub(super) fn between(now: DateTime<Utc>, stated: DateTime<Utc>) -> Option<ClockDifference> {
        let difference = now - stated;
        (difference.abs() > MAX).then_some(ClockDifference(difference))
    }
}

/// `3h 12m ahead of the gateway's Date`
impl fmt::Display for ClockDifference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0.abs().num_minutes();
        let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
        match (days, hours) {
            (0, 0) => write!(out, "{minutes}m"),
            (0, _) => write!(out, "{hours}h {minutes}m"),
            _ => write!(out, "{days}d {hours}h"),
        }?;
        let direction = match self.0 > TimeDelta::zero() {
            true => "ahead of",
            false => "behind",
        };
        write!(out, " {direction} the gateway's Date")
    }
}
