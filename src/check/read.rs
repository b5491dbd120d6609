//! Reading the accounts, several at once, and the progress line on the terminal.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::audit::{AccountAudit, Audit, CheckFilter};
use crate::account::{AccountFactory, AccountsError};
use crate::config::{Config, CredentialSource, UnknownAccount};
use crate::refresh::{Priority, RefreshOutcome, Refresher};
use crate::telemetry::account::AccountMetrics;
use crate::verdict::Thresholds;
use exporter_toolkit::clock::Clock;

/// Fewer accounts are read too fast for a progress line.
const MIN_ACCOUNTS_WITH_PROGRESS: usize = 2;

/// What to audit, and how strictly.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// Names of the accounts to read. Empty means all accounts.
    pub accounts: Vec<String>,
    /// The profiles to show and judge.
    pub filter: CheckFilter,
    /// The time left of a token below which it is a warning or critical.
    pub thresholds: Thresholds,
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

/// Reads the accounts concurrently, within the limits of the configuration. Calls `progress` with the
/// number of accounts read so far and the number of all accounts.
///
/// # Errors
/// [`CheckError`] if the options do not fit the configuration. A gateway that does not answer is not an
/// error: the audit reports it.
pub async fn run(
    config: Config,
    options: CheckOptions,
    clock: Arc<dyn Clock>,
    mut progress: impl FnMut(usize, usize),
) -> Result<Audit, CheckError> {
    if options.thresholds.critical > options.thresholds.warning {
        return Err(CheckError::Thresholds);
    }
    let readers = readers(config, &options.accounts, &clock)?;
    let total = readers.len();
    // In order of completion: an account that hangs does not delay the progress of the others.
    let mut results: FuturesUnordered<_> = (readers.into_iter().enumerate())
        .map(async |(index, reader)| (index, reader.read().await))
        .collect();
    let mut accounts = Vec::with_capacity(total);
    progress(0, total);
    while let Some(account) = results.next().await {
        accounts.push(account);
        progress(accounts.len(), total);
    }
    drop(results);
    accounts.sort_by_key(|(index, _)| *index);
    let accounts = accounts.into_iter().map(|(_, account)| account).collect();
    Ok(Audit {
        checked_at: clock.now(),
        filter: options.filter,
        thresholds: options.thresholds,
        accounts,
    })
}

/// Reads one account.
struct AccountReader {
    name: Option<Arc<str>>,
    source: CredentialSource,
    refresher: Refresher,
}

impl AccountReader {
    async fn read(self) -> AccountAudit {
        let RefreshOutcome {
            took,
            draft,
            errors,
            ..
        } = self.refresher.refresh(Priority::Prompt, None).await;
        let draft = draft.map(|draft| (draft.snapshot, draft.claim));
        let (snapshot, claim) = draft.unzip();
        AccountAudit {
            name: self.name,
            source: self.source,
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
        let metrics = AccountMetrics::new(account.name.as_deref());
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

/// Shows progress as one line on standard error, if it is a terminal. Logs and mails get no such line.
pub fn show_progress() -> impl FnMut(usize, usize) {
    let is_terminal = std::io::stderr().is_terminal();
    move |done, total| {
        if is_terminal && total >= MIN_ACCOUNTS_WITH_PROGRESS {
            // The audit goes on without the progress line if the terminal is gone.
            let _ = std::io::stderr().write_all(progress_line(done, total).as_bytes());
        }
    }
}

/// Overwrites the previous line, and clears it at the end.
fn progress_line(done: usize, total: usize) -> String {
    if done == total {
        "\r\x1b[K".to_owned()
    } else {
        format!("\r\x1b[KReading accounts: {done} of {total}")
    }
}
