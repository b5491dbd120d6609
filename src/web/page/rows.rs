//! The table of profiles. On a narrow screen each row is a card; the roles keep it a table for
//! screen readers, whatever the stylesheet makes of it.

use maud::{Markup, html};

use super::audit::{Audit, Row};
use super::render::{badge, time};
use super::words::{ago, short};
use crate::gateway::model::Status;
use crate::plural::{choose, count};
use crate::snapshot::Profile;
use crate::verdict::{Finding, span};

/// The most urgent profiles, and how many others there are.
pub(super) fn table(audit: &Audit) -> Markup {
    let shown = audit.rows.len();
    if shown == 0 {
        return html! { p.none { (nothing(audit)) } };
    }
    html! {
        table role="table" aria-labelledby="caption" {
            caption #caption {
                @if shown < audit.matching {
                    "The " (shown) " most urgent of " (count(audit.matching, "profile")) "; "
                    (audit.matching - shown) " more " (choose(audit.matching - shown, "is", "are"))
                    " not shown. Choose above to see others."
                } @else {
                    (count(shown, "profile")) ", the most urgent first"
                }
            }
            thead role="rowgroup" {
                tr role="row" {
                    th scope="col" role="columnheader" { "Verdict" }
                    th scope="col" role="columnheader" { @if audit.has_accounts() { "Profile and account" } @else { "Profile" } }
                    th scope="col" role="columnheader" { "Findings" }
                    th scope="col" role="columnheader" { "Status" }
                    th scope="col" role="columnheader" { "Token ends" }
                    th scope="col" role="columnheader" { "Last activity" }
                }
            }
            tbody role="rowgroup" { @for row in &audit.rows { (line(row, audit)) } }
        }
    }
}

fn nothing(audit: &Audit) -> &'static str {
    if audit.overall.total() > 0 {
        "No profile is of this kind."
    } else if audit.accounts.iter().any(|account| account.has_data) {
        "No profiles are connected."
    } else {
        "Nothing is known of the profiles now; see the accounts above."
    }
}

fn line(row: &Row, audit: &Audit) -> Markup {
    let judged = &row.judged;
    html! {
        tr role="row" {
            td role="cell" { (badge(judged.verdict.severity)) }
            th scope="row" role="rowheader" {
                @if let Some(profile) = judged.profile {
                    bdi.name { (short(&profile.name)) }
                }
                span.id { bdi { (short(judged.platform)) } " · " bdi { (short(judged.id)) } }
                @if audit.has_accounts() { bdi.id { (short(row.account.unwrap_or_default())) } }
            }
            td.findings role="cell" data-label="Findings" { (findings(row)) }
            td.status role="cell" data-label="Status" {
                (judged.profile.map_or("not connected", |profile| Status::as_str(profile.status)))
            }
            td role="cell" data-label="Token ends" { (token(row)) }
            td role="cell" data-label="Last activity" { (activity(row, audit)) }
        }
    }
}

/// What is wrong, the worst first, and what to do about the worst.
fn findings(row: &Row) -> Markup {
    let findings = &row.judged.verdict.findings;
    let advice = findings.first().map_or("nothing to do", Finding::advice);
    html! {
        @for finding in findings { bdi.finding { (short(&finding.to_string())) } }
        span.quiet { (advice) }
    }
}

fn token(row: &Row) -> Markup {
    let end = row
        .judged
        .profile
        .and_then(|profile| profile.token_expires_at);
    html! {
        @match (row.judged.verdict.left, end) {
            (Some(left), Some(end)) => {
                @if left.num_seconds() > 0 { "in " (span(left)) } @else { (span(left)) " ago" }
                span.quiet { (time(end)) }
            }
            _ if row.judged.platform == "whatsapp" => span.quiet { "none" },
            _ => span.quiet { "not known" },
        }
    }
}

fn activity(row: &Row, audit: &Audit) -> Markup {
    let last = row.judged.profile.and_then(Profile::last_activity_at);
    html! {
        @match last {
            Some(moment) => { (ago(moment, audit.now)) span.quiet { (time(moment)) } }
            None => span.quiet { "not known" },
        }
    }
}
