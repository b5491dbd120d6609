//! The page as HTML. The template escapes all texts. Texts of the gateway are in `bdi` elements, which
//! isolate their direction from the rest of the page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::elements::{ago, short, symbol, time};
use super::overview::{AccountOverview, Counts, Overview};
use super::rows;
use crate::account::ListFailure;
use crate::build;
use crate::gateway::model::Status;
use crate::plural::count;
use crate::verdict::Severity;
use crate::web::filter::{MISSING, PageFilter};
use crate::web::options::WebOptions;
use crate::web::paths::DOCUMENTATION;
use crate::zone::Zone;
use exporter_toolkit::health::{HEALTHY, READY};
use exporter_toolkit::printable::neutral;

/// The stylesheet, which is part of the page.
pub(super) const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn page(overview: &Overview, filter: &PageFilter, options: &WebOptions) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (overview.headline()) " – Qlara profiles" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#profiles" { "Skip to the profiles" }
                (page_header(options))
                main {
                    (headline(overview))
                    (accounts(overview))
                    section #profiles aria-labelledby="profiles-title" tabindex="-1" {
                        h2 #profiles-title { "Profiles" }
                        // Without data, numbers would be a claim.
                        @if overview.has_data() {
                            (severity_links(overview, filter, options))
                            (filter_form(overview, filter, options))
                        }
                        (rows::table(overview))
                    }
                }
                footer {
                    "qlara-exporter " (build::VERSION) ", revision " (build::REVISION)
                    " · as of " (time(overview.now, overview.zone))
                }
            }
        }
    }
}

fn page_header(options: &WebOptions) -> Markup {
    let links = [
        ("Metrics", options.telemetry_path.as_str()),
        ("Health", HEALTHY),
        ("Readiness", READY),
        ("Documentation", DOCUMENTATION),
    ];
    html! {
        header {
            a.brand href=(page_url(options)) { "Qlara exporter" }
            nav aria-label="Exporter" {
                @for (text, path) in links {
                    a href={ (options.external_path()) (path) } { (text) }
                }
            }
        }
    }
}

fn page_url(options: &WebOptions) -> String {
    format!("{}/", options.external_path())
}

fn headline(overview: &Overview) -> Markup {
    let counts = overview.all;
    let worst = overview.worst();
    html! {
        div class={ "headline " (worst.as_str()) } {
            h1 { (symbol(worst)) " " (overview.headline()) }
            p {
                @if overview.has_data() { (summary(&counts)) " · " }
                (count(overview.accounts.len(), "account"))
            }
            @if let [account] = &overview.accounts[..] && let Some(failure) = account.failure {
                p { (attempts(failure, overview.zone)) }
            }
        }
    }
}

fn attempts(failure: ListFailure, zone: Zone) -> Markup {
    html! {
        "Not read since " (time(failure.since, zone)) ". The next attempt is made by the first scrape or view of this page after "
        (time(failure.next_attempt_at, zone)) "."
    }
}

fn accounts(overview: &Overview) -> Markup {
    html! {
        section aria-labelledby="accounts-title" {
            h2 #accounts-title { "Accounts" }
            ul.accounts {
                @for account in &overview.accounts { li { (account_card(account, overview)) } }
            }
        }
    }
}

fn account_card(account: &AccountOverview, overview: &Overview) -> Markup {
    html! {
        h3 {
            @match account.name {
                Some(name) => bdi { (short(name)) },
                None => "The account",
            }
        }
        p.state {
            (age(account, overview))
            @if let Some(schema) = account.schema { " · API description " (schema.as_str()) }
        }
        @if overview.has_several_accounts() && let Some(failure) = account.failure { p.state { (attempts(failure, overview.zone)) } }
        @if account.has_data && overview.has_several_accounts() { p { (summary(&account.counts)) } }
        @for problem in &account.problems {
            div.problem.critical-edge[!account.has_data] {
                p { strong { bdi { (neutral(&problem.what)) } } }
                p { (problem.advice) }
            }
        }
    }
}

/// `24 profiles · 3 critical · 21 fine`
fn summary(counts: &Counts) -> Markup {
    html! {
        (count(counts.total(), "profile"))
        @for severity in Severity::ALL {
            @if counts.get(severity) > 0 {
                " · " (counts.get(severity)) " " (severity.words())
            }
        }
    }
}

fn age(account: &AccountOverview, overview: &Overview) -> Markup {
    html! {
        @match account.read_at {
            Some(read_at) if account.has_data => {
                "Data read " (ago(read_at, overview.now)) ", " (time(read_at, overview.zone))
            }
            Some(read_at) => { "No data: the last data, read " (ago(read_at, overview.now)) ", is too old to show" }
            None if account.is_new => "Being read for the first time. Load this page again in a moment.",
            None => "No data could be read yet",
        }
    }
}

fn severity_links(overview: &Overview, filter: &PageFilter, options: &WebOptions) -> Markup {
    let all = [None].into_iter().chain(Severity::ALL.map(Some));
    let chosen = filter.verdict.as_deref();
    html! {
        nav.verdicts aria-label="Profiles by verdict" {
            @for verdict in all {
                a href={ (page_url(options)) (filter.query_with(verdict)) "#profiles" }
                    aria-current=[(chosen == verdict.map(Severity::as_str)).then_some("true")]
                    class=[verdict.map(Severity::as_str)] {
                    @match verdict {
                        Some(severity) => {
                            (symbol(severity)) " " (severity.words()) " "
                            b { (overview.filtered.get(severity)) }
                        }
                        None => { "all " b { (overview.filtered.total()) } }
                    }
                }
            }
        }
    }
}

fn filter_form(overview: &Overview, filter: &PageFilter, options: &WebOptions) -> Markup {
    let platforms: Vec<&str> = overview.platforms.iter().copied().collect();
    let mut statuses = Status::ALL.map(Status::as_str).to_vec();
    statuses.push(MISSING);
    let accounts: Vec<&str> = overview
        .accounts
        .iter()
        .filter_map(|account| account.name)
        .collect();
    html! {
        form action={ (page_url(options)) "#profiles" } method="get" {
            (choice("platform", "Platform", &platforms, filter.platform.as_deref()))
            (choice("status", "Status", &statuses, filter.status.as_deref()))
            @if overview.has_several_accounts() {
                (choice("account", "Account", &accounts, filter.account.as_deref()))
            }
            @if let Some(verdict) = &filter.verdict {
                input type="hidden" name="verdict" value=(verdict);
            }
            button type="submit" { "Show" }
            @if !filter.is_empty() {
                a href={ (page_url(options)) "#profiles" } { "Show all" }
            }
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
