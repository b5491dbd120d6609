//! The alerts about findings. Their runbooks tell more than the advice of a finding.

use super::finding::{Cost, Finding};

impl Finding {
    /// The name of the alert with this condition; `None` if no alert has it.
    pub(crate) fn alert(&self) -> Option<&'static str> {
        match self {
            Finding::TokenExpired(_) => Some("QlaraTokenExpired"),
            // The alert pages in the last hours only; before these, QlaraTokenExpiryNear is a warning.
            Finding::TokenEndImminent(_) => Some("QlaraTokenExpiryImminent"),
            // During the 7 days in which the gateway refreshes a token by itself, no alert fires.
            Finding::TokenEndsSoon(_) => None,
            Finding::RefreshFailed => Some("QlaraTokenRefreshFailed"),
            Finding::RefreshOverdue => Some("QlaraTokenRefreshOverdue"),
            Finding::TokenEndUnknown => Some("QlaraTokenExpiryUnknown"),
            Finding::Disconnected(_) => Some("QlaraProfileDisconnected"),
            Finding::StatusUnknown => Some("QlaraProfileStatusUnknown"),
            // Alerts about the account report what cannot be read.
            Finding::PermissionsUnknown(_) => Some("QlaraDetailsUnavailable"),
            Finding::DataOld(_) => Some("QlaraDataStale"),
            Finding::ExpectedUnread => Some("QlaraListIncomplete"),
            Finding::PermissionMissing(permission) => match Cost::of_missing(permission) {
                Cost::CannotSend => Some("QlaraSendPermissionMissing"),
                Cost::CannotReadMetrics | Cost::Unknown => Some("QlaraProfilePermissionMissing"),
            },
            Finding::Missing => Some("QlaraExpectedProfileMissing"),
            Finding::NotExpected => Some("QlaraProfileNotExpected"),
        }
    }
}
