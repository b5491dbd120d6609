//! Reading the accounts, several at once, and the progress line on the terminal.

use std::fmt::{self, Debug};
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, interval_at};

use super::audit::{AccountAudit, Audit, CheckFilter};
use super::running_exporter::RunningExporter;
use crate::account::{AccountFactory, AccountsError};
use crate::config::{Config, CredentialSource, UnknownAccount};
use crate::refresh::{Priority, RefreshOutcome, Refresher};
use crate::telemetry::account::AccountMetrics;
use crate::verdict::Thresholds;
use exporter_toolkit::clock::Clock;

const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// What to audit, and how strictly.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// Names of the accounts to read. Empty means all accounts.
    pub accounts: Vec<String>,
    /// The profiles to show and judge.
    pub filter: CheckFilter,
    /// The time left of a token below which it is a warning or critical.
    pub thresholds: Thresholds,
    /// The exporter that tells since when profiles are in their states.
    pub exporter: Option<RunningExporter>,
}

/// The audit could not start.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// `--account` names an account that is not in the configuration.
    #[error(transparent)]
    UnknownAccount(#[from] UnknownAccount),
    /// The thresholds contradict each other.
    #[error("--critical must not be longer than --warning")]
    Thresholds,
    /// An account cannot be set up.
    #[error(transparent)]
    Setup(#[from] AccountsError),
}

/// Reads the accounts of a configuration and judges their profiles.
pub struct Auditor {
    readers: Vec<AccountReader>,
    filter: CheckFilter,
    thresholds: Thresholds,
    exporter: Option<RunningExporter>,
    clock: Arc<dyn Clock>,
}

impl Debug for Auditor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = out.debug_struct("Auditor");
        shown
            .field("accounts", &self.readers.len())
            .finish_non_exhaustive()
    }
}

impl Auditor {
    /// Sets up the accounts of the options. Sends no request.
    ///
    /// # Errors
    /// [`CheckError`] if the options do not fit the configuration.
    pub fn new(
        config: Config,
        options: CheckOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Auditor, CheckError> {
        if options.thresholds.critical > options.thresholds.warning {
            return Err(CheckError::Thresholds);
        }
        Ok(Auditor {
            readers: readers(config, &options.accounts, &clock)?,
            filter: options.filter,
            thresholds: options.thresholds,
            exporter: options.exporter,
            clock,
        })
    }

    /// The number of accounts.
    pub(super) fn accounts(&self) -> usize {
        self.readers.len()
    }

    /// Reads the accounts concurrently, within the limits of the configuration. Calls `progress` at the start,
    /// after each account, and every second. A gateway that does not answer is not an error: the audit
    /// reports it.
    pub async fn audit(&self, progress: impl FnMut(Progress)) -> Audit {
        let observed = async {
            let exporter = self.exporter.as_ref()?;
            Some(exporter.observed().await)
        };
        let (accounts, observed) = tokio::join!(self.read_accounts(progress), observed);
        Audit {
            checked_at: self.clock.now(),
            filter: self.filter.clone(),
            thresholds: self.thresholds,
            observed,
            accounts,
        }
    }

    /// The accounts in the order of the configuration.
    async fn read_accounts(&self, mut progress: impl FnMut(Progress)) -> Vec<AccountAudit> {
        let (accounts, started) = (self.readers.len(), Instant::now());
        let mut progress = |read| {
            progress(Progress {
                read,
                accounts,
                waited: started.elapsed(),
            });
        };
        // In order of completion: an account that hangs does not delay the progress of the others.
        let mut results: FuturesUnordered<_> = (self.readers.iter().enumerate())
            .map(async |(index, reader)| (index, reader.read().await))
            .collect();
        let mut read = Vec::with_capacity(accounts);
        let mut every_second = interval_at(started + PROGRESS_INTERVAL, PROGRESS_INTERVAL);
        progress(0);
        while read.len() < accounts {
            tokio::select! {
                result = results.next() => read.extend(result),
                _ = every_second.tick() => {}
            }
            progress(read.len());
        }
        read.sort_by_key(|(index, _)| *index);
        read.into_iter().map(|(_, account)| account).collect()
    }
}

/// How far an audit is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Number of accounts read.
    pub read: usize,
    /// Number of all accounts.
    pub accounts: usize,
    /// Time since the start of the audit.
    pub waited: Duration,
}

/// Reads one account.
struct AccountReader {
    name: Option<Arc<str>>,
    source: CredentialSource,
    refresher: Refresher,
}

impl AccountReader {
    async fn read(&self) -> AccountAudit {
        let RefreshOutcome {
            took,
            draft,
            errors,
            ..
        } = self.refresher.refresh(Priority::Prompt, None).await;
        let draft = draft.map(|draft| (draft.snapshot, draft.claim));
        let (snapshot, claim) = draft.unzip();
        AccountAudit {
            name: self.name.clone(),
            source: self.source.clone(),
            snapshot,
            _claim: claim,
            errors,
            took,
        }
    }
}

fn readers(
    mut config: Config,
    wanted: &[String],
    clock: &Arc<dyn Clock>,
) -> Result<Vec<AccountReader>, CheckError> {
    config.keep_accounts(wanted)?;
    let mut factory = AccountFactory::new(&config, clock);
    let mut readers = Vec::with_capacity(config.accounts.len());
    for account in config.accounts {
        let metrics = AccountMetrics::new(account.name.as_deref(), clock.now());
        let metrics = Arc::new(metrics.map_err(AccountsError::from)?);
        let client = factory.client(&account.gateway, account.credentials)?;
        readers.push(AccountReader {
            name: account.name.as_deref().map(Arc::from),
            source: account.source,
            refresher: factory.refresher(
                client,
                &account.gateway,
                account.rules,
                metrics,
                factory.share(),
            ),
        });
    }
    Ok(readers)
}

/// Shows progress as one line on standard error, if it is a terminal. Logs and mails get no such line. A single
/// account gets one only if it takes more than a second.
pub fn show_progress() -> impl FnMut(Progress) {
    let is_terminal = std::io::stderr().is_terminal();
    let mut is_shown = false;
    move |progress| {
        let ended = progress.read == progress.accounts;
        let is_due = progress.accounts > 1 || progress.waited >= PROGRESS_INTERVAL;
        if !is_terminal || !(if ended { is_shown } else { is_due }) {
            return;
        }
        is_shown = !ended;
        // The audit goes on without the progress line if the terminal is gone.
        let _ = std::io::stderr().write_all(progress_line(progress).as_bytes());
    }
}

/// Overwrites the previous line, and clears it at the end.
fn progress_line(progress: Progress) -> String {
    let Progress {
        read,
        accounts,
        waited,
    } = progress;
    let what = match accounts {
        _ if read == accounts => String::new(),
        1 => "Reading the profiles".to_owned(),
        _ => format!("Reading accounts: {read} of {accounts}"),
    };
    match waited.as_secs() {
        seconds if seconds > 0 && read < accounts => format!("\r\x1b[K{what} ({seconds}s)"),
        _ => format!("\r\x1b[K{what}"),
    }
}
