//! What the page says: the accounts, their profiles by urgency, and how many there are of each kind.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::filter::Filter;
use super::trouble::{Trouble, troubles};
use super::words::LONGEST;
use crate::account::View;
use crate::gateway::fields::Schema;
use crate::gateway::model::DOCUMENTED_PLATFORMS;
use crate::plural::count;
use crate::verdict::{Judged, Severity, Thresholds, judge_all};

/// Profiles that are shown; the others are counted.
const MOST_ROWS: usize = 100;
/// Platforms that can be chosen: the gateway may invent any number.
const MOST_PLATFORMS: usize = 20;

/// Everything that the page says.
#[derive(Debug)]
pub(super) struct Audit<'a> {
    pub(super) now: DateTime<Utc>,
    /// The worst first.
    pub(super) accounts: Vec<AccountState<'a>>,
    /// All profiles of all accounts.
    pub(super) overall: Counts,
    /// The profiles that the filter lets through, whatever their verdict.
    pub(super) counts: Counts,
    /// The most urgent of those with the verdict that is asked for.
    pub(super) rows: Vec<Row<'a>>,
    /// How many there are of them in all.
    pub(super) matching: usize,
    pub(super) platforms: BTreeSet<&'a str>,
}

/// One account.
#[derive(Debug)]
pub(super) struct AccountState<'a> {
    pub(super) name: Option<&'a str>,
    /// Whether its profiles are known.
    pub(super) has_data: bool,
    /// Whether its first refresh has not ended yet.
    pub(super) is_new: bool,
    pub(super) read_at: Option<DateTime<Utc>>,
    /// The description of the API that its list follows, where that is known.
    pub(super) schema: Option<Schema>,
    pub(super) counts: Counts,
    pub(super) troubles: Vec<Trouble>,
}

/// One profile.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) account: Option<&'a str>,
    pub(super) judged: Judged<'a>,
}

/// Profiles by verdict.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    pub(super) critical: usize,
    pub(super) warning: usize,
    pub(super) fine: usize,
}

impl Counts {
    fn add(&mut self, severity: Severity) {
        match severity {
            Severity::Critical => self.critical += 1,
            Severity::Warning => self.warning += 1,
            Severity::Fine => self.fine += 1,
        }
    }

    fn add_all(&mut self, other: Counts) {
        self.critical += other.critical;
        self.warning += other.warning;
        self.fine += other.fine;
    }

    pub(super) fn total(&self) -> usize {
        self.critical + self.warning + self.fine
    }

    pub(super) fn of(&self, severity: Severity) -> usize {
        match severity {
            Severity::Critical => self.critical,
            Severity::Warning => self.warning,
            Severity::Fine => self.fine,
        }
    }
}

impl<'a> Audit<'a> {
    pub(super) fn new(views: &'a [Arc<View>], now: DateTime<Utc>, filter: &Filter) -> Audit<'a> {
        let mut audit = Audit {
            now,
            accounts: Vec::new(),
            overall: Counts::default(),
            counts: Counts::default(),
            rows: Vec::new(),
            matching: 0,
            platforms: DOCUMENTED_PLATFORMS.into_iter().collect(),
        };
        for view in views {
            audit.add(view, filter);
        }
        audit
            .accounts
            .sort_by_key(|account| (account.has_data, account.troubles.is_empty()));
        audit.matching = audit.rows.len();
        audit
            .rows
            .sort_by_cached_key(|row| row.judged.verdict.urgency());
        audit.rows.truncate(MOST_ROWS);
        audit
    }

    fn add(&mut self, view: &'a View, filter: &Filter) {
        let account = view.exposed.account.as_deref();
        let mut state = AccountState {
            name: account,
            has_data: view.snapshot.is_some(),
            is_new: view.troubles.is_none(),
            read_at: view.exposed.read_at,
            schema: (view.snapshot.as_ref()).and_then(|snapshot| snapshot.schema),
            counts: Counts::default(),
            troubles: troubles(view),
        };
        let snapshot = view.snapshot.iter();
        for judged in snapshot.flat_map(|data| judge_all(data, self.now, &Thresholds::default())) {
            let severity = judged.verdict.severity;
            state.counts.add(severity);
            let is_short = judged.platform.chars().nth(LONGEST).is_none();
            if is_short && self.platforms.len() < MOST_PLATFORMS {
                self.platforms.insert(judged.platform);
            }
            if filter.lets_account_through(account) && filter.lets_profile_through(&judged) {
                self.counts.add(severity);
                if filter.lets_verdict_through(severity) {
                    self.rows.push(Row { account, judged });
                }
            }
        }
        self.overall.add_all(state.counts);
        self.accounts.push(state);
    }

    /// The worst that is to be said, in a few words.
    pub(super) fn headline(&self) -> String {
        let troubled = self.count_accounts(|account| !account.troubles.is_empty());
        let counts = self.overall;
        let worst = [
            (counts.critical, "profile", "critical"),
            (troubled, "account", "with trouble"),
            (counts.warning, "profile", "with a warning"),
        ];
        let worst: Vec<String> = worst
            .into_iter()
            .filter(|(number, ..)| *number > 0)
            .take(2)
            .map(|(number, noun, how)| format!("{} {how}", count(number, noun)))
            .collect();
        if !worst.is_empty() {
            worst.join(", ")
        } else if self.count_accounts(|account| account.is_new) > 0 {
            "Reading the profiles".to_owned()
        } else if counts.fine == 0 {
            "No profiles connected".to_owned()
        } else {
            "All profiles are fine".to_owned()
        }
    }

    /// How bad the worst is. An account of which nothing can be told is as bad as one that fails.
    pub(super) fn worst(&self) -> Severity {
        let counts = self.overall;
        let blind = self.count_accounts(|account| !account.has_data && !account.is_new);
        let odd = self.count_accounts(|account| !account.has_data || !account.troubles.is_empty());
        if counts.critical + blind > 0 {
            Severity::Critical
        } else if counts.warning + odd > 0 || counts.fine == 0 {
            Severity::Warning
        } else {
            Severity::Fine
        }
    }

    /// Whether there is more than one account to tell apart.
    pub(super) fn has_accounts(&self) -> bool {
        self.accounts.len() > 1
    }

    fn count_accounts(&self, kind: impl Fn(&AccountState) -> bool) -> usize {
        self.accounts.iter().filter(|account| kind(account)).count()
    }
}
