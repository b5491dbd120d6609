//! Durations as Prometheus writes them: `30s`, `15m`, `1h30m`, `1d`; a bare `0` is allowed.
//! (<https://prometheus.io/docs/prometheus/latest/configuration/configuration/>, `<duration>`.)

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use serde_saphyr::Spanned;

/// What is accepted, for error messages.
pub const EXPECTED: &str = "a duration such as 30s, 15m or 1h30m";

/// Units from the largest to the smallest, each allowed once, in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 60 * 60 * 1000),
    ("w", 7 * 24 * 60 * 60 * 1000),
    ("d", 24 * 60 * 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

/// Reads a duration.
///
/// # Errors
/// A text that says what is expected and does not repeat the input.
pub fn parse(text: &str) -> Result<Duration, String> {
    parse_millis(text)
        .map(Duration::from_millis)
        .ok_or_else(|| format!("expected {EXPECTED}"))
}

fn parse_millis(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        // Searching on from the last unit rejects a wrong order and repetition.
        let (_, millis) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*millis)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

/// A duration in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written(pub Duration);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map(Written).map_err(de::Error::custom)
    }
}

/// For `#[serde(deserialize_with)]` on an optional duration.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    Written::deserialize(deserializer).map(|Written(duration)| Some(duration))
}

/// The same, with its place in the file.
pub(super) fn deserialize_spanned<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Spanned<Written>>, D::Error> {
    Spanned::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_prometheus_reads() {
        let read = |text| parse(text).ok().map(|duration| duration.as_millis());
        assert_eq!(read("30s"), Some(30_000));
        assert_eq!(read("1h30m"), Some(5_400_000));
        assert_eq!(read("100ms"), Some(100));
        assert_eq!(read("1y2w3d4h5m6s7ms"), Some(33_019_506_007));
        assert_eq!(read("0"), Some(0));
    }

    #[test]
    fn refuses_what_prometheus_refuses() {
        for text in [
            "",
            "30",
            "1.5m",
            "-1s",
            "1m1h",
            "1s1s",
            "s",
            "1 m",
            "1month",
            "99999999999999y",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
