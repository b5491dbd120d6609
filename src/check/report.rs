//! What an audit comes to: rows, notes and one state.

use std::cmp::Reverse;
use std::fmt::{self, Display};

use super::notes::Note;
use super::{Audit, Read};
use crate::gateway::model::Status;
use crate::plural::count;
use crate::verdict::{Judged, Severity, judge_all};

/// The states of the plugin convention of Nagios and Icinga, from good to bad. What is known to be
/// critical outweighs what is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing to do.
    Ok,
    /// Something to do before it gets worse.
    Warning,
    /// It could not be found out.
    Unknown,
    /// Messages fail, or will very soon.
    Critical,
}

impl State {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            State::Ok => 0,
            State::Warning => 1,
            State::Critical => 2,
            State::Unknown => 3,
        }
    }

    /// The word of the convention.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Ok => "OK",
            State::Warning => "WARNING",
            State::Critical => "CRITICAL",
            State::Unknown => "UNKNOWN",
        }
    }
}

impl From<Severity> for State {
    fn from(severity: Severity) -> State {
        match severity {
            Severity::Fine => State::Ok,
            Severity::Warning => State::Warning,
            Severity::Critical => State::Critical,
        }
    }
}

/// One profile, or an expected one that is missing.
#[derive(Debug)]
pub struct Row<'a> {
    /// The account's name, where it has one.
    pub account: Option<&'a str>,
    /// The profile and what is to be said of it.
    pub judged: Judged<'a>,
}

impl Row<'_> {
    /// The connection state; `None` where the profile is missing.
    pub fn status(&self) -> Option<Status> {
        self.judged.profile.map(|profile| profile.status)
    }

    /// The word for the connection state.
    pub fn status_word(&self) -> &'static str {
        self.status().map_or("MISSING", Status::as_str)
    }
}

/// How many profiles are how well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Profiles without a finding.
    pub fine: usize,
    /// Profiles with a warning at worst.
    pub warning: usize,
    /// Profiles with something critical.
    pub critical: usize,
    /// Accounts whose profiles could not be read.
    pub unread: usize,
    /// All accounts.
    pub accounts: usize,
}

impl Summary {
    /// All profiles, the missing ones included.
    pub fn profiles(&self) -> usize {
        self.fine + self.warning + self.critical
    }
}

impl Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profiles = count(self.profiles(), "profile");
        let Summary {
            critical,
            warning,
            fine,
            ..
        } = self;
        write!(
            out,
            "{profiles}: {critical} critical, {warning} warning, {fine} fine"
        )?;
        match self.unread {
            0 => Ok(()),
            unread => {
                let accounts = count(self.accounts, "account");
                write!(out, "; {unread} of {accounts} not read")
            }
        }
    }
}

/// What an audit comes to.
#[derive(Debug)]
pub struct Report<'a> {
    /// The profiles that pass the filter, the most urgent first.
    pub rows: Vec<Row<'a>>,
    /// What concerns no single profile, the worst first.
    pub notes: Vec<Note<'a>>,
    /// The numbers.
    pub summary: Summary,
}

impl Audit {
    /// Judges and sorts.
    pub fn report(&self) -> Report<'_> {
        let mut rows: Vec<Row> = self
            .accounts
            .iter()
            .flat_map(|read| self.rows(read))
            .collect();
        rows.sort_by_cached_key(|row| row.judged.verdict.urgency());
        let mut notes: Vec<Note> = self
            .accounts
            .iter()
            .flat_map(|read| self.notes(read))
            .collect();
        notes.extend(self.notes_of_the_filter());
        notes.sort_by_key(|note| Reverse(note.state));
        let count = |severity| {
            rows.iter()
                .filter(|row| row.judged.verdict.severity == severity)
                .count()
        };
        let summary = Summary {
            fine: count(Severity::Fine),
            warning: count(Severity::Warning),
            critical: count(Severity::Critical),
            unread: self
                .accounts
                .iter()
                .filter(|read| read.snapshot.is_none())
                .count(),
            accounts: self.accounts.len(),
        };
        Report {
            rows,
            notes,
            summary,
        }
    }

    pub(super) fn rows<'a>(&'a self, read: &'a Read) -> impl Iterator<Item = Row<'a>> {
        let snapshot = read.snapshot.iter();
        let judged =
            snapshot.flat_map(|snapshot| judge_all(snapshot, self.checked_at, &self.thresholds));
        let rows = judged.map(|judged| Row {
            account: read.name.as_deref(),
            judged,
        });
        rows.filter(|row| {
            self.filter.passes_platform(row.judged.platform)
                && self.filter.passes_status(row.status())
        })
    }
}

impl Report<'_> {
    /// The worst of everything.
    pub fn state(&self) -> State {
        let rows = self
            .rows
            .iter()
            .map(|row| row.judged.verdict.severity.into());
        let notes = self.notes.iter().map(|note| note.state);
        rows.chain(notes).max().unwrap_or(State::Ok)
    }
}
