//! `/`: the overview of all profiles by need, or the list that the address selects.

use std::sync::Arc;

use maud::{Markup, html};

use super::accounts::{about, accounts};
use super::address::{Address, Column};
use super::changes;
use super::controls::{controls, downloads};
use super::headline;
use super::layout::Document;
use super::lines::lines;
use super::overview::Overview;
use super::paging::{paging, part};
use super::selection::Selection;
use super::site::Site;
use super::table::table;
use super::timeline::timeline;
use super::troubles::{Trouble, in_full};
use super::vanished::vanished;
use crate::account::View;
use crate::plural::{choose, count};
use crate::record::ProfileRow;
use crate::verdict::Severity;

/// Maximum number of rows of a list.
const LIST_ROWS: usize = 30;
/// Maximum number of rows of the overview that need attention.
const URGENT_ROWS: usize = 25;
/// Maximum number of lines of the overview with nothing to do.
const FINE_ROWS: usize = 30;

/// Renders the page.
pub(super) fn html(views: &[Arc<View>], site: Site, address: &Address) -> String {
    let overview = Overview::new(views, site);
    let selection = Selection::new(&overview, address);
    let chosen = of_chosen_account(views, address);
    let chosen = Overview::new(&chosen, site);
    let main = html! {
        (headline::headline(&chosen, address))
        @if address.is_overview() {
            (by_need(&overview, &selection, address))
        } @else {
            (selected(&overview, &selection, address))
        }
        (accounts(&overview, address))
    };
    let document = Document {
        title: headline::text(&chosen, address),
        severity: headline::severity(&chosen),
        skip_to: ("profiles", "the profiles"),
        main,
        footer: reload_link(&site, address),
    };
    document.render(&site)
}

/// What the headline is about: the chosen account, or all.
fn of_chosen_account(views: &[Arc<View>], address: &Address) -> Vec<Arc<View>> {
    let views = views.iter();
    let chosen = views.filter(|view| {
        let name = view.exposed.account.as_deref();
        address.filter.matches_account(name)
    });
    chosen.cloned().collect()
}

/// The profiles that need attention, what is wrong with accounts, the timeline, and the other profiles.
fn by_need(overview: &Overview, selection: &Selection, address: &Address) -> Markup {
    let (urgent, fine) = overview.by_need();
    html! {
        section #profiles aria-label="Profiles that need attention" tabindex="-1" {
            @if !urgent.is_empty() {
                (in_need(urgent, overview, address))
            } @else if overview.rows.is_empty() {
                p.none { (no_rows(selection)) }
            }
        }
        // Without these profiles, the headline has the problems.
        @if !urgent.is_empty() { (account_problems(overview)) }
        (timeline(overview))
        (changes::last_day(overview))
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
                (downloads(overview, address))
            }
        }
    }
}

fn in_need(urgent: &[ProfileRow], overview: &Overview, address: &Address) -> Markup {
    let shown: Vec<&ProfileRow> = urgent.iter().take(URGENT_ROWS).collect();
    let everything = overview.site.page_url(&address.sorted_by(Column::Verdict));
    let caption = format!(
        "{} that {} attention",
        counted(shown.len(), urgent.len()),
        choose(urgent.len(), "needs", "need")
    );
    html! {
        (table(&shown, &caption, overview, address))
        @if shown.len() < urgent.len() { p.more { a href={ (everything) "#profiles" } { "All profiles, the most urgent first" } } }
    }
}

/// What is wrong with accounts, and what to do.
fn account_problems(overview: &Overview) -> Markup {
    let troubles = overview.troubles();
    html! {
        @if !troubles.is_empty() {
            section #troubles aria-labelledby="troubles-title" {
                h2 #troubles-title { "Problems of " (choose(overview.accounts.len(), "the account", "accounts")) }
                (in_full(&troubles, overview))
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
            (controls(overview, selection, address))
            @if shown.is_empty() {
                p.none { (no_rows(selection)) }
            } @else {
                (table(shown, &counted(shown.len(), rows.len()), overview, address))
                (paging("Profiles", address.page, LIST_ROWS, rows.len(), url))
            }
            (vanished(overview, address))
            @if selection.has_data() { (downloads(overview, address)) }
        }
        (selected_accounts(overview, selection, address))
    }
}

/// What is known about the only account, or why the profiles of some accounts are not known.
fn selected_accounts(overview: &Overview, selection: &Selection, address: &Address) -> Markup {
    let unknown = selection.unknown();
    html! {
        @match &selection.accounts[..] {
            [account] => {
                @if address.filter.account.is_some() || !account.has_data() { (about(account, overview)) }
                (changes::of_account(account, overview))
            }
            _ if !unknown.is_empty() => {
                section aria-labelledby="unknown-title" {
                    h2 #unknown-title { "The profiles of " (count(unknown.len(), "account")) " are not known" }
                    (in_full(&Trouble::of(unknown), overview))
                }
            }
            _ => {}
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

fn no_rows(selection: &Selection) -> &'static str {
    let mut accounts = selection.accounts.iter();
    if !selection.has_data() {
        "The profiles are not known now."
    } else if accounts.any(|account| account.counts.total() > 0) {
        "No profile matches the filter."
    } else if selection.unknown().is_empty() {
        "No profiles are connected."
    } else {
        "No profile is known now."
    }
}

fn reload_link(site: &Site, address: &Address) -> Markup {
    let url = site.page_url(&address.with_reloads(!address.reloads));
    html! {
        p { a href=(url) { @if address.reloads { "Stop reloading each minute" } @else { "Reload each minute" } } }
    }
}
