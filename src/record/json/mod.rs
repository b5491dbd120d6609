//! JSON for programs. `docs/check.md` documents the keys, which are a stable interface, and so do the schemas in
//! `docs/api`.

mod change;
mod profile;

use std::collections::HashMap;
use std::io::{self, Write};

use ring::digest::{Context, SHA256};
use serde::Serialize;

use super::account::{AccountRecord, DataSource, details_source};
use super::notes::Note;
use super::report::{Report, Summary};
use super::rfc3339;
use crate::account::history::History;
use crate::snapshot::PlatformDetails;
use change::ChangeOut;
use exporter_toolkit::printable::escaped_json;
use profile::ProfileOut;

/// Incremented when a documented key changes or is removed. New keys keep the version.
const VERSION: u32 = 1;

/// Writes the accounts, their notes and their profiles.
pub(crate) fn write_profiles(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write(&ProfilesDocument::new(report), out)
}

/// Writes the accounts and their notes.
pub(crate) fn write_accounts(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write(&AccountsDocument::new(report), out)
}

fn write(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(document)?;
    writeln!(out, "{}", escaped_json(&text))
}

/// A digest of what [`write_profiles`] writes, apart from what changes from one second or refresh to the next while the
/// profiles stay as they are: when the record was made and read, and the time left until or since an event.
pub(crate) fn fingerprint_of_profiles(report: &Report) -> io::Result<impl AsRef<[u8]> + use<>> {
    let mut document = ProfilesDocument::new(report);
    document.accounts.omit_passing_time();
    for profile in &mut document.profiles {
        profile.omit_passing_time();
    }
    digest(&document)
}

/// A digest of what [`write_accounts`] writes, with the same exceptions.
pub(crate) fn fingerprint_of_accounts(report: &Report) -> io::Result<impl AsRef<[u8]> + use<>> {
    let mut document = AccountsDocument::new(report);
    document.omit_passing_time();
    digest(&document)
}

fn digest(document: &impl Serialize) -> io::Result<ring::digest::Digest> {
    let mut digest = Digest(Context::new(&SHA256));
    serde_json::to_writer(&mut digest, document)?;
    Ok(digest.0.finish())
}

struct Digest(Context);

impl Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Serialize)]
struct ProfilesDocument<'a> {
    #[serde(flatten)]
    accounts: AccountsDocument<'a>,
    profiles: Vec<ProfileOut<'a>>,
}

#[derive(Serialize)]
struct AccountsDocument<'a> {
    version: u32,
    checked_at: String,
    state: &'static str,
    exit_code: u8,
    thresholds: ThresholdsOut,
    summary: SummaryOut,
    accounts: Vec<AccountOut<'a>>,
    notes: Vec<NoteOut<'a>>,
}

#[derive(Serialize)]
struct ThresholdsOut {
    warning_seconds: u64,
    critical_seconds: u64,
}

/// The numbers of all accounts.
#[derive(Serialize)]
struct SummaryOut {
    #[serde(flatten)]
    profiles: CountsOut,
    accounts: usize,
    accounts_unread: usize,
}

/// Numbers of profiles; `null` if no list could be read.
#[derive(Serialize)]
struct CountsOut {
    profiles: Option<usize>,
    critical: Option<usize>,
    warning: Option<usize>,
    not_checked: Option<usize>,
    fine: Option<usize>,
}

#[derive(Serialize)]
struct AccountOut<'a> {
    account: Option<&'a str>,
    data: &'static str,
    read_at: Option<String>,
    schema: Option<&'static str>,
    list_complete: Option<bool>,
    profiles_reported: Option<u64>,
    summary: CountsOut,
    error: Option<ErrorOut>,
    details: Vec<DetailsOut<'a>>,
    changes_since: Option<String>,
    changes_dropped: Option<u64>,
    changes: Vec<ChangeOut<'a>>,
}

#[derive(Serialize)]
struct ErrorOut {
    reason: &'static str,
    text: String,
    since: Option<String>,
    next_attempt_at: Option<String>,
}

#[derive(Serialize)]
struct DetailsOut<'a> {
    platform: &'a str,
    data: &'static str,
    complete: Option<bool>,
    read_at: Option<String>,
}

#[derive(Serialize)]
struct NoteOut<'a> {
    account: Option<&'a str>,
    state: &'static str,
    text: &'a str,
    advice: &'a str,
}

impl<'a> ProfilesDocument<'a> {
    fn new(report: &'a Report) -> ProfilesDocument<'a> {
        ProfilesDocument {
            accounts: AccountsDocument::new(report),
            profiles: report.rows.iter().map(ProfileOut::new).collect(),
        }
    }
}

impl<'a> AccountsDocument<'a> {
    fn new(report: &'a Report) -> AccountsDocument<'a> {
        let state = report.state();
        let summary = &report.summary;
        let of_accounts = report.summaries();
        let accounts = report.accounts.iter();
        AccountsDocument {
            version: VERSION,
            checked_at: rfc3339(report.checked_at),
            state: state.as_str(),
            exit_code: state.code(),
            thresholds: ThresholdsOut {
                warning_seconds: report.thresholds.warning.as_secs(),
                critical_seconds: report.thresholds.critical.as_secs(),
            },
            summary: SummaryOut {
                profiles: CountsOut::new((!summary.is_unread()).then_some(summary)),
                accounts: summary.accounts,
                accounts_unread: summary.unread,
            },
            accounts: accounts.map(|it| account(it, &of_accounts)).collect(),
            notes: report.notes.iter().map(note).collect(),
        }
    }

    fn omit_passing_time(&mut self) {
        self.checked_at.clear();
        for account in &mut self.accounts {
            account.read_at = None;
            if let Some(error) = &mut account.error {
                error.next_attempt_at = None;
            }
            for details in &mut account.details {
                details.read_at = None;
            }
        }
    }
}

impl CountsOut {
    fn new(summary: Option<&Summary>) -> CountsOut {
        CountsOut {
            profiles: summary.map(Summary::profiles),
            critical: summary.map(|summary| summary.critical),
            warning: summary.map(|summary| summary.warning),
            not_checked: summary.map(|summary| summary.not_checked),
            fine: summary.map(|summary| summary.fine),
        }
    }
}

fn account<'a>(
    account: &AccountRecord<'a>,
    summaries: &HashMap<Option<&str>, Summary>,
) -> AccountOut<'a> {
    let snapshot = account.snapshot;
    let summary = summaries.get(&account.name).copied().unwrap_or_default();
    let details = snapshot.into_iter().flat_map(|snapshot| &snapshot.details);
    let history = account
        .history
        .filter(|history| history.started_at().is_some());
    let changes = history.map_or(&[][..], History::changes).iter();
    AccountOut {
        account: account.name,
        data: account.source().as_str(),
        read_at: snapshot.map(|snapshot| rfc3339(snapshot.read_at)),
        schema: snapshot.and_then(|snapshot| Some(snapshot.schema?.as_str())),
        list_complete: snapshot.map(|snapshot| snapshot.is_complete),
        profiles_reported: snapshot.and_then(|snapshot| snapshot.reported),
        summary: CountsOut::new(snapshot.map(|_| &summary)),
        error: error(account),
        details: details.map(details_of_platform).collect(),
        changes_since: history.and_then(History::started_at).map(rfc3339),
        changes_dropped: history.map(History::dropped),
        changes: changes.map(ChangeOut::new).collect(),
    }
}

fn error(account: &AccountRecord) -> Option<ErrorOut> {
    let error = account.errors?.list.as_ref()?;
    Some(ErrorOut {
        reason: error.reason().as_str(),
        text: error.to_string(),
        since: account.failure.map(|failure| rfc3339(failure.since)),
        next_attempt_at: account
            .failure
            .map(|failure| rfc3339(failure.next_attempt_at)),
    })
}

fn details_of_platform<'a>((platform, details): (&'a String, &PlatformDetails)) -> DetailsOut<'a> {
    let source = details_source(details);
    DetailsOut {
        platform,
        data: source.as_str(),
        complete: (source != DataSource::Missing).then_some(!details.is_incomplete),
        read_at: details.oldest.map(|read_at| rfc3339(read_at.wall)),
    }
}

fn note<'a>(note: &'a Note) -> NoteOut<'a> {
    NoteOut {
        account: note.account,
        state: note.state.as_str(),
        text: &note.text,
        advice: &note.advice,
    }
}
