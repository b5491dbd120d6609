//! What comes of asking an account: an answer at once, or the wait for a refresh.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::{Account, View};
use crate::telemetry::CacheResult;

/// What an account answers.
#[derive(Debug)]
pub enum Asked<'a> {
    /// This.
    Known(Arc<View>, CacheResult),
    /// What the refresh under way will bring.
    Waits(Waiting<'a>),
}

/// The wait for a refresh.
#[derive(Debug)]
pub struct Waiting<'a> {
    pub(super) account: &'a Account,
    pub(super) flight: watch::Receiver<()>,
    pub(super) refreshes_before: u64,
}

impl Asked<'_> {
    /// The answer, or what there is when `deadline` passes first.
    pub async fn view(self, deadline: Instant) -> (Arc<View>, CacheResult) {
        match self {
            Asked::Known(view, result) => (view, result),
            Asked::Waits(waiting) => waiting.view(deadline).await,
        }
    }
}

impl Waiting<'_> {
    async fn view(mut self, deadline: Instant) -> (Arc<View>, CacheResult) {
        // Nothing is ever sent: the wait ends when the refresh drops its end of the channel.
        // Whether it came in time shows in the state.
        let _ = timeout_at(deadline, self.flight.changed()).await;
        let account = self.account;
        let mut state = account.state.lock();
        let is_up = state.latest.as_ref().is_some_and(|latest| latest.up);
        if is_up && state.refreshes > self.refreshes_before {
            (account.show(&mut state), CacheResult::Refreshed)
        } else {
            account.show_what_is_left(&mut state)
        }
    }
}

/// What is known of `accounts`, in their order. All are asked before one is waited for.
pub async fn views<'a>(
    accounts: impl Iterator<Item = &'a Arc<Account>>,
    deadline: Instant,
) -> Vec<(Arc<View>, CacheResult)> {
    let asked: Vec<Asked<'_>> = accounts.map(Account::ask).collect();
    let mut views = Vec::with_capacity(asked.len());
    for asked in asked {
        views.push(asked.view(deadline).await);
    }
    views
}
