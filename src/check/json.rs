//! JSON for programs. `docs/check.md` documents the keys, which are a stable interface.

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::audit::{AccountAudit, Audit, ProfileRow};
use super::notes::Note;
use super::report::Report;
use crate::snapshot::Profile;
use crate::verdict::{Cost, Finding};
use exporter_toolkit::printable::escaped_json;

/// Incremented when a documented key changes or is removed. New keys keep the version.
const VERSION: u32 = 1;

pub(super) fn write(audit: &Audit, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(&document(audit, report))?;
    writeln!(out, "{}", escaped_json(&text))
}

#[derive(Serialize)]
struct CheckDocument<'a> {
    version: u32,
    checked_at: String,
    state: &'static str,
    exit_code: u8,
    thresholds: ThresholdsOut,
    summary: SummaryOut,
    accounts: Vec<CheckedAccountOut<'a>>,
    notes: Vec<NoteOut<'a>>,
    profiles: Vec<ProfileOut<'a>>,
}

#[derive(Serialize)]
struct ThresholdsOut {
    warning_seconds: u64,
    critical_seconds: u64,
}

#[derive(Serialize)]
struct SummaryOut {
    profiles: usize,
    critical: usize,
    warning: usize,
    not_checked: usize,
    fine: usize,
}

#[derive(Serialize)]
struct CheckedAccountOut<'a> {
    account: Option<&'a str>,
    read_at: Option<String>,
    schema: Option<&'static str>,
    list_complete: Option<bool>,
}

#[derive(Serialize)]
struct NoteOut<'a> {
    account: Option<&'a str>,
    state: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct ProfileOut<'a> {
    account: Option<&'a str>,
    platform: &'a str,
    profile: &'a str,
    username: Option<&'a str>,
    name: Option<&'a str>,
    status: &'static str,
    token_expires_at: Option<String>,
    token_seconds_left: Option<i64>,
    token_never_expires: bool,
    connected_at: Option<String>,
    last_activity_at: Option<String>,
    permissions_granted: Option<Vec<&'a str>>,
    permissions_missing: Vec<MissingOut<'a>>,
    linked_accounts_count: Option<u64>,
    linked_accounts: Vec<LinkedOut<'a>>,
    verdict: &'static str,
    findings: Vec<FindingOut>,
}

#[derive(Serialize)]
struct MissingOut<'a> {
    permission: &'a str,
    cost: &'static str,
}

#[derive(Serialize)]
struct LinkedOut<'a> {
    id: &'a str,
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct FindingOut {
    code: &'static str,
    severity: &'static str,
    text: String,
    advice: &'static str,
}

fn document<'a>(audit: &'a Audit, report: &'a Report) -> CheckDocument<'a> {
    let state = report.state();
    CheckDocument {
        version: VERSION,
        checked_at: rfc3339(audit.checked_at),
        state: state.as_str(),
        exit_code: state.code(),
        thresholds: ThresholdsOut {
            warning_seconds: audit.thresholds.warning.as_secs(),
            critical_seconds: audit.thresholds.critical.as_secs(),
        },
        summary: SummaryOut {
            profiles: report.summary.profiles(),
            critical: report.summary.critical,
            warning: report.summary.warning,
            not_checked: report.summary.not_checked,
            fine: report.summary.fine,
        },
        accounts: audit.accounts.iter().map(account).collect(),
        notes: report.notes.iter().map(note).collect(),
        profiles: report.rows.iter().map(profile).collect(),
    }
}

fn account(account: &AccountAudit) -> CheckedAccountOut<'_> {
    let snapshot = account.snapshot.as_ref();
    CheckedAccountOut {
        account: account.name.as_deref(),
        read_at: snapshot.map(|snapshot| rfc3339(snapshot.read_at)),
        schema: snapshot.and_then(|snapshot| Some(snapshot.schema?.as_str())),
        list_complete: snapshot.map(|snapshot| snapshot.is_complete),
    }
}

fn note<'a>(note: &'a Note) -> NoteOut<'a> {
    NoteOut {
        account: note.account,
        state: note.state.as_str(),
        text: &note.text,
    }
}

fn profile<'a>(row: &'a ProfileRow) -> ProfileOut<'a> {
    let judged = &row.judged;
    let time = |of: fn(&Profile) -> Option<DateTime<Utc>>| judged.profile.and_then(of).map(rfc3339);
    let permissions_are_known = judged
        .profile
        .is_some_and(|profile| profile.permissions().next().is_some());
    ProfileOut {
        account: row.account,
        platform: judged.platform,
        profile: judged.id,
        username: judged
            .profile
            .and_then(|profile| profile.username.as_deref()),
        name: judged.profile.map(|profile| &*profile.name),
        status: row.status_text(),
        token_expires_at: time(|profile| Some(profile.token_expires_at?.to_utc())),
        token_seconds_left: judged.verdict.left.map(|left| left.num_seconds()),
        token_never_expires: judged.profile.is_some_and(|profile| profile.never_expires),
        connected_at: time(|profile| profile.connected_at),
        last_activity_at: time(Profile::last_activity_at),
        permissions_granted: permissions_are_known.then(|| permissions(row, true).collect()),
        permissions_missing: permissions(row, false).map(missing).collect(),
        linked_accounts_count: judged.profile.and_then(Profile::linked_count),
        linked_accounts: linked_accounts(row),
        verdict: judged.verdict.severity.as_str(),
        findings: judged.verdict.findings.iter().map(finding).collect(),
    }
}

fn permissions<'a>(row: &ProfileRow<'a>, granted: bool) -> impl Iterator<Item = &'a str> + use<'a> {
    let all = row
        .judged
        .profile
        .into_iter()
        .flat_map(Profile::permissions);
    all.filter(move |(_, is)| *is == granted)
        .map(|(permission, _)| permission)
}

fn linked_accounts<'a>(row: &ProfileRow<'a>) -> Vec<LinkedOut<'a>> {
    let listed = row
        .judged
        .profile
        .into_iter()
        .flat_map(Profile::linked_accounts);
    listed
        .map(|account| LinkedOut {
            id: &account.id,
            name: account.name.as_deref(),
        })
        .collect()
}

fn missing(permission: &str) -> MissingOut<'_> {
    MissingOut {
        permission,
        cost: Cost::of_missing(permission).as_str(),
    }
}

fn finding(finding: &Finding) -> FindingOut {
    FindingOut {
        code: finding.code(),
        severity: finding.severity().as_str(),
        text: finding.to_string(),
        advice: finding.advice(),
    }
}

/// RFC 3339 in UTC, to the second.
pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
