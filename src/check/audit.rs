//! The accounts as they were read, and their profiles that pass the filter.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::config::CredentialSource;
use crate::gateway::model::Status;
use crate::refresh::{Claim, RefreshErrors};
use crate::snapshot::Snapshot;
use crate::verdict::{JudgedProfile, Severity, Thresholds, judge_snapshot};

/// All accounts as they were read.
#[derive(Debug)]
pub struct Audit {
    pub(super) checked_at: DateTime<Utc>,
    pub(super) filter: CheckFilter,
    pub(super) thresholds: Thresholds,
    /// In the order of the configuration.
    pub(super) accounts: Vec<AccountAudit>,
}

/// One account as it was read.
#[derive(Debug)]
pub(super) struct AccountAudit {
    /// `None` for the default account.
    pub(super) name: Option<Arc<str>>,
    pub(super) source: CredentialSource,
    /// `None` if the list of profiles could not be read.
    pub(super) snapshot: Option<Snapshot>,
    /// Accounts for the bytes of the snapshot until it is dropped.
    pub(super) _claim: Option<Claim>,
    pub(super) errors: RefreshErrors,
    pub(super) took: Duration,
}

/// Which profiles are shown and judged. An empty set matches every profile.
#[derive(Debug, Clone, Default)]
pub struct CheckFilter {
    /// Platforms.
    pub platforms: BTreeSet<String>,
    /// Connection states; `None` matches expected profiles that are missing.
    pub statuses: BTreeSet<Option<Status>>,
    /// Verdicts.
    pub verdicts: BTreeSet<Severity>,
}

impl CheckFilter {
    /// Whether all profiles pass.
    pub(super) fn is_empty(&self) -> bool {
        self.platforms.is_empty() && self.statuses.is_empty() && self.verdicts.is_empty()
    }

    pub(super) fn matches_platform(&self, platform: &str) -> bool {
        self.platforms.is_empty() || self.platforms.contains(platform)
    }

    fn matches(&self, row: &ProfileRow) -> bool {
        let (status, verdict) = (row.status(), row.judged.verdict.severity);
        self.matches_platform(row.judged.platform)
            && (self.statuses.is_empty() || self.statuses.contains(&status))
            && (self.verdicts.is_empty() || self.verdicts.contains(&verdict))
    }
}

/// A listed profile, or an expected profile that is missing, with its account.
#[derive(Debug)]
pub struct ProfileRow<'a> {
    /// The account's name; `None` for the default account.
    pub account: Option<&'a str>,
    /// The profile and its verdict.
    pub judged: JudgedProfile<'a>,
}

impl ProfileRow<'_> {
    /// The connection state; `None` for a missing profile.
    pub fn status(&self) -> Option<Status> {
        self.judged.profile.map(|profile| profile.status)
    }

    /// The connection state as text; `MISSING` for a missing profile.
    pub fn status_text(&self) -> &'static str {
        self.status().map_or("MISSING", Status::as_str)
    }
}

impl Audit {
    /// The profiles of an account that pass the filter.
    pub(super) fn rows<'a>(
        &'a self,
        account: &'a AccountAudit,
    ) -> impl Iterator<Item = ProfileRow<'a>> {
        let judged = account
            .snapshot
            .iter()
            .flat_map(|snapshot| judge_snapshot(snapshot, self.checked_at, &self.thresholds));
        let rows = judged.map(|judged| ProfileRow {
            account: account.name.as_deref(),
            judged,
        });
        rows.filter(|row| self.filter.matches(row))
    }
}
