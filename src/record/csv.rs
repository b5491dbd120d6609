//! CSV (RFC 4180) for spreadsheets.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use csv::{Terminator, Writer, WriterBuilder};

use super::account::AccountRecord;
use super::notes::Note;
use super::report::{Report, Summary};
use super::rfc3339;
use super::row::ProfileRow;
use crate::account::history::Since;
use crate::gateway::fields::Schema;
use crate::snapshot::Profile;
use crate::verdict::Finding;
use exporter_toolkit::printable::neutral;

/// Tells Excel that the file is UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

const COLUMNS: usize = 24;

/// New columns are last, so that the position of the others stays.
const HEADER: [&str; COLUMNS] = [
    "account",
    "platform",
    "profile",
    "name",
    "status",
    "token_expires_at",
    "token_seconds_left",
    "permissions_missing",
    "last_activity_at",
    "verdict",
    "findings",
    "username",
    "status_raw",
    "token_never_expires",
    "connected_at",
    "phone_number",
    "page_id",
    "category",
    "permissions_granted",
    "linked_accounts_count",
    "linked_accounts",
    "since",
    "since_at_least",
    "token_expires_on",
];

const ACCOUNTS_COLUMNS: usize = 13;

const ACCOUNTS_HEADER: [&str; ACCOUNTS_COLUMNS] = [
    "account",
    "data",
    "read_at",
    "schema",
    "list_complete",
    "profiles",
    "critical",
    "warning",
    "not_checked",
    "fine",
    "error_since",
    "next_attempt_at",
    "problems",
];

/// Writes the profiles, then the notes. `bom` starts the text with a byte order mark.
pub(crate) fn write_profiles(report: &Report, bom: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = writer(bom, out)?;
    csv.write_record(HEADER)?;
    for row in &report.rows {
        csv.write_record(fields(row))?;
    }
    for note in &report.notes {
        csv.write_record(note_fields(note))?;
    }
    csv.flush()
}

/// Writes the accounts, each with its notes. `bom` starts the text with a byte order mark.
pub(crate) fn write_accounts(report: &Report, bom: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = writer(bom, out)?;
    csv.write_record(ACCOUNTS_HEADER)?;
    let summaries = report.summaries();
    for account in &report.accounts {
        let summary = summaries.get(&account.name).copied().unwrap_or_default();
        let notes = report
            .notes
            .iter()
            .filter(|note| note.account == account.name);
        csv.write_record(account_fields(account, &summary, notes))?;
    }
    csv.flush()
}

fn writer(bom: bool, out: &mut dyn Write) -> io::Result<Writer<&mut dyn Write>> {
    if bom {
        write!(out, "{BYTE_ORDER_MARK}")?;
    }
    let mut builder = WriterBuilder::new();
    builder
        .terminator(Terminator::CRLF)
        // Fields that contain the comment character are quoted. Spreadsheets of many countries
        // separate columns at semicolons.
        .comment(Some(b';'));
    Ok(builder.from_writer(out))
}

fn account_fields<'a>(
    account: &AccountRecord,
    summary: &Summary,
    notes: impl Iterator<Item = &'a Note<'a>>,
) -> [String; ACCOUNTS_COLUMNS] {
    let snapshot = account.snapshot;
    let number = |number: usize| snapshot.map_or(String::new(), |_| number.to_string());
    let schema = snapshot.and_then(|snapshot| snapshot.schema);
    let failure = account.failure;
    let notes: Vec<&str> = notes.map(|note| &*note.text).collect();
    [
        plain_text(account.name.unwrap_or_default()),
        account.source().as_str().to_owned(),
        snapshot.map_or(String::new(), |snapshot| rfc3339(snapshot.read_at)),
        schema.map_or("", Schema::as_str).to_owned(),
        snapshot.map_or(String::new(), |it| it.is_complete.to_string()),
        number(summary.profiles()),
        number(summary.critical),
        number(summary.warning),
        number(summary.not_checked),
        number(summary.fine),
        failure.map_or(String::new(), |failure| rfc3339(failure.since)),
        failure.map_or(String::new(), |failure| rfc3339(failure.next_attempt_at)),
        plain_text(&notes.join("; ")),
    ]
}

fn fields(row: &ProfileRow) -> [String; COLUMNS] {
    let judged = &row.judged;
    let profile = judged.profile;
    let details = profile.and_then(|profile| profile.details.as_ref());
    let expires = profile.and_then(|profile| profile.token_expires_at);
    let active = profile.and_then(Profile::last_activity_at);
    let connected = profile.and_then(|profile| profile.connected_at);
    let linked = profile.map_or(&[][..], Profile::linked_accounts);
    let linked: Vec<&str> = linked.iter().map(|account| &*account.id).collect();
    let time = |time: Option<DateTime<Utc>>| time.map(rfc3339).unwrap_or_default();
    let text = |text: Option<&str>| plain_text(text.unwrap_or_default());
    let findings = judged.verdict.findings.iter();
    let sentences: Vec<String> = findings.map(Finding::to_string).collect();
    [
        plain_text(row.account.unwrap_or_default()),
        plain_text(judged.platform),
        plain_text(judged.id),
        plain_text(profile.map_or("", |profile| &profile.name)),
        row.status_text().to_owned(),
        expires.map(|end| rfc3339(end.to_utc())).unwrap_or_default(),
        judged
            .verdict
            .left
            .map(|left| left.num_seconds().to_string())
            .unwrap_or_default(),
        plain_text(&permissions(profile, false)),
        active.map(rfc3339).unwrap_or_default(),
        judged.verdict.severity.as_str().to_owned(),
        plain_text(&sentences.join("; ")),
        text(profile.and_then(|profile| profile.username.as_deref())),
        text(profile.and_then(Profile::status_raw)),
        profile.map_or(String::new(), |profile| profile.never_expires.to_string()),
        connected.map(rfc3339).unwrap_or_default(),
        text(profile.and_then(|profile| profile.phone_number.as_deref())),
        text(details.and_then(|details| details.page_id.as_deref())),
        text(details.and_then(|details| details.category.as_deref())),
        plain_text(&permissions(profile, true)),
        profile
            .and_then(Profile::linked_count)
            .map(|count| count.to_string())
            .unwrap_or_default(),
        plain_text(&linked.join("; ")),
        time(row.since.and_then(Since::observed)),
        time(row.since.and_then(Since::at_least)),
        expires
            .map(|end| end.date_naive().to_string())
            .unwrap_or_default(),
    ]
}

/// The granted permissions, or the required ones that are not granted, separated by spaces.
fn permissions(profile: Option<&Profile>, granted: bool) -> String {
    let all = profile.into_iter().flat_map(Profile::permissions);
    let wanted = all.filter(|(_, is_granted)| *is_granted == granted);
    let names: Vec<&str> = wanted.map(|(permission, _)| permission).collect();
    names.join(" ")
}

/// A line about an account: what could not be read is part of the record.
fn note_fields(note: &Note) -> [String; COLUMNS] {
    let mut fields = [const { String::new() }; COLUMNS];
    fields[0] = plain_text(note.account.unwrap_or_default());
    fields[9] = note.state.verdict().as_str().to_owned();
    fields[10] = plain_text(&note.text);
    fields
}

/// Protects against formula injection: a spreadsheet evaluates text that begins like a formula, and
/// rounds long numbers. A leading apostrophe makes both plain text.
fn plain_text(text: &str) -> String {
    let text = neutral(text);
    let trimmed = text.trim();
    let is_formula = trimmed.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    match is_formula || is_changed_as_number(trimmed) {
        true => format!("'{text}"),
        false => text,
    }
}

/// Whether a spreadsheet that reads the text as a number shows other digits. It keeps fifteen digits,
/// drops leading zeros and zeros at the end of a fraction, and shows `1E5` as 100000.
fn is_changed_as_number(text: &str) -> bool {
    const EXACT_DIGITS: usize = 15;
    let is_numeric = |byte: u8| byte.is_ascii_digit() || b"eE.,".contains(&byte);
    let is_number =
        text.starts_with(|char: char| char.is_ascii_digit()) && text.bytes().all(is_numeric);
    let has_leading_zero = text.len() > 1 && text.starts_with('0');
    is_number
        && (has_leading_zero || text.len() > EXACT_DIGITS || text.contains(['e', 'E', '.', ',']))
}
