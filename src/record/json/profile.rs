//! A profile as JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::account::history::Since;
use crate::record::{ProfileRow, rfc3339};
use crate::snapshot::Profile;
use crate::verdict::{Cost, Finding};

#[derive(Serialize)]
pub(super) struct ProfileOut<'a> {
    account: Option<&'a str>,
    platform: &'a str,
    profile: &'a str,
    username: Option<&'a str>,
    name: Option<&'a str>,
    status: &'static str,
    status_raw: Option<&'a str>,
    since: Option<String>,
    since_at_least: Option<String>,
    token_expires_at: Option<String>,
    token_expires_on: Option<String>,
    token_seconds_left: Option<i64>,
    token_never_expires: bool,
    connected_at: Option<String>,
    phone_number: Option<&'a str>,
    page_id: Option<&'a str>,
    category: Option<&'a str>,
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

impl<'a> ProfileOut<'a> {
    pub(super) fn new(row: &ProfileRow<'a>) -> ProfileOut<'a> {
        let judged = &row.judged;
        let profile = judged.profile;
        let details = profile.and_then(|profile| profile.details.as_ref());
        let time = |of: fn(&Profile) -> Option<DateTime<Utc>>| profile.and_then(of).map(rfc3339);
        let permissions_are_known = profile.is_some_and(|it| it.permissions().next().is_some());
        ProfileOut {
            account: row.account,
            platform: judged.platform,
            profile: judged.id,
            username: profile.and_then(|profile| profile.username.as_deref()),
            name: profile.map(|profile| &*profile.name),
            status: row.status_text(),
            status_raw: profile.and_then(Profile::status_raw),
            since: row.since.and_then(Since::observed).map(rfc3339),
            since_at_least: row.since.and_then(Since::at_least).map(rfc3339),
            token_expires_at: time(|profile| Some(profile.token_expires_at?.to_utc())),
            token_expires_on: profile
                .and_then(|profile| profile.token_expires_at)
                .map(|end| end.date_naive().to_string()),
            token_seconds_left: judged.verdict.left.map(|left| left.num_seconds()),
            token_never_expires: profile.is_some_and(|profile| profile.never_expires),
            connected_at: time(|profile| profile.connected_at),
            phone_number: profile.and_then(|profile| profile.phone_number.as_deref()),
            page_id: details.and_then(|details| details.page_id.as_deref()),
            category: details.and_then(|details| details.category.as_deref()),
            last_activity_at: time(Profile::last_activity_at),
            permissions_granted: permissions_are_known.then(|| permissions(row, true).collect()),
            permissions_missing: permissions(row, false).map(missing).collect(),
            linked_accounts_count: profile.and_then(Profile::linked_count),
            linked_accounts: linked_accounts(row),
            verdict: judged.verdict.severity.as_str(),
            findings: judged.verdict.findings.iter().map(finding).collect(),
        }
    }

    /// Omits the time left until or since an event.
    pub(super) fn omit_passing_time(&mut self) {
        self.token_seconds_left = None;
        for finding in &mut self.findings {
            finding.text.clear();
        }
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
