//! HTML elements and text formats that several parts of the page share.

use maud::{Markup, html};

use crate::config::Links;
use crate::verdict::Severity;
use crate::web::filter::MAX_VALUE_CHARS;
use exporter_toolkit::printable::{is_blank, is_unprintable, starts_with_mark};

/// Maximum length in characters of a name in the headline, so that the first problem is on a phone's first screen.
const MAX_HEADLINE_CHARS: usize = 40;

/// A text of the gateway for attributes and plain sentences: truncated to [`MAX_VALUE_CHARS`], with control and invisible
/// characters as their code points.
pub(super) fn short(text: &str) -> String {
    shortened(text, MAX_VALUE_CHARS)
}

/// As [`short`], but short enough for the headline.
pub(super) fn brief(text: &str) -> String {
    shortened(text, MAX_HEADLINE_CHARS)
}

fn shortened(text: &str, max_chars: usize) -> String {
    let (start, is_cut) = cut(text, max_chars);
    let parts = start.split_inclusive(is_unprintable).map(split_hidden);
    let mut short = base(start).to_owned();
    for (plain, hidden) in parts {
        short.push_str(plain);
        short.extend(hidden.map(code_point));
    }
    if is_cut {
        short.push('…');
    }
    short
}

/// A text of the gateway, truncated to [`MAX_VALUE_CHARS`] and isolated: its direction does not change the text around it, and
/// control and invisible characters are shown by their code points.
pub(super) fn foreign(text: &str) -> Markup {
    isolated(text, MAX_VALUE_CHARS)
}

/// As [`foreign`], but short enough for the headline.
pub(super) fn brief_foreign(text: &str) -> Markup {
    isolated(text, MAX_HEADLINE_CHARS)
}

fn isolated(text: &str, max_chars: usize) -> Markup {
    let (start, is_cut) = cut(text, max_chars);
    html! {
        bdi {
            (base(start))
            @for part in start.split_inclusive(is_unprintable) { (visible(part)) }
            @if is_cut { "…" }
        }
    }
}

/// A text of which at most the last character is unprintable.
fn visible(text: &str) -> Markup {
    let (plain, hidden) = split_hidden(text);
    html! {
        (plain)
        @if let Some(char) = hidden { span.hidden { (code_point(char)) } }
    }
}

/// Splits off the last character if it is unprintable.
fn split_hidden(text: &str) -> (&str, Option<char>) {
    let last = text.chars().next_back();
    let hidden = last.filter(|char| is_unprintable(*char));
    let plain = &text[..text.len() - hidden.map_or(0, char::len_utf8)];
    (plain, hidden)
}

fn code_point(char: char) -> String {
    format!("U+{:04X}", u32::from(char))
}

/// The base of a combining mark that begins the text, as in Unicode's charts.
fn base(text: &str) -> &'static str {
    match starts_with_mark(text) {
        true => "\u{25cc}",
        false => "",
    }
}

fn cut(text: &str, max_chars: usize) -> (&str, bool) {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    }
}

/// The name of a profile.
pub(super) fn name(name: &str) -> Markup {
    match is_blank(name) {
        true => html! { i { "no name" } },
        false => foreign(name),
    }
}

/// The name of a profile in a text without its identifier: a profile without a name shows it.
pub(super) fn named(name: &str, id: &str) -> Markup {
    match is_blank(name) {
        true => html! { i { "no name" } " " (foreign(id)) },
        false => foreign(name),
    }
}

/// As [`named`], but short enough for the headline.
pub(super) fn briefly_named(name: &str, id: &str) -> Markup {
    match is_blank(name) {
        true => html! { i { "no name" } " " (brief_foreign(id)) },
        false => brief_foreign(name),
    }
}

/// The name of an account.
pub(super) fn account_name(name: Option<&str>) -> Markup {
    match name {
        Some(name) => foreign(name),
        None => html! { "the default account" },
    }
}

/// The words by which advice names Qlara's own web application.
const DASHBOARD: &str = "Qlara dashboard";

/// What to do, with a link to the Qlara dashboard where the advice names it.
pub(super) fn advice(text: &str, links: Option<&Links>) -> Markup {
    let dashboard = links.and_then(|links| links.dashboard.as_ref());
    html! {
        @match (text.split_once(DASHBOARD), dashboard) {
            (Some((before, after)), Some(url)) => { (before) a href=(url) { (DASHBOARD) } (after) }
            _ => (text),
        }
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
