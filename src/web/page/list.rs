//! `/`: the overview of all profiles by need, or the list that the address selects.

use std::sync::Arc;

use maud::{Markup, html};

use super::accounts::accounts;
use super::address::{Address, Column};
use super::changes;
use super::controls::controls;
use super::headline;
use super::layout::Document;
use super::lines::lines;
use super::overview::Overview;
use super::paging::{paging, part};
use super::selection::Selection;
use super::site::Site;
use super::table::table;
use super::timeline::timeline;
use crate::account::View;
use crate::plural::count;
use crate::record::ProfileRow;
use crate::verdict::Severity;

/// Maximum number of rows of a list.
const LIST_ROWS: usize = 50;
/// Maximum number of rows of the overview that need attention.
const URGENT_ROWS: usize = 40;
/// Maximum number of lines of the overview with nothing to do.
const FINE_ROWS: usize = 40;

/// Renders the page.
pub(super) fn html(views: &[Arc<View>], site: Site, address: &Address) -> String {
    let overview = Overview::new(views, site);
    let selection = Selection::new(&overview, address);
    let main = html! {
        (headline::headline(&overview))
        @if address.is_overview() {
            (by_need(&overview, &selection, address))
        } @else {
            (selected(&overview, &selection, address))
        }
        (accounts(&overview, address))
    };
    let document = Document {
        title: headline::text(&overview),
        severity: headline::severity(&overview),
        skip_to: ("profiles", "the profiles"),
        main,
        footer: reload_link(&site, address),
    };
    document.render(&site)
}

/// The profiles that need attention, the timeline, and the others.
fn by_need(overview: &Overview, selection: &Selection, address: &Address) -> Markup {
    let (urgent, fine) = overview.by_need();
    let shown: Vec<&ProfileRow> = urgent.iter().take(URGENT_ROWS).collect();
    let everything = overview.site.page_url(&address.sorted_by(Column::Verdict));
    html! {
        section #profiles aria-label="Profiles that need attention" tabindex="-1" {
            @if !shown.is_empty() {
                (table(&shown, &format!("{} that need attention", counted(shown.len(), urgent.len())), overview, address))
                @if shown.len() < urgent.len() { p.more { a href={ (everything) "#profiles" } { "All profiles, the most urgent first" } } }
            } @else if overview.rows.is_empty() {
                p.none { (no_rows(overview)) }
            }
        }
        (timeline(overview))
        @if overview.has_data() { (changes::last_day(overview)) }
        @if overview.has_data() {
            section aria-labelledby="others-title" {
                h2 #others-title { @if urgent.is_empty() { "Profiles" } @else { "All others" } }
                (controls(overview, selection, address))
                @if !fine.is_empty() {
                    (lines(&fine[..fine.len().min(FINE_ROWS)], fine.len(), overview))
                }
                @if fine.len() > FINE_ROWS {
                    p.more { a href={ (overview.site.page_url(&address.with_severity(Some(Severity::Fine)))) "#profiles" } { "All " (count(fine.len(), "profile")) " with nothing to do" } }
                }
            }
        }
    }
}

/// The part of the selected rows that the address names.
fn selected(overview: &Overview, selection: &Selection, address: &Address) -> Markup {
    let rows = &selection.rows;
    let shown = part(rows, address.page, LIST_ROWS);
    let url = |page| overview.site.page_url(&address.with_page(page)) + "#profiles";
    html! {
        section #profiles aria-labelledby="profiles-title" tabindex="-1" {
            h2 #profiles-title { "Profiles" }
            @if overview.has_data() { (controls(overview, selection, address)) }
            @if shown.is_empty() {
                p.none { (no_rows(overview)) }
            } @else {
                (table(shown, &counted(shown.len(), rows.len()), overview, address))
                (paging("Profiles", address.page, LIST_ROWS, rows.len(), url))
            }
        }
    }
}

/// `40 of 90 profiles`, or `3 profiles` if all are shown.
fn counted(shown: usize, all: usize) -> String {
    match shown < all {
        true => format!("{shown} of {}", count(all, "profile")),
        false => count(all, "profile"),
    }
}

fn no_rows(overview: &Overview) -> &'static str {
    if overview.all.total() > 0 {
        "No profile matches the filter."
    } else if overview.has_data() {
        "No profiles are connected."
    } else {
        "The profiles are not known now."
    }
}

fn reload_link(site: &Site, address: &Address) -> Markup {
    let url = site.page_url(&address.with_reloads(!address.reloads));
    html! {
        p { a href=(url) { @if address.reloads { "Stop reloading each minute" } @else { "Reload each minute" } } }
    }
}
