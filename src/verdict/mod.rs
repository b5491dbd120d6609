//! Judges profiles by one set of rules, for `check` and the page. The alerts follow the same rules as far
//! as PromQL can express them.

mod finding;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::gateway::model::Status;
use crate::snapshot::{ExpectedProfile, Profile, Snapshot};
pub(crate) use finding::{Cause, Cost, Finding, Severity, span};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Time left of a token below which its refresh is overdue. The gateway refreshes tokens 7 days before
/// their end; this leaves it one day.
pub(crate) const REFRESH_OVERDUE: Duration = DAY.saturating_mul(6);

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
        let ended = |finding: &Finding| match finding {
            Finding::TokenExpired(ago) => ago.and_then(|ago| ago.to_std().ok()),
            _ => None,
        };
        self.findings
            .iter()
            .filter_map(ended)
            .any(|ago| ago >= GIVEN_UP_AFTER)
    }

    /// A sort key that puts the most urgent verdict first: by severity, then by time left. A critical
    /// profile without a token counts as having no time left: its messages fail now.
    pub fn urgency(&self) -> impl Ord + use<> {
        let without_token = match self.severity {
            Severity::Critical => TimeDelta::zero(),
            _ => TimeDelta::MAX,
        };
        (Reverse(self.severity), self.left.unwrap_or(without_token))
    }
}

/// A listed profile, or an expected profile that is missing, with its verdict.
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

/// Whether the account expects a listed profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expectation {
    /// The account has no list of expected profiles.
    NotStated,
    /// The profile is among the expected ones.
    Expected,
    /// The profile is not among the expected ones.
    NotExpected,
}

/// Judges all listed and missing profiles of an account. The most urgent come first, and profiles of the
/// same urgency keep the gateway's order.
pub(crate) fn judge_snapshot<'a>(
    snapshot: &'a Snapshot,
    now: DateTime<Utc>,
    thresholds: &Thresholds,
) -> Vec<JudgedProfile<'a>> {
    let identity = |expected: &'a ExpectedProfile| (&*expected.platform, &*expected.id);
    let expected: HashSet<(&str, &str)> = snapshot.expected.iter().map(identity).collect();
    let listed = snapshot.profiles.iter().map(|profile| {
        let expectation = match (expected.is_empty(), &*profile.platform, &*profile.id) {
            (true, ..) => Expectation::NotStated,
            (false, platform, id) if expected.contains(&(platform, id)) => Expectation::Expected,
            _ => Expectation::NotExpected,
        };
        JudgedProfile {
            platform: &profile.platform,
            id: &profile.id,
            profile: Some(profile),
            verdict: judge(
                profile,
                now,
                thresholds,
                expectation,
                snapshot.states_expiry,
            ),
        }
    });
    let missing = snapshot
        .expected
        .iter()
        .filter(|expected| expected.present == Some(false));
    let missing = missing.map(|expected| JudgedProfile {
        platform: &expected.platform,
        id: &expected.id,
        profile: None,
        verdict: Verdict::new(vec![Finding::Missing], None),
    });
    let mut all: Vec<JudgedProfile> = listed.chain(missing).collect();
    all.sort_by_cached_key(|judged| judged.verdict.urgency());
    all
}

/// Judges a listed profile. `states_expiry` says whether the list has an expiry for any profile; if not,
/// a profile without one gets no finding.
pub(crate) fn judge(
    profile: &Profile,
    now: DateTime<Utc>,
    thresholds: &Thresholds,
    expectation: Expectation,
    states_expiry: bool,
) -> Verdict {
    // WhatsApp profiles have a connection instead of a token, whatever status the gateway reports.
    let has_token = profile.platform != "whatsapp";
    let expires_at = profile.token_expires_at.filter(|_| has_token);
    let left = expires_at.map(|end| end - now);
    let mut findings = Vec::new();
    let disconnected = || Finding::Disconnected(Cause::for_platform(&profile.platform));
    match profile.status {
        Status::Disconnected => findings.push(disconnected()),
        Status::TokenExpired | Status::TokenExpiring if !has_token => findings.push(disconnected()),
        Status::TokenExpiring => findings.push(Finding::RefreshFailed),
        Status::Unknown => findings.push(Finding::StatusUnknown),
        Status::Connected | Status::TokenExpired => {}
    }
    if has_token {
        findings.extend(judge_token(profile, left, thresholds, states_expiry));
    }
    findings.extend(
        profile
            .permissions()
            .filter(|(_, granted)| !granted)
            .map(|(permission, _)| Finding::PermissionMissing(permission.to_owned())),
    );
    if expectation == Expectation::NotExpected {
        findings.push(Finding::NotExpected);
    }
    Verdict::new(findings, left)
}

fn judge_token(
    profile: &Profile,
    left: Option<TimeDelta>,
    thresholds: &Thresholds,
    states_expiry: bool,
) -> Vec<Finding> {
    let ended = left.filter(|left| *left <= TimeDelta::zero());
    if profile.status == Status::TokenExpired || ended.is_some() {
        return vec![Finding::TokenExpired(ended.map(|left| -left))];
    }
    let Some(left) = left else {
        // The documentation describes tokens for these two platforms only.
        let documented = matches!(&*profile.platform, "facebook" | "instagram");
        let is_missed = documented && states_expiry && !profile.never_expires;
        return Vec::from_iter(is_missed.then_some(Finding::TokenEndUnknown));
    };
    // `left` is positive here, so the conversion succeeds.
    let time = left.to_std().unwrap_or_default();
    let mut findings = Vec::new();
    if time < thresholds.critical {
        findings.push(Finding::TokenEndImminent(left));
    } else if time < thresholds.warning {
        findings.push(Finding::TokenEndsSoon(left));
    }
    // A threshold below `REFRESH_OVERDUE` delays this finding as well.
    let overdue = time < REFRESH_OVERDUE.min(thresholds.warning.max(thresholds.critical));
    if overdue && profile.status == Status::Connected {
        findings.push(Finding::RefreshOverdue);
    }
    findings
}
