//! CSV (RFC 4180) for spreadsheets.

use std::io::{self, Write};

use super::json::moment;
use super::report::{Report, Row};
use crate::printable::neutral;
use crate::snapshot::Profile;
use crate::verdict::Finding;

const HEADER: &str = "account,platform,profile,name,status,token_expires_at,token_seconds_left,permissions_missing,last_activity_at,verdict,findings";

pub(super) fn write(report: &Report, bom: bool, out: &mut dyn Write) -> io::Result<()> {
    if bom {
        write!(out, "\u{feff}")?;
    }
    write!(out, "{HEADER}\r\n")?;
    for row in &report.rows {
        let cells = cells(row).map(|cell| quoted(&cell));
        write!(out, "{}\r\n", cells.join(","))?;
    }
    Ok(())
}

fn cells(row: &Row) -> [String; 11] {
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
        harmless(row.account.unwrap_or_default()),
        harmless(judged.platform),
        harmless(judged.id),
        harmless(profile.map_or("", |profile| &profile.name)),
        row.status_word().to_owned(),
        expires.map(moment).unwrap_or_default(),
        judged
            .verdict
            .left
            .map(|left| left.num_seconds().to_string())
            .unwrap_or_default(),
        harmless(&missing.collect::<Vec<_>>().join(" ")),
        active.map(moment).unwrap_or_default(),
        judged.verdict.severity.as_str().to_owned(),
        harmless(&sentences.join("; ")),
    ]
}

/// A spreadsheet computes what begins like a formula, and rounds long numbers: an apostrophe makes both
/// text.
fn harmless(text: &str) -> String {
    let text = neutral(text);
    let trimmed = text.trim();
    let is_formula = trimmed.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    match is_formula || is_changed_as_number(trimmed) {
        true => format!("'{text}"),
        false => text,
    }
}

/// Whether a spreadsheet would show other digits: of a number it keeps fifteen, and no zeros in front or
/// at the end of a fraction; `1E5` becomes 100000.
fn is_changed_as_number(text: &str) -> bool {
    const EXACT_DIGITS: usize = 15;
    let is_of_number = |byte: u8| byte.is_ascii_digit() || b"eE.,".contains(&byte);
    let is_number =
        text.starts_with(|char: char| char.is_ascii_digit()) && text.bytes().all(is_of_number);
    let has_leading_zero = text.len() > 1 && text.starts_with('0');
    is_number
        && (has_leading_zero || text.len() > EXACT_DIGITS || text.contains(['e', 'E', '.', ',']))
}

fn quoted(cell: &str) -> String {
    match cell.contains([',', '"', ';']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}
