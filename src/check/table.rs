//! The table for people: two lines for each profile, then one for each finding, in 80 columns.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, TimeDelta, Utc};

use super::Audit;
use super::report::{Report, Row, State};
use crate::printable::{fit, width, wrap};
use crate::snapshot::Profile;
use crate::verdict::{Severity, Verdict};

const COLUMNS: usize = 80;
const GAP: &str = "  ";
const VERDICT: usize = 8;
const STATUS: usize = 14;
const MOMENT: usize = 17;
/// What is left for platform and account, and for profile and name.
const SHARED: usize = COLUMNS - VERDICT - STATUS - MOMENT - 4 * GAP.len();
/// Neither hides the other.
const PLATFORM: std::ops::RangeInclusive<usize> = 9..=15;

pub(super) fn write(
    audit: &Audit,
    report: &Report,
    colours: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let table = Table::new(audit, report, colours);
    if !report.rows.is_empty() {
        table.heading(out)?;
    }
    for row in &report.rows {
        table.row(row, out)?;
    }
    if !report.rows.is_empty() {
        writeln!(out)?;
    }
    for note in &report.notes {
        table.marked(note.state, &note.to_string(), out)?;
    }
    if let Some(descriptions) = descriptions(audit) {
        table.plain(&descriptions, out)?;
    }
    table.marked(report.state(), &report.summary.to_string(), out)
}

struct Table {
    now: DateTime<Utc>,
    named: bool,
    platform: usize,
    colours: bool,
}

impl Table {
    fn new(audit: &Audit, report: &Report, colours: bool) -> Table {
        let widest = report.rows.iter().flat_map(|row| {
            [
                width(row.judged.platform),
                width(row.account.unwrap_or_default()),
            ]
        });
        Table {
            now: audit.checked_at,
            named: audit.accounts.iter().any(|read| read.name.is_some()),
            platform: widest
                .max()
                .unwrap_or(0)
                .clamp(*PLATFORM.start(), *PLATFORM.end()),
            colours,
        }
    }

    fn heading(&self, out: &mut dyn Write) -> io::Result<()> {
        let account = if self.named { "ACCOUNT" } else { "" };
        self.first(
            [
                &fit("VERDICT", VERDICT),
                "PLATFORM",
                "PROFILE",
                "STATUS",
                "TOKEN ENDS",
            ],
            out,
        )?;
        self.second([account, "NAME", "LAST ACTIVITY"], out)
    }

    fn row(&self, row: &Row, out: &mut dyn Write) -> io::Result<()> {
        let judged = &row.judged;
        let state = judged.verdict.severity.into();
        let verdict = self.painted(state, &fit(word(judged.verdict.severity), VERDICT));
        let token = self.token(row);
        self.first(
            [
                &verdict,
                judged.platform,
                judged.id,
                row.status_word(),
                &token,
            ],
            out,
        )?;
        let profile = judged.profile;
        let activity = profile.and_then(Profile::last_activity_at);
        let activity = activity.map_or("-".to_owned(), date_and_time);
        let name = profile.map_or("-", |profile| &*profile.name);
        self.second([row.account.unwrap_or_default(), name, &activity], out)?;
        self.findings(&judged.verdict, out)
    }

    fn findings(&self, verdict: &Verdict, out: &mut dyn Write) -> io::Result<()> {
        for finding in &verdict.findings {
            for line in wrap(&format!("- {finding}"), COLUMNS - VERDICT - GAP.len()) {
                writeln!(out, "{:VERDICT$}{GAP}{line}", "")?;
            }
        }
        Ok(())
    }

    fn token(&self, row: &Row) -> String {
        let end = row
            .judged
            .profile
            .and_then(|profile| profile.token_expires_at);
        match end {
            Some(end) => {
                let room = MOMENT - "2026-01-01 ".len();
                format!("{} {:>room$}", end.format("%Y-%m-%d"), left(end - self.now))
            }
            None => "-".to_owned(),
        }
    }

    /// `VERDICT` is padded already: colours have no width.
    fn first(&self, cells: [&str; 5], out: &mut dyn Write) -> io::Result<()> {
        let [verdict, platform, profile, status, token] = cells;
        let platform = fit(platform, self.platform);
        let profile = fit(profile, SHARED - self.platform);
        let status = fit(status, STATUS);
        let token = fit(token, MOMENT);
        let line = [verdict, &platform, &profile, &status, &token].join(GAP);
        writeln!(out, "{}", line.trim_end())
    }

    fn second(&self, cells: [&str; 3], out: &mut dyn Write) -> io::Result<()> {
        let [account, name, activity] = cells;
        let account = fit(account, self.platform);
        let name = fit(name, SHARED - self.platform + GAP.len() + STATUS);
        let activity = fit(activity, MOMENT);
        let line = [&" ".repeat(VERDICT), &*account, &name, &activity].join(GAP);
        writeln!(out, "{}", line.trim_end())
    }

    fn marked(&self, state: State, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let mark = self.painted(state, &fit(state.as_str(), VERDICT));
        for (place, line) in wrap(text, COLUMNS - VERDICT - GAP.len()).iter().enumerate() {
            match place {
                0 => writeln!(out, "{mark}{GAP}{line}")?,
                _ => writeln!(out, "{:VERDICT$}{GAP}{line}", "")?,
            }
        }
        Ok(())
    }

    fn plain(&self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        for line in wrap(text, COLUMNS - VERDICT - GAP.len()) {
            writeln!(out, "{:VERDICT$}{GAP}{line}", "")?;
        }
        Ok(())
    }

    fn painted(&self, state: State, text: &str) -> String {
        let style = match state {
            _ if !self.colours => return text.to_owned(),
            State::Ok => AnsiColor::Green.on_default(),
            State::Warning => AnsiColor::Yellow.on_default(),
            State::Unknown => AnsiColor::Magenta.on_default(),
            State::Critical => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
        };
        format!("{style}{text}{style:#}")
    }
}

/// Which descriptions of the API the lists follow, with the accounts where they differ.
fn descriptions(audit: &Audit) -> Option<String> {
    let mut accounts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for read in &audit.accounts {
        let schema = read.snapshot.as_ref().and_then(|snapshot| snapshot.schema);
        if let Some(schema) = schema {
            let name = read.name.as_deref().unwrap_or_default();
            accounts.entry(schema.as_str()).or_default().push(name);
        }
    }
    let all_alike = accounts.len() == 1;
    let told = accounts.into_iter().map(|(schema, names)| match all_alike {
        true => schema.to_owned(),
        false => format!("{schema} ({})", names.join(", ")),
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| format!("Description of the API: {}", told.join(", ")))
}

fn word(severity: Severity) -> &'static str {
    State::from(severity).as_str()
}

fn date_and_time(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M").to_string()
}

/// The largest unit alone.
fn left(time: TimeDelta) -> String {
    let sign = if time < TimeDelta::zero() { "-" } else { "" };
    let minutes = time.num_minutes().abs();
    match (minutes / 1440, minutes / 60) {
        (0, 0) => format!("{sign}{minutes}m"),
        (0, hours) => format!("{sign}{hours}h"),
        (days, _) => format!("{sign}{days}d"),
    }
}
