//! The last line for people: what to do first.

use std::cmp::Reverse;

use super::audit::Audit;
use crate::plural::{choose, count};
use crate::record::{CheckState, Note, ProfileRow, Report};
use crate::verdict::{Action, Severity};
use crate::zone::Zone;

/// A sentence on the most urgent profile or note. It says that there is nothing to do only if everything was
/// read and is fine.
pub(super) fn first_step(audit: &Audit, report: &Report, zone: Zone) -> String {
    let row = most_urgent(&report.rows);
    let note = report
        .notes
        .first()
        .filter(|note| note.state != CheckState::Ok);
    match (row, note) {
        (Some(row), Some(note)) if precedes(note, row) => about_note(note),
        (Some(row), _) => about_row(row, report, zone),
        (None, Some(note)) => about_note(note),
        (None, None) => nothing(audit, report),
    }
}

/// The most urgent profile. One that counts as given up comes after others of the same severity.
fn most_urgent<'a>(rows: &'a [ProfileRow<'a>]) -> Option<&'a ProfileRow<'a>> {
    let rows = rows.iter().filter(|row| needs_somebody(row));
    rows.min_by_key(|row| {
        let verdict = &row.judged.verdict;
        (Reverse(verdict.severity), verdict.is_given_up())
    })
}

fn needs_somebody(row: &ProfileRow) -> bool {
    row.judged.verdict.severity != Severity::Fine
}

/// Whether the note is more urgent: it is worse, or it tells why the profile was not checked.
fn precedes(note: &Note, row: &ProfileRow) -> bool {
    let state = CheckState::from(row.judged.verdict.severity);
    note.state > state || (note.state, state) == (CheckState::Unknown, CheckState::Unknown)
}

fn about_note(note: &Note) -> String {
    format!("First: {note}")
}

fn about_row(row: &ProfileRow, report: &Report, zone: Zone) -> String {
    let others = report.rows.iter().filter(|row| needs_somebody(row)).count() - 1;
    let step = step(row, zone);
    match others {
        0 => format!("First: {step}."),
        _ => format!(
            "First: {step}. After that, {} {} somebody.",
            count(others, "more profile"),
            choose(others, "needs", "need")
        ),
    }
}

fn step(row: &ProfileRow, zone: Zone) -> String {
    let judged = &row.judged;
    let name = judged.profile.map(|profile| profile.name.trim());
    let name = name.filter(|name| !name.is_empty()).unwrap_or(judged.id);
    let account = row.account.map(|account| format!(", account {account}"));
    let who = format!(
        "{name} ({}{})",
        judged.platform,
        account.unwrap_or_default()
    );
    let end = judged.profile.and_then(|profile| profile.token_expires_at);
    match (judged.verdict.action(), end) {
        (Action::ReconnectNow, _) if judged.profile.is_none() => format!("connect {who}"),
        (Action::ReconnectNow, _) => format!("reconnect {who} now"),
        (Action::ReconnectInTime, Some(end)) => {
            format!("reconnect {who} before its token ends on {}", zone.day(end))
        }
        (Action::ReconnectInTime, None) => format!("reconnect {who} before its token ends"),
        (Action::GrantPermissions, _) => format!("grant the missing permissions of {who}"),
        (Action::CheckByHand, _) => format!("look at {who} in the Qlara dashboard"),
        (Action::DecideWhetherToKeep, _) => format!("reconnect {who}, or disconnect it for good"),
        (Action::LookInto | Action::Nothing, _) => format!("look into {who}"),
    }
}

fn nothing(audit: &Audit, report: &Report) -> String {
    let all = count(report.rows.len(), "profile");
    match (report.rows.is_empty(), audit.filter.is_empty()) {
        (true, _) => "No profile passes the filter.".to_owned(),
        (false, true) => format!("Nothing to do: {all} read, all fine."),
        (false, false) => format!("Nothing to do for the {all} shown."),
    }
}
