//! The accounts as they were read, and their profiles that pass the filter.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::running_exporter::Observed;
use crate::config::CredentialSource;
use crate::gateway::model::Status;
use crate::record::{AccountRecord, ProfileRow, RecordFilter, Report};
use crate::refresh::{Claim, RefreshErrors};
use crate::snapshot::Snapshot;
use crate::verdict::{Severity, Thresholds};

/// All accounts as they were read.
#[derive(Debug)]
pub struct Audit {
    pub(super) checked_at: DateTime<Utc>,
    pub(super) filter: CheckFilter,
    pub(super) thresholds: Thresholds,
    /// What a running exporter has observed; `None` if none is asked.
    pub(super) observed: Option<Observed>,
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
}

impl RecordFilter for CheckFilter {
    /// `--account` decides which accounts are read at all.
    fn matches_account(&self, _: Option<&str>) -> bool {
        true
    }

    fn platforms(&self) -> Vec<&str> {
        self.platforms.iter().map(|platform| &**platform).collect()
    }

    fn matches(&self, row: &ProfileRow) -> bool {
        let (status, verdict) = (row.status(), row.judged.verdict.severity);
        self.matches_platform(row.judged.platform)
            && (self.statuses.is_empty() || self.statuses.contains(&status))
            && (self.verdicts.is_empty() || self.verdicts.contains(&verdict))
    }
}

impl AccountAudit {
    fn record(&self) -> AccountRecord<'_> {
        AccountRecord {
            name: self.name.as_deref(),
            snapshot: self.snapshot.as_ref(),
            errors: Some(&self.errors),
            is_current: self.snapshot.is_some(),
            failure: None,
            history: None,
        }
    }
}

impl Audit {
    /// Judges and sorts the profiles, and collects the notes.
    pub fn report(&self) -> Report<'_> {
        let accounts = self.accounts.iter().map(AccountAudit::record);
        let mut report = Report::new(accounts, self.checked_at, self.thresholds, &self.filter);
        if let Some(observed) = &self.observed {
            observed.complete(&mut report);
        }
        report
    }
}
