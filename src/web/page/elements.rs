//! HTML elements and text formats that several parts of the page share.

use std::iter;

use maud::{Markup, html};

use crate::config::Links;
use crate::verdict::Severity;
use crate::web::filter::MAX_VALUE_CHARS;
use exporter_toolkit::printable::{
    is_blank, is_unprintable, starts_with_mark, without_stacked_marks,
};

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
    let text = without_stacked_marks(text);
    let (start, is_cut) = cut(&text, max_chars);
    let mut short = base(start).to_owned();
    for run in runs(start) {
        match is_hidden(run) {
            true => short.push_str(&code_points(run)),
            false => short.push_str(run),
        }
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
    let text = without_stacked_marks(text);
    let (start, is_cut) = cut(&text, max_chars);
    html! {
        bdi {
            (base(start))
            @for run in runs(start) {
                @if is_hidden(run) { span.hidden { (code_points(run)) } } @else { (run) }
            }
            @if is_cut { "…" }
        }
    }
}

/// Splits a text into runs of printable and of unprintable characters.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    iter::from_fn(move || {
        let is_first_hidden = is_hidden(rest);
        let end = rest.find(|char| is_unprintable(char) != is_first_hidden);
        let (run, others) = rest.split_at(end.unwrap_or(rest.len()));
        rest = others;
        (!run.is_empty()).then_some(run)
    })
}

fn is_hidden(run: &str) -> bool {
    run.starts_with(is_unprintable)
}

/// The code points of characters, each with the number of its repetitions: `U+200B U+202E×200`.
fn code_points(hidden: &str) -> String {
    let chars: Vec<char> = hidden.chars().collect();
    let repeated = chars.chunk_by(|a, b| a == b).map(|same| {
        let code_point = format!("U+{:04X}", u32::from(same[0]));
        match same.len() {
            1 => code_point,
            times => format!("{code_point}×{times}"),
        }
    });
    repeated.collect::<Vec<_>>().join(" ")
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
