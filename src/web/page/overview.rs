//! The content of the page: accounts, their profiles by urgency, and numbers of profiles by severity.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::elements::MAX_TEXT_CHARS;
use super::problems::{AccountProblem, account_problems};
use crate::account::{ListFailure, View};
use crate::gateway::fields::Schema;
use crate::gateway::model::DOCUMENTED_PLATFORMS;
use crate::plural::count;
use crate::verdict::{Action, JudgedProfile, Severity, Thresholds, judge_snapshot};
use crate::web::filter::PageFilter;
use crate::zone::Zone;

/// Maximum number of profiles in the table. Others are only counted.
const MAX_ROWS: usize = 100;
/// Maximum number of platforms in the form, because the gateway may return any number.
const MAX_PLATFORMS: usize = 20;

/// The content of the page.
#[derive(Debug)]
pub(super) struct Overview<'a> {
    pub(super) now: DateTime<Utc>,
    /// The zone of all times.
    pub(super) zone: Zone,
    /// Accounts without data first, then those with problems.
    pub(super) accounts: Vec<AccountOverview<'a>>,
    /// All profiles of all accounts.
    pub(super) all: Counts,
    /// The profiles that match the filter apart from its severity.
    pub(super) filtered: Counts,
    /// The most urgent profiles that match the filter.
    pub(super) rows: Vec<PageRow<'a>>,
    /// The number of all profiles that match the filter.
    pub(super) matching: usize,
    /// The platforms of the form.
    pub(super) platforms: BTreeSet<&'a str>,
}

/// One account.
#[derive(Debug)]
pub(super) struct AccountOverview<'a> {
    pub(super) name: Option<&'a str>,
    /// Whether there is a snapshot to show.
    pub(super) has_data: bool,
    /// Whether the first refresh has not finished yet.
    pub(super) is_new: bool,
    pub(super) read_at: Option<DateTime<Utc>>,
    /// The description of the API that the list follows, if the list shows it.
    pub(super) schema: Option<Schema>,
    /// The failure to read the list, if the latest refresh could not.
    pub(super) failure: Option<ListFailure>,
    pub(super) counts: Counts,
    pub(super) problems: Vec<AccountProblem>,
}

impl AccountOverview<'_> {
    /// Whether there is no data, although a refresh has ended.
    fn is_unread(&self) -> bool {
        !self.has_data && !self.is_new
    }
}

/// A profile with its account.
#[derive(Debug)]
pub(super) struct PageRow<'a> {
    pub(super) account: Option<&'a str>,
    pub(super) judged: JudgedProfile<'a>,
}

/// Numbers of profiles by severity.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    pub(super) critical: usize,
    pub(super) warning: usize,
    pub(super) not_checked: usize,
    pub(super) fine: usize,
}

impl Counts {
    fn add(&mut self, severity: Severity) {
        match severity {
            Severity::Critical => self.critical += 1,
            Severity::Warning => self.warning += 1,
            Severity::NotChecked => self.not_checked += 1,
            Severity::Fine => self.fine += 1,
        }
    }

    fn add_all(&mut self, other: Counts) {
        self.critical += other.critical;
        self.warning += other.warning;
        self.not_checked += other.not_checked;
        self.fine += other.fine;
    }

    pub(super) fn total(&self) -> usize {
        self.critical + self.warning + self.not_checked + self.fine
    }

    pub(super) fn get(&self, severity: Severity) -> usize {
        match severity {
            Severity::Critical => self.critical,
            Severity::Warning => self.warning,
            Severity::NotChecked => self.not_checked,
            Severity::Fine => self.fine,
        }
    }
}

impl<'a> Overview<'a> {
    pub(super) fn new(
        views: &'a [Arc<View>],
        now: DateTime<Utc>,
        filter: &PageFilter,
        zone: Zone,
    ) -> Overview<'a> {
        let mut overview = Overview {
            now,
            zone,
            accounts: Vec::new(),
            all: Counts::default(),
            filtered: Counts::default(),
            rows: Vec::new(),
            matching: 0,
            platforms: DOCUMENTED_PLATFORMS.into_iter().collect(),
        };
        for view in views {
            overview.add(view, filter);
        }
        overview
            .accounts
            .sort_by_key(|account| (account.has_data, account.problems.is_empty()));
        overview.matching = overview.rows.len();
        sort_by_need(&mut overview.rows);
        overview.rows.truncate(MAX_ROWS);
        overview
    }

    fn add(&mut self, view: &'a View, filter: &PageFilter) {
        let account = view.exposed.account.as_deref();
        let mut overview = AccountOverview {
            name: account,
            has_data: view.snapshot.is_some(),
            is_new: view.errors.is_none(),
            read_at: view.exposed.read_at,
            schema: (view.snapshot.as_ref()).and_then(|snapshot| snapshot.schema),
            failure: view.failure,
            counts: Counts::default(),
            problems: account_problems(view, self.zone),
        };
        let snapshot = view.snapshot.iter();
        for judged in
            snapshot.flat_map(|data| judge_snapshot(data, self.now, &Thresholds::default()))
        {
            let severity = judged.verdict.severity;
            overview.counts.add(severity);
            let is_short = judged.platform.chars().nth(MAX_TEXT_CHARS).is_none();
            if is_short && self.platforms.len() < MAX_PLATFORMS {
                self.platforms.insert(judged.platform);
            }
            if filter.matches_account(account) && filter.matches_profile(&judged) {
                self.filtered.add(severity);
                if filter.matches_severity(severity) {
                    self.rows.push(PageRow { account, judged });
                }
            }
        }
        self.all.add_all(overview.counts);
        self.accounts.push(overview);
    }

    /// The two worst facts about the accounts, or that all profiles are fine.
    pub(super) fn headline(&self) -> String {
        if let Some(cause) = self.single_cause() {
            return cause.what.trim_end_matches('.').to_owned();
        }
        let unread = self.count_accounts(|account| account.is_unread());
        let with_problems = self.count_accounts(|it| it.has_data && !it.problems.is_empty());
        let counts = self.all;
        let facts = [
            (counts.critical, "profile", "critical"),
            (unread, "account", "not read"),
            (with_problems, "account", "with problems"),
            (counts.warning, "profile", "with a warning"),
            (counts.not_checked, "profile", "not checked"),
        ];
        let facts: Vec<String> = facts
            .into_iter()
            .filter(|(number, ..)| *number > 0)
            .take(2)
            .map(|(number, noun, how)| format!("{} {how}", count(number, noun)))
            .collect();
        if !facts.is_empty() {
            facts.join(", ")
        } else if self.count_accounts(|account| account.is_new) > 0 {
            "Reading the profiles".to_owned()
        } else if counts.total() == 0 {
            "No profiles connected".to_owned()
        } else {
            "All profiles are fine".to_owned()
        }
    }

    /// Why nothing is known, if the page shows a single account and it cannot be read.
    fn single_cause(&self) -> Option<&AccountProblem> {
        match &self.accounts[..] {
            [account] if account.is_unread() => account.problems.first(),
            _ => None,
        }
    }

    /// Whether any account has data, so that numbers of profiles are known.
    pub(super) fn has_data(&self) -> bool {
        self.accounts.iter().any(|account| account.has_data)
    }

    /// The severity of the headline. An account without data is critical, like a profile that fails.
    pub(super) fn worst(&self) -> Severity {
        let counts = self.all;
        let without_data = self.count_accounts(|account| account.is_unread());
        let not_fine =
            self.count_accounts(|account| !account.has_data || !account.problems.is_empty());
        if counts.critical + without_data > 0 {
            Severity::Critical
        } else if counts.warning + not_fine > 0 || counts.total() == 0 {
            Severity::Warning
        } else if counts.not_checked > 0 {
            Severity::NotChecked
        } else {
            Severity::Fine
        }
    }

    /// Whether the page needs to name the accounts.
    pub(super) fn has_several_accounts(&self) -> bool {
        self.accounts.len() > 1
    }

    fn count_accounts(&self, kind: impl Fn(&AccountOverview) -> bool) -> usize {
        self.accounts.iter().filter(|account| kind(account)).count()
    }
}

/// Sorts the rows by urgency within groups of the same action. The group with the most urgent row comes first; profiles that
/// seem given up come after those that need somebody, so that an old failure does not hide a new one.
fn sort_by_need(rows: &mut [PageRow]) {
    rows.sort_by_cached_key(|row| row.judged.verdict.urgency());
    let mut order: Vec<Action> = Vec::new();
    for action in rows.iter().map(|row| row.judged.verdict.action()) {
        if !order.contains(&action) {
            order.push(action);
        }
    }
    order.sort_by_key(|action| *action >= Action::DecideWhetherToKeep);
    // Stable, so the order within a group is kept.
    rows.sort_by_cached_key(|row| {
        let action = row.judged.verdict.action();
        order.iter().position(|known| *known == action)
    });
}
