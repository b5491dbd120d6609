//! Notes: findings on accounts, platforms and the filter rather than on single profiles.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use super::audit::{AccountAudit, Audit};
use super::state::CheckState;
use crate::gateway::model::Status;
use crate::plural::{choose, count};
use crate::refresh::RefreshErrors;
use crate::snapshot::Snapshot;
use exporter_toolkit::suggest::closest;

/// State and text of a note on one account.
type AccountNote = (CheckState, String);

/// A finding that is not about a single profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    /// The name of the account that the note is about, if it is about one account and the account has a
    /// name.
    pub account: Option<&'a str>,
    /// How bad it is.
    pub state: CheckState,
    /// A sentence.
    pub text: String,
}

impl Display for Note<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(account) = self.account {
            write!(out, "account {account}: ")?;
        }
        out.write_str(&self.text)
    }
}

impl Audit {
    /// All notes, in the order of the accounts.
    pub(super) fn notes(&self) -> Vec<Note<'_>> {
        let accounts = self.accounts.iter();
        let of_accounts = accounts.flat_map(|account| self.account_notes(account));
        of_accounts.chain(self.filter_notes()).collect()
    }

    fn account_notes<'a>(
        &self,
        account: &'a AccountAudit,
    ) -> impl Iterator<Item = Note<'a>> + use<'a> {
        let mut notes = error_notes(&account.errors);
        notes.extend(self.details_error_notes(&account.errors));
        notes.extend(self.unknown_status_notes(account));
        if let Some(snapshot) = &account.snapshot {
            notes.extend(list_notes(snapshot));
            notes.extend(self.incomplete_details_notes(snapshot));
        }
        let account = account.name.as_deref();
        notes.into_iter().map(move |(state, text)| Note {
            account,
            state,
            text,
        })
    }

    fn details_error_notes(&self, errors: &RefreshErrors) -> Vec<AccountNote> {
        let errors = errors.details.iter();
        let shown = errors.filter(|(platform, _)| self.filter.matches_platform(platform));
        let note = |(platform, error)| {
            let text = format!("details of {platform}: {error}; its permissions are not known");
            (CheckState::Unknown, text)
        };
        shown.map(note).collect()
    }

    /// Incomplete details leave profiles unchecked, like an incomplete list.
    fn incomplete_details_notes(&self, snapshot: &Snapshot) -> Vec<AccountNote> {
        let details = snapshot.details.iter();
        let incomplete = details.filter(|(platform, state)| {
            state.is_incomplete && self.filter.matches_platform(platform)
        });
        let note = |(platform, _)| {
            let text = format!(
                "the details of {platform} are incomplete: permissions of the other profiles are not known"
            );
            (CheckState::Unknown, text)
        };
        incomplete.map(note).collect()
    }

    /// Undocumented status words, if a profile that passes the filter has one.
    fn unknown_status_notes(&self, account: &AccountAudit) -> Vec<AccountNote> {
        let words = &account.errors.unknown_statuses;
        let is_unknown = |status| status == Some(Status::Unknown);
        if words.is_empty() || !self.rows(account).any(|row| is_unknown(row.status())) {
            return Vec::new();
        }
        let text = |word| format!("the gateway's documentation does not name the status {word:?}");
        words
            .iter()
            .map(|word| (CheckState::Warning, text(word)))
            .collect()
    }

    /// A warning for each platform of the filter that no account has: it is probably misspelled. An account
    /// that could not be read may have the platform, and has a note of its own.
    fn filter_notes(&self) -> Vec<Note<'_>> {
        let accounts = self.accounts.iter();
        let snapshots = accounts.filter_map(|account| account.snapshot.as_ref());
        let snapshots: Vec<&Snapshot> = snapshots.collect();
        let listed = snapshots
            .iter()
            .flat_map(|snapshot| snapshot.details.keys());
        let expected = snapshots.iter().flat_map(|snapshot| &snapshot.expected);
        let seen: BTreeSet<&str> = listed
            .chain(expected.map(|expected| &expected.platform))
            .map(String::as_str)
            .collect();
        let platforms = self.filter.platforms.iter();
        let unseen = platforms.filter(|platform| !seen.contains(platform.as_str()));
        let place = match snapshots.len() {
            0 => return Vec::new(),
            read if read < self.accounts.len() => "connected in the accounts that were read",
            _ => "connected",
        };
        let note = |platform: &String| Note {
            account: None,
            state: CheckState::Warning,
            text: format!(
                "no profile of the platform {platform} is {place}{}",
                other_platforms(platform, &seen)
            ),
        };
        unseen.map(note).collect()
    }
}

/// The end of a sentence on a platform that was not seen: the similar one, and all that were seen.
fn other_platforms(platform: &str, seen: &BTreeSet<&str>) -> String {
    let all = seen.iter().copied().collect::<Vec<_>>().join(", ");
    match closest(platform, seen.iter().copied()) {
        _ if seen.is_empty() => String::new(),
        Some(similar) => format!("; did you mean {similar}? There are: {all}"),
        None => format!("; there are: {all}"),
    }
}

fn error_notes(errors: &RefreshErrors) -> Vec<AccountNote> {
    let mut notes = Vec::new();
    if let Some(error) = &errors.list {
        notes.push((CheckState::Unknown, error.to_string()));
    }
    if let Some(error) = &errors.secret {
        notes.push((CheckState::Warning, error.to_string()));
    }
    if errors.entries_with_secret > 0 {
        let text = format!(
            "the gateway repeats the account's credentials in {}: values with credentials are ignored",
            count(errors.entries_with_secret, "entry")
        );
        notes.push((CheckState::Warning, text));
    }
    if errors.platforms_not_asked > 0 {
        let text = format!(
            "{} too many in the list: {} not asked for details",
            count(errors.platforms_not_asked, "platform"),
            choose(errors.platforms_not_asked, "it was", "they were")
        );
        notes.push((CheckState::Unknown, text));
    }
    notes
}

/// An empty list is a warning, as in the alerts. An incomplete list leaves profiles unchecked.
fn list_notes(snapshot: &Snapshot) -> Vec<AccountNote> {
    let mut notes = Vec::new();
    if !snapshot.is_complete {
        notes.push((CheckState::Unknown, incomplete_list(snapshot)));
    }
    if snapshot.profiles.is_empty() && snapshot.is_complete {
        notes.push((CheckState::Warning, "no profile is connected".to_owned()));
    }
    let dropped = snapshot.linked_accounts_dropped;
    if dropped > 0 {
        let text = format!(
            "{} {} past limits.profiles",
            count(dropped, "linked account"),
            choose(dropped, "is left out: it is", "are left out: they are")
        );
        notes.push((CheckState::Warning, text));
    }
    notes.extend(dropped_entries_notes(snapshot));
    notes
}

fn dropped_entries_notes(snapshot: &Snapshot) -> impl Iterator<Item = AccountNote> {
    let dropped = snapshot.dropped;
    let reasons = [
        (
            dropped.duplicate,
            "it is a duplicate",
            "they are duplicates",
        ),
        (dropped.invalid, "it cannot be read", "they cannot be read"),
        (
            dropped.limit,
            "it is past limits.profiles or limits.exposition_bytes, which all accounts share",
            "they are past limits.profiles or limits.exposition_bytes, which all accounts share",
        ),
    ];
    let reasons = reasons.into_iter().filter(|(number, ..)| *number > 0);
    reasons.map(|(number, reason_of_one, reason)| {
        let text = format!(
            "{} of the list {} left out: {}",
            count(number, "entry"),
            choose(number, "is", "are"),
            choose(number, reason_of_one, reason)
        );
        (CheckState::Warning, text)
    })
}

fn incomplete_list(snapshot: &Snapshot) -> String {
    let shown = snapshot.profiles.len();
    match snapshot.reported {
        Some(total) if total > shown as u64 => {
            let total = count(total, "profile");
            format!("the list is incomplete: it holds {shown} of {total}; the others are not known")
        }
        _ => format!(
            "the list is incomplete: it holds {} and refers to more pages; the others are not known",
            count(shown, "profile")
        ),
    }
}
