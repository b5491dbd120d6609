//! HTML elements and text formats that several parts of the page share.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use crate::verdict::{Severity, span};
use crate::web::filter::MAX_VALUE_CHARS;
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

/// A time to the minute, for people.
pub(super) fn date(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A time to the minute for people, and to the second in its attribute for programs.
pub(super) fn time(time: DateTime<Utc>) -> Markup {
    let rfc3339 = time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    html! { time datetime=(rfc3339) { (date(time)) } }
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
