//! The headline: what is broken, for whom, and by when somebody must act.

use maud::{Markup, html};

use super::accounts::{attempts, data_age, problems};
use super::elements::{account_name, foreign, name, symbol};
use super::overview::{AccountOverview, Overview};
use crate::plural::{count, span};
use crate::record::{CheckState, ProfileRow};
use crate::verdict::{Action, Severity};

/// Maximum number of names in a sentence.
const MAX_NAMES: usize = 3;

/// The headline as text, which is also the title: the two worst facts, or that all profiles are fine.
pub(super) fn text(overview: &Overview) -> String {
    if let Some(cause) = single_cause(overview) {
        return cause.to_owned();
    }
    let all = overview.all;
    let silent = silent(overview).count();
    let facts = [
        (silent, "profile", "cannot send"),
        (all.critical - silent, "profile", "about to fail"),
        (
            overview.count_accounts(|account| account.is_unread()),
            "account",
            "not read",
        ),
        (
            overview.count_accounts(|it| it.has_data() && !it.problems.is_empty()),
            "account",
            "with problems",
        ),
        (all.warning, "profile", "with a warning"),
        (all.not_checked, "profile", "not checked"),
    ];
    let facts: Vec<String> = facts
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .take(2)
        .map(|(number, noun, how)| format!("{} {how}", count(number, noun)))
        .collect();
    if !facts.is_empty() {
        facts.join(", ")
    } else if overview.count_accounts(|account| account.is_new) > 0 {
        "Reading the profiles".to_owned()
    } else if all.total() == 0 {
        "No profiles connected".to_owned()
    } else {
        "All profiles are fine".to_owned()
    }
}

/// The severity of the headline: that of the worst account.
pub(super) fn severity(overview: &Overview) -> Severity {
    let states = overview.accounts.iter().map(AccountOverview::state);
    states.max().map_or(Severity::Warning, CheckState::verdict)
}

/// Why nothing is known, if the page shows a single account and it cannot be read.
fn single_cause<'a>(overview: &'a Overview) -> Option<&'a str> {
    match &overview.accounts[..] {
        [account] if account.is_unread() => {
            let problem = account.problems.first()?;
            Some(problem.what.trim_end_matches('.'))
        }
        _ => None,
    }
}

/// The headline with names, times and numbers.
pub(super) fn headline(overview: &Overview) -> Markup {
    let severity = severity(overview);
    html! {
        div class={ "headline " (severity.as_str()) } {
            h1 { (symbol(severity)) " " (text(overview)) }
            (who_cannot_send(overview))
            (next_end(overview))
            (unread_accounts(overview))
            p {
                @if overview.has_data() { (overview.all.summary()) }
                @match &overview.accounts[..] {
                    [account] => { @if overview.has_data() { " · " } (data_age(account, overview)) }
                    accounts => { @if overview.has_data() { " · " } a href="#accounts" { (count(accounts.len(), "account")) } }
                }
                @if overview.has_data() { " · " a href="#search" { "search and filter" } }
            }
        }
        @if let [account] = &overview.accounts[..] {
            @if let Some(failure) = account.failure { p.attempts { (attempts(failure, overview)) } }
            (problems(account, overview))
        }
    }
}

/// The rows whose messages fail now.
fn silent<'a>(overview: &'a Overview<'a>) -> impl Iterator<Item = &'a ProfileRow<'a>> {
    let rows = overview.rows.iter();
    rows.filter(|row| row.judged.verdict.fails_now())
}

fn who_cannot_send(overview: &Overview) -> Markup {
    let total = silent(overview).count();
    html! {
        @if total > 0 {
            p {
                "Cannot send: "
                @for (index, row) in silent(overview).take(MAX_NAMES).enumerate() {
                    @if index > 0 { ", " }
                    (link(row, overview))
                }
                @if total > MAX_NAMES { " and " (total - MAX_NAMES) " more" }
                "."
            }
        }
    }
}

/// The token that ends next among those that somebody must renew.
fn next_end(overview: &Overview) -> Markup {
    let rows = overview.rows.iter();
    let ending = rows.filter(|row| row.action() == Action::ReconnectInTime);
    let next = ending
        .filter_map(|row| Some((row.judged.verdict.left?, row)))
        .min_by_key(|(left, _)| *left);
    html! {
        @if let Some((left, row)) = next
            && let Some(end) = row.judged.profile.and_then(|profile| profile.token_expires_at) {
            p {
                "Reconnect next: " (link(row, overview)) ", whose token ends in " (span(left)) ", on "
                (overview.site.stated_time(end)) "."
            }
        }
    }
}

fn unread_accounts(overview: &Overview) -> Markup {
    let unread = || {
        overview
            .accounts
            .iter()
            .filter(|account| account.is_unread())
    };
    let total = unread().count();
    html! {
        @if overview.has_several_accounts() && total > 0 {
            p {
                "Not read: "
                @for (index, account) in unread().take(MAX_NAMES).enumerate() {
                    @if index > 0 { ", " }
                    (account_name(account.name))
                    @if let Some(problem) = account.problems.first() { " (" (problem.what.trim_end_matches('.')) ")" }
                }
                @if total > MAX_NAMES { " and " (total - MAX_NAMES) " more" }
                ". Their profiles are not known."
            }
        }
    }
}

fn link(row: &ProfileRow, overview: &Overview) -> Markup {
    let judged = &row.judged;
    html! {
        a href=(overview.site.profile_url(row.account, judged.platform, judged.id)) {
            @if judged.profile.is_some() { (name(row.name())) } @else { (foreign(judged.id)) }
        }
        " (" (foreign(judged.platform)) ")"
    }
}
