//! What there is to say beside the profiles: of accounts, of platforms, of the filter.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use super::report::State;
use super::{Audit, Read};
use crate::gateway::model::Status;
use crate::plural::{choose, count};
use crate::refresh::Troubles;
use crate::snapshot::Snapshot;

type Said = (State, String);

/// Something to say that concerns no single profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    /// The account's name, where it has one and the note concerns one account.
    pub account: Option<&'a str>,
    /// How bad it is.
    pub state: State,
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
    pub(super) fn notes<'a>(&self, read: &'a Read) -> impl Iterator<Item = Note<'a>> + use<'a> {
        let mut said = notes_of_the_account(&read.troubles);
        said.extend(self.notes_of_details(&read.troubles));
        said.extend(self.notes_of_words(read));
        said.extend(read.snapshot.iter().flat_map(notes_of_the_list));
        let snapshot = read.snapshot.iter();
        said.extend(snapshot.flat_map(|snapshot| self.notes_of_parts(snapshot)));
        let account = read.name.as_deref();
        said.into_iter().map(move |(state, text)| Note {
            account,
            state,
            text,
        })
    }

    fn notes_of_details(&self, troubles: &Troubles) -> Vec<Said> {
        let errors = troubles.details.iter();
        let shown = errors.filter(|(platform, _)| self.filter.passes_platform(platform));
        let say = |(platform, error)| {
            let text = format!("details of {platform}: {error}; its permissions are not known");
            (State::Unknown, text)
        };
        shown.map(say).collect()
    }

    /// As for the list, a part is a warning.
    fn notes_of_parts(&self, snapshot: &Snapshot) -> Vec<Said> {
        let details = snapshot.details.iter();
        let parts = details
            .filter(|(platform, state)| state.is_part && self.filter.passes_platform(platform));
        let say = |(platform, _)| {
            let text = format!(
                "the details of {platform} are a part: permissions of the other profiles are not known"
            );
            (State::Warning, text)
        };
        parts.map(say).collect()
    }

    /// The words themselves, where a profile that is shown has one of them.
    fn notes_of_words(&self, read: &Read) -> Vec<Said> {
        let words = &read.troubles.unknown_statuses;
        let is_unknown = |status| status == Some(Status::Unknown);
        if words.is_empty() || !self.rows(read).any(|row| is_unknown(row.status())) {
            return Vec::new();
        }
        let say = |word| format!("the gateway's documentation does not name the status {word:?}");
        words
            .iter()
            .map(|word| (State::Warning, say(word)))
            .collect()
    }

    /// A platform that nobody has is more likely a slip than a question.
    pub(super) fn notes_of_the_filter(&self) -> Vec<Note<'_>> {
        let snapshots: Vec<&Snapshot> = self
            .accounts
            .iter()
            .filter_map(|read| read.snapshot.as_ref())
            .collect();
        if snapshots.len() < self.accounts.len() {
            return Vec::new();
        }
        let listed = snapshots
            .iter()
            .flat_map(|snapshot| snapshot.details.keys());
        let expected = snapshots.iter().flat_map(|snapshot| &snapshot.expected);
        let seen: BTreeSet<&String> = listed
            .chain(expected.map(|expected| &expected.platform))
            .collect();
        let unseen = self
            .filter
            .platforms
            .iter()
            .filter(|platform| !seen.contains(platform));
        unseen
            .map(|platform| Note {
                account: None,
                state: State::Warning,
                text: format!("no profile of the platform {platform} is connected"),
            })
            .collect()
    }
}

fn notes_of_the_account(troubles: &Troubles) -> Vec<Said> {
    let mut said = Vec::new();
    if let Some(error) = &troubles.list {
        said.push((State::Unknown, error.to_string()));
    }
    if let Some(error) = &troubles.secret {
        said.push((State::Warning, error.to_string()));
    }
    if troubles.entries_with_secret > 0 {
        let text = format!(
            "the answers repeat the account's credentials in {} entries: values that do are not read",
            troubles.entries_with_secret
        );
        said.push((State::Warning, text));
    }
    if troubles.platforms_not_asked > 0 {
        let text = format!(
            "{} too many in the list: {} not asked for details",
            count(troubles.platforms_not_asked, "platform"),
            choose(troubles.platforms_not_asked, "it was", "they were")
        );
        said.push((State::Unknown, text));
    }
    said
}

/// As the alerts have it, a list without a profile and one that is not shown whole are warnings.
fn notes_of_the_list(snapshot: &Snapshot) -> Vec<Said> {
    let mut said = Vec::new();
    if !snapshot.is_complete {
        said.push((State::Warning, part(snapshot)));
    }
    if snapshot.profiles.is_empty() && snapshot.is_complete {
        said.push((State::Warning, "no profile is connected".to_owned()));
    }
    let dropped = snapshot.linked_accounts_dropped;
    if dropped > 0 {
        let text = format!(
            "{} {} past limits.profiles",
            count(dropped, "linked account"),
            choose(dropped, "is left out: it is", "are left out: they are")
        );
        said.push((State::Warning, text));
    }
    let dropped = snapshot.dropped;
    for (number, why_one, why) in [
        (
            dropped.duplicate,
            "it stands in it twice",
            "they stand in it twice",
        ),
        (dropped.invalid, "it cannot be read", "they cannot be read"),
        (
            dropped.limit,
            "it is past limits.profiles or limits.exposition_bytes, which all accounts share",
            "they are past limits.profiles or limits.exposition_bytes, which all accounts share",
        ),
    ] {
        if number > 0 {
            let text = format!(
                "{} of the list {} left out: {}",
                count(number, "entry"),
                choose(number, "is", "are"),
                choose(number, why_one, why)
            );
            said.push((State::Warning, text));
        }
    }
    said
}

/// The list holds fewer profiles than the gateway has.
fn part(snapshot: &Snapshot) -> String {
    let shown = snapshot.profiles.len();
    match snapshot.reported {
        Some(total) if total > shown as u64 => {
            let total = count(total, "profile");
            format!(
                "the list is a part: it holds {shown} of {total}; nothing is known of the others"
            )
        }
        _ => format!(
            "the list is a part: it holds {} and speaks of further pages; nothing is known of the others",
            count(shown, "profile")
        ),
    }
}
