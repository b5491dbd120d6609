//! Judges profiles by one set of rules, for `check` and the page. The alerts follow the same rules as far
//! as PromQL can express them.

mod action;
mod alert;
mod finding;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::gateway::fields::Schema;
use crate::gateway::model::Status;
use crate::snapshot::{Profile, Snapshot};
pub(crate) use action::Action;
pub(crate) use finding::{Cause, Cost, Finding, Severity, Unread};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Time left of a token below which its refresh is overdue. The gateway refreshes tokens 7 days before
/// their end; this leaves it one day.
pub(crate) const REFRESH_OVERDUE: Duration = DAY.saturating_mul(6);

/// Age of data after which it does not tell whether a profile works now.
pub(crate) const OLD_AFTER: Duration = Duration::from_secs(30 * 60);

/// Time since the end of a token after which a profile counts as given up: nobody is paged for it any more.
pub(crate) const GIVEN_UP_AFTER: Duration = DAY.saturating_mul(14);

/// The time left of a token below which a profile is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Less time left is a warning.
    pub warning: Duration,
    /// Less time left is critical.
    pub critical: Duration,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds {
            warning: 7 * DAY,
            critical: 2 * DAY,
        }
    }
}

/// The findings of one profile and their severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The severity of the worst finding.
    pub severity: Severity,
    /// The findings, worst first.
    pub findings: Vec<Finding>,
    /// Time left of the token, negative once it has ended; `None` without a token.
    pub left: Option<TimeDelta>,
}

impl Verdict {
    fn new(mut findings: Vec<Finding>, left: Option<TimeDelta>) -> Verdict {
        findings.sort_by_key(|finding| Reverse(finding.severity()));
        Verdict {
            severity: findings.first().map_or(Severity::Fine, Finding::severity),
            findings,
            left,
        }
    }

    /// Whether the token ended so long ago that the profile counts as given up. Other failures have no known start.
    pub(crate) fn is_given_up(&self) -> bool {
        let ended = self.left.and_then(|left| (-left).to_std().ok());
        ended.is_some_and(|ago| ago >= GIVEN_UP_AFTER)
    }

    /// The findings by what to do about them, worst first: the same advice stands once, below all its findings.
    pub(crate) fn by_advice(&self) -> Vec<(Vec<&Finding>, &'static str)> {
        let mut groups: Vec<(Vec<&Finding>, &str)> = Vec::new();
        for finding in &self.findings {
            let advice = finding.advice();
            match groups.iter_mut().find(|(_, known)| *known == advice) {
                Some((findings, _)) => findings.push(finding),
                None => groups.push((vec![finding], advice)),
            }
        }
        groups
    }

    /// Whether messages through the profile fail now.
    pub(crate) fn fails_now(&self) -> bool {
        self.findings.iter().any(Finding::fails_now)
    }

    /// What somebody has to do about the profile: about its worst finding.
    pub(crate) fn action(&self) -> Action {
        match self.findings.first() {
            Some(_) if self.is_given_up() => Action::DecideWhetherToKeep,
            Some(worst) => worst.action(),
            None => Action::Nothing,
        }
    }

    /// A sort key that puts the most urgent verdict first: by severity, then by time left. A profile that cannot send
    /// has no time left, even if its token has not ended.
    pub fn urgency(&self) -> impl Ord + use<> {
        let left = self.left.unwrap_or(TimeDelta::MAX);
        let left = if self.fails_now() {
            left.min(TimeDelta::zero())
        } else {
            left
        };
        (Reverse(self.severity), left)
    }
}

/// A listed profile, or an expected profile that is missing or was not read, with its verdict.
#[derive(Debug, Clone)]
pub struct JudgedProfile<'a> {
    /// The platform.
    pub platform: &'a str,
    /// The stable identifier.
    pub id: &'a str,
    /// `None` if the profile is expected but not listed.
    pub profile: Option<&'a Profile>,
    /// The verdict.
    pub verdict: Verdict,
}

/// Judges all listed and missing profiles of an account. The most urgent come first, and profiles of the
/// same urgency keep the gateway's order.
pub(crate) fn judge_snapshot<'a>(
    snapshot: &'a Snapshot,
    now: DateTime<Utc>,
    thresholds: &Thresholds,
) -> Vec<JudgedProfile<'a>> {
    let judge = Judge::new(snapshot, now, thresholds);
    let listed = snapshot.profiles.iter().map(|profile| JudgedProfile {
        platform: &profile.platform,
        id: &profile.id,
        profile: Some(profile),
        verdict: judge.judge(profile),
    });
    let mut all: Vec<JudgedProfile> = listed.chain(judge_unlisted(snapshot)).collect();
    all.sort_by_cached_key(|judged| judged.verdict.urgency());
    all
}

/// Judges the expected profiles that the snapshot does not have: they are missing, or past the part of the list that was
/// read.
fn judge_unlisted(snapshot: &Snapshot) -> impl Iterator<Item = JudgedProfile<'_>> {
    let listed = snapshot.profiles.iter();
    let listed: HashSet<(&str, &str)> = listed.map(|it| (&*it.platform, &*it.id)).collect();
    let expected = snapshot.expected.iter();
    let unlisted = expected.filter(move |it| !listed.contains(&(&*it.platform, &*it.id)));
    unlisted.map(|expected| {
        let finding = match expected.present {
            Some(false) => Finding::Missing,
            _ => Finding::ExpectedUnread,
        };
        JudgedProfile {
            platform: &expected.platform,
            id: &expected.id,
            profile: None,
            verdict: Verdict::new(vec![finding], None),
        }
    })
}

/// Judges listed profiles, with what the snapshot as a whole tells about each of them.
struct Judge<'a> {
    snapshot: &'a Snapshot,
    now: DateTime<Utc>,
    thresholds: &'a Thresholds,
    /// Platform and id of the expected profiles; empty if the account has no list of them.
    expected: HashSet<(&'a str, &'a str)>,
    /// Platforms that need permissions. A profile without them has not been checked.
    states_permissions: HashSet<&'a str>,
}

impl<'a> Judge<'a> {
    fn new(snapshot: &'a Snapshot, now: DateTime<Utc>, thresholds: &'a Thresholds) -> Judge<'a> {
        let expected = snapshot.expected.iter();
        Judge {
            snapshot,
            now,
            thresholds,
            expected: expected.map(|it| (&*it.platform, &*it.id)).collect(),
            states_permissions: platforms_that_state_permissions(snapshot),
        }
    }

    fn judge(&self, profile: &Profile) -> Verdict {
        // WhatsApp profiles have a connection instead of a token, whatever status the gateway reports.
        let has_token = profile.platform != "whatsapp";
        let expires_at = profile.token_expires_at.filter(|_| has_token);
        let left = expires_at.map(|end| end.to_utc() - self.now);
        let mut findings = Vec::new();
        findings.extend(status_finding(profile, has_token));
        if has_token {
            findings.extend(self.token_findings(profile, left));
        }
        findings.extend(self.permission_findings(profile));
        if !self.is_expected(profile) {
            findings.push(Finding::NotExpected);
        }
        let age = self.now - self.snapshot.read_at;
        if age.to_std().is_ok_and(|age| age > OLD_AFTER) {
            findings.push(Finding::DataOld(age));
        }
        Verdict::new(findings, left)
    }

    fn is_expected(&self, profile: &Profile) -> bool {
        let identity = (&*profile.platform, &*profile.id);
        self.expected.is_empty() || self.expected.contains(&identity)
    }

    fn permission_findings(&self, profile: &Profile) -> Vec<Finding> {
        if !profile.has_permissions() && self.states_permissions.contains(&*profile.platform) {
            return vec![Finding::PermissionsUnknown(self.why_unread(profile))];
        }
        let missing = profile.permissions().filter(|(_, granted)| !granted);
        missing
            .map(|(permission, _)| Finding::PermissionMissing(permission.to_owned()))
            .collect()
    }

    fn why_unread(&self, profile: &Profile) -> Unread {
        match self.snapshot.details.get(&profile.platform) {
            Some(details) if details.is_blocked_by_token => Unread::BlockedByToken,
            Some(details) if !details.up || details.is_incomplete => Unread::DetailsFailed,
            _ => Unread::Omitted,
        }
    }

    fn token_findings(&self, profile: &Profile, left: Option<TimeDelta>) -> Vec<Finding> {
        let ended = left.filter(|left| *left <= TimeDelta::zero());
        if profile.status == Status::TokenExpired || ended.is_some() {
            return vec![Finding::TokenExpired(ended.map(|left| -left))];
        }
        let Some(left) = left else {
            // The documentation describes tokens for these two platforms only. A list without any expiry says
            // nothing about single profiles.
            let documented = matches!(&*profile.platform, "facebook" | "instagram");
            let is_missed = documented && self.snapshot.states_expiry && !profile.never_expires;
            return Vec::from_iter(is_missed.then_some(Finding::TokenEndUnknown));
        };
        let Thresholds { warning, critical } = *self.thresholds;
        // `left` is positive here, so the conversion succeeds.
        let time = left.to_std().unwrap_or_default();
        let mut findings = Vec::new();
        if time < critical {
            findings.push(Finding::TokenEndImminent(left));
        } else if time < warning {
            findings.push(Finding::TokenEndsSoon(left));
        }
        // A threshold below `REFRESH_OVERDUE` delays this finding as well.
        let overdue = time < REFRESH_OVERDUE.min(warning.max(critical));
        if overdue && profile.status == Status::Connected {
            findings.push(Finding::RefreshOverdue);
        }
        findings
    }
}

fn status_finding(profile: &Profile, has_token: bool) -> Option<Finding> {
    let disconnected = Finding::Disconnected(Cause::for_platform(&profile.platform));
    match profile.status {
        Status::Disconnected => Some(disconnected),
        Status::TokenExpired | Status::TokenExpiring if !has_token => Some(disconnected),
        Status::TokenExpiring => Some(Finding::RefreshFailed),
        Status::Unknown => Some(Finding::StatusUnknown),
        Status::Connected | Status::TokenExpired => None,
    }
}

/// The platforms that need permissions and whose permissions should be known. The reference speaks of no permissions, so
/// with it they are those whose details could not be read as a whole, or state the permissions of at least one profile.
fn platforms_that_state_permissions(snapshot: &Snapshot) -> HashSet<&str> {
    let needed = snapshot.platforms_with_permissions.iter();
    let needed = needed.map(String::as_str);
    if snapshot.schema != Some(Schema::Reference) {
        return needed.collect();
    }
    let details = snapshot.details.iter();
    let unread = details.filter(|(_, details)| !details.up || details.is_incomplete);
    let unread = unread.map(|(platform, _)| &**platform);
    let profiles = snapshot.profiles.iter();
    let stated = profiles.filter(|profile| profile.has_permissions());
    let stated = stated.map(|profile| &*profile.platform);
    let stating: HashSet<&str> = unread.chain(stated).collect();
    needed
        .filter(|platform| stating.contains(platform))
        .collect()
}
