//! The time zone in which people read times.

use std::str::FromStr;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;

/// A time zone of the IANA database, which this program contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

/// The text is not the name of a time zone in the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the IANA name of a time zone, such as Europe/Rome or UTC")]
pub struct UnknownZone;

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Zone, UnknownZone> {
        Tz::from_str(name).map(Zone).map_err(|_| UnknownZone)
    }
}

impl Default for Zone {
    fn default() -> Zone {
        Zone::UTC
    }
}

impl Zone {
    /// UTC.
    pub const UTC: Zone = Zone(Tz::UTC);

    /// The zone of the environment variable `TZ`. A value that is not an IANA name, such as a POSIX rule, gives UTC:
    /// every time names its zone, so nobody is misled.
    pub fn of_environment(tz: Option<&str>) -> Zone {
        let name = tz.map(|tz| tz.trim_start_matches(':'));
        let name = name.map(|name| name.strip_prefix("/usr/share/zoneinfo/").unwrap_or(name));
        name.and_then(|name| name.parse().ok()).unwrap_or_default()
    }

    /// The IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// A time to the minute with its zone, `2026-06-15 00:00 CEST`.
    pub fn minute(self, time: DateTime<impl TimeZone>) -> String {
        self.local(time).format("%Y-%m-%d %H:%M %Z").to_string()
    }

    /// A time to the minute for a column whose heading names the zone.
    pub fn column_minute(self, time: DateTime<impl TimeZone>) -> String {
        self.local(time).format("%Y-%m-%d %H:%M").to_string()
    }

    /// A time to the minute as in [`Zone::minute`]. If it is on another day than the gateway stated, the stated day follows:
    /// `2026-06-14 22:00 UTC (stated as 2026-06-15 +02:00)`.
    pub fn stated_minute(self, time: DateTime<FixedOffset>) -> String {
        self.with_stated_day(self.minute(time), time)
    }

    /// A stated time to the minute for a column whose heading names the zone, as in [`Zone::stated_minute`].
    pub fn stated_column_minute(self, time: DateTime<FixedOffset>) -> String {
        self.with_stated_day(self.column_minute(time), time)
    }

    fn with_stated_day(self, shown: String, time: DateTime<FixedOffset>) -> String {
        match self.day(time) == time.date_naive() {
            true => shown,
            false => format!("{shown} (stated as {})", time.format("%Y-%m-%d %:z")),
        }
    }

    /// The day of a time.
    pub fn day(self, time: DateTime<impl TimeZone>) -> NaiveDate {
        self.local(time).date_naive()
    }

    /// The abbreviation of the zone at a time, `CEST`, or its offset if it has none.
    pub fn abbreviation(self, time: DateTime<Utc>) -> String {
        self.local(time).format("%Z").to_string()
    }

    fn local(self, time: DateTime<impl TimeZone>) -> DateTime<Tz> {
        time.with_timezone(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().expect("a zone")
    }

    fn stated(text: &str) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339(text).expect("a time")
    }

    #[test]
    fn times_show_their_zone_and_the_stated_day() {
        let summer = stated("2026-06-15T00:00:00+02:00");
        for (name, shown) in [
            ("UTC", "2026-06-14 22:00 UTC (stated as 2026-06-15 +02:00)"),
            ("Europe/Rome", "2026-06-15 00:00 CEST"),
            ("Asia/Tokyo", "2026-06-15 07:00 JST"),
            (
                "America/Sao_Paulo",
                "2026-06-14 19:00 -03 (stated as 2026-06-15 +02:00)",
            ),
        ] {
            assert_eq!(zone(name).stated_minute(summer), shown, "{name}");
            let column = zone(name).stated_column_minute(summer);
            let (minute, stated) = (&shown[..16], shown.split_once(" ("));
            let stated = stated.map_or(String::new(), |(_, stated)| format!(" ({stated}"));
            assert_eq!(column, format!("{minute}{stated}"), "{name}");
        }
        assert_eq!(
            zone("Europe/Rome").minute(stated("2026-01-15T12:00:00Z")),
            "2026-01-15 13:00 CET"
        );
        assert_eq!("Europe/Nowhere".parse::<Zone>(), Err(UnknownZone));
    }

    #[test]
    fn environment_gives_a_zone_or_utc() {
        for (tz, name) in [
            (None, "UTC"),
            (Some(""), "UTC"),
            (Some("Europe/Rome"), "Europe/Rome"),
            (Some(":Europe/Rome"), "Europe/Rome"),
            (Some("/usr/share/zoneinfo/Europe/Rome"), "Europe/Rome"),
            (Some(":/usr/share/zoneinfo/Asia/Tokyo"), "Asia/Tokyo"),
            (Some("CET-1CEST,M3.5.0,M10.5.0/3"), "UTC"),
        ] {
            assert_eq!(Zone::of_environment(tz).name(), name, "{tz:?}");
        }
    }
}
