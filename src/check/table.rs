//! The table for people, 80 columns wide: two lines for each profile, then its findings.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, TimeDelta, Utc};

use super::audit::Audit;
use crate::record::CheckState;
use crate::record::ProfileRow;
use crate::record::Report;
use crate::snapshot::Profile;
use crate::verdict::Verdict;
use crate::zone::Zone;
use exporter_toolkit::printable::{fit, width, wrap};

const COLUMNS: usize = 80;
const GAP: &str = "  ";
const VERDICT: usize = 8;
const STATUS: usize = 14;
const TIME: usize = 17;
/// The width of the second and third column together.
const PLATFORM_AND_PROFILE: usize = COLUMNS - VERDICT - STATUS - TIME - 4 * GAP.len();
/// The width of the second column. The third one needs the rest.
const PLATFORM: std::ops::RangeInclusive<usize> = 9..=15;

pub(super) fn write(
    audit: &Audit,
    report: &Report,
    colours: bool,
    zone: Zone,
    out: &mut dyn Write,
) -> io::Result<()> {
    let table = Table::new(audit, report, colours, zone);
    if !report.rows.is_empty() {
        table.write_heading(out)?;
    }
    for row in &report.rows {
        table.write_row(row, out)?;
    }
    if !report.rows.is_empty() {
        writeln!(out)?;
    }
    for note in &report.notes {
        table.write_with_state(note.state, &note.to_string(), out)?;
    }
    if let Some(descriptions) = descriptions(audit) {
        table.write_indented(&descriptions, out)?;
    }
    table.write_with_state(report.state(), &report.summary.to_string(), out)
}

struct Table {
    now: DateTime<Utc>,
    has_names: bool,
    /// The width of the column with platform and account.
    platform: usize,
    colours: bool,
    zone: Zone,
}

impl Table {
    fn new(audit: &Audit, report: &Report, colours: bool, zone: Zone) -> Table {
        let widest = report.rows.iter().flat_map(|row| {
            [
                width(row.judged.platform),
                width(row.account.unwrap_or_default()),
            ]
        });
        Table {
            now: audit.checked_at,
            has_names: audit.accounts.iter().any(|account| account.name.is_some()),
            platform: widest
                .max()
                .unwrap_or(0)
                .clamp(*PLATFORM.start(), *PLATFORM.end()),
            colours,
            zone,
        }
    }

    fn write_heading(&self, out: &mut dyn Write) -> io::Result<()> {
        let account = if self.has_names { "ACCOUNT" } else { "" };
        self.write_first_line(
            [
                &fit("VERDICT", VERDICT),
                "PLATFORM",
                "PROFILE",
                "STATUS",
                "TOKEN ENDS",
            ],
            out,
        )?;
        self.write_second_line([account, "NAME", "LAST ACTIVITY"], out)
    }

    fn write_row(&self, row: &ProfileRow, out: &mut dyn Write) -> io::Result<()> {
        let judged = &row.judged;
        let state = CheckState::from(judged.verdict.severity);
        let verdict = self.painted(state, &fit(state.as_str(), VERDICT));
        let token = self.token(row);
        self.write_first_line(
            [
                &verdict,
                judged.platform,
                judged.id,
                row.status_text(),
                &token,
            ],
            out,
        )?;
        let profile = judged.profile;
        let activity = profile.and_then(Profile::last_activity_at);
        let activity = activity.map_or("-".to_owned(), |time| self.zone.column_minute(time));
        let name = profile.map_or("-", |profile| &*profile.name);
        self.write_second_line([row.account.unwrap_or_default(), name, &activity], out)?;
        self.write_findings(&judged.verdict, out)
    }

    fn write_findings(&self, verdict: &Verdict, out: &mut dyn Write) -> io::Result<()> {
        for finding in &verdict.findings {
            for line in wrap(&format!("- {finding}"), COLUMNS - VERDICT - GAP.len()) {
                writeln!(out, "{:VERDICT$}{GAP}{line}", "")?;
            }
        }
        Ok(())
    }

    fn token(&self, row: &ProfileRow) -> String {
        let end = row
            .judged
            .profile
            .and_then(|profile| profile.token_expires_at);
        match end {
            Some(end) => {
                let room = TIME - "2026-01-01 ".len();
                format!(
                    "{} {:>room$}",
                    self.zone.day(end),
                    in_largest_unit(end.to_utc() - self.now)
                )
            }
            None if row
                .judged
                .profile
                .is_some_and(|profile| profile.never_expires) =>
            {
                "never".to_owned()
            }
            None => "-".to_owned(),
        }
    }

    /// The first cell is padded already: escape sequences for colours have no width.
    fn write_first_line(&self, cells: [&str; 5], out: &mut dyn Write) -> io::Result<()> {
        let [verdict, platform, profile, status, token] = cells;
        let platform = fit(platform, self.platform);
        let profile = fit(profile, PLATFORM_AND_PROFILE - self.platform);
        let status = fit(status, STATUS);
        let token = fit(token, TIME);
        let line = [verdict, &platform, &profile, &status, &token].join(GAP);
        writeln!(out, "{}", line.trim_end())
    }

    fn write_second_line(&self, cells: [&str; 3], out: &mut dyn Write) -> io::Result<()> {
        let [account, name, activity] = cells;
        let account = fit(account, self.platform);
        let name = fit(
            name,
            PLATFORM_AND_PROFILE - self.platform + GAP.len() + STATUS,
        );
        let activity = fit(activity, TIME);
        let line = [&" ".repeat(VERDICT), &*account, &name, &activity].join(GAP);
        writeln!(out, "{}", line.trim_end())
    }

    fn write_with_state(
        &self,
        state: CheckState,
        text: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mark = self.painted(state, &fit(state.as_str(), VERDICT));
        for (index, line) in wrap(text, COLUMNS - VERDICT - GAP.len()).iter().enumerate() {
            match index {
                0 => writeln!(out, "{mark}{GAP}{line}")?,
                _ => writeln!(out, "{:VERDICT$}{GAP}{line}", "")?,
            }
        }
        Ok(())
    }

    fn write_indented(&self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        for line in wrap(text, COLUMNS - VERDICT - GAP.len()) {
            writeln!(out, "{:VERDICT$}{GAP}{line}", "")?;
        }
        Ok(())
    }

    fn painted(&self, state: CheckState, text: &str) -> String {
        let style = match state {
            _ if !self.colours => return text.to_owned(),
            CheckState::Ok => AnsiColor::Green.on_default(),
            CheckState::Warning => AnsiColor::Yellow.on_default(),
            CheckState::Unknown => AnsiColor::Magenta.on_default(),
            CheckState::Critical => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
        };
        format!("{style}{text}{style:#}")
    }
}

/// The descriptions of the API that the lists follow, with their accounts if there are several.
fn descriptions(audit: &Audit) -> Option<String> {
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
