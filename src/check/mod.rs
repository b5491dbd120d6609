//! `check`: the audit. Every account is read once, without the cache, and judged.

mod csv;
mod expected;
mod json;
mod metrics;
mod nagios;
mod notes;
mod output;
mod output_file;
pub mod progress;
mod report;
mod table;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::clock::Clock;
use crate::config::{Config, Origin, UnknownAccount};
use crate::gateway::model::Status;
use crate::refresh::{Claim, Outcome, Refresher, Standing, Troubles};
use crate::roster::{RosterError, Workshop};
use crate::snapshot::Snapshot;
use crate::telemetry::account::AccountMetrics;
use crate::verdict::Thresholds;

pub use nagios::unknown as nagios_unknown;
pub use notes::Note;
pub use output::Format;
pub use output_file::{OutputError, write_file};
pub use report::{Report, Row, State, Summary};

/// What to audit, and how strictly.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Names of the accounts; all where none is given.
    pub accounts: Vec<String>,
    /// Which profiles.
    pub filter: Filter,
    /// How little time may be left of a token.
    pub thresholds: Thresholds,
}

/// Which profiles are shown and judged. An empty set lets everything pass.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Platforms.
    pub platforms: BTreeSet<String>,
    /// States, `None` for expected profiles that are missing.
    pub statuses: BTreeSet<Option<Status>>,
}

impl Filter {
    fn passes_platform(&self, platform: &str) -> bool {
        self.platforms.is_empty() || self.platforms.contains(platform)
    }

    fn passes_status(&self, status: Option<Status>) -> bool {
        self.statuses.is_empty() || self.statuses.contains(&status)
    }
}

/// Why there is nothing to judge.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// `--account` names none of the accounts.
    #[error(transparent)]
    UnknownAccount(#[from] UnknownAccount),
    /// The thresholds contradict each other.
    #[error("--critical must not be longer than --warning")]
    Thresholds,
    /// The accounts cannot be set up.
    #[error(transparent)]
    Setup(#[from] RosterError),
}

/// What was read, of all accounts.
#[derive(Debug)]
pub struct Audit {
    checked_at: DateTime<Utc>,
    filter: Filter,
    thresholds: Thresholds,
    accounts: Vec<Read>,
}

/// What was read of one account.
#[derive(Debug)]
struct Read {
    name: Option<Arc<str>>,
    origin: Origin,
    snapshot: Option<Snapshot>,
    /// Counts the bytes of the snapshot as long as it is kept.
    _claim: Option<Claim>,
    troubles: Troubles,
    took: Duration,
}

/// Reads the accounts, several at once, each when its turn comes. `progress` is told how many of how many have been read.
///
/// # Errors
/// [`CheckError`] when the options do not fit the configuration. A gateway that does not answer is
/// no error, but part of the audit.
pub async fn run(
    config: Config,
    options: Options,
    clock: Arc<dyn Clock>,
    mut progress: impl FnMut(usize, usize),
) -> Result<Audit, CheckError> {
    if options.thresholds.critical > options.thresholds.warning {
        return Err(CheckError::Thresholds);
    }
    let jobs = jobs(config, &options.accounts, &clock)?;
    let total = jobs.len();
    // In the order in which they come: one that hangs must not hold up those behind it.
    let mut answers: FuturesUnordered<_> = (jobs.into_iter().enumerate())
        .map(async |(place, job)| (place, job.read().await))
        .collect();
    let mut accounts = Vec::with_capacity(total);
    progress(0, total);
    while let Some(read) = answers.next().await {
        accounts.push(read);
        progress(accounts.len(), total);
    }
    drop(answers);
    accounts.sort_by_key(|(place, _)| *place);
    let accounts = accounts.into_iter().map(|(_, read)| read).collect();
    Ok(Audit {
        checked_at: clock.now(),
        filter: options.filter,
        thresholds: options.thresholds,
        accounts,
    })
}

/// An account that is about to be read.
struct Job {
    name: Option<Arc<str>>,
    origin: Origin,
    refresher: Refresher,
}

impl Job {
    async fn read(self) -> Read {
        let Outcome {
            took,
            draft,
            troubles,
            ..
        } = self.refresher.refresh(Standing::Prompt, None).await;
        let draft = draft.map(|draft| (draft.snapshot, draft.claim));
        let (snapshot, claim) = draft.unzip();
        Read {
            name: self.name,
            origin: self.origin,
            snapshot,
            _claim: claim,
            troubles,
            took,
        }
    }
}

fn jobs(
    mut config: Config,
    wanted: &[String],
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Job>, CheckError> {
    config.keep_accounts(wanted)?;
    let mut workshop = Workshop::of(&config, clock);
    let mut jobs = Vec::with_capacity(config.accounts.len());
    for account in config.accounts {
        let metrics = AccountMetrics::new(account.name.as_deref());
        let metrics = Arc::new(metrics.map_err(RosterError::from)?);
        let client = workshop.client(&account.gateway, account.credentials)?;
        jobs.push(Job {
            name: account.name.as_deref().map(Arc::from),
            origin: account.origin,
            refresher: workshop.refresher(
                client,
                &account.gateway,
                account.rules,
                metrics,
                workshop.share(),
            ),
        });
    }
    Ok(jobs)
}
