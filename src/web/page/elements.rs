//! HTML elements and text formats that several parts of the page share.

use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta, Utc};
use maud::{Markup, html};

use crate::verdict::{Severity, span};
use crate::web::filter::MAX_VALUE_CHARS;
use crate::zone::Zone;
use exporter_toolkit::printable::neutral;

/// Maximum length in characters of a text from the gateway or from the query string.
pub(super) const MAX_TEXT_CHARS: usize = MAX_VALUE_CHARS;

/// A text of the gateway, truncated to [`MAX_TEXT_CHARS`], with control and invisible characters replaced. The template escapes
/// HTML.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT_CHARS) {
        Some((end, _)) => format!("{}…", neutral(&text[..end])),
        None => neutral(text),
    }
}

/// A time to the minute for people, and to the second in its attribute for programs.
pub(super) fn time(time: DateTime<Utc>, zone: Zone) -> Markup {
    html! { time datetime=(rfc3339(time)) { (zone.minute(time)) } }
}

/// A time that the gateway states, with the stated day.
pub(super) fn stated_time(time: DateTime<FixedOffset>, zone: Zone) -> Markup {
    html! { time datetime=(rfc3339(time.to_utc())) { (zone.stated_minute(time)) } }
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The age of `time`, `5m ago`. A time in the future, from a wrong clock, counts as now.
pub(super) fn ago(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (now - time).max(TimeDelta::zero()) {
        age if age < TimeDelta::minutes(1) => format!("{} s ago", age.num_seconds()),
        age => format!("{} ago", span(age)),
    }
}

/// The severity as a coloured badge with a symbol.
pub(super) fn badge(severity: Severity) -> Markup {
    html! { span class={ "badge " (severity.as_str()) } { (symbol(severity)) " " (severity.words()) } }
}

/// A symbol for the severity, for people who cannot tell the colours apart. Screen readers skip it.
pub(super) fn symbol(severity: Severity) -> Markup {
    let symbol = match severity {
        Severity::Critical => "✖",
        Severity::Warning => "▲",
        Severity::NotChecked => "?",
        Severity::Fine => "✔",
    };
    html! { span aria-hidden="true" { (symbol) } }
}
