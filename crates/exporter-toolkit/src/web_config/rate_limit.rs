//! The rate limit of the whole server, a token bucket.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Deserializer, de};

use crate::duration::parse_go;

/// Fill rate and size of a token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// The time for one token.
    pub interval: Duration,
    /// Tokens in a full bucket.
    pub burst: u32,
}

/// A token bucket, which is full at first. Every request takes a token.
///
/// The burst of the crate `governor` cannot be 0, which the file format allows.
#[derive(Debug)]
pub(crate) struct RateLimit {
    rate: Rate,
    /// When the bucket will be, or became, full.
    full: Mutex<Option<Instant>>,
}

impl RateLimit {
    pub(super) fn new(rate: Rate) -> RateLimit {
        RateLimit {
            rate,
            full: Mutex::default(),
        }
    }

    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes a token at the time `now`. Returns `false` if the bucket is empty.
    pub(crate) fn allows(&self, now: Instant) -> bool {
        let Rate { interval, burst } = self.rate;
        let mut full = self.full.lock();
        let before = full.map_or(now, |full| full.max(now));
        // Each taken token delays this time by one interval.
        let after = before.checked_add(interval);
        let Some(after) = after.filter(|after| *after - now <= interval.saturating_mul(burst))
        else {
            return false;
        };
        *full = Some(after);
        true
    }
}

/// For `#[serde(deserialize_with)]` on the interval.
pub(super) fn interval<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map_or(Some(Duration::ZERO), |text| parse_go(&text))
        .ok_or_else(|| de::Error::custom("expected a duration such as 1s, 1.5s or 100ms"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_holds_the_burst_and_refills_over_time() {
        let limit = RateLimit::new(Rate {
            interval: Duration::from_secs(10),
            burst: 3,
        });
        let start = Instant::now();
        let at = |seconds| limit.allows(start + Duration::from_secs(seconds));
        assert_eq!([at(0), at(0), at(0), at(0)], [true, true, true, false]);
        assert_eq!([at(9), at(10), at(10)], [false, true, false]);
        // However long the pause, the bucket holds no more than the burst.
        assert_eq!(
            [at(999), at(999), at(999), at(999)],
            [true, true, true, false]
        );
    }

    #[test]
    fn burst_of_zero_allows_no_request() {
        for interval in [Duration::from_secs(1), Duration::MAX] {
            let limit = RateLimit::new(Rate { interval, burst: 0 });
            assert!(!limit.allows(Instant::now()));
        }
    }
}
