//! The report on accounts: judged profiles, notes, their numbers and the overall state.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::{self, Display};

use chrono::{DateTime, Utc};

use super::account::AccountRecord;
use super::notes::{Note, NoteGroup, by_advice, notes};
use super::row::{ProfileRow, RecordFilter};
use super::state::CheckState;
use crate::plural::count;
use crate::verdict::{Severity, Thresholds, judge_snapshot};

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
    fn add(&mut self, severity: Severity) {
        *match severity {
            Severity::Fine => &mut self.fine,
            Severity::NotChecked => &mut self.not_checked,
            Severity::Warning => &mut self.warning,
            Severity::Critical => &mut self.critical,
        } += 1;
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

/// The judged profiles of accounts, with notes and a summary.
#[derive(Debug)]
pub struct Report<'a> {
    /// When the profiles were judged.
    pub(crate) checked_at: DateTime<Utc>,
    pub(crate) thresholds: Thresholds,
    /// The accounts that pass the filter, in the order of the configuration.
    pub(crate) accounts: Vec<AccountRecord<'a>>,
    /// The profiles that pass the filter, most urgent first.
    pub rows: Vec<ProfileRow<'a>>,
    /// Notes on accounts, platforms and the filter, worst first.
    pub notes: Vec<Note<'a>>,
    /// The numbers.
    pub summary: Summary,
}

impl<'a> Report<'a> {
    /// Judges and sorts the profiles, and collects the notes.
    pub(crate) fn new(
        accounts: impl Iterator<Item = AccountRecord<'a>>,
        checked_at: DateTime<Utc>,
        thresholds: Thresholds,
        filter: &impl RecordFilter,
    ) -> Report<'a> {
        let accounts = accounts.filter(|account| filter.matches_account(account.name));
        let accounts: Vec<AccountRecord> = accounts.collect();
        let rows = accounts.iter().flat_map(|account| {
            let snapshot = account.snapshot.into_iter();
            let judged = snapshot.flat_map(|it| judge_snapshot(it, checked_at, &thresholds));
            judged.map(|judged| ProfileRow {
                account: account.name,
                since: account
                    .history
                    .and_then(|history| history.since(judged.platform, judged.id)),
                judged,
            })
        });
        let mut rows: Vec<ProfileRow> = rows.filter(|row| filter.matches(row)).collect();
        rows.sort_by_cached_key(|row| row.judged.verdict.urgency());
        let notes = notes(&accounts, &rows, filter);
        let mut summary = Summary {
            unread: accounts.iter().filter(|it| it.snapshot.is_none()).count(),
            accounts: accounts.len(),
            ..Summary::default()
        };
        for row in &rows {
            summary.add(row.judged.verdict.severity);
        }
        let mut report = Report {
            checked_at,
            thresholds,
            accounts,
            rows,
            notes: Vec::new(),
            summary,
        };
        report.add_notes(notes);
        report
    }

    /// Adds notes behind those that are as bad.
    pub(crate) fn add_notes(&mut self, notes: impl IntoIterator<Item = Note<'a>>) {
        self.notes.extend(notes);
        self.notes.sort_by_key(|note| Reverse(note.state));
    }

    /// The notes, those that say the same of several accounts as one, with the advice that they share.
    pub(crate) fn notes_by_advice(&self) -> Vec<(Vec<NoteGroup<'_>>, &str)> {
        by_advice(&self.notes)
    }

    /// The numbers of each account, by its name. An account without matching profiles has none.
    pub(super) fn summaries(&self) -> HashMap<Option<&'a str>, Summary> {
        let mut summaries: HashMap<_, Summary> = HashMap::new();
        for row in &self.rows {
            let summary = summaries.entry(row.account).or_default();
            summary.add(row.judged.verdict.severity);
        }
        summaries
    }

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
