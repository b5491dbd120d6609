//! The headline: what is broken, for whom, and by when somebody must act.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::accounts::data_age;
use super::address::Address;
use super::elements::{brief, brief_foreign, briefly_named, symbol};
use super::overview::{AccountOverview, Overview};
use super::problems::AccountProblem;
use super::troubles::{Attempts, Trouble, below, who};
use crate::plural::{count, span};
use crate::record::{CheckState, ProfileRow};
use crate::verdict::{Action, Severity};

/// Maximum number of names in a sentence.
const MAX_NAMES: usize = 3;
/// Maximum number of facts in the headline, if no more are urgent.
const MAX_FACTS: usize = 2;
/// Maximum number of causes in the headline for which accounts could not be read.
const MAX_CAUSES: usize = 2;

/// The headline as text, which is also the title: the worst facts, or that all profiles are fine. With a chosen account, it
/// is about that account only, whose name it starts with.
pub(super) fn text(overview: &Overview, address: &Address) -> String {
    match &address.filter.account {
        Some(account) => format!("{}: {}", brief(account), worst_facts(overview)),
        None => worst_facts(overview),
    }
}

fn worst_facts(overview: &Overview) -> String {
    let facts = facts(overview);
    if let [first, others @ ..] = &facts[..] {
        // With several accounts, a fact starts with a number or a name.
        let others = others
            .iter()
            .map(|fact| match overview.has_several_accounts() {
                true => format!(", {fact}"),
                false => format!(", {}", lower_first(fact)),
            });
        first.clone() + &others.collect::<String>()
    } else if overview.count_accounts(|account| account.is_new) > 0 {
        "Reading the profiles".to_owned()
    } else if overview.all.total() == 0 {
        "No profiles connected".to_owned()
    } else {
        "All profiles are fine".to_owned()
    }
}

/// What is wrong, worst first: all that is urgent, which accounts that could not be read may be, and some of the rest. Each
/// cause is one fact: profiles that were not checked because their account could not be read as a whole are no fact of
/// their own.
fn facts(overview: &Overview) -> Vec<String> {
    let all = overview.all;
    let silent = silent(overview).count();
    let fact =
        |number: usize, how| (number > 0).then(|| format!("{} {how}", count(number, "profile")));
    let mut facts = Vec::new();
    facts.extend(fact(silent, "cannot send"));
    facts.extend(fact(all.critical - silent, "about to fail"));
    facts.extend(unread_accounts(overview));
    let most = facts.len().max(MAX_FACTS);
    facts.extend(troubled_accounts(overview));
    facts.extend(fact(all.warning, "with a warning"));
    let not_checked = match facts.is_empty() {
        true => all.not_checked,
        false => not_checked_without_cause(overview),
    };
    facts.extend(fact(not_checked, "not checked"));
    facts.truncate(most);
    facts
}

/// The number of profiles that were not checked, although nothing is wrong with their accounts.
fn not_checked_without_cause(overview: &Overview) -> usize {
    let accounts = overview.accounts.iter();
    let known = accounts.filter(|account| account.own_state < CheckState::Unknown);
    known.map(|account| account.counts.not_checked).sum()
}

/// The accounts without data and the causes, or the cause alone if there is only one account.
fn unread_accounts(overview: &Overview) -> Option<String> {
    match &overview.accounts[..] {
        [account] if account.is_unread() => {
            let cause = account.problems.first().map(AccountProblem::headline);
            Some(cause.unwrap_or("The profiles are not known now").to_owned())
        }
        [_] => None,
        _ => {
            let number = overview.count_accounts(|account| account.is_unread());
            let causes = unread_causes(overview);
            let causes = match causes.len() {
                1..=MAX_CAUSES => format!(": {}", causes.join(", ")),
                _ => String::new(),
            };
            (number > 0).then(|| format!("{} not read{causes}", count(number, "account")))
        }
    }
}

/// In few words, each cause once.
fn unread_causes(overview: &Overview) -> Vec<&'static str> {
    let mut causes = Vec::new();
    for account in overview.accounts.iter().filter(|it| it.is_unread()) {
        let cause = account.problems.first().map(|problem| problem.short);
        causes.extend(cause.filter(|cause| !causes.contains(cause)));
    }
    causes
}

/// The problems of accounts with data.
fn troubled_accounts(overview: &Overview) -> Vec<String> {
    let mut troubles = overview.troubles();
    troubles.retain(|trouble| trouble.has_data() && trouble.is_cause());
    match (&troubles[..], overview.has_several_accounts()) {
        (troubles, false) => {
            let facts = troubles.iter().map(|trouble| trouble.problem.headline());
            facts.map(str::to_owned).collect()
        }
        ([], true) => Vec::new(),
        ([trouble], true) => vec![trouble.words()],
        ([first, ..], true) => {
            let has_trouble = |account: &AccountOverview| {
                let mut accounts = troubles.iter().flat_map(|trouble| &trouble.accounts);
                accounts.any(|troubled| std::ptr::eq(*troubled, account))
            };
            let number = overview.count_accounts(has_trouble);
            vec![match number {
                1 => first.words(),
                _ => format!("{} with problems", count(number, "account")),
            }]
        }
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// The severity of the headline: that of the worst account.
pub(super) fn severity(overview: &Overview) -> Severity {
    let states = overview.accounts.iter().map(AccountOverview::state);
    states.max().map_or(Severity::Warning, CheckState::verdict)
}

/// The headline with names, times and numbers. On a list it is short, so that the list begins on the first screen.
pub(super) fn headline(overview: &Overview, address: &Address) -> Markup {
    let severity = severity(overview);
    let text = text(overview, address);
    html! {
        div class={ "headline " (severity.as_str()) } {
            h1 { (symbol(severity)) " " (text) }
            @if address.is_overview() {
                (who_cannot_send(overview))
                (next_end(overview))
                (account_troubles(&text, overview))
            }
            (summary(overview, address))
        }
    }
}

/// The problems of accounts in full, or in few words if the profiles that need attention come first.
fn account_troubles(headline: &str, overview: &Overview) -> Markup {
    let troubles = overview.troubles();
    let (urgent, _) = overview.by_need();
    html! {
        @if urgent.is_empty() { (below(headline, &troubles, overview)) } @else { (not_read(&troubles, overview)) }
    }
}

/// The accounts whose lists cannot be read now, whether the page shows older data of them or none.
fn not_read(troubles: &[Trouble], overview: &Overview) -> Markup {
    let not_read = troubles
        .iter()
        .filter(|trouble| !trouble.has_data() || trouble.is_list_not_read());
    let not_read: Vec<&Trouble> = not_read.collect();
    html! {
        @if !not_read.is_empty() {
            p {
                "Not read now: "
                @for (index, trouble) in not_read.iter().take(MAX_NAMES).enumerate() {
                    @if index > 0 { ", " }
                    (who(trouble, overview, brief_foreign)) " (" (trouble.problem.short) ")"
                }
                // The times of several causes would push the first profile off a phone's first screen.
                @if let [trouble] = &not_read[..] && let Some(Attempts { since, next }) = trouble.attempts(&overview.site) {
                    "; not read since " (since) ", next attempt after " (next)
                }
                ": " a href="#troubles" { "what to do" } "."
            }
        }
    }
}

fn summary(overview: &Overview, address: &Address) -> Markup {
    html! {
        p {
            @if overview.has_data() { (overview.all.summary()) " · " }
            @match &overview.accounts[..] {
                [account] => (data_age(account, overview)),
                accounts => {
                    a href="#accounts" { (count(accounts.len(), "account")) }
                    (data_ages(accounts, overview))
                }
            }
            @if address.is_overview() && overview.has_data() { " · " a href="#search" { "search and filter" } }
        }
    }
}

/// How old the newest and the oldest data is.
fn data_ages(accounts: &[AccountOverview], overview: &Overview) -> Markup {
    let read = accounts.iter().filter(|account| account.has_data());
    let read: Vec<DateTime<Utc>> = read.filter_map(|account| account.read_at).collect();
    let age = |time: Option<&DateTime<Utc>>| time.map(|time| overview.site.age(*time));
    html! {
        @match (age(read.iter().max()), age(read.iter().min())) {
            (Some(newest), Some(oldest)) if newest == oldest => { " · Data read " (oldest) " ago" },
            (Some(newest), Some(oldest)) => { " · Data read " (newest) " to " (oldest) " ago" },
            _ => {}
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

/// The profile with its platform and, if there are several, its account.
fn link(row: &ProfileRow, overview: &Overview) -> Markup {
    let judged = &row.judged;
    html! {
        a href=(overview.site.profile_url(row.account, judged.platform, judged.id)) { (briefly_named(row.name(), judged.id)) }
        " (" (brief_foreign(judged.platform))
        @if let Some(account) = row.account.filter(|_| overview.has_several_accounts()) { ", " (brief_foreign(account)) }
        ")"
    }
}
