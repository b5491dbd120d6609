//! Parses the dates in responses.
//!
//! chrono parses RFC 3339 and one given format; the gateway's servers may write other variants and Unix times, and
//! databases write zero times for no date. [`DateForm`] names the variants for `explain`.

use chrono::{DateTime, FixedOffset, NaiveDate};

/// Unix times from this number on are in milliseconds. As seconds, it is after the year 9999; as milliseconds, it is in
/// 1978.
const FIRST_IN_MILLISECONDS: f64 = 253_402_300_800.0;
/// The end of the year 9999 in Unix milliseconds, because RFC 3339 has years of four digits (section 5.6).
const LAST_MILLISECOND: i64 = 253_402_300_799_999;

/// Parses RFC 3339, also with a space instead of `T`, with a space before the offset, with an offset without colon or
/// minutes, or with `UTC` or `GMT` instead of `Z`. A date without a zone is invalid, because its time would be a guess.
pub(super) fn parse_text(text: &str) -> Option<DateTime<FixedOffset>> {
    let time = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc3339(&with_rfc3339_offset(text).unwrap_or_default()));
    time.ok().filter(is_plausible)
}

/// Parses Unix seconds or milliseconds, with or without a fraction.
pub(super) fn parse_number(number: f64) -> Option<DateTime<FixedOffset>> {
    let milliseconds = match number < FIRST_IN_MILLISECONDS {
        true => number * 1000.0,
        false => number,
    };
    // The conversion saturates at the limits of i64, which are not valid dates.
    let time = DateTime::from_timestamp_millis(milliseconds.round() as i64)?;
    Some(time.fixed_offset()).filter(is_plausible)
}

/// Whether the date is in the years 1970 to 9999 in UTC. No token expires before 1970, and RFC 3339 cannot express
/// later years.
fn is_plausible(time: &DateTime<FixedOffset>) -> bool {
    (0..=LAST_MILLISECOND).contains(&time.timestamp_millis())
}

/// Prefixes of the zero times of databases and languages: MySQL, PHP, Go and .NET, Windows, SQL Server, OLE, Unix.
const ZERO_TIMES: [&str; 9] = [
    "0000-00-00",
    "-0001-11-30",
    "0001-01-01",
    "1601-01-01",
    "1753-01-01",
    "1899-12-30",
    "1900-01-01",
    "1970-01-01T00:00:00",
    "1970-01-01 00:00:00",
];
/// The Unix epoch, and the zero time of Go and .NET in Unix seconds, milliseconds, microseconds, and as Go's
/// nanoseconds.
const ZERO_NUMBERS: [f64; 5] = [
    0.0,
    -62_135_596_800.0,
    -62_135_596_800_000.0,
    -62_135_596_800_000_000.0,
    -6_795_364_578_871_345_152.0,
];

/// Whether raw JSON, or the text in it, is a zero time or empty, which both mean that there is no date.
pub(crate) fn is_zero(raw: &str) -> bool {
    // Fast path for dates of this millennium.
    if raw.starts_with("\"2") {
        return false;
    }
    // Parsed as JSON, because some languages escape the sign of an offset.
    let text = serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned());
    let text = text.trim();
    text.is_empty()
        || text == "1970-01-01"
        || text
            .parse()
            .is_ok_and(|number: f64| ZERO_NUMBERS.contains(&number))
        || ZERO_TIMES.iter().any(|time| text.starts_with(time))
        || parse_text(text).is_some_and(|time| time.timestamp() == 0)
}

/// The format of a date in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DateForm {
    /// The format of the API's documentation.
    Rfc3339,
    /// RFC 3339 with a space, or an offset without colon.
    NearRfc3339,
    /// Seconds since the Unix epoch.
    UnixSeconds,
    /// Milliseconds since the Unix epoch.
    UnixMilliseconds,
    /// A date and a time without a zone, which is invalid.
    NoZone,
    /// A date without a time, which is invalid.
    DateOnly,
    /// A zero time, which means no date.
    Zero,
}

impl DateForm {
    /// The format in words.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            DateForm::Rfc3339 => "RFC 3339 with offset",
            DateForm::NearRfc3339 => "RFC 3339 with a space or an offset without colon",
            DateForm::UnixSeconds => "Unix seconds",
            DateForm::UnixMilliseconds => "Unix milliseconds",
            DateForm::NoZone => "no time zone",
            DateForm::DateOnly => "a date without a time",
            DateForm::Zero => "a zero time, which means none",
        }
    }

    /// The format of a text, if it is a date.
    pub(crate) fn of_text(text: &str) -> Option<DateForm> {
        let is_strict = DateTime::parse_from_rfc3339(text).is_ok() && !text.contains(' ');
        if !text.is_empty() && is_zero(text) {
            Some(DateForm::Zero)
        } else if is_strict {
            Some(DateForm::Rfc3339)
        } else if parse_text(text).is_some() {
            Some(DateForm::NearRfc3339)
        } else if lacks_zone(text) {
            Some(DateForm::NoZone)
        } else {
            let is_date = NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() && text.len() == 10;
            is_date.then_some(DateForm::DateOnly)
        }
    }

    /// The format of a number, if it is a date in the years 2001 to 9999.
    pub(crate) fn of_number(number: f64) -> Option<DateForm> {
        const FIRST_SECOND: f64 = 1e9;
        match number {
            number if (FIRST_SECOND..FIRST_IN_MILLISECONDS).contains(&number) => {
                Some(DateForm::UnixSeconds)
            }
            number if (FIRST_SECOND * 1e3..FIRST_IN_MILLISECONDS * 1e3).contains(&number) => {
                Some(DateForm::UnixMilliseconds)
            }
            _ => None,
        }
    }
}

fn lacks_zone(text: &str) -> bool {
    split_zone(text).is_some_and(|(time, zone)| {
        zone.is_empty() && DateTime::parse_from_rfc3339(&format!("{time}Z")).is_ok()
    })
}

/// Rewrites the offset of a date as in RFC 3339.
fn with_rfc3339_offset(text: &str) -> Option<String> {
    let (time, zone) = split_zone(text)?;
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

/// Splits a text into the date and time, with the fraction, and the zone.
fn split_zone(text: &str) -> Option<(&str, &str)> {
    const LENGTH: usize = "2026-06-15T00:00:00".len();
    let rest = text.get(LENGTH..)?;
    let fraction = match rest.strip_prefix('.') {
        Some(digits) => digits.bytes().take_while(u8::is_ascii_digit).count() + 1,
        None => 0,
    };
    text.split_at_checked(LENGTH + fraction)
}
