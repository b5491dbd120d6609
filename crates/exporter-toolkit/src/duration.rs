//! Durations as Prometheus writes them (`30s`, `15m`, `1h30m`, `1d`), and as Go writes them (`1.5s`, `100ms`), which the
//! web configuration file uses.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use serde_saphyr::Spanned;

/// What [`parse`] accepts, for error messages.
const EXPECTED: &str = "a duration such as 30s, 15m or 1h30m";

/// Units of Prometheus' durations in milliseconds, from the largest to the smallest
/// (<https://prometheus.io/docs/prometheus/latest/configuration/configuration/>, `<duration>`). Each is allowed once.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 60 * 60 * 1000),
    ("w", 7 * 24 * 60 * 60 * 1000),
    ("d", 24 * 60 * 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

/// Units of Go's durations in seconds (<https://pkg.go.dev/time#ParseDuration>).
const GO_UNITS: [(&str, f64); 7] = [
    ("h", 3600.0),
    ("m", 60.0),
    ("s", 1.0),
    ("ms", 1e-3),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ns", 1e-9),
];

/// Parses a duration of Prometheus.
///
/// # Errors
/// What is expected, without the text, which may be a secret.
///
/// ```
/// use std::time::Duration;
///
/// use exporter_toolkit::duration;
///
/// assert_eq!(duration::parse("1h30m"), Ok(Duration::from_secs(5400)));
/// assert!(duration::parse("1.5h").is_err());
/// ```
pub fn parse(text: &str) -> Result<Duration, String> {
    let duration = parse_prometheus(text).map(Duration::from_millis);
    duration.ok_or_else(|| format!("expected {EXPECTED}"))
}

fn parse_prometheus(text: &str) -> Option<u64> {
    // Searching on after the last unit rejects a wrong order and repetition.
    let mut units = UNITS.iter();
    components(text)?
        .into_iter()
        .try_fold(0_u64, |total, (number, unit)| {
            let (_, millis) = units.find(|(name, _)| *name == unit)?;
            total.checked_add(number.parse::<u64>().ok()?.checked_mul(*millis)?)
        })
}

/// Parses a duration of Go without a sign; `None` for other texts.
pub(crate) fn parse_go(text: &str) -> Option<Duration> {
    let seconds = components(text)?
        .into_iter()
        .try_fold(0.0, |total, (number, unit)| {
            let (_, seconds) = GO_UNITS.iter().find(|(name, _)| *name == unit)?;
            Some(total + number.parse::<f64>().ok()? * seconds)
        })?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The numbers and units of a duration, none for `0`.
fn components(text: &str) -> Option<Vec<(&str, &str)>> {
    let of_number = |char: char| char.is_ascii_digit() || char == '.';
    let mut components = Vec::new();
    let mut rest = if text == "0" { "" } else { text };
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|char| !of_number(char))?);
        let (unit, after) = after.split_at(after.find(of_number).unwrap_or(after.len()));
        components.push((number, unit));
        rest = after;
    }
    (!text.is_empty()).then_some(components)
}

/// A duration in a YAML file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrometheusDuration(pub Duration);

impl<'de> Deserialize<'de> for PrometheusDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PrometheusDuration, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text)
            .map(PrometheusDuration)
            .map_err(de::Error::custom)
    }
}

/// For `#[serde(deserialize_with)]` on an optional duration.
///
/// # Errors
/// As for [`parse`].
pub fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    PrometheusDuration::deserialize(deserializer).map(|PrometheusDuration(duration)| Some(duration))
}

/// Like [`deserialize`], with the position in the file.
///
/// # Errors
/// As for [`parse`].
pub fn deserialize_spanned<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Spanned<PrometheusDuration>>, D::Error> {
    Spanned::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_durations_of_prometheus() {
        let read = |text| parse(text).ok().map(|duration| duration.as_millis());
        assert_eq!(read("30s"), Some(30_000));
        assert_eq!(read("1h30m"), Some(5_400_000));
        assert_eq!(read("100ms"), Some(100));
        assert_eq!(read("1y2w3d4h5m6s7ms"), Some(33_019_506_007));
        assert_eq!(read("0"), Some(0));
    }

    #[test]
    fn accepts_durations_of_go() {
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
            let read = parse_go(text).map(|duration| duration.as_nanos());
            assert_eq!(read, Some(nanoseconds), "{text:?}");
        }
        for text in [
            "", "1", "s", ".s", "1.2.3s", "-1s", "1d", "1 s", "1e3s", "9e99h",
        ] {
            assert_eq!(parse_go(text), None, "{text:?}");
        }
    }

    #[test]
    fn rejects_durations_that_prometheus_rejects() {
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
