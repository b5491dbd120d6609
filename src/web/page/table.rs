//! The table of profiles. On a narrow screen the stylesheet turns each row into a card; the ARIA roles keep it a table for
//! screen readers.

use maud::{Markup, html};

use super::address::{Address, Column};
use super::changes;
use super::elements::{account_name, advice, badge, foreign, name, short};
use super::overview::Overview;
use crate::config::Links;
use crate::plural::span;
use crate::record::ProfileRow;
use crate::verdict::{Action, GIVEN_UP_AFTER, Severity, Verdict};

/// The columns that the rows need: empty columns are left out.
struct Columns {
    has_token_ends: bool,
    has_activity: bool,
}

impl Columns {
    fn of(rows: &[&ProfileRow]) -> Columns {
        Columns {
            has_token_ends: rows.iter().any(|row| row.judged.verdict.left.is_some()),
            has_activity: rows.iter().any(|row| row.last_activity_at().is_some()),
        }
    }

    fn count(&self) -> usize {
        4 + usize::from(self.has_token_ends) + usize::from(self.has_activity)
    }
}

/// The rows, grouped by what to do if they are in the order by need.
pub(super) fn table(
    rows: &[&ProfileRow],
    caption: &str,
    overview: &Overview,
    address: &Address,
) -> Markup {
    let columns = Columns::of(rows);
    let same_group =
        |a: &&ProfileRow, b: &&ProfileRow| address.sort.is_some() || a.action() == b.action();
    html! {
        table.profiles role="table" {
            caption { (caption) }
            thead role="rowgroup" { (head(&columns, overview, address)) }
            @for group in rows.chunk_by(same_group) {
                tbody role="rowgroup" {
                    @if address.sort.is_none() { (heading(group, &columns, overview)) }
                    @for row in group { (line(row, &columns, overview)) }
                }
            }
        }
    }
}

fn head(columns: &Columns, overview: &Overview, address: &Address) -> Markup {
    html! {
        tr role="row" {
            (column(Column::Verdict, "Verdict", overview, address))
            (column(Column::Profile, "Profile", overview, address))
            th scope="col" role="columnheader" { "Findings and remedy" }
            (column(Column::Status, "Status", overview, address))
            @if columns.has_token_ends { (column(Column::TokenEnd, "Token ends", overview, address)) }
            @if columns.has_activity { (column(Column::Activity, "Last activity", overview, address)) }
        }
    }
}

fn column(column: Column, title: &str, overview: &Overview, address: &Address) -> Markup {
    let sort = address.sort.filter(|sort| sort.column == column);
    let direction = sort.map(|sort| match sort.is_descending {
        true => "descending",
        false => "ascending",
    });
    let url = overview.site.page_url(&address.sorted_by(column));
    html! {
        th scope="col" role="columnheader" aria-sort=[direction] {
            a href={ (url) "#profiles" } { (title) }
        }
    }
}

/// The heading of rows with the same action.
fn heading(rows: &[&ProfileRow], columns: &Columns, overview: &Overview) -> Markup {
    let action = rows.first().map_or(Action::Nothing, |row| row.action());
    let ends = rows
        .iter()
        .filter_map(|row| row.judged.profile?.token_expires_at);
    let zone = overview.site.zone();
    let first_end = ends.min();
    let today = zone.day(overview.site.now);
    let is_today = first_end.is_some_and(|end| end.date_naive().min(zone.day(end)) <= today);
    let given_up_days = GIVEN_UP_AFTER.as_secs() / (24 * 60 * 60);
    let width = columns.count();
    html! {
        tr.group role="row" {
            th scope="rowgroup" role="rowheader" colspan=(width) aria-colspan=(width) {
                (action.heading(first_end, is_today))
                @if action == Action::DecideWhetherToKeep {
                    span.quiet {
                        "The token ended at least " (given_up_days) " days ago: nobody is paged. "
                        "Reconnect the profile or remove it."
                    }
                }
            }
        }
    }
}

fn line(row: &ProfileRow, columns: &Columns, overview: &Overview) -> Markup {
    let site = &overview.site;
    html! {
        tr role="row" {
            td role="cell" { (badge(row.judged.verdict.severity)) }
            th scope="row" role="rowheader" { (profile(row, overview)) }
            td.findings role="cell" { (findings(&row.judged.verdict, site.links(row.account))) }
            td role="cell" data-label="Status" {
                span.word { (row.status_text()) }
                @if let Some(since) = row.since { span.quiet { (changes::since(since, site)) } }
            }
            @if columns.has_token_ends { td role="cell" data-label="Token ends" { (token(row, overview)) } }
            @if columns.has_activity {
                td role="cell" data-label="Last activity" {
                    @match row.last_activity_at() {
                        Some(last) => { (site.ago(last)) span.quiet { (site.time(last)) } }
                        None => span.quiet { "not known" },
                    }
                }
            }
        }
    }
}

/// The name with a link to the profile's page, the identifier and the account.
fn profile(row: &ProfileRow, overview: &Overview) -> Markup {
    let judged = &row.judged;
    html! {
        a.name href=(overview.site.profile_url(row.account, judged.platform, judged.id)) {
            @if judged.profile.is_some() { (name(row.name())) } @else { (foreign(judged.id)) }
        }
        span.id { (foreign(judged.platform)) " · " (foreign(judged.id)) }
        @if overview.has_several_accounts() { span.id { (account_name(row.account)) } }
    }
}

/// The findings, worst first, with their advice.
fn findings(verdict: &Verdict, links: Option<&Links>) -> Markup {
    html! {
        @for (findings, text) in verdict.by_advice() {
            @for finding in findings {
                span.finding.cannot-send[finding.severity() == Severity::Critical] { bdi { (short(&finding.to_string())) } }
            }
            span.quiet { (advice(text, links)) }
        }
        @if verdict.findings.is_empty() { span.quiet { "nothing to do" } }
    }
}

/// When the token ends.
pub(super) fn token(row: &ProfileRow, overview: &Overview) -> Markup {
    let profile = row.judged.profile;
    let end = profile.and_then(|profile| profile.token_expires_at);
    html! {
        @match (row.judged.verdict.left, end) {
            (Some(left), Some(end)) => {
                @if left.num_seconds() > 0 { "in " (span(left)) } @else { (span(left)) " ago" }
                span.quiet { (overview.site.stated_time(end)) }
            }
            _ if row.judged.platform == "whatsapp" => span.quiet { "none" },
            _ if profile.is_some_and(|profile| profile.never_expires) => span.quiet { "never" },
            _ => span.quiet { "not known" },
        }
    }
}
