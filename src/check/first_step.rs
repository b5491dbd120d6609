//! The last line for people: what to do first.

use std::cmp::Reverse;
use std::fmt::{self, Display};

use super::audit::Audit;
use crate::plural::{choose, continued, count};
use crate::record::{CheckState, Note, ProfileRow, Report};
use crate::verdict::{Action, Severity};

/// A sentence on what to do first.
#[derive(Debug, Default)]
pub(super) struct FirstStep {
    pub(super) before: &'static str,
    /// The name of the account or profile, if the sentence is about one.
    pub(super) name: Option<String>,
    pub(super) after: String,
}

impl Display for FirstStep {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or_default();
        write!(out, "{}{name}{}", self.before, self.after)
    }
}

/// A sentence on the most urgent profile or note. It says that there is nothing to do only if everything was
/// read and is fine.
pub(super) fn first_step(audit: &Audit, report: &Report) -> FirstStep {
    let row = most_urgent(&report.rows);
    let note = report
        .notes
        .first()
        .filter(|note| note.state != CheckState::Ok);
    match (row, note) {
        (Some(row), Some(note)) if precedes(note, row) => about_note(note),
        (Some(row), _) => about_row(row, report),
        (None, Some(note)) => about_note(note),
        (None, None) => nothing(audit, report),
    }
}

/// The most urgent profile. One that counts as given up comes after others of the same severity.
fn most_urgent<'a>(rows: &'a [ProfileRow<'a>]) -> Option<&'a ProfileRow<'a>> {
    let rows = rows.iter().filter(|row| needs_attention(row));
    rows.min_by_key(|row| {
        let verdict = &row.judged.verdict;
        (Reverse(verdict.severity), verdict.is_given_up())
    })
}

fn needs_attention(row: &ProfileRow) -> bool {
    row.judged.verdict.severity != Severity::Fine
}

/// Whether the note is more urgent: it is worse, or it tells why the profile was not checked.
fn precedes(note: &Note, row: &ProfileRow) -> bool {
    let state = CheckState::from(row.judged.verdict.severity);
    note.state > state || (note.state, state) == (CheckState::Unknown, CheckState::Unknown)
}

/// What to do about the note, which itself is above.
fn about_note(note: &Note) -> FirstStep {
    let advice = continued(&note.advice) + ".";
    match note.account {
        Some(account) => FirstStep {
            before: "First: account ",
            name: Some(account.to_owned()),
            after: format!(": {advice}"),
        },
        None => FirstStep {
            before: "First: ",
            name: None,
            after: advice,
        },
    }
}

fn about_row(row: &ProfileRow, report: &Report) -> FirstStep {
    let judged = &row.judged;
    let (before, object_end) = step(row);
    let name = row.visible_name().unwrap_or(judged.id);
    let account = row.account.map(|account| format!(", account {account}"));
    let account = account.unwrap_or_default();
    let others = report
        .rows
        .iter()
        .filter(|row| needs_attention(row))
        .count()
        - 1;
    let others = match others {
        0 => String::new(),
        _ => format!(
            " After that, {} {} attention.",
            count(others, "more profile"),
            choose(others, "needs", "need")
        ),
    };
    FirstStep {
        before,
        name: Some(name.to_owned()),
        after: format!(" ({}{account}){object_end}.{others}", judged.platform),
    }
}

/// What to do about a profile: the words before and after it.
fn step(row: &ProfileRow) -> (&'static str, String) {
    let profile = row.judged.profile;
    let end = profile.and_then(|profile| profile.token_expires_at);
    let (before, after) = match (row.judged.verdict.action(), end) {
        (Action::Connect, _) => ("First: connect ", ""),
        (Action::LookAtTheProvider, _) => ("First: look at the provider's connection of ", " now"),
        (Action::ReconnectNow, _) => ("First: reconnect ", " now"),
        (Action::ReconnectInTime, Some(end)) => {
            let after = format!(" before its token ends on {}", end.date_naive());
            return ("First: reconnect ", after);
        }
        (Action::ReconnectInTime, None) => ("First: reconnect ", " before its token ends"),
        (Action::GrantPermissionsToSend | Action::GrantPermissions, _) => {
            ("First: grant the missing permissions of ", "")
        }
        (Action::CheckByHand, _) => ("First: look at ", " in the Qlara dashboard"),
        (Action::DecideWhetherToKeep, _) => ("First: reconnect ", ", or disconnect it for good"),
        (Action::LookInto | Action::Nothing, _) => ("First: look into ", ""),
    };
    (before, after.to_owned())
}

fn nothing(audit: &Audit, report: &Report) -> FirstStep {
    let all = count(report.rows.len(), "profile");
    let after = match (report.rows.is_empty(), audit.filter.is_empty()) {
        (true, _) => "No profile passes the filter.".to_owned(),
        (false, true) => format!("Nothing to do: {all} read, all fine."),
        (false, false) => format!("Nothing to do for the {all} shown."),
    };
    FirstStep {
        after,
        ..FirstStep::default()
    }
}
