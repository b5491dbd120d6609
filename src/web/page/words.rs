//! Texts, times and counts for people.

use chrono::{DateTime, TimeDelta, Utc};

use crate::printable::neutral;
use crate::verdict::{Severity, span};

/// Longer texts are cut.
pub(super) const LONGEST: usize = 120;

/// A text of the gateway, at a length that cannot fill the page, without characters that nobody can see.
/// The template escapes the others.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", neutral(&text[..end])),
        None => neutral(text),
    }
}

/// A moment to the minute.
pub(super) fn date(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A moment for programs.
pub(super) fn machine_date(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// How long ago; what lies ahead, by a clock that is wrong, is now.
pub(super) fn ago(moment: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (now - moment).max(TimeDelta::zero()) {
        age if age < TimeDelta::minutes(1) => format!("{} s ago", age.num_seconds()),
        age => format!("{} ago", span(age)),
    }
}

/// A sign beside the word, for those who do not see the colour.
pub(super) fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "✖",
        Severity::Warning => "▲",
        Severity::Fine => "✔",
    }
}
