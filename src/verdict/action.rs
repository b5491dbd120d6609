//! What somebody has to do about a profile: the groups of the page, and the last line of `check`.

use chrono::NaiveDate;

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
    /// The profile lacks permissions.
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
    /// The heading of a group of profiles. `first_end` is the day on which the first of their tokens ends.
    pub(crate) fn heading(self, first_end: Option<NaiveDate>) -> String {
        match (self, first_end) {
            (Action::ReconnectInTime, Some(day)) => {
                format!("Reconnect before {}", day.format("%-d %b %Y"))
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
            Action::GrantPermissions => "Grant permissions",
            Action::LookInto => "Look into",
            Action::CheckByHand => "Not checked: look in the Qlara dashboard",
            Action::DecideWhetherToKeep => "Given up?",
            Action::Nothing => "Fine",
        }
    }
}
