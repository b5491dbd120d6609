//! CSV (RFC 4180) for spreadsheets.

use std::io::{self, Write};

use csv::{Terminator, WriterBuilder};

use super::audit::ProfileRow;
use super::json::rfc3339;
use super::notes::Note;
use super::report::Report;
use crate::snapshot::Profile;
use crate::verdict::Finding;
use exporter_toolkit::printable::neutral;

/// Tells Excel that the file is UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

const HEADER: [&str; 11] = [
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
];

pub(super) fn write(report: &Report, bom: bool, out: &mut dyn Write) -> io::Result<()> {
    if bom {
        write!(out, "{BYTE_ORDER_MARK}")?;
    }
    let mut csv = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        // Fields that contain the comment character are quoted. Spreadsheets of many countries
        // separate columns at semicolons.
        .comment(Some(b';'))
        .from_writer(out);
    csv.write_record(HEADER)?;
    for row in &report.rows {
        csv.write_record(fields(row))?;
    }
    for note in &report.notes {
        csv.write_record(note_fields(note))?;
    }
    csv.flush()
}

fn fields(row: &ProfileRow) -> [String; 11] {
    let judged = &row.judged;
    let profile = judged.profile;
    let expires = profile.and_then(|profile| profile.token_expires_at);
    let active = profile.and_then(Profile::last_activity_at);
    let findings = &judged.verdict.findings;
    let missing = findings.iter().filter_map(|finding| match finding {
        Finding::PermissionMissing(permission) => Some(&**permission),
        _ => None,
    });
    let sentences: Vec<String> = findings.iter().map(Finding::to_string).collect();
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
        plain_text(&missing.collect::<Vec<_>>().join(" ")),
        active.map(rfc3339).unwrap_or_default(),
        judged.verdict.severity.as_str().to_owned(),
        plain_text(&sentences.join("; ")),
    ]
}

/// A line about an account: what could not be read is part of the record.
fn note_fields(note: &Note) -> [String; 11] {
    let mut fields = [const { String::new() }; 11];
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
