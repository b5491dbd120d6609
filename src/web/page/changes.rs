//! The latest changes of profiles, and since when a profile has been in its state.

use chrono::TimeDelta;
use maud::{Markup, html};

use super::address::{Address, Column};
use super::elements::{account_name, foreign, named};
use super::overview::{AccountOverview, Overview};
use super::site::Site;
use crate::account::history::{Change, ChangeKind, History, MAX_CHANGES, Since};
use crate::plural::{choose, count};

/// Maximum number of changes of the last 24 hours.
const MAX_SHOWN: usize = 20;
/// Maximum number of accounts that a text names.
const MAX_NAMES: usize = 3;

/// The changes of all accounts in the last 24 hours, newest first. They are kept while the gateway cannot be read.
pub(super) fn last_day(overview: &Overview) -> Markup {
    let start = overview.site.now - TimeDelta::hours(24);
    let mut changes: Vec<(&AccountOverview, &Change)> = Vec::new();
    for account in &overview.accounts {
        let recent = account.history.changes().iter();
        changes.extend(
            recent
                .filter(|change| change.at > start)
                .map(|change| (account, change)),
        );
    }
    changes.sort_by_key(|(_, change)| std::cmp::Reverse(change.at));
    let (shown, more) = changes.split_at(changes.len().min(MAX_SHOWN));
    html! {
        @if overview.has_data() || !changes.is_empty() {
            section aria-labelledby="changes-title" {
                h2 #changes-title { "Last 24 hours" }
                @if changes.is_empty() { p.quiet { "No change was read." } }
                @else { ul.lines { @for (account, change) in shown { li { (line(account, change, overview)) } } } }
                @if !more.is_empty() { p.more { (more_changes(more, overview)) } }
                p.quiet { (coverage(&overview.accounts, &overview.site)) }
            }
        }
    }
}

/// The number of changes that are not shown, and where they are.
fn more_changes(more: &[(&AccountOverview, &Change)], overview: &Overview) -> Markup {
    let mut names: Vec<Option<&str>> = Vec::new();
    for (account, _) in more {
        if !names.contains(&account.name) {
            names.push(account.name);
        }
    }
    html! {
        (count(more.len(), "more change")) ": "
        @for (index, name) in names.iter().take(MAX_NAMES).enumerate() {
            @if index > 0 { ", " }
            a href={ (overview.site.page_url(&all_changes(*name))) "#changes" } { "all changes of " (account_name(*name)) }
        }
        @if names.len() > MAX_NAMES { ", and those of " (count(names.len() - MAX_NAMES, "more account")) }
    }
}

/// A list with all changes of the account. The default account is the only one.
fn all_changes(account: Option<&str>) -> Address {
    match account {
        Some(account) => Address::default().of_account(account),
        None => Address::default().sorted_by(Column::Verdict),
    }
}

/// All kept changes of one account, newest first.
pub(super) fn of_account(account: &AccountOverview, overview: &Overview) -> Markup {
    let changes = account.history.changes();
    html! {
        @if !changes.is_empty() {
            section #changes aria-labelledby="changes-title" {
                h2 #changes-title { "Changes" }
                ul.lines { @for change in changes { li { (line(account, change, overview)) } } }
                p.quiet { (coverage(std::slice::from_ref(account), &overview.site)) }
            }
        }
    }
}

/// What the changes cover: they begin with the exporter, and each account keeps the latest ones only.
fn coverage(accounts: &[AccountOverview], site: &Site) -> Markup {
    let histories = || accounts.iter().map(|account| account.history);
    let started = histories().filter_map(History::started_at);
    let dropped: u64 = histories().map(History::dropped).sum();
    html! {
        @match started.max() {
            Some(started) => { "Changes are recorded since " (site.time(started)) }
            None => "Changes are recorded from the first answer of the gateway on",
        }
        ", for each account the latest " (MAX_CHANGES) "."
        @if dropped > 0 { " " (count(dropped, "earlier change")) " " (choose(dropped, "is", "are")) " no longer kept." }
    }
}

fn line(account: &AccountOverview, change: &Change, overview: &Overview) -> Markup {
    let site = &overview.site;
    html! {
        p.line {
            span.quiet { (site.time(change.at)) }
            a href=(site.profile_url(account.name, &change.platform, &change.id)) { (named(&change.name, &change.id)) }
            span.quiet { (foreign(&change.platform)) }
            @if overview.has_several_accounts() { span.quiet { (account_name(account.name)) } }
            span { (what(change, site)) }
        }
    }
}

/// The recorded changes of one profile, newest first.
pub(super) fn recorded<'a>(
    account: &AccountOverview<'a>,
    platform: &str,
    id: &str,
) -> impl Iterator<Item = &'a Change> {
    let changes = account.history.changes().iter();
    changes.filter(move |change| change.platform == platform && change.id == id)
}

/// The changes of one profile, newest first.
pub(super) fn of_profile(
    platform: &str,
    id: &str,
    account: &AccountOverview,
    site: &Site,
) -> Markup {
    let mut changes = recorded(account, platform, id).peekable();
    html! {
        @if changes.peek().is_none() { p { "No change was read." } }
        ul.lines {
            @for change in changes { li { p.line { span.quiet { (site.time(change.at)) } span { (what(change, site)) } } } }
        }
        @if let Some(started) = account.history.started_at() {
            p.quiet {
                "Changes are recorded since " (site.time(started)) ", the latest "
                (MAX_CHANGES) " of the account."
            }
        }
    }
}

fn what(change: &Change, site: &Site) -> Markup {
    html! {
        @match &change.kind {
            ChangeKind::Appeared => "newly listed",
            ChangeKind::Disappeared => "no longer listed",
            ChangeKind::State { from, to } => { (from.as_str()) " → " strong { (to.as_str()) } }
            ChangeKind::TokenEnd { from: Some(from), to } => {
                "token end moved from " (site.stated_time(*from)) " to " (site.stated_time(*to))
            }
            ChangeKind::TokenEnd { from: None, to } => { "token ends " (site.stated_time(*to)) }
            ChangeKind::PermissionGranted(permission) => { "permission granted: " (foreign(permission)) }
            ChangeKind::PermissionLost(permission) => { "permission lost: " strong { (foreign(permission)) } }
        }
    }
}

/// Since when a profile has been in its state.
pub(super) fn since(since: Since, site: &Site) -> Markup {
    html! {
        @match since {
            Since::Observed(at) => { "since " (site.time(at)) }
            Since::AtLeast(at) => { "since " (site.time(at)) " or earlier" }
        }
    }
}
