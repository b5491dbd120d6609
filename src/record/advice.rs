//! What to do about the problems of accounts apart from failed calls, for `check`, the API and the status page. The texts
//! hold for a single reading and for a running exporter.

/// A list that holds only a part of the profiles.
pub(crate) const INCOMPLETE_LIST: &str = "Look at the other profiles in the Qlara dashboard. qlara-exporter explain shows what the gateway answers.";
/// Details without some of the profiles.
pub(crate) const INCOMPLETE_DETAILS: &str =
    "Look at the permissions of the other profiles in the Qlara dashboard.";
/// A list without profiles.
pub(crate) const EMPTY_LIST: &str =
    "Check that the key is that of the right account, and look there in the Qlara dashboard.";
/// A list with entries that cannot be shown, or with too many platforms.
pub(crate) const ODD_LIST: &str = "Look at the list of the account in the Qlara dashboard.";
/// A list longer than the limits that all accounts share.
pub(crate) const LONG_LIST: &str = "Raise limits.profiles or limits.exposition_bytes, which all accounts share, in the configuration.";
/// More linked accounts than the limit.
pub(crate) const LINKED_ACCOUNTS: &str = "Raise limits.profiles in the configuration.";
/// A list that was read but could not be used.
pub(crate) const UNUSABLE_LIST: &str = "Look at the exporter's log.";
/// No data yet, while it is being read.
pub(super) const PENDING: &str = "Look again in a few seconds.";
/// A token that blocks the details of its platform.
pub(crate) const EXPIRED_TOKEN: &str =
    "Reconnect the profiles with expired tokens in the Qlara dashboard.";
/// A file with credentials that cannot be used.
pub(crate) const SECRET_FILE: &str = "Mend the file: the exporter's log names it and the error.";
/// Answers that contain the credentials.
pub(crate) const REPEATED_SECRET: &str = "Check that gateway.url leads to the gateway and not to a proxy's page. If something else answered, replace the credentials.";
/// A clock that differs from the gateway's.
pub(crate) const CLOCK: &str =
    "Set the clock if it is wrong: it counts the time until the end of a token.";
/// A status that the API does not document.
pub(crate) const UNKNOWN_STATUS: &str =
    "Look at the profiles with this status in the Qlara dashboard.";
/// A platform of the filter that no account has.
pub(super) const UNSEEN_PLATFORM: &str =
    "Correct the platform, or connect a profile of it in the Qlara dashboard.";
