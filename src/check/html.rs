//! The audit as one HTML file without scripts that loads nothing: to hand over, to archive, to print.

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::audit::Audit;
use super::first_step::{FirstStep, first_step};
use super::table::descriptions;
use crate::build;
use crate::plural::{count, span};
use crate::record::{NoteGroup, ProfileRow, Report};
use crate::snapshot::Profile;
use crate::verdict::Severity;
use crate::zone::Zone;
use exporter_toolkit::printable::neutral;

const STYLE: &str = include_str!("report.css");
/// Forbids the file to load anything and to run scripts, wherever it is opened.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

pub(super) fn write(
    audit: &Audit,
    report: &Report,
    zone: Zone,
    out: &mut dyn Write,
) -> io::Result<()> {
    let page = Page {
        audit,
        report,
        zone,
        has_accounts: audit.accounts.iter().any(|account| account.name.is_some()),
    };
    out.write_all(page.document().into_string().as_bytes())?;
    writeln!(out)
}

struct Page<'a> {
    audit: &'a Audit,
    report: &'a Report<'a>,
    zone: Zone,
    /// Whether accounts have names.
    has_accounts: bool,
}

impl Page<'_> {
    fn document(&self) -> Markup {
        let summary = neutral(&self.report.summary.to_string());
        let severity = self.report.state().verdict();
        let checked_at = self.zone.minute(self.audit.checked_at);
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="referrer" content="no-referrer";
                    title { (severity.words()) " – Qlara profiles, " (checked_at) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        div.headline.(severity.as_str()) {
                            h1 { (badge(severity)) " " (summary) }
                            p { (step(&first_step(self.audit, self.report))) }
                        }
                        p.quiet { "Checked at " (checked_at) ". All times are in " (self.zone.name()) "." }
                        (self.notes())
                        (self.profiles())
                    }
                    footer.quiet {
                        @if let Some(descriptions) = descriptions(self.audit) { p { (neutral(&descriptions)) } }
                        p { "qlara-exporter " (build::VERSION) }
                    }
                }
            }
        }
    }

    fn notes(&self) -> Markup {
        html! {
            @if !self.report.notes.is_empty() {
                h2 { "Accounts" }
                @for (notes, advice) in self.report.notes_by_advice() {
                    ul { @for note in notes { (note_item(&note)) } }
                    p.quiet.advice { (advice) }
                }
            }
        }
    }

    fn profiles(&self) -> Markup {
        let rows = self.report.rows.iter();
        let (fine, others): (Vec<&ProfileRow>, Vec<&ProfileRow>) =
            rows.partition(|row| row.judged.verdict.severity == Severity::Fine);
        html! {
            @if !others.is_empty() {
                h2 { (count(others.len(), "profile")) " to look after" }
                (self.table(&others))
            }
            @if !fine.is_empty() {
                h2 { (count(fine.len(), "fine profile")) }
                (self.table(&fine))
            }
        }
    }

    fn table(&self, rows: &[&ProfileRow]) -> Markup {
        html! {
            table {
                thead {
                    tr {
                        th scope="col" { "Verdict" }
                        th scope="col" { "Profile" }
                        th scope="col" { "Platform" }
                        @if self.has_accounts { th scope="col" { "Account" } }
                        th scope="col" { "Status" }
                        th scope="col" { "Token ends" }
                        th scope="col" { "Last activity" }
                    }
                }
                @for row in rows { (self.row(row)) }
            }
        }
    }

    /// A group of rows: the profile, and below it its findings.
    fn row(&self, row: &ProfileRow) -> Markup {
        let judged = &row.judged;
        let activity = judged.profile.and_then(Profile::last_activity_at);
        // All but the verdict.
        let columns = if self.has_accounts { "6" } else { "5" };
        html! {
            tbody {
                tr {
                    td { (badge(judged.verdict.severity)) }
                    th scope="row" {
                        @if judged.profile.is_some() { (name(row)) " " }
                        span.quiet { (foreign(judged.id)) }
                    }
                    td data-label="Platform" { (foreign(judged.platform)) }
                    @if self.has_accounts { td data-label="Account" { (foreign(row.account.unwrap_or_default())) } }
                    td data-label="Status" {
                        (row.status_text())
                        @if let Some(since) = row.since { " " span.quiet { "since " (since.in_column(self.zone)) } }
                    }
                    td data-label="Token ends" { (self.token_end(row)) }
                    td data-label="Last activity" { @if let Some(time) = activity { (self.zone.column_minute(time)) } }
                }
                @if !judged.verdict.findings.is_empty() {
                    tr.findings { td {} td colspan=(columns) { (findings(row)) } }
                }
            }
        }
    }

    fn token_end(&self, row: &ProfileRow) -> Markup {
        let profile = row.judged.profile;
        let end = profile.and_then(|profile| profile.token_expires_at);
        let never = profile.is_some_and(|profile| profile.never_expires);
        html! {
            @if let Some(end) = end {
                @let left = end.to_utc() - self.audit.checked_at;
                (self.zone.stated_column_minute(end)) " "
                span.quiet { @if left.num_seconds() > 0 { "in " (span(left)) } @else { (span(left)) " ago" } }
            } @else if never {
                "never"
            }
        }
    }
}

fn note_item(note: &NoteGroup) -> Markup {
    html! {
        li {
            (badge(note.state.verdict())) " "
            (note.before_names())
            @for (index, name) in note.names().iter().enumerate() {
                @if index > 0 { ", " }
                (foreign(name))
            }
            (note.after_names())
            (neutral(note.text))
        }
    }
}

fn findings(row: &ProfileRow) -> Markup {
    html! {
        @for (findings, advice) in row.judged.verdict.by_advice() {
            ul { @for finding in findings { li { (foreign(&finding.to_string())) } } }
            p.quiet.advice { (advice) }
        }
    }
}

fn step(step: &FirstStep) -> Markup {
    html! { (step.before) @if let Some(name) = &step.name { (foreign(name)) } (neutral(&step.after)) }
}

fn badge(severity: Severity) -> Markup {
    html! { span.badge.(severity.as_str()) { (severity.words()) } }
}

fn name(row: &ProfileRow) -> Markup {
    match row.visible_name() {
        Some(name) => foreign(name),
        None => html! { i { "no name" } },
    }
}

/// A text of the gateway, isolated: its direction does not change the text around it.
fn foreign(text: &str) -> Markup {
    html! { bdi { (neutral(text)) } }
}
