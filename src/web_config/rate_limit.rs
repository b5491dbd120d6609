//! A limit of requests for the whole server: a token bucket.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Deserializer, de};

/// How fast a bucket fills, and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// The time for one token.
    pub interval: Duration,
    /// Tokens in a full bucket.
    pub burst: u32,
}

/// A bucket, full at first. Every request takes a token.
#[derive(Debug)]
pub struct RateLimit {
    rate: Rate,
    /// When the bucket is, or was, full again.
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

    /// Takes a token at the moment `now`, if there is one.
    pub fn allows(&self, now: Instant) -> bool {
        let Rate { interval, burst } = self.rate;
        let mut full = self.full.lock();
        let before = full.map_or(now, |full| full.max(now));
        // Every token that is missing delays the moment by one interval.
        let after = before.checked_add(interval);
        let Some(after) = after.filter(|after| *after - now <= interval.saturating_mul(burst))
        else {
            return false;
        };
        *full = Some(after);
        true
    }
}

/// Units of Go's durations (<https://pkg.go.dev/time#ParseDuration>), in seconds.
const UNITS: [(&str, f64); 7] = [
    ("h", 3600.0),
    ("m", 60.0),
    ("s", 1.0),
    ("ms", 1e-3),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ns", 1e-9),
];

/// For `#[serde(deserialize_with)]` on the interval.
pub(super) fn interval<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map_or(Some(Duration::ZERO), |text| go_duration(&text))
        .ok_or_else(|| de::Error::custom("expected a duration such as 1s, 1.5s or 100ms"))
}

fn go_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let of_number = |char: char| char.is_ascii_digit() || char == '.';
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|char| !of_number(char))?);
        let (unit, after) = after.split_at(after.find(of_number).unwrap_or(after.len()));
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        seconds += number.parse::<f64>().ok()? * size;
        rest = after;
    }
    let duration = Duration::try_from_secs_f64(seconds).ok()?;
    (!text.is_empty()).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("0s", 0),
            ("1s", 1_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("100ms", 100_000_000),
            ("1h2m3s", 3_723_000_000_000),
            ("20us", 20_000),
            ("20µs", 20_000),
            ("7ns", 7),
        ] {
            let read = go_duration(text).map(|duration| duration.as_nanos());
            assert_eq!(read, Some(nanoseconds), "{text:?}");
        }
        for text in [
            "", "1", "s", ".s", "1.2.3s", "-1s", "1d", "1 s", "1e3s", "9e99h",
        ] {
            assert_eq!(go_duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_bucket_holds_its_burst_and_fills_by_and_by() {
        let limit = RateLimit::new(Rate {
            interval: Duration::from_secs(10),
            burst: 3,
        });
        let start = Instant::now();
        let at = |seconds| limit.allows(start + Duration::from_secs(seconds));
        assert_eq!([at(0), at(0), at(0), at(0)], [true, true, true, false]);
        assert_eq!([at(9), at(10), at(10)], [false, true, false]);
        // However long nobody asks, no more than the burst is saved.
        assert_eq!(
            [at(999), at(999), at(999), at(999)],
            [true, true, true, false]
        );
    }

    #[test]
    fn no_burst_is_no_request() {
        for interval in [Duration::from_secs(1), Duration::MAX] {
            let limit = RateLimit::new(Rate { interval, burst: 0 });
            assert!(!limit.allows(Instant::now()));
        }
    }
}
