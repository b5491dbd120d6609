//! The facts about one profile, in the words of the API's documentation.

use maud::{Markup, html};

use super::changes;
use super::elements::{account_name, foreign, name};
use super::overview::{AccountOverview, Overview};
use super::table::token;
use crate::plural::count;
use crate::record::ProfileRow;
use crate::snapshot::Profile;
use crate::verdict::Cost;

/// Maximum number of linked accounts on the page.
const MAX_LINKED: usize = 50;

/// All facts about the profile. A fact that the gateway does not state says so.
pub(super) fn facts(row: &ProfileRow, account: &AccountOverview, overview: &Overview) -> Markup {
    let site = &overview.site;
    let judged = &row.judged;
    html! {
        dl.facts {
            (fact("Account", account_name(row.account)))
            (fact("Platform", foreign(judged.platform)))
            (fact("Identifier", foreign(judged.id)))
            (fact("Status", html! {
                (row.status_text())
                @if let Some(since) = row.since { span.quiet { (changes::since(since, site)) } }
            }))
            @if let Some(profile) = judged.profile {
                @let details = profile.details.as_ref();
                (text("Status in the gateway's words", profile.status_raw()))
                (fact("Name", name(&profile.name)))
                (text("Username", profile.username.as_deref()))
                (fact("Token ends", token(row, overview)))
                (fact("Connected at", or_not_stated(profile.connected_at.map(|time| site.time(time)))))
                (fact("Last activity", or_not_stated(profile.last_activity_at().map(|time| html! { (site.ago(time)) span.quiet { (site.time(time)) } }))))
                (text("Page id", details.and_then(|details| details.page_id.as_deref())))
                (text("Category", details.and_then(|details| details.category.as_deref())))
                (text("Phone number", profile.phone_number.as_deref()))
                (fact("Permissions", permissions(profile)))
                (fact("Linked accounts", linked(profile)))
                (fact("Details read", details_age(profile, account, overview)))
            }
        }
    }
}

fn fact(title: &str, value: Markup) -> Markup {
    html! { div { dt { (title) } dd { (value) } } }
}

fn text(title: &str, value: Option<&str>) -> Markup {
    fact(title, or_not_stated(value.map(foreign)))
}

fn or_not_stated(value: Option<Markup>) -> Markup {
    value.unwrap_or_else(|| html! { span.quiet { "not stated" } })
}

fn permissions(profile: &Profile) -> Markup {
    html! {
        @if !profile.has_permissions() {
            span.quiet { "not known" }
        } @else if profile.permissions().next().is_none() {
            "none granted, none required"
        } @else {
            ul.plain {
                @for (permission, granted) in profile.permissions() {
                    li {
                        (foreign(permission)) " "
                        @if granted { span.quiet { "granted" } }
                        @else { strong.missing { "missing: " (Cost::of_missing(permission).as_str()) } }
                    }
                }
            }
        }
    }
}

fn linked(profile: &Profile) -> Markup {
    let accounts = profile.linked_accounts();
    html! {
        @match profile.linked_count() {
            None => span.quiet { "not stated" },
            Some(number) => {
                (number)
                ul.plain {
                    @for account in accounts.iter().take(MAX_LINKED) {
                        li {
                            @if let Some(name) = &account.name { (foreign(name)) " · " }
                            (foreign(&account.id))
                        }
                    }
                }
                @if accounts.len() > MAX_LINKED { p { "and " (count(accounts.len() - MAX_LINKED, "more account")) } }
            }
        }
    }
}

/// When the details of the platform were read; older details are kept while the calls fail.
fn details_age(profile: &Profile, account: &AccountOverview, overview: &Overview) -> Markup {
    let site = &overview.site;
    let details = account
        .snapshot
        .and_then(|data| data.details.get(&profile.platform));
    let oldest = details.and_then(|details| details.oldest);
    let read_at = oldest.filter(|_| profile.details.is_some());
    html! {
        @match read_at {
            Some(read_at) => { (site.ago(read_at.wall)) span.quiet { (site.time(read_at.wall)) } }
            None => span.quiet { "not read" },
        }
    }
}
