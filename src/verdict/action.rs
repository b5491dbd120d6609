//! What somebody has to do about a profile: the groups of the page, and the last line of `check`.

use chrono::{DateTime, FixedOffset};

/// The kind of work that mends a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Messages fail until somebody reconnects the profile.
    ReconnectNow,
    /// Messages fail until the connection to the provider works again.
    LookAtTheProvider,
    /// The configuration expects the profile, but it is not connected.
    Connect,
    /// Messages will fail when the token ends.
    ReconnectInTime,
    /// Messages fail until somebody grants the permissions to send.
    GrantPermissionsToSend,
    /// The profile lacks other permissions.
    GrantPermissions,
    /// Something is unusual.
    LookInto,
    /// The exporter could not read whether the profile works.
    CheckByHand,
    /// The token ended so long ago that nobody seems to need the profile.
    DecideWhetherToKeep,
    /// Everything was read, and nothing was found.
    Nothing,
}

impl Action {
    /// The heading of a group of profiles. `first_end` is when the first of their tokens ends: the heading has the day that
    /// the gateway states, unless this is the last day for those who read it.
    pub(crate) fn heading(
        self,
        first_end: Option<DateTime<FixedOffset>>,
        is_today: bool,
    ) -> String {
        match (self, first_end) {
            (Action::ReconnectInTime, Some(_)) if is_today => "Reconnect today".to_owned(),
            (Action::ReconnectInTime, Some(end)) => {
                format!("Reconnect before {}", end.format("%-d %b %Y"))
            }
            (action, _) => action.words().to_owned(),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Action::ReconnectNow => "Reconnect now",
            Action::LookAtTheProvider => "Look at the provider now",
            Action::Connect => "Connect, or expect no longer",
            Action::ReconnectInTime => "Reconnect before the token ends",
            Action::GrantPermissionsToSend => "Grant permissions to send",
            Action::GrantPermissions => "Grant permissions",
            Action::LookInto => "Look into",
            Action::CheckByHand => "Not checked: look in the Qlara dashboard",
            Action::DecideWhetherToKeep => "Given up?",
            Action::Nothing => "Fine",
        }
    }
}
