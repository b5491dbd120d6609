//! What can be wrong with a profile, in words.

use std::fmt::{self, Display};

use chrono::TimeDelta;

use super::Severity;
use crate::gateway::model::KNOWN_PLATFORMS;

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

/// Why a profile is disconnected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Its OAuth token has expired or was revoked (the API's reference page, `disconnected`).
    Token,
    /// Its connection to the WhatsApp Business API provider has trouble (UC-017, `DISCONNECTED`).
    Provider,
    /// Neither description speaks of its platform.
    Unknown,
}

impl Cause {
    /// What disconnects profiles of this platform.
    pub fn on(platform: &str) -> Cause {
        match platform {
            "whatsapp" => Cause::Provider,
            platform if KNOWN_PLATFORMS.contains(&platform) => Cause::Token,
            _ => Cause::Unknown,
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
    /// The profile is disconnected.
    Disconnected(Cause),
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
            | Finding::Disconnected(_)
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
            Finding::Disconnected(_) => "disconnected",
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
            Finding::Disconnected(Cause::Token) => {
                write!(out, "disconnected: token expired or revoked")
            }
            Finding::Disconnected(Cause::Provider) => {
                write!(out, "disconnected: trouble at the provider")
            }
            Finding::Disconnected(Cause::Unknown) => write!(out, "disconnected"),
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
