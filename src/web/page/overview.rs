//! What is known about all accounts: their state, their profiles by need, and numbers of profiles by severity.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::counts::Counts;
use super::problems::{AccountProblem, account_problems};
use super::site::Site;
use crate::account::history::History;
use crate::account::{ListFailure, View};
use crate::gateway::model::DOCUMENTED_PLATFORMS;
use crate::record::{AccountRecord, CheckState, ProfileRow};
use crate::snapshot::Snapshot;
use crate::verdict::{Action, Severity, Thresholds, judge_snapshot};
use crate::web::filter::{MAX_VALUE_CHARS, PageFilter};

/// Maximum number of platforms in the form, because the gateway may return any number.
const MAX_PLATFORMS: usize = 20;

/// What is known about all accounts.
#[derive(Debug)]
pub(super) struct Overview<'a> {
    pub(super) site: Site<'a>,
    /// Worst first.
    pub(super) accounts: Vec<AccountOverview<'a>>,
    /// All profiles of all accounts.
    pub(super) all: Counts,
    /// All profiles, by need.
    pub(super) rows: Vec<ProfileRow<'a>>,
    /// The platforms of the form.
    pub(super) platforms: BTreeSet<&'a str>,
}

/// One account.
#[derive(Debug)]
pub(super) struct AccountOverview<'a> {
    pub(super) name: Option<&'a str>,
    /// Whether the first refresh has not finished yet.
    pub(super) is_new: bool,
    pub(super) read_at: Option<DateTime<Utc>>,
    /// The data; `None` if there is none to show.
    pub(super) snapshot: Option<&'a Snapshot>,
    /// The failure to read the list, if the latest refresh could not.
    pub(super) failure: Option<ListFailure>,
    pub(super) counts: Counts,
    /// The state of the account itself, apart from its profiles.
    pub(super) own_state: CheckState,
    /// Worst first.
    pub(super) problems: Vec<AccountProblem>,
    pub(super) history: &'a History,
}

impl AccountOverview<'_> {
    /// Whether there is data to show.
    pub(super) fn has_data(&self) -> bool {
        self.snapshot.is_some()
    }

    /// Whether there is no data, although a refresh has ended.
    pub(super) fn is_unread(&self) -> bool {
        !self.has_data() && !self.is_new
    }

    /// The worst state of the account and of its profiles, as `check` says it.
    pub(super) fn state(&self) -> CheckState {
        self.own_state.max(self.counts.state())
    }

    /// The state as a severity.
    pub(super) fn severity(&self) -> Severity {
        self.state().verdict()
    }
}

impl<'a> Overview<'a> {
    pub(super) fn new(views: &'a [Arc<View>], site: Site<'a>) -> Overview<'a> {
        let mut overview = Overview {
            site,
            accounts: Vec::with_capacity(views.len()),
            all: Counts::default(),
            rows: Vec::new(),
            platforms: DOCUMENTED_PLATFORMS.into_iter().collect(),
        };
        for view in views {
            overview.add(view);
        }
        overview
            .accounts
            .sort_by_key(|account| (Reverse(account.state()), !account.is_unread(), account.name));
        sort_by_need(&mut overview.rows);
        overview
    }

    fn add(&mut self, view: &'a View) {
        let account = view.exposed.account.as_deref();
        let mut overview = AccountOverview {
            name: account,
            is_new: view.errors.is_none(),
            read_at: view.exposed.read_at,
            snapshot: view.snapshot.as_deref(),
            failure: view.failure,
            counts: Counts::default(),
            own_state: AccountRecord::of_view(view).state(&PageFilter::default()),
            problems: account_problems(view, self.site.zone()),
            history: &view.history,
        };
        let snapshot = view.snapshot.iter();
        for judged in
            snapshot.flat_map(|data| judge_snapshot(data, self.site.now, &Thresholds::default()))
        {
            let severity = judged.verdict.severity;
            overview.counts.add(severity);
            let is_short = judged.platform.chars().nth(MAX_VALUE_CHARS).is_none();
            if is_short && self.platforms.len() < MAX_PLATFORMS {
                self.platforms.insert(judged.platform);
            }
            self.rows.push(ProfileRow {
                account,
                since: view.history.since(judged.platform, judged.id),
                judged,
            });
        }
        self.all.add_all(overview.counts);
        self.accounts.push(overview);
    }

    /// The rows that need attention, and the rows with nothing to do.
    pub(super) fn by_need(&self) -> (&[ProfileRow<'a>], &[ProfileRow<'a>]) {
        let fine = self
            .rows
            .partition_point(|row| row.action() != Action::Nothing);
        self.rows.split_at(fine)
    }

    /// Whether any account has data, so that numbers of profiles are known.
    pub(super) fn has_data(&self) -> bool {
        self.accounts.iter().any(|account| account.has_data())
    }

    /// Whether the page needs to name the accounts.
    pub(super) fn has_several_accounts(&self) -> bool {
        self.accounts.len() > 1
    }

    pub(super) fn count_accounts(&self, kind: impl Fn(&AccountOverview) -> bool) -> usize {
        self.accounts.iter().filter(|account| kind(account)).count()
    }
}

/// Sorts critical rows before the others, both in groups of the same action. The group with the most urgent row comes first;
/// profiles that seem given up come after the other critical ones, so that an old failure does not hide a new one.
fn sort_by_need(rows: &mut [ProfileRow]) {
    rows.sort_by_cached_key(|row| row.judged.verdict.urgency());
    let mut order: Vec<Action> = Vec::new();
    for action in rows.iter().map(ProfileRow::action) {
        if !order.contains(&action) {
            order.push(action);
        }
    }
    // Stable, so the order within a group is kept.
    rows.sort_by_cached_key(|row| {
        let action = row.action();
        let is_critical = row.judged.verdict.severity == Severity::Critical;
        let group = order.iter().position(|known| *known == action);
        (!is_critical, action == Action::DecideWhetherToKeep, group)
    });
}
