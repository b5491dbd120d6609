//! Simulated days, and their dates in the answers.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta, Utc};

use super::clock::Clock;

/// A time in days since the start of the simulation; negative before it.
pub(super) type Day = f64;

/// The day of the documented answers, which is the date of the last activity in them.
const DOCUMENTED_DAY: &str = "2026-04-09T12:00:00+02:00";

/// The simulated time.
#[derive(Debug)]
pub(super) struct Calendar {
    clock: Arc<dyn Clock>,
    started: DateTime<Utc>,
    speed: Option<f64>,
}

impl Calendar {
    /// A calendar that starts now, or that stays at the documented day if there is no speed.
    pub(super) fn new(speed: Option<f64>, clock: Arc<dyn Clock>) -> Calendar {
        Calendar {
            started: match speed {
                Some(_) => clock.now(),
                None => moment(DOCUMENTED_DAY),
            },
            clock,
            speed,
        }
    }

    /// Whether simulated time stays at the documented day.
    pub(super) fn stands_still(&self) -> bool {
        self.speed.is_none()
    }

    pub(super) fn today(&self) -> Day {
        match self.speed {
            Some(speed) => days(self.clock.now() - self.started) * speed,
            None => 0.0,
        }
    }

    /// The real date of a simulated day in RFC 3339. Days after the start come sooner by the factor of the
    /// speed, so that every date in an answer comes true. Days before the start are not scaled.
    pub(super) fn date(&self, day: Day) -> String {
        let real_days = if day < 0.0 {
            day
        } else {
            day / self.speed.unwrap_or(1.0)
        };
        let seconds = (real_days * 86_400.0).round() as i64;
        let moment = self.started + TimeDelta::seconds(seconds);
        let offset = FixedOffset::east_opt(3600);
        match offset {
            Some(offset) => moment
                .with_timezone(&offset)
                .to_rfc3339_opts(SecondsFormat::Secs, false),
            None => moment.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }
}

/// The simulated day of a documented date.
pub(super) fn day_of(text: &str) -> Day {
    days(moment(text) - moment(DOCUMENTED_DAY))
}

fn moment(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text)
        .map(|moment| moment.to_utc())
        .unwrap_or_default()
}

fn days(span: TimeDelta) -> Day {
    span.as_seconds_f64() / 86_400.0
}
