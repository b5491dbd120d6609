//! The one line of a plugin for Nagios and Icinga, with performance data.

use std::cmp::Reverse;
use std::io::{self, Write};

use super::Audit;
use super::report::{Report, Row, State};
use crate::printable::neutral;

/// Findings and notes that the line tells of.
const TOLD: usize = 3;

/// `verbose` tells the findings in the lines below the first, all of them.
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

/// The line for an audit that could not be made.
pub fn unknown(reason: &str) -> String {
    status_line(State::Unknown, reason)
}

/// A bar would begin the performance data.
fn status_line(state: State, text: &str) -> String {
    format!("QLARA {} - {}", state.as_str(), one_line(text))
}

fn one_line(text: &str) -> String {
    neutral(text).replace('|', "/")
}

/// Sentences on all that is not fine, the most urgent first.
fn findings(report: &Report) -> Vec<String> {
    let notes = report
        .notes
        .iter()
        .map(|note| (note.state, note.to_string()));
    let rows = report
        .rows
        .iter()
        .map(|row| (State::from(row.judged.verdict.severity), sentence(row)));
    let mut all: Vec<(State, String)> = rows
        .chain(notes)
        .filter(|(state, _)| *state != State::Ok)
        .collect();
    // Profiles come sorted; a sort that is stable keeps their order.
    all.sort_by_key(|(state, _)| Reverse(*state));
    all.into_iter().map(|(_, text)| text).collect()
}

/// The first few, then how many more.
fn most_urgent(mut findings: Vec<String>) -> Vec<String> {
    let more = findings.len().saturating_sub(TOLD);
    findings.truncate(TOLD);
    if more > 0 {
        findings.push(format!("and {more} more"));
    }
    findings
}

fn sentence(row: &Row) -> String {
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

/// `label=value[unit];warn;crit;min`; a range `N:` alerts below N.
fn performance(audit: &Audit, report: &Report) -> String {
    let summary = &report.summary;
    let mut data = format!(
        "profiles={};;;0 critical={};;;0 warning={};;;0 fine={};;;0 accounts_unread={};;;0",
        summary.profiles(),
        summary.critical,
        summary.warning,
        summary.fine,
        summary.unread
    );
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
