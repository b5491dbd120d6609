//! How bad is it? The one set of rules for the audit and the page, and, as far as PromQL can, for the
//! alerts.

mod finding;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::gateway::model::Status;
use crate::snapshot::{ExpectedProfile, Profile, Snapshot};
pub use finding::{Cause, Cost, Finding, span};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The gateway refreshes a token 7 days before its end. A day later that is overdue.
pub const REFRESH_OVERDUE: Duration = DAY.saturating_mul(6);

/// How bad something is, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing to do.
    Fine,
    /// Something to do before it gets worse.
    Warning,
    /// Messages fail, or will very soon.
    Critical,
}

impl Severity {
    /// The word, as in the label `severity` of the alerts.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Fine => "fine",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// How little time may be left of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Less is a warning.
    pub warning: Duration,
    /// Less is critical.
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

/// What is to be said of one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// That of the worst finding.
    pub severity: Severity,
    /// What is wrong, the worst first.
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

    /// A key to sort by, the most urgent first: by severity, then by time left. What is critical
    /// without a token to wait for fails now.
    pub fn urgency(&self) -> impl Ord + use<> {
        let without_token = match self.severity {
            Severity::Critical => TimeDelta::zero(),
            _ => TimeDelta::MAX,
        };
        (Reverse(self.severity), self.left.unwrap_or(without_token))
    }
}

/// A profile, or the lack of one that is expected, and what is to be said of it.
#[derive(Debug, Clone)]
pub struct Judged<'a> {
    /// The channel.
    pub platform: &'a str,
    /// The stable identifier.
    pub id: &'a str,
    /// `None`: expected, but not listed.
    pub profile: Option<&'a Profile>,
    /// The verdict.
    pub verdict: Verdict,
}

/// Whether a listed profile is one that the account expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// The account states no expectations.
    NotStated,
    /// It does, and expects this profile.
    Expected,
    /// It does, and not this profile.
    NotExpected,
}

/// All of an account, the most urgent first, else in the gateway's order.
pub fn judge_all<'a>(
    snapshot: &'a Snapshot,
    now: DateTime<Utc>,
    thresholds: &Thresholds,
) -> Vec<Judged<'a>> {
    let identity = |expected: &'a ExpectedProfile| (&*expected.platform, &*expected.id);
    let expected: HashSet<(&str, &str)> = snapshot.expected.iter().map(identity).collect();
    let listed = snapshot.profiles.iter().map(|profile| {
        let expectation = match (expected.is_empty(), &*profile.platform, &*profile.id) {
            (true, ..) => Expectation::NotStated,
            (false, platform, id) if expected.contains(&(platform, id)) => Expectation::Expected,
            _ => Expectation::NotExpected,
        };
        Judged {
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
    let missing = missing.map(|expected| Judged {
        platform: &expected.platform,
        id: &expected.id,
        profile: None,
        verdict: Verdict::new(vec![Finding::Missing], None),
    });
    let mut all: Vec<Judged> = listed.chain(missing).collect();
    all.sort_by_cached_key(|judged| judged.verdict.urgency());
    all
}

/// What is to be said of a listed profile. `states_expiry` tells whether its list states of any
/// profile when the token ends: where no entry does, one that does not is nothing special.
pub fn judge(
    profile: &Profile,
    now: DateTime<Utc>,
    thresholds: &Thresholds,
    expectation: Expectation,
    states_expiry: bool,
) -> Verdict {
    // WhatsApp has a connection and no token, whatever the gateway says.
    let has_token = profile.platform != "whatsapp";
    let expires_at = profile.token_expires_at.filter(|_| has_token);
    let left = expires_at.map(|end| end - now);
    let mut findings = Vec::new();
    let disconnected = || Finding::Disconnected(Cause::on(&profile.platform));
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
        // Of other platforms nobody knows whether they have tokens.
        let documented = matches!(&*profile.platform, "facebook" | "instagram");
        return Vec::from_iter((documented && states_expiry).then_some(Finding::TokenEndUnknown));
    };
    // It has not ended, so this cannot fail.
    let time = left.to_std().unwrap_or_default();
    let mut findings = Vec::new();
    if time < thresholds.critical {
        findings.push(Finding::TokenEndImminent(left));
    } else if time < thresholds.warning {
        findings.push(Finding::TokenEndsSoon(left));
    }
    // Whoever asks to be warned later is told nothing sooner.
    let overdue = time < REFRESH_OVERDUE.min(thresholds.warning.max(thresholds.critical));
    if overdue && profile.status == Status::Connected {
        findings.push(Finding::RefreshOverdue);
    }
    findings
}
