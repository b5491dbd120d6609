//! The profiles that the gateway no longer lists, as far as the changes of their accounts are kept.

use std::collections::HashSet;

use maud::{Markup, html};

use super::address::Address;
use super::elements::{account_name, foreign, named};
use super::overview::{AccountOverview, Overview};
use crate::account::history::{Change, ChangeKind, MAX_CHANGES};
use crate::plural::count;
use crate::snapshot::Snapshot;

/// Maximum number of profiles. One account has no more.
const MAX_SHOWN: usize = MAX_CHANGES;

/// The vanished profiles that match the filter, as links to what is still known about them.
pub(super) fn vanished(overview: &Overview, address: &Address) -> Markup {
    let mut all: Vec<_> = overview.accounts.iter().flat_map(of_account).collect();
    all.retain(|(account, change)| address.filter.matches_vanished(account.name, change));
    all.retain(|(account, change)| !is_known(account, change));
    all.sort_by_key(|(_, change)| std::cmp::Reverse(change.at));
    html! {
        @if !all.is_empty() {
            p.none { "No longer listed:" }
            ul.lines { @for (account, change) in all.iter().take(MAX_SHOWN) { li { (line(account, change, overview)) } } }
            @if all.len() > MAX_SHOWN {
                p.more { (count(all.len() - MAX_SHOWN, "more profile")) " no longer listed: choose an account or search for a name." }
            }
        }
    }
}

/// The profiles whose latest change is that they vanished.
fn of_account<'a>(
    account: &'a AccountOverview<'a>,
) -> impl Iterator<Item = (&'a AccountOverview<'a>, &'a Change)> {
    let mut seen: HashSet<(&str, &str)> = HashSet::new();
    let changes = account.history.changes().iter();
    let latest = changes.filter(move |change| seen.insert((&change.platform, &change.id)));
    let gone = latest.filter(|change| change.kind == ChangeKind::Disappeared);
    gone.map(move |change| (account, change))
}

/// Whether the profile came back without a recorded change, or has a row because it is expected.
fn is_known(account: &AccountOverview, change: &Change) -> bool {
    let snapshot = account.snapshot;
    snapshot.is_some_and(|snapshot| lists_or_expects(snapshot, &change.platform, &change.id))
}

/// Whether the data has the profile, or the configuration expects it.
pub(super) fn lists_or_expects(snapshot: &Snapshot, platform: &str, id: &str) -> bool {
    let mut listed = snapshot.profiles.iter();
    let mut expected = snapshot.expected.iter();
    listed.any(|it| it.platform == platform && it.id == id)
        || expected.any(|it| it.platform == platform && it.id == id)
}

fn line(account: &AccountOverview, change: &Change, overview: &Overview) -> Markup {
    let site = &overview.site;
    html! {
        p.line {
            a href=(site.profile_url(account.name, &change.platform, &change.id)) { (named(&change.name, &change.id)) }
            span.quiet { (foreign(&change.platform)) " · " (foreign(&change.id)) }
            @if overview.has_several_accounts() { span.quiet { (account_name(account.name)) } }
            span { "since " (site.time(change.at)) }
        }
    }
}
