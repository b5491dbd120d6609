//! The table of profiles. On a narrow screen the stylesheet turns each row into a card; the ARIA roles keep
//! it a table for screen readers.

use maud::{Markup, html};

use super::elements::{ago, badge, short, stated_time, time};
use super::overview::{Overview, PageRow};
use crate::gateway::model::Status;
use crate::plural::{choose, count};
use crate::snapshot::Profile;
use crate::verdict::{Action, Finding, GIVEN_UP_AFTER, span};

/// The most urgent profiles, and the number of the others.
pub(super) fn table(overview: &Overview) -> Markup {
    let shown = overview.rows.len();
    if shown == 0 {
        return html! { p.none { (no_rows(overview)) } };
    }
    html! {
        table role="table" aria-labelledby="caption" {
            caption #caption {
                @if shown < overview.matching {
                    "The " (shown) " most urgent of " (count(overview.matching, "profile")) "; "
                    (overview.matching - shown) " more " (choose(overview.matching - shown, "is", "are"))
                    " not shown. Choose above to see others."
                } @else {
                    (count(shown, "profile")) ", the most urgent first"
                }
            }
            thead role="rowgroup" {
                tr role="row" {
                    th scope="col" role="columnheader" { "Verdict" }
                    th scope="col" role="columnheader" { @if overview.has_several_accounts() { "Profile and account" } @else { "Profile" } }
                    th scope="col" role="columnheader" { "Findings" }
                    th scope="col" role="columnheader" { "Status" }
                    th scope="col" role="columnheader" { "Token ends" }
                    th scope="col" role="columnheader" { "Last activity" }
                }
            }
            @for group in overview.rows.chunk_by(|a, b| a.judged.verdict.action() == b.judged.verdict.action()) {
                tbody role="rowgroup" {
                    (heading(group, overview))
                    @for row in group { (line(row, overview)) }
                }
            }
        }
    }
}

/// The heading of rows with the same action.
fn heading(rows: &[PageRow], overview: &Overview) -> Markup {
    let action = (rows.first()).map_or(Action::Nothing, |row| row.judged.verdict.action());
    let ends = rows
        .iter()
        .filter_map(|row| row.judged.profile?.token_expires_at);
    let first_end = ends.min().map(|end| overview.zone.day(end));
    let days = GIVEN_UP_AFTER.as_secs() / (24 * 60 * 60);
    html! {
        tr.group role="row" {
            th scope="rowgroup" role="rowheader" colspan="6" aria-colspan="6" {
                (action.heading(first_end))
                @if action == Action::DecideWhetherToKeep {
                    span.quiet {
                        "The token ended at least " (days) " days ago, so nobody is paged any more. "
                        "Reconnect the profile, or remove it from Qlara."
                    }
                }
            }
        }
    }
}

fn no_rows(overview: &Overview) -> &'static str {
    if overview.all.total() > 0 {
        "No profile matches the filter."
    } else if overview.accounts.iter().any(|account| account.has_data) {
        "No profiles are connected."
    } else {
        "The profiles are not known now; see the accounts above."
    }
}

fn line(row: &PageRow, overview: &Overview) -> Markup {
    let judged = &row.judged;
    html! {
        tr role="row" {
            td role="cell" { (badge(judged.verdict.severity)) }
            th scope="row" role="rowheader" {
                @if let Some(profile) = judged.profile {
                    bdi.name { (short(&profile.name)) }
                }
                span.id { bdi { (short(judged.platform)) } " · " bdi { (short(judged.id)) } }
                @if overview.has_several_accounts() { bdi.id { (short(row.account.unwrap_or_default())) } }
            }
            td.findings role="cell" data-label="Findings" { (findings(row)) }
            td.status role="cell" data-label="Status" {
                (judged.profile.map_or("not connected", |profile| Status::as_str(profile.status)))
            }
            td role="cell" data-label="Token ends" { (token(row, overview)) }
            td role="cell" data-label="Last activity" { (activity(row, overview)) }
        }
    }
}

/// The findings, worst first, and the advice for the worst one.
fn findings(row: &PageRow) -> Markup {
    let findings = &row.judged.verdict.findings;
    let advice = findings.first().map_or("nothing to do", Finding::advice);
    html! {
        @for finding in findings { bdi.finding { (short(&finding.to_string())) } }
        span.quiet { (advice) }
    }
}

fn token(row: &PageRow, overview: &Overview) -> Markup {
    let end = row
        .judged
        .profile
        .and_then(|profile| profile.token_expires_at);
    html! {
        @match (row.judged.verdict.left, end) {
            (Some(left), Some(end)) => {
                @if left.num_seconds() > 0 { "in " (span(left)) } @else { (span(left)) " ago" }
                span.quiet { (stated_time(end, overview.zone)) }
            }
            _ if row.judged.platform == "whatsapp" => span.quiet { "none" },
            _ if row.judged.profile.is_some_and(|profile| profile.never_expires) => span.quiet { "never" },
            _ => span.quiet { "not known" },
        }
    }
}

fn activity(row: &PageRow, overview: &Overview) -> Markup {
    let last = row.judged.profile.and_then(Profile::last_activity_at);
    html! {
        @match last {
            Some(last) => { (ago(last, overview.now)) span.quiet { (time(last, overview.zone)) } }
            None => span.quiet { "not known" },
        }
    }
}
