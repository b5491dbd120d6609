//! What an audit comes to: rows, notes and one state.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::{self, Display};

use super::{Audit, Read};
use crate::gateway::model::Status;
use crate::snapshot::Snapshot;
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

/// Something to say that concerns no single profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    /// The account's name, where it has one and the note concerns one account.
    pub account: Option<&'a str>,
    /// How bad it is.
    pub state: State,
    /// A sentence.
    pub text: String,
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
        let profiles = match self.profiles() {
            1 => "1 profile".to_owned(),
            number => format!("{number} profiles"),
        };
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
            unread => write!(out, "; {unread} of {} accounts not read", self.accounts),
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

    fn rows<'a>(&'a self, read: &'a Read) -> impl Iterator<Item = Row<'a>> {
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

    fn notes<'a>(&self, read: &'a Read) -> Vec<Note<'a>> {
        let mut said = Vec::new();
        let troubles = &read.troubles;
        if let Some(error) = &troubles.list {
            said.push((State::Unknown, error.to_string()));
        }
        if let Some(error) = &troubles.secret {
            said.push((State::Warning, error.to_string()));
        }
        for (platform, error) in &troubles.details {
            if self.filter.passes_platform(platform) {
                let text = format!("details of {platform}: {error}; its permissions are not known");
                said.push((State::Unknown, text));
            }
        }
        if troubles.platforms_not_asked > 0 {
            let text = format!(
                "{} platforms too many in the list: they were not asked for details",
                troubles.platforms_not_asked
            );
            said.push((State::Unknown, text));
        }
        for word in &troubles.unknown_statuses {
            let text = format!("the gateway's documentation does not name the status {word:?}");
            said.push((State::Warning, text));
        }
        said.extend(read.snapshot.iter().flat_map(notes_of_the_list));
        let account = read.name.as_deref();
        said.into_iter()
            .map(|(state, text)| Note {
                account,
                state,
                text,
            })
            .collect()
    }

    /// A platform that nobody has is more likely a slip than a question.
    fn notes_of_the_filter(&self) -> Vec<Note<'_>> {
        let snapshots: Vec<&Snapshot> = self
            .accounts
            .iter()
            .filter_map(|read| read.snapshot.as_ref())
            .collect();
        if snapshots.len() < self.accounts.len() {
            return Vec::new();
        }
        let listed = snapshots
            .iter()
            .flat_map(|snapshot| snapshot.details_up.keys());
        let expected = snapshots.iter().flat_map(|snapshot| &snapshot.expected);
        let seen: BTreeSet<&String> = listed
            .chain(expected.map(|expected| &expected.platform))
            .collect();
        let unseen = self
            .filter
            .platforms
            .iter()
            .filter(|platform| !seen.contains(platform));
        unseen
            .map(|platform| Note {
                account: None,
                state: State::Warning,
                text: format!("no profile of the platform {platform} is connected"),
            })
            .collect()
    }
}

/// As the alerts have it, a list without a profile and one that is not shown whole are warnings.
fn notes_of_the_list(snapshot: &Snapshot) -> Vec<(State, String)> {
    let mut said = Vec::new();
    if snapshot.profiles.is_empty() {
        said.push((State::Warning, "no profile is connected".to_owned()));
    }
    let dropped = snapshot.dropped;
    for (count, why) in [
        (dropped.duplicate, "stand in it twice"),
        (dropped.invalid, "cannot be read"),
        (dropped.limit, "are past limits.profiles"),
    ] {
        if count > 0 {
            let text = format!("{count} entries of the list are left out: they {why}");
            said.push((State::Warning, text));
        }
    }
    said
}

impl Display for Note<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(account) = self.account {
            write!(out, "account {account}: ")?;
        }
        out.write_str(&self.text)
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
