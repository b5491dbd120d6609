//! Notes: findings on accounts, platforms and the filter rather than on single profiles.

mod filter;
mod group;
mod list;

use std::borrow::Cow;
use std::fmt::{self, Display};

use crate::gateway::error::GatewayError;
use crate::gateway::model::Status;
use crate::plural::{choose, count};
use crate::record::account::{AccountRecord, DataSource};
use crate::record::advice;
use crate::record::rfc3339;
use crate::record::row::{ProfileRow, RecordFilter};
use crate::record::state::CheckState;
use crate::refresh::RefreshErrors;
use crate::snapshot::Snapshot;
pub(crate) use filter::filter_notes;
pub(crate) use group::{NoteGroup, by_advice};

/// A note on one account, without its name.
struct AccountNote {
    state: CheckState,
    text: String,
    advice: Cow<'static, str>,
}

impl AccountNote {
    fn warning(text: String, advice: &'static str) -> AccountNote {
        AccountNote {
            state: CheckState::Warning,
            text,
            advice: advice.into(),
        }
    }

    /// A note on what could not be read.
    fn unknown(text: String, advice: impl Into<Cow<'static, str>>) -> AccountNote {
        AccountNote {
            state: CheckState::Unknown,
            text,
            advice: advice.into(),
        }
    }
}

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
    /// What to do about it.
    pub advice: Cow<'static, str>,
}

impl Display for Note<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(account) = self.account {
            write!(out, "account {account}: ")?;
        }
        out.write_str(&self.text)
    }
}

/// All notes, in the order of the accounts. `rows` are the profiles that pass the filter.
pub(super) fn notes<'a>(
    accounts: &[AccountRecord<'a>],
    rows: &[ProfileRow],
    filter: &impl RecordFilter,
) -> Vec<Note<'a>> {
    let of_accounts = accounts
        .iter()
        .flat_map(|account| account_notes(account, rows, filter));
    of_accounts.chain(filter_notes(accounts, filter)).collect()
}

fn account_notes<'a>(
    account: &AccountRecord<'a>,
    rows: &[ProfileRow],
    filter: &impl RecordFilter,
) -> Vec<Note<'a>> {
    let mut notes = Vec::from_iter(list_note(account));
    if let Some(errors) = account.errors {
        notes.extend(error_notes(errors));
        notes.extend(details_error_notes(errors, account.snapshot, filter));
        notes.extend(unknown_status_notes(account.name, errors, rows));
    }
    if let Some(snapshot) = account.snapshot {
        notes.extend(list::notes(snapshot));
        notes.extend(incomplete_details_notes(snapshot, filter));
    }
    let account = account.name;
    let note = |note: AccountNote| Note {
        account,
        state: note.state,
        text: note.text,
        advice: note.advice,
    };
    notes.into_iter().map(note).collect()
}

impl AccountRecord<'_> {
    /// The worst state of the account itself, apart from its profiles.
    pub(crate) fn state(&self, filter: &impl RecordFilter) -> CheckState {
        let notes = account_notes(self, &[], filter).into_iter();
        notes.map(|note| note.state).max().unwrap_or(CheckState::Ok)
    }

    /// Why no data of the account is known; `None` if there is data.
    pub(crate) fn why_unread(&self) -> Option<String> {
        let note = self.snapshot.is_none().then(|| list_note(self)).flatten()?;
        let error = self.errors.and_then(|errors| errors.list.as_ref());
        // The text of an error also says what to do.
        Some(error.map_or(note.text, ToString::to_string))
    }
}

/// Why the list is not known, or not as it is now.
fn list_note(account: &AccountRecord) -> Option<AccountNote> {
    let error = account.errors.and_then(|errors| errors.list.as_ref());
    let (text, advice) = match (account.source(), account.snapshot, error) {
        (DataSource::Current, ..) => return None,
        (DataSource::Kept, Some(snapshot), Some(error)) => {
            let read_at = rfc3339(snapshot.read_at);
            let text = format!("{}; the data of {read_at} is shown", error.cause());
            (text, error.advice())
        }
        (_, _, Some(error)) => (error.cause(), error.advice()),
        (DataSource::Pending, ..) => (
            "being read for the first time: its profiles are not known yet".to_owned(),
            advice::PENDING.into(),
        ),
        (_, Some(snapshot), None) => (
            format!(
                "the latest list could not be used: the log says why; the data of {} is shown",
                rfc3339(snapshot.read_at)
            ),
            advice::UNUSABLE_LIST.into(),
        ),
        (_, None, None) => (
            "its data is too old to be shown, and it is being read again: its profiles are not known now".to_owned(),
            advice::PENDING.into(),
        ),
    };
    Some(AccountNote::unknown(text, advice))
}

/// What the API announces for a platform with an expired token.
const BLOCKED_BY_TOKEN: &str = "the gateway answers 503 for a channel with an expired token, until somebody reconnects \
    the profile in the Qlara dashboard";

fn details_error_notes(
    errors: &RefreshErrors,
    snapshot: Option<&Snapshot>,
    filter: &impl RecordFilter,
) -> Vec<AccountNote> {
    let errors = errors.details.iter();
    let shown = errors.filter(|(platform, _)| filter.matches_platform(platform));
    let note = |(platform, error): (&String, &GatewayError)| {
        let details = snapshot.and_then(|snapshot| snapshot.details.get(platform));
        let kept = details.and_then(|details| details.oldest);
        let shown = match kept {
            Some(read_at) => format!("those of {} are shown", rfc3339(read_at.wall)),
            None => "none are known".to_owned(),
        };
        let is_blocked = snapshot.is_some_and(|snapshot| snapshot.is_blocked_by_token(platform));
        let (cause, advice) = match is_blocked {
            true => (BLOCKED_BY_TOKEN.to_owned(), advice::EXPIRED_TOKEN.into()),
            false => (error.cause(), error.advice()),
        };
        let text = format!("details of {platform}: {cause}; {shown}");
        AccountNote::unknown(text, advice)
    };
    shown.map(note).collect()
}

/// Incomplete details leave profiles unchecked, like an incomplete list.
fn incomplete_details_notes(snapshot: &Snapshot, filter: &impl RecordFilter) -> Vec<AccountNote> {
    let details = snapshot.details.iter();
    let incomplete = details
        .filter(|(platform, state)| state.is_incomplete && filter.matches_platform(platform));
    let note = |(platform, _)| {
        let text = format!(
            "the details of {platform} are incomplete: permissions of the other profiles are not known"
        );
        AccountNote::unknown(text, advice::INCOMPLETE_DETAILS)
    };
    incomplete.map(note).collect()
}

/// Undocumented status words, if a profile that passes the filter has one.
fn unknown_status_notes(
    account: Option<&str>,
    errors: &RefreshErrors,
    rows: &[ProfileRow],
) -> Vec<AccountNote> {
    let words = &errors.unknown_statuses;
    let mut unknown = rows
        .iter()
        .filter(|row| row.status() == Some(Status::Unknown));
    if words.is_empty() || !unknown.any(|row| row.account == account) {
        return Vec::new();
    }
    let text = |word| format!("the gateway's documentation does not name the status {word:?}");
    words
        .iter()
        .map(|word| AccountNote::warning(text(word), advice::UNKNOWN_STATUS))
        .collect()
}

fn error_notes(errors: &RefreshErrors) -> Vec<AccountNote> {
    let mut notes = Vec::new();
    if let Some(error) = &errors.secret {
        notes.push(AccountNote::warning(error.to_string(), advice::SECRET_FILE));
    }
    if errors.entries_with_secret > 0 {
        let text = format!(
            "the gateway repeats the account's credentials in {}: values with credentials are ignored",
            count(errors.entries_with_secret, "entry")
        );
        notes.push(AccountNote::warning(text, advice::REPEATED_SECRET));
    }
    if let Some(difference) = errors.clock {
        let text = format!(
            "the clock of this machine is {difference}; times until the end of a token are counted by this machine's clock: set it if it is wrong"
        );
        notes.push(AccountNote::warning(text, advice::CLOCK));
    }
    if errors.platforms_not_asked > 0 {
        let text = format!(
            "{} too many in the list: {} not asked for details",
            count(errors.platforms_not_asked, "platform"),
            choose(errors.platforms_not_asked, "it was", "they were")
        );
        notes.push(AccountNote::unknown(text, advice::ODD_LIST));
    }
    notes
}
