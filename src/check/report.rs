//! The report of an audit: judged profiles, notes, their numbers and the overall state.

use std::cmp::Reverse;
use std::fmt::{self, Display};

use super::audit::{Audit, ProfileRow};
use super::notes::Note;
use super::state::CheckState;
use crate::plural::count;
use crate::verdict::Severity;

/// Numbers of profiles by severity, and of accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Profiles without a finding.
    pub fine: usize,
    /// Profiles of which something could not be read, and nothing worse is known.
    pub not_checked: usize,
    /// Profiles whose worst finding is a warning.
    pub warning: usize,
    /// Profiles with a critical finding.
    pub critical: usize,
    /// Accounts whose list of profiles could not be read.
    pub unread: usize,
    /// All accounts.
    pub accounts: usize,
}

impl Summary {
    fn new(rows: &[ProfileRow], audit: &Audit) -> Summary {
        let with = |severity| {
            let rows = rows.iter();
            rows.filter(|row| row.judged.verdict.severity == severity)
                .count()
        };
        let accounts = audit.accounts.iter();
        Summary {
            fine: with(Severity::Fine),
            not_checked: with(Severity::NotChecked),
            warning: with(Severity::Warning),
            critical: with(Severity::Critical),
            unread: accounts
                .filter(|account| account.snapshot.is_none())
                .count(),
            accounts: audit.accounts.len(),
        }
    }

    fn fmt_profiles(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profiles = count(self.profiles(), "profile");
        let (critical, warning) = (self.critical, self.warning);
        write!(out, "{profiles}: {critical} critical, {warning} warning, ")?;
        if self.not_checked > 0 {
            write!(out, "{} not checked, ", self.not_checked)?;
        }
        write!(out, "{} fine", self.fine)
    }

    /// Whether no account could be read, so that the numbers of profiles are not known.
    pub fn is_unread(&self) -> bool {
        self.unread == self.accounts
    }

    /// All profiles, including missing ones.
    pub fn profiles(&self) -> usize {
        self.fine + self.not_checked + self.warning + self.critical
    }
}

impl Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_unread() {
            self.fmt_profiles(out)?;
            if self.unread == 0 {
                return Ok(());
            }
            write!(out, "; ")?;
        }
        let accounts = count(self.accounts, "account");
        write!(out, "{} of {accounts} not read", self.unread)
    }
}

/// The judged profiles of an audit, with notes and a summary.
#[derive(Debug)]
pub struct Report<'a> {
    /// The profiles that pass the filter, most urgent first.
    pub rows: Vec<ProfileRow<'a>>,
    /// Notes on accounts, platforms and the filter, worst first.
    pub notes: Vec<Note<'a>>,
    /// The numbers.
    pub summary: Summary,
}

impl Audit {
    /// Judges and sorts the profiles, and collects the notes.
    pub fn report(&self) -> Report<'_> {
        let accounts = self.accounts.iter();
        let mut rows: Vec<ProfileRow> = accounts.flat_map(|account| self.rows(account)).collect();
        rows.sort_by_cached_key(|row| row.judged.verdict.urgency());
        let mut notes = self.notes();
        notes.sort_by_key(|note| Reverse(note.state));
        let summary = Summary::new(&rows, self);
        Report {
            rows,
            notes,
            summary,
        }
    }
}

impl Report<'_> {
    /// The worst state of all profiles and notes.
    pub fn state(&self) -> CheckState {
        let rows = self
            .rows
            .iter()
            .map(|row| row.judged.verdict.severity.into());
        let notes = self.notes.iter().map(|note| note.state);
        rows.chain(notes).max().unwrap_or(CheckState::Ok)
    }
}
