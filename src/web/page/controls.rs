//! Search, filters and sorting, all in the address.

use maud::{Markup, html};

use super::address::{Address, Column};
use super::elements::{foreign, short, symbol};
use super::overview::Overview;
use super::selection::Selection;
use crate::gateway::model::Status;
use crate::record::MISSING;
use crate::verdict::Severity;
use crate::web::paths::{CALENDAR, PROFILES};

/// Maximum number of accounts in a selection field; more are searched by name.
const MAX_CHOICES: usize = 50;

/// Links to the profiles of each severity, and the form, which is folded on a phone until somebody asks for it.
pub(super) fn controls(overview: &Overview, selection: &Selection, address: &Address) -> Markup {
    html! {
        @if selection.has_data() { (severity_links(overview, selection, address)) }
        div #search {
            input #show-search type="checkbox";
            label for="show-search" { "Search and filter" (chosen(address)) }
            (search_form(overview, address))
        }
    }
}

/// What the folded form is filled with.
fn chosen(address: &Address) -> Markup {
    let filter = &address.filter;
    let values = [
        &filter.search,
        &filter.platform,
        &filter.status,
        &filter.account,
    ];
    html! { @for value in values.into_iter().flatten() { " · " (foreign(value)) } }
}

/// The selected profiles as files.
pub(super) fn downloads(overview: &Overview, address: &Address) -> Markup {
    let query = address.filter.query();
    let csv = match &*query {
        "?" => "?format=csv".to_owned(),
        query => format!("{query}&format=csv"),
    };
    html! {
        p.more {
            "Download these profiles as "
            a href=(overview.site.url(&format!("{PROFILES}{csv}"))) { "CSV" }
            " or "
            a href=(overview.site.url(&format!("{PROFILES}{query}"))) { "JSON" }
            ", or subscribe to their token ends as a "
            a href=(overview.site.url(&format!("{CALENDAR}{}", query.trim_end_matches('?')))) { "calendar" }
        }
    }
}

fn severity_links(overview: &Overview, selection: &Selection, address: &Address) -> Markup {
    let all = [None].into_iter().chain(Severity::ALL.map(Some));
    html! {
        nav.verdicts aria-label="Profiles by verdict" {
            @for verdict in all {
                a href={ (overview.site.page_url(&address.with_severity(verdict))) "#profiles" }
                    aria-current=[address.is_chosen(verdict).then_some("true")]
                    class=[verdict.map(Severity::as_str)] {
                    @match verdict {
                        Some(severity) => {
                            (symbol(severity)) " " (severity.words()) " "
                            b { (selection.counts.get(severity)) }
                        }
                        None => { "all " b { (selection.counts.total()) } }
                    }
                }
            }
        }
    }
}

fn search_form(overview: &Overview, address: &Address) -> Markup {
    let filter = &address.filter;
    let platforms: Vec<&str> = overview.platforms.iter().copied().collect();
    let mut statuses = Status::ALL.map(Status::as_str).to_vec();
    statuses.push(MISSING);
    html! {
        form role="search" action={ (overview.site.url("/")) "#profiles" } method="get" {
            label {
                "Name, identifier or account "
                input type="search" name="q" value=[filter.search.as_deref()] autocomplete="off";
            }
            (choice("platform", "Platform", &platforms, filter.platform.as_deref()))
            (choice("status", "Status", &statuses, filter.status.as_deref()))
            (account_choice(overview, filter.account.as_deref()))
            (sort_choice(address))
            @if let Some(verdict) = &filter.verdict { input type="hidden" name="verdict" value=(verdict); }
            @if address.reloads { input type="hidden" name="refresh" value="1"; }
            button type="submit" { "Show" }
            @if !address.is_overview() { a href=(overview.site.url("/")) { "Show the overview" } }
        }
    }
}

fn account_choice(overview: &Overview, chosen: Option<&str>) -> Markup {
    let names = overview.accounts.iter().filter_map(|account| account.name);
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    html! {
        @if names.len() > MAX_CHOICES {
            label { "Account " input name="account" value=[chosen] autocomplete="off"; }
        } @else if overview.has_several_accounts() {
            (choice("account", "Account", &names, chosen))
        }
    }
}

/// A selection of one of the values, or of all. A chosen value that is not among them is added.
fn choice(name: &str, label: &str, values: &[&str], chosen: Option<&str>) -> Markup {
    let unknown = chosen.filter(|chosen| !values.contains(chosen));
    html! {
        label {
            (label) " "
            select name=(name) {
                option value="" { "all" }
                @for value in values.iter().copied().chain(unknown) {
                    option value=(value) selected[chosen == Some(value)] { (short(value)) }
                }
            }
        }
    }
}

fn sort_choice(address: &Address) -> Markup {
    html! {
        label {
            "Order "
            select name="sort" {
                option value="" { "by need" }
                @for column in Column::ALL {
                    @let chosen = address.sort.is_some_and(|sort| sort.column == column);
                    option value=(column.key()) selected[chosen] { (column.words()) }
                }
            }
        }
    }
}
