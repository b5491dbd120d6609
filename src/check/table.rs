//! The table for people: a line for each profile, and below it the findings with what to do about them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use chrono::TimeDelta;

use super::audit::Audit;
use super::first_step::first_step;
use super::layout::{Cells, Column, GAP, Layout, MAX_WIDTH, MIN_WIDTH, VERDICT};
use crate::record::{ProfileRow, Report};
use crate::snapshot::Profile;
use crate::verdict::Severity;
use crate::zone::Zone;
use exporter_toolkit::printable::{fit, wrap};

/// Up to this many fine profiles are listed even if they may be folded.
const MAX_UNFOLDED: usize = 10;
/// Where the texts next to verdicts start.
const INDENTATION: usize = VERDICT + GAP.len();

/// How the table looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableStyle {
    /// The width in columns, at least 60 and at most 200: other values count as the nearest of these.
    pub width: usize,
    /// Whether to use colours.
    pub colours: bool,
    /// Whether many fine profiles are one line with their number.
    pub folds_fine: bool,
    /// The time zone of its times.
    pub zone: Zone,
}

/// 80 columns without colours, all profiles, in UTC: the table in a file or a pipe.
impl Default for TableStyle {
    fn default() -> TableStyle {
        TableStyle {
            width: 80,
            colours: false,
            folds_fine: false,
            zone: Zone::default(),
        }
    }
}

pub(super) fn write(
    audit: &Audit,
    report: &Report,
    style: TableStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let is_fine = |row: &&ProfileRow| row.judged.verdict.severity == Severity::Fine;
    let fine = report.rows.iter().filter(is_fine).count();
    let folded = if style.folds_fine && fine > MAX_UNFOLDED {
        fine
    } else {
        0
    };
    // The fine profiles are the last ones.
    let shown = &report.rows[..report.rows.len() - folded];
    let table = Table::new(audit, shown, style);
    table.write_times(out)?;
    table.write_rows(shown, out)?;
    if folded > 0 {
        let text = format!("+{folded} fine; --all lists them");
        table.write_with_severity(Severity::Fine, &text, out)?;
    }
    if !report.rows.is_empty() {
        writeln!(out)?;
    }
    for (notes, advice) in report.notes_by_advice() {
        for note in notes {
            table.write_with_severity(note.state.verdict(), &note.to_string(), out)?;
        }
        table.write_indented(advice, "  ", out)?;
    }
    if let Some(descriptions) = descriptions(audit) {
        table.write_indented(&descriptions, "", out)?;
    }
    let summary = report.summary.to_string();
    table.write_with_severity(report.state().verdict(), &summary, out)?;
    table.write_sentence(&first_step(audit, report).to_string(), out)
}

struct Table<'a> {
    audit: &'a Audit,
    style: TableStyle,
    /// The cells of the rows, in their order.
    cells: Vec<Cells>,
    layout: Layout,
}

impl<'a> Table<'a> {
    fn new(audit: &'a Audit, rows: &[ProfileRow], mut style: TableStyle) -> Table<'a> {
        style.width = style.width.clamp(MIN_WIDTH, MAX_WIDTH);
        let cells: Vec<Cells> = rows
            .iter()
            .map(|row| cells(row, audit, style.zone))
            .collect();
        let layout = Layout::new(&cells, style.width);
        Table {
            audit,
            style,
            cells,
            layout,
        }
    }

    fn write_times(&self, out: &mut dyn Write) -> io::Result<()> {
        let zone = self.style.zone;
        let checked_at = zone.minute(self.audit.checked_at);
        let mut text = format!("Checked at {checked_at}. All times are in {}.", zone.name());
        let mut cells = self.cells.iter();
        if cells.any(|cells| !cells.get(Column::TokenEnds).is_empty()) {
            text += " Days of token ends are as the gateway states them.";
        }
        self.write_sentence(&text, out)?;
        writeln!(out)
    }

    fn write_rows(&self, rows: &[ProfileRow], out: &mut dyn Write) -> io::Result<()> {
        if !rows.is_empty() {
            writeln!(out, "{}", self.layout.heading())?;
        }
        for (row, cells) in rows.iter().zip(&self.cells) {
            let verdict = &row.judged.verdict;
            let line = self
                .layout
                .line(cells, |text| self.painted(verdict.severity, text));
            writeln!(out, "{line}")?;
            if verdict.severity == Severity::Fine {
                continue;
            }
            if let Some(details) = self.layout.details(cells) {
                self.write_indented(&details, "", out)?;
            }
            for (findings, advice) in verdict.by_advice() {
                for finding in findings {
                    self.write_indented(&finding.to_string(), "- ", out)?;
                }
                self.write_indented(advice, "  ", out)?;
            }
        }
        Ok(())
    }

    /// A text next to its severity.
    fn write_with_severity(
        &self,
        severity: Severity,
        text: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mark = fit(&severity.words().to_uppercase(), VERDICT);
        let mark = self.painted(severity, &mark);
        for (index, line) in wrap(text, self.style.width - INDENTATION)
            .iter()
            .enumerate()
        {
            match index {
                0 => writeln!(out, "{mark}{GAP}{line}")?,
                _ => writeln!(out, "{:INDENTATION$}{line}", "")?,
            }
        }
        Ok(())
    }

    /// A text below its row. `prefix` is before its first line, and its further lines are indented as far.
    fn write_indented(&self, text: &str, prefix: &str, out: &mut dyn Write) -> io::Result<()> {
        let room = prefix.len();
        for (index, line) in wrap(text, self.style.width - INDENTATION - room)
            .iter()
            .enumerate()
        {
            match index {
                0 => writeln!(out, "{:INDENTATION$}{prefix}{line}", "")?,
                _ => writeln!(out, "{:INDENTATION$}{:room$}{line}", "", "")?,
            }
        }
        Ok(())
    }

    fn write_sentence(&self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let lines = wrap(text, self.style.width);
        lines.iter().try_for_each(|line| writeln!(out, "{line}"))
    }

    fn painted(&self, severity: Severity, text: &str) -> String {
        let style = match severity {
            _ if !self.style.colours => return text.to_owned(),
            Severity::Fine => AnsiColor::Green.on_default(),
            Severity::Warning => AnsiColor::Yellow.on_default(),
            Severity::NotChecked => AnsiColor::Magenta.on_default(),
            Severity::Critical => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
        };
        format!("{style}{text}{style:#}")
    }
}

fn cells(row: &ProfileRow, audit: &Audit, zone: Zone) -> Cells {
    let judged = &row.judged;
    let end = judged.profile.and_then(|profile| profile.token_expires_at);
    let never = judged.profile.is_some_and(|profile| profile.never_expires);
    let activity = judged.profile.and_then(Profile::last_activity_at);
    let mut cells = Cells::default();
    cells.set(
        Column::Verdict,
        judged.verdict.severity.words().to_uppercase(),
    );
    cells.set(Column::Platform, judged.platform);
    cells.set(Column::Account, row.account.unwrap_or_default());
    cells.set(Column::Profile, judged.id);
    // A missing profile has no name to know.
    let name = judged
        .profile
        .map(|_| row.visible_name().unwrap_or("no name"));
    cells.set(Column::Name, name.unwrap_or_default());
    cells.set(Column::Status, row.status_text());
    let since = row.since.map(|since| since.in_column(zone));
    cells.set(Column::Since, since.unwrap_or_default());
    cells.set(
        Column::TokenEnds,
        match end {
            Some(end) => end.date_naive().to_string(),
            None if never => "never".to_owned(),
            None => String::new(),
        },
    );
    let left = end.map(|end| in_largest_unit(end.to_utc() - audit.checked_at));
    cells.set(Column::Left, left.unwrap_or_default());
    let activity = activity.map(|time| zone.day(time).to_string());
    cells.set(Column::LastActivity, activity.unwrap_or_default());
    cells
}

/// The descriptions of the API that the lists follow, with their accounts if there are several.
pub(super) fn descriptions(audit: &Audit) -> Option<String> {
    let mut accounts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for account in &audit.accounts {
        let schema = account
            .snapshot
            .as_ref()
            .and_then(|snapshot| snapshot.schema);
        if let Some(schema) = schema {
            let name = account.name.as_deref().unwrap_or_default();
            accounts.entry(schema.as_str()).or_default().push(name);
        }
    }
    let is_single = accounts.len() == 1;
    let schemas = accounts.into_iter().map(|(schema, names)| match is_single {
        true => schema.to_owned(),
        false => format!("{schema} ({})", names.join(", ")),
    });
    let schemas: Vec<String> = schemas.collect();
    (!schemas.is_empty()).then(|| format!("Description of the API: {}", schemas.join(", ")))
}

/// A time span in its largest unit.
fn in_largest_unit(time: TimeDelta) -> String {
    let sign = if time < TimeDelta::zero() { "-" } else { "" };
    let minutes = time.num_minutes().abs();
    match (minutes / 1440, minutes / 60) {
        (0, 0) => format!("{sign}{minutes}m"),
        (0, hours) => format!("{sign}{hours}h"),
        (days, _) => format!("{sign}{days}d"),
    }
}
