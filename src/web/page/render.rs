//! The page as HTML. Whatever is put into the template is escaped by it; what the gateway names
//! stands in `bdi`, so that its direction ends where it does.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::audit::{AccountState, Audit, Counts};
use super::filter::{Filter, MISSING};
use super::words::{ago, date, machine_date, short, sign};
use super::{STYLE, rows};
use crate::build;
use crate::gateway::model::Status;
use crate::plural::count;
use crate::printable::neutral;
use crate::verdict::Severity;
use crate::web::{DOCUMENTATION, HEALTHY, READY, WebOptions};

/// The whole page.
pub(super) fn page(audit: &Audit, filter: &Filter, options: &WebOptions) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (audit.headline()) " – Qlara profiles" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#profiles" { "Skip to the profiles" }
                (top(options))
                main {
                    (headline(audit))
                    (accounts(audit))
                    section #profiles aria-labelledby="profiles-title" tabindex="-1" {
                        h2 #profiles-title { "Profiles" }
                        (verdicts(audit, filter, options))
                        (form(audit, filter, options))
                        (rows::table(audit))
                    }
                }
                footer {
                    "qlara-exporter " (build::VERSION) ", revision " (build::REVISION)
                    " · as of " (time(audit.now))
                }
            }
        }
    }
}

/// A moment to the minute, for people and programs.
pub(super) fn time(moment: chrono::DateTime<chrono::Utc>) -> Markup {
    html! { time datetime=(machine_date(moment)) { (date(moment)) } }
}

/// The verdict as colour, sign and word.
pub(super) fn badge(severity: Severity) -> Markup {
    html! {
        span class={ "badge " (severity.as_str()) } {
            span aria-hidden="true" { (sign(severity)) } " " (severity.as_str())
        }
    }
}

fn top(options: &WebOptions) -> Markup {
    let links = [
        ("Metrics", options.telemetry_path.as_str()),
        ("Health", HEALTHY),
        ("Readiness", READY),
        ("Documentation", DOCUMENTATION),
    ];
    html! {
        header {
            a.brand href=(own_address(options)) { "Qlara exporter" }
            nav aria-label="Exporter" {
                @for (text, path) in links {
                    a href={ (options.external_path()) (path) } { (text) }
                }
            }
        }
    }
}

fn own_address(options: &WebOptions) -> String {
    format!("{}/", options.external_path())
}

fn headline(audit: &Audit) -> Markup {
    let counts = audit.overall;
    let worst = audit.worst();
    html! {
        div class={ "headline " (worst.as_str()) } {
            h1 { span aria-hidden="true" { (sign(worst)) } " " (audit.headline()) }
            p {
                (summary(&counts)) " · " (count(audit.accounts.len(), "account"))
            }
        }
    }
}

fn accounts(audit: &Audit) -> Markup {
    html! {
        section aria-labelledby="accounts-title" {
            h2 #accounts-title { "Accounts" }
            ul.accounts {
                @for state in &audit.accounts { li { (account(state, audit)) } }
            }
        }
    }
}

fn account(state: &AccountState, audit: &Audit) -> Markup {
    html! {
        h3 {
            @match state.name {
                Some(name) => bdi { (short(name)) },
                None => "The account",
            }
        }
        p.state {
            (age(state, audit))
            @if let Some(schema) = state.schema { " · API description " (schema.as_str()) }
        }
        @if state.has_data && audit.has_accounts() { p { (summary(&state.counts)) } }
        @for trouble in &state.troubles {
            div.trouble.critical-edge[!state.has_data] {
                p { strong { bdi { (neutral(&trouble.what)) } } }
                p { (trouble.advice) }
            }
        }
    }
}

/// `24 profiles · 3 critical · 21 fine`
fn summary(counts: &Counts) -> Markup {
    html! {
        (count(counts.total(), "profile"))
        @for severity in [Severity::Critical, Severity::Warning, Severity::Fine] {
            @if counts.of(severity) > 0 {
                " · " (counts.of(severity)) " " (severity.as_str())
            }
        }
    }
}

fn age(state: &AccountState, audit: &Audit) -> Markup {
    html! {
        @match state.read_at {
            Some(moment) if state.has_data => {
                "Data read " (ago(moment, audit.now)) ", " (time(moment))
            }
            Some(moment) => { "No data: what was read " (ago(moment, audit.now)) " is too old to show" }
            None if state.is_new => "Being read for the first time. Load this page again in a moment.",
            None => "No data could be read yet",
        }
    }
}

fn verdicts(audit: &Audit, filter: &Filter, options: &WebOptions) -> Markup {
    let all = [
        None,
        Some(Severity::Critical),
        Some(Severity::Warning),
        Some(Severity::Fine),
    ];
    let asked = filter.verdict.as_deref();
    html! {
        nav.verdicts aria-label="Profiles by verdict" {
            @for verdict in all {
                a href={ (own_address(options)) (filter.query_with(verdict)) "#profiles" }
                    aria-current=[(asked == verdict.map(Severity::as_str)).then_some("true")]
                    class=[verdict.map(Severity::as_str)] {
                    @match verdict {
                        Some(severity) => {
                            span aria-hidden="true" { (sign(severity)) } " " (severity.as_str()) " "
                            b { (audit.counts.of(severity)) }
                        }
                        None => { "all " b { (audit.counts.total()) } }
                    }
                }
            }
        }
    }
}

fn form(audit: &Audit, filter: &Filter, options: &WebOptions) -> Markup {
    let platforms: Vec<&str> = audit.platforms.iter().copied().collect();
    let mut statuses = Status::ALL.map(Status::as_str).to_vec();
    statuses.push(MISSING);
    let accounts: Vec<&str> = audit
        .accounts
        .iter()
        .filter_map(|account| account.name)
        .collect();
    html! {
        form action={ (own_address(options)) "#profiles" } method="get" {
            (choice("platform", "Platform", &platforms, filter.platform.as_deref()))
            (choice("status", "Status", &statuses, filter.status.as_deref()))
            @if audit.has_accounts() {
                (choice("account", "Account", &accounts, filter.account.as_deref()))
            }
            @if let Some(verdict) = &filter.verdict {
                input type="hidden" name="verdict" value=(verdict);
            }
            button type="submit" { "Show" }
            @if !filter.is_empty() {
                a href={ (own_address(options)) "#profiles" } { "Show all" }
            }
        }
    }
}

/// A choice between values of which the chosen one need not be one.
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
