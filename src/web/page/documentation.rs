//! `/-/documentation`: the README of this version, so that reading it needs no internet access.

use maud::{PreEscaped, html};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::layout::Document;
use super::site::Site;
use crate::verdict::Severity;

const README: &str = include_str!("../../../README.md");

/// Renders the page.
pub(super) fn html(site: Site) -> String {
    let mut text = String::new();
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    pulldown_cmark::html::push_html(&mut text, without_files(Parser::new_ext(README, options)));
    let document = Document {
        title: "Documentation".to_owned(),
        severity: Severity::Fine,
        skip_to: ("documentation", "the documentation"),
        main: html! { article #documentation.prose tabindex="-1" { (PreEscaped(scrollable(&text))) } },
        footer: html! {},
    };
    document.render(&site)
}

/// Wide tables and code scroll by themselves, also for readers without a mouse.
fn scrollable(html: &str) -> String {
    html.replace("<pre>", "<pre tabindex=\"0\">")
        .replace("<table>", "<div class=\"scroll\" tabindex=\"0\"><table>")
        .replace("</table>", "</table></div>")
}

/// Leaves out links and pictures that lead to other files of the repository, which the exporter does not serve. The text of
/// the links stays.
fn without_files<'a>(events: impl Iterator<Item = Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    let mut open_links = Vec::new();
    let mut is_in_picture = false;
    events.filter(move |event| match event {
        Event::Start(Tag::Image { .. }) => {
            is_in_picture = true;
            false
        }
        Event::End(TagEnd::Image) => {
            is_in_picture = false;
            false
        }
        Event::Start(Tag::Link { dest_url, .. }) => {
            let is_served = dest_url.contains("://");
            open_links.push(is_served);
            is_served
        }
        Event::End(TagEnd::Link) => open_links.pop().unwrap_or(true),
        _ => !is_in_picture,
    })
}
