//! How bad is it? The one set of rules for the audit and the page, and, as far as PromQL can, for the
//! alerts.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt::{self, Display};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::gateway::model::Status;
use crate::snapshot::{ExpectedProfile, Profile, Snapshot};

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

/// What a missing permission takes away (API page, "Permissions").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// No message can be sent.
    CannotSend,
    /// No metrics can be read.
    CannotReadMetrics,
    /// The configuration requires it, and knows why.
    Unknown,
}

impl Cost {
    /// What the permission is for.
    pub fn of(permission: &str) -> Cost {
        match permission {
            "pages_messaging" | "instagram_basic" | "instagram_manage_messages" => Cost::CannotSend,
            "pages_read_engagement" => Cost::CannotReadMetrics,
            _ => Cost::Unknown,
        }
    }

    /// The cost in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Cost::CannotSend => "cannot send",
            Cost::CannotReadMetrics => "cannot read metrics",
            Cost::Unknown => "part of its work fails",
        }
    }
}

/// One thing that is wrong with a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The token has ended, so long ago where that is known.
    TokenExpired(Option<TimeDelta>),
    /// The token ends within the critical threshold.
    TokenEndImminent(TimeDelta),
    /// The token ends within the warning threshold.
    TokenEndsSoon(TimeDelta),
    /// The gateway tried to refresh the token, and failed.
    RefreshFailed,
    /// The gateway should have refreshed the token, and says nothing.
    RefreshOverdue,
    /// There is a token, and nobody knows when it ends.
    TokenEndUnknown,
    /// The connection to the provider has trouble.
    Disconnected,
    /// The gateway reports a state that its documentation does not name.
    StatusUnknown,
    /// A required permission is not granted.
    PermissionMissing(String),
    /// The configuration expects the profile, and the gateway does not list it.
    Missing,
    /// The account states which profiles it expects, and this is none of them.
    NotExpected,
}

impl Finding {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self {
            Finding::TokenExpired(_)
            | Finding::TokenEndImminent(_)
            | Finding::Disconnected
            | Finding::Missing => Severity::Critical,
            Finding::TokenEndsSoon(_)
            | Finding::RefreshFailed
            | Finding::RefreshOverdue
            | Finding::TokenEndUnknown
            | Finding::StatusUnknown
            | Finding::PermissionMissing(_)
            | Finding::NotExpected => Severity::Warning,
        }
    }

    /// A name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Finding::TokenExpired(_) => "token_expired",
            Finding::TokenEndImminent(_) => "token_end_imminent",
            Finding::TokenEndsSoon(_) => "token_ends_soon",
            Finding::RefreshFailed => "refresh_failed",
            Finding::RefreshOverdue => "refresh_overdue",
            Finding::TokenEndUnknown => "token_end_unknown",
            Finding::Disconnected => "disconnected",
            Finding::StatusUnknown => "status_unknown",
            Finding::PermissionMissing(_) => "permission_missing",
            Finding::Missing => "missing",
            Finding::NotExpected => "not_expected",
        }
    }

    /// What somebody should do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Finding::TokenExpired(_) => {
                "Messages fail until somebody reconnects the profile in the Qlara dashboard."
            }
            Finding::TokenEndImminent(_) | Finding::TokenEndsSoon(_) | Finding::RefreshFailed => {
                "Reconnect the profile in the Qlara dashboard before messages fail."
            }
            Finding::RefreshOverdue => {
                "The gateway refreshes tokens 7 days before their end: reconnect the profile if it does not."
            }
            Finding::TokenEndUnknown => "Look in the Qlara dashboard when the token ends.",
            Finding::Disconnected => {
                "Messages fail: look at the connection to the provider in the Qlara dashboard."
            }
            Finding::StatusUnknown => "Look at the profile in the Qlara dashboard.",
            Finding::PermissionMissing(_) => {
                "Disconnect and reconnect the profile in the Qlara dashboard, and grant all permissions."
            }
            Finding::Missing => {
                "Connect the profile in the Qlara dashboard, or expect it no longer."
            }
            Finding::NotExpected => {
                "Add the profile to those that the configuration expects, or disconnect it."
            }
        }
    }
}

/// A short sentence for people. The name of a permission in it may hold anything.
impl Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::TokenExpired(Some(ago)) => write!(out, "token expired {} ago", span(*ago)),
            Finding::TokenExpired(None) => write!(out, "token expired"),
            Finding::TokenEndImminent(left) | Finding::TokenEndsSoon(left) => {
                write!(out, "token ends in {}", span(*left))
            }
            Finding::RefreshFailed => write!(out, "token refresh failed"),
            Finding::RefreshOverdue => write!(out, "token refresh overdue"),
            Finding::TokenEndUnknown => write!(out, "token expiry unknown"),
            Finding::Disconnected => write!(out, "disconnected"),
            Finding::StatusUnknown => write!(out, "status unknown"),
            Finding::PermissionMissing(permission) => {
                write!(
                    out,
                    "{}: {permission} missing",
                    Cost::of(permission).as_str()
                )
            }
            Finding::Missing => write!(out, "expected, but not connected"),
            Finding::NotExpected => write!(out, "connected, but not expected"),
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
            verdict: judge(profile, now, thresholds, expectation),
        }
    });
    let missing = snapshot
        .expected
        .iter()
        .filter(|expected| !expected.present);
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

/// What is to be said of a listed profile.
pub fn judge(
    profile: &Profile,
    now: DateTime<Utc>,
    thresholds: &Thresholds,
    expectation: Expectation,
) -> Verdict {
    // WhatsApp has a connection and no token, whatever the gateway says.
    let has_token = profile.platform != "whatsapp";
    let expires_at = profile.token_expires_at.filter(|_| has_token);
    let left = expires_at.map(|end| end - now);
    let mut findings = Vec::new();
    match profile.status {
        Status::Disconnected => findings.push(Finding::Disconnected),
        Status::TokenExpired | Status::TokenExpiring if !has_token => {
            findings.push(Finding::Disconnected);
        }
        Status::TokenExpiring => findings.push(Finding::RefreshFailed),
        Status::Unknown => findings.push(Finding::StatusUnknown),
        Status::Connected | Status::TokenExpired => {}
    }
    if has_token {
        findings.extend(judge_token(profile, left, thresholds));
    }
    let permissions = profile.details.permissions.iter();
    findings.extend(
        permissions
            .filter(|(_, granted)| !**granted)
            .map(|(permission, _)| Finding::PermissionMissing(permission.clone())),
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
) -> Vec<Finding> {
    let ended = left.filter(|left| *left <= TimeDelta::zero());
    if profile.status == Status::TokenExpired || ended.is_some() {
        return vec![Finding::TokenExpired(ended.map(|left| -left))];
    }
    let Some(left) = left else {
        // Of other platforms nobody knows whether they have tokens.
        let documented = matches!(&*profile.platform, "facebook" | "instagram");
        return Vec::from_iter(documented.then_some(Finding::TokenEndUnknown));
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

/// A span of time in its two largest units, `66d 12h`; the sign is left out.
pub fn span(time: TimeDelta) -> String {
    let minutes = time.num_minutes().abs();
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => "less than 1m".to_owned(),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}
