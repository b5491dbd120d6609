//! The accounts: one line each, worst first, and what is wrong with them.

use maud::{Markup, html};

use super::address::Address;
use super::elements::{account_name, advice, symbol};
use super::overview::{AccountOverview, Overview};
use super::paging::{paging, part};
use crate::account::ListFailure;
use exporter_toolkit::printable::neutral;

/// Maximum number of accounts on a page.
const MAX_ACCOUNTS: usize = 25;

/// The accounts, unless there is only one: the headline tells about it.
pub(super) fn accounts(overview: &Overview, address: &Address) -> Markup {
    let all = &overview.accounts;
    let shown = part(all, address.accounts_page, MAX_ACCOUNTS);
    let url = |page| overview.site.page_url(&address.with_accounts_page(page)) + "#accounts";
    html! {
        @if overview.has_several_accounts() {
            section #accounts aria-labelledby="accounts-title" {
                h2 #accounts-title { "Accounts" }
                ul.lines.accounts { @for account in shown { li { (line(account, overview, address)) } } }
                (paging("Accounts", address.accounts_page, MAX_ACCOUNTS, all.len(), url))
            }
        }
    }
}

fn line(account: &AccountOverview, overview: &Overview, address: &Address) -> Markup {
    let severity = account.severity();
    html! {
        p.line {
            span class={ "mark " (severity.as_str()) } { (symbol(severity)) }
            strong {
                @match account.name {
                    Some(name) => {
                        a href={ (overview.site.page_url(&address.of_account(name))) "#profiles" } { (account_name(Some(name))) }
                    }
                    None => (account_name(None)),
                }
            }
            @if account.has_data() { span { (account.counts.summary()) } }
            span.quiet { (data_age(account, overview)) }
        }
        @if let Some(failure) = account.failure { p.quiet { (attempts(failure, overview)) } }
        (problems(account, overview))
    }
}

/// What is wrong with an account, and what to do.
pub(super) fn problems(account: &AccountOverview, overview: &Overview) -> Markup {
    let links = overview.site.links(account.name);
    html! {
        @for problem in &account.problems {
            div.problem.critical-edge[!account.has_data()] {
                p { strong { bdi { (neutral(&problem.what)) } } }
                p {
                    (advice(&problem.advice, links))
                    @if let Some(url) = problem.alert.and_then(|alert| links?.runbook(alert)) { " " a href=(url) { "Runbook" } }
                }
            }
        }
    }
}

/// Since when the list could not be read, and when the next attempt may be made.
pub(super) fn attempts(failure: ListFailure, overview: &Overview) -> Markup {
    let site = &overview.site;
    html! {
        "Not read since " (site.time(failure.since)) ". The next attempt is made by the first scrape or view of this page after "
        (site.time(failure.next_attempt_at)) "."
    }
}

/// How old the data of an account is.
pub(super) fn data_age(account: &AccountOverview, overview: &Overview) -> Markup {
    let site = &overview.site;
    html! {
        @match account.read_at {
            Some(read_at) if account.has_data() => { "Data read " (site.ago(read_at)) ", " (site.time(read_at)) }
            Some(read_at) => { "No data: the last data, read " (site.ago(read_at)) ", is too old to show" }
            None if account.is_new => "Being read for the first time. Load this page again in a moment.",
            None => "No data could be read yet",
        }
        @if let Some(schema) = account.snapshot.and_then(|data| data.schema) { " · API description " (schema.as_str()) }
    }
}
