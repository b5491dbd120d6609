//! The accounts: one line each, worst first.

use chrono::TimeDelta;
use maud::{Markup, html};

use super::address::Address;
use super::elements::{account_name, symbol};
use super::overview::{AccountOverview, Overview};
use super::paging::{paging, part};
use super::troubles::of_account;
use crate::plural::{count, span};

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
            (in_few_words(account, overview))
            @if account.has_data() { span { (account.counts.summary()) } }
            @if let Some(read_at) = account.read_at.filter(|_| account.has_data()) {
                span.quiet.age { "read " (overview.site.ago(read_at)) }
            }
        }
    }
}

/// What is wrong with the account. Its own view has the whole texts.
fn in_few_words(account: &AccountOverview, overview: &Overview) -> Markup {
    html! {
        @match &account.problems[..] {
            [first, others @ ..] => {
                span {
                    (first.short)
                    @if let Some(unread) = unread_for(account, overview) { ", unread " (span(unread)) }
                    @if !others.is_empty() { ", " (count(others.len(), "more problem")) }
                }
            }
            [] if account.is_new => span { "being read for the first time" },
            [] if !account.has_data() => span { "data too old" },
            [] => {}
        }
    }
}

/// The time for which the list could not be read, if it is worth a place on the line.
fn unread_for(account: &AccountOverview, overview: &Overview) -> Option<TimeDelta> {
    let time = overview.site.now - account.failure?.since;
    (time >= TimeDelta::minutes(1)).then_some(time)
}

/// Everything about one account.
pub(super) fn about(account: &AccountOverview, overview: &Overview) -> Markup {
    html! {
        section aria-labelledby="account-title" {
            h2 #account-title { "About " (account_name(account.name)) }
            p.quiet { (data_age(account, overview)) }
            (of_account(account, overview))
        }
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
