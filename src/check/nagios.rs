//! The output of a plugin for Nagios and Icinga: a status line with performance data.

use std::cmp::Reverse;
use std::io::{self, Write};

use super::audit::Audit;
use crate::record::CheckState;
use crate::record::ProfileRow;
use crate::record::Report;
use exporter_toolkit::printable::neutral;

/// Maximum number of findings and notes in the status line.
const MAX_FINDINGS: usize = 3;

/// `verbose` writes all findings in lines of their own, below the status line.
pub(super) fn write(
    audit: &Audit,
    report: &Report,
    verbose: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (summary, findings) = (report.summary.to_string(), findings(report));
    let (first, below) = match verbose {
        true => (vec![summary], findings),
        false => ([vec![summary], most_urgent(findings)].concat(), Vec::new()),
    };
    let line = status_line(report.state(), &first.join("; "));
    writeln!(out, "{line} | {}", performance(audit, report))?;
    for finding in below {
        writeln!(out, "{}", one_line(&finding))?;
    }
    Ok(())
}

/// The status line of an audit that failed.
pub fn unknown(reason: &str) -> String {
    status_line(CheckState::Unknown, reason)
}

fn status_line(state: CheckState, text: &str) -> String {
    format!("QLARA {} - {}", state.as_str(), one_line(text))
}

/// Replaces bars, because a bar starts the performance data.
fn one_line(text: &str) -> String {
    neutral(text).replace('|', "/")
}

/// Sentences on all profiles and notes that are not OK, most urgent first.
fn findings(report: &Report) -> Vec<String> {
    let notes = report
        .notes
        .iter()
        .map(|note| (note.state, note.to_string()));
    let rows = report
        .rows
        .iter()
        .map(|row| (CheckState::from(row.judged.verdict.severity), sentence(row)));
    let mut all: Vec<(CheckState, String)> = rows
        .chain(notes)
        .filter(|(state, _)| *state != CheckState::Ok)
        .collect();
    // The profiles are sorted by urgency already; a stable sort keeps their order.
    all.sort_by_key(|(state, _)| Reverse(*state));
    all.into_iter().map(|(_, text)| text).collect()
}

/// The first few findings, then the number of the others.
fn most_urgent(mut findings: Vec<String>) -> Vec<String> {
    let more = findings.len().saturating_sub(MAX_FINDINGS);
    findings.truncate(MAX_FINDINGS);
    if more > 0 {
        findings.push(format!("and {more} more"));
    }
    findings
}

fn sentence(row: &ProfileRow) -> String {
    let account = row
        .account
        .map(|account| format!("{account}/"))
        .unwrap_or_default();
    let findings: Vec<String> = row
        .judged
        .verdict
        .findings
        .iter()
        .map(ToString::to_string)
        .collect();
    format!(
        "{account}{}/{} {}",
        row.judged.platform,
        row.judged.id,
        findings.join(", ")
    )
}

/// Performance data, `label=value[unit];warn;crit;min`. The range `N:` alerts below N.
fn performance(audit: &Audit, report: &Report) -> String {
    let summary = &report.summary;
    let numbers = [
        ("profiles", summary.profiles()),
        ("critical", summary.critical),
        ("warning", summary.warning),
        ("not_checked", summary.not_checked),
        ("fine", summary.fine),
    ];
    let mut data = String::new();
    for (label, number) in numbers {
        match summary.is_unread() {
            // The value of the plugin convention for an unknown number.
            true => data.push_str(&format!("{label}=U ")),
            false => data.push_str(&format!("{label}={number};;;0 ")),
        }
    }
    data.push_str(&format!("accounts_unread={};;;0", summary.unread));
    let left = report
        .rows
        .iter()
        .filter_map(|row| row.judged.verdict.left)
        .min();
    if let Some(left) = left {
        data.push_str(&format!(
            " token_left_min={}s;{}:;{}:",
            left.num_seconds(),
            audit.thresholds.warning.as_secs(),
            audit.thresholds.critical.as_secs()
        ));
    }
    data
}
