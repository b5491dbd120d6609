//! Dates in answers.

use chrono::{DateTime, Utc};

/// From this number on a Unix time is in milliseconds: as seconds it lies in the year 5138, as
/// milliseconds in 1973.
const FIRST_IN_MILLISECONDS: f64 = 1e11;
/// The end of the year 9999 in Unix milliseconds: the last that RFC 3339 can write.
const LAST_MILLISECOND: f64 = 253_402_300_799_999.0;

/// RFC 3339, also with a space for the `T`, with a space before the offset, with an offset without
/// colon or minutes, or with `UTC` or `GMT` for `Z`. A date without a zone is no moment: guessing the
/// hours would be a lie.
pub(super) fn from_text(text: &str) -> Option<DateTime<Utc>> {
    let moment = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc3339(&with_plain_offset(text).unwrap_or_default()));
    // Before 1970 there was no gateway: such a date stands for none, as Go's zero time does.
    moment
        .ok()
        .map(|moment| moment.to_utc())
        .filter(|moment| moment.timestamp() >= 0)
}

/// Unix seconds or milliseconds, with or without a fraction.
pub(super) fn from_number(number: f64) -> Option<DateTime<Utc>> {
    let milliseconds = match number < FIRST_IN_MILLISECONDS {
        true => number * 1000.0,
        false => number,
    };
    let sensible = (0.0..=LAST_MILLISECOND).contains(&milliseconds);
    let milliseconds = sensible.then(|| milliseconds.round() as i64)?;
    DateTime::from_timestamp_millis(milliseconds)
}

/// The date as RFC 3339 writes its offset.
fn with_plain_offset(text: &str) -> Option<String> {
    let (time, zone) = split(text)?;
    let zone = zone.trim_start();
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let offset = match zone {
        "Z" | "z" | "UTC" | "GMT" => "Z".to_owned(),
        zone if zone.starts_with(['+', '-']) && is_digits(&zone[1..]) => match zone.len() {
            3 => format!("{zone}:00"),
            5 => format!("{}:{}", &zone[..3], &zone[3..]),
            _ => return None,
        },
        zone => zone.to_owned(),
    };
    Some(format!("{time}{offset}"))
}

/// Date and time, the fraction included, and what stands behind them.
fn split(text: &str) -> Option<(&str, &str)> {
    const LENGTH: usize = "2026-06-15T00:00:00".len();
    let rest = text.get(LENGTH..)?;
    let fraction = match rest.strip_prefix('.') {
        Some(digits) => digits.bytes().take_while(u8::is_ascii_digit).count() + 1,
        None => 0,
    };
    text.split_at_checked(LENGTH + fraction)
}
