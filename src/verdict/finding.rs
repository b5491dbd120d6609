//! The findings about a profile, with their severity, text and advice.

use std::fmt::{self, Display};

use chrono::TimeDelta;

use super::action::Action;
use crate::gateway::model::KNOWN_PLATFORMS;
use crate::plural::span;

/// The severity of a finding or a profile, ordered from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing to do.
    Fine,
    /// Something could not be read, and nothing worse is known.
    NotChecked,
    /// Something needs attention before it gets worse.
    Warning,
    /// Messages fail, or will fail very soon.
    Critical,
}

impl Severity {
    /// All, from bad to good.
    pub(crate) const ALL: [Severity; 4] = [
        Severity::Critical,
        Severity::Warning,
        Severity::NotChecked,
        Severity::Fine,
    ];

    /// The name for programs. `critical` and `warning` are values of the label `severity` of the alerts.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Fine => "fine",
            Severity::NotChecked => "not_checked",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }

    /// The name for people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Severity::NotChecked => "not checked",
            known => known.as_str(),
        }
    }
}

/// The effect of a missing permission (API page, "Permissions").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    /// The profile cannot send messages.
    CannotSend,
    /// The metrics of the profile cannot be read.
    CannotReadMetrics,
    /// The documentation does not say. The configuration requires the permission.
    Unknown,
}

impl Cost {
    /// The effect of a missing `permission`.
    pub(crate) fn of_missing(permission: &str) -> Cost {
        match permission {
            "pages_messaging" | "instagram_basic" | "instagram_manage_messages" => Cost::CannotSend,
            "pages_read_engagement" => Cost::CannotReadMetrics,
            _ => Cost::Unknown,
        }
    }

    /// The effect as text, as in the JSON of `check`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Cost::CannotSend => "cannot send",
            Cost::CannotReadMetrics => "cannot read metrics",
            Cost::Unknown => "part of its work fails",
        }
    }
}

/// Why a profile is disconnected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Its OAuth token has expired or was revoked (the API's reference page, `disconnected`).
    Token,
    /// Its connection to the WhatsApp Business API provider failed (UC-017, `DISCONNECTED`).
    Provider,
    /// Neither description of the API covers its platform.
    Unknown,
}

impl Cause {
    /// The cause of a disconnected profile on this platform.
    pub fn for_platform(platform: &str) -> Cause {
        match platform {
            "whatsapp" => Cause::Provider,
            platform if KNOWN_PLATFORMS.contains(&platform) => Cause::Token,
            _ => Cause::Unknown,
        }
    }
}

/// Why the permissions of a profile are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// The details of the platform could not be read, or only a part of them.
    DetailsFailed,
    /// The gateway gives no details of the platform while one of its tokens has expired.
    BlockedByToken,
    /// The details do not have them.
    Omitted,
}

/// One problem of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The token has ended; holds the time since then, if it is known.
    TokenExpired(Option<TimeDelta>),
    /// The token ends within the critical threshold.
    TokenEndImminent(TimeDelta),
    /// The token ends within the warning threshold.
    TokenEndsSoon(TimeDelta),
    /// The gateway failed to refresh the token.
    RefreshFailed,
    /// The gateway should have refreshed the token by now, and reports no failure.
    RefreshOverdue,
    /// The gateway does not state when the token ends.
    TokenEndUnknown,
    /// The profile is disconnected.
    Disconnected(Cause),
    /// The gateway reports a state that its documentation does not name.
    StatusUnknown,
    /// The permissions that the profile needs are not known.
    PermissionsUnknown(Unread),
    /// The data is too old to tell whether the profile works now; holds its age.
    DataOld(TimeDelta),
    /// A required permission is not granted.
    PermissionMissing(String),
    /// The configuration expects the profile, but the gateway does not list it.
    Missing,
    /// The configuration expects the profile, and the part of the list that could be read does not have it.
    ExpectedUnread,
    /// The account has a list of expected profiles, which does not contain this profile.
    NotExpected,
}

impl Finding {
    /// The severity of the finding.
    pub fn severity(&self) -> Severity {
        match self {
            Finding::TokenExpired(_)
            | Finding::TokenEndImminent(_)
            | Finding::Disconnected(_)
            | Finding::Missing => Severity::Critical,
            Finding::PermissionsUnknown(_) | Finding::DataOld(_) | Finding::ExpectedUnread => {
                Severity::NotChecked
            }
            Finding::TokenEndsSoon(_)
            | Finding::RefreshFailed
            | Finding::RefreshOverdue
            | Finding::TokenEndUnknown
            | Finding::StatusUnknown
            | Finding::NotExpected => Severity::Warning,
            Finding::PermissionMissing(permission) => match Cost::of_missing(permission) {
                Cost::CannotSend => Severity::Critical,
                Cost::CannotReadMetrics | Cost::Unknown => Severity::Warning,
            },
        }
    }

    /// Whether messages through the profile fail now.
    pub(super) fn fails_now(&self) -> bool {
        match self {
            Finding::TokenExpired(_) | Finding::Disconnected(_) | Finding::Missing => true,
            Finding::PermissionMissing(permission) => {
                Cost::of_missing(permission) == Cost::CannotSend
            }
            _ => false,
        }
    }

    /// A stable identifier for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Finding::TokenExpired(_) => "token_expired",
            Finding::TokenEndImminent(_) => "token_end_imminent",
            Finding::TokenEndsSoon(_) => "token_ends_soon",
            Finding::RefreshFailed => "refresh_failed",
            Finding::RefreshOverdue => "refresh_overdue",
            Finding::TokenEndUnknown => "token_end_unknown",
            Finding::Disconnected(_) => "disconnected",
            Finding::StatusUnknown => "status_unknown",
            Finding::PermissionsUnknown(_) => "permissions_unknown",
            Finding::DataOld(_) => "data_old",
            Finding::PermissionMissing(_) => "permission_missing",
            Finding::Missing => "missing",
            Finding::ExpectedUnread => "expected_unread",
            Finding::NotExpected => "not_expected",
        }
    }

    /// The kind of work that mends it.
    pub(crate) fn action(&self) -> Action {
        match self {
            Finding::Disconnected(Cause::Provider) => Action::LookAtTheProvider,
            Finding::TokenExpired(_) | Finding::Disconnected(_) => Action::ReconnectNow,
            Finding::Missing => Action::Connect,
            Finding::TokenEndImminent(_)
            | Finding::TokenEndsSoon(_)
            | Finding::RefreshFailed
            | Finding::RefreshOverdue => Action::ReconnectInTime,
            Finding::PermissionMissing(_) if self.fails_now() => Action::GrantPermissionsToSend,
            Finding::PermissionMissing(_) => Action::GrantPermissions,
            Finding::TokenEndUnknown | Finding::StatusUnknown | Finding::NotExpected => {
                Action::LookInto
            }
            Finding::PermissionsUnknown(_) | Finding::DataOld(_) | Finding::ExpectedUnread => {
                Action::CheckByHand
            }
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Finding::TokenExpired(_) => {
                "Messages fail until somebody reconnects the profile in the Qlara dashboard."
            }
            Finding::TokenEndImminent(_) | Finding::TokenEndsSoon(_) | Finding::RefreshFailed => {
                "Reconnect the profile in the Qlara dashboard before messages fail."
            }
            Finding::RefreshOverdue => {
                "The gateway refreshes tokens 7 days before their end. If it does not, reconnect the profile."
            }
            Finding::TokenEndUnknown => "Find out in the Qlara dashboard when the token ends.",
            Finding::Disconnected(Cause::Token) => {
                "Messages fail until somebody reconnects the profile in the Qlara dashboard."
            }
            Finding::Disconnected(Cause::Provider) => {
                "Messages fail: look at the connection to the provider in the Qlara dashboard."
            }
            Finding::Disconnected(Cause::Unknown) => {
                "Messages fail: look at the profile in the Qlara dashboard, and reconnect it there."
            }
            Finding::StatusUnknown => "Look at the profile in the Qlara dashboard.",
            Finding::PermissionsUnknown(Unread::DetailsFailed) => {
                "Look at the permissions of the profile in the Qlara dashboard, until the gateway can be asked for them again."
            }
            Finding::PermissionsUnknown(Unread::BlockedByToken) => {
                "Reconnect the profiles of the platform whose tokens have expired: the gateway answers for no other until then."
            }
            Finding::PermissionsUnknown(Unread::Omitted) => {
                "Look at the permissions of the profile in the Qlara dashboard. If the gateway never states any, require none in the configuration file."
            }
            Finding::DataOld(_) => {
                "Look at the profile in the Qlara dashboard, until the gateway can be read again."
            }
            Finding::PermissionMissing(_) => {
                "Disconnect and reconnect the profile in the Qlara dashboard, and grant all permissions."
            }
            Finding::Missing => {
                "Connect the profile in the Qlara dashboard, or remove it from the expected profiles of the configuration."
            }
            Finding::ExpectedUnread => {
                "Look for the profile in the Qlara dashboard: the exporter could not read the whole list."
            }
            Finding::NotExpected => {
                "Add the profile to the expected profiles of the configuration, or disconnect it."
            }
        }
    }
}

/// A short sentence for people. It may contain the name of a permission, which is not escaped.
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
            Finding::Disconnected(Cause::Token) => {
                write!(out, "disconnected: token expired or revoked")
            }
            Finding::Disconnected(Cause::Provider) => {
                write!(out, "disconnected: trouble at the provider")
            }
            Finding::Disconnected(Cause::Unknown) => write!(out, "disconnected"),
            Finding::StatusUnknown => write!(out, "status unknown"),
            Finding::PermissionsUnknown(_) => write!(out, "permissions not known"),
            Finding::DataOld(age) => write!(out, "not read for {}", span(*age)),
            Finding::PermissionMissing(permission) => {
                write!(
                    out,
                    "{}: {permission} missing",
                    Cost::of_missing(permission).as_str()
                )
            }
            Finding::Missing => write!(out, "expected, but not connected"),
            Finding::ExpectedUnread => write!(out, "expected, but not read"),
            Finding::NotExpected => write!(out, "connected, but not expected"),
        }
    }
}
