//! The difference between the clock of this machine and that of the gateway.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use crate::plural::span;

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
        let direction = match self.0 > TimeDelta::zero() {
            true => "ahead of",
            false => "behind",
        };
        write!(out, "{} {direction} the gateway's Date", span(self.0))
    }
}
