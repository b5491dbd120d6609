//! Linked accounts within `limits.profiles`: each of them is a series.

use crate::gateway::{LinkedAccount, LinkedAccounts};
use crate::snapshot::Linked;

/// How many linked accounts an answer may still list.
#[derive(Debug, Clone, Copy)]
pub(super) struct LinkedLimit {
    left: usize,
    /// Those past the limit.
    pub(super) dropped: u64,
}

impl LinkedLimit {
    pub(super) fn new(limit: usize) -> LinkedLimit {
        LinkedLimit {
            left: limit,
            dropped: 0,
        }
    }

    /// What is kept. The number of accounts is not bounded: it is one series.
    pub(super) fn bounded(&mut self, stated: Option<LinkedAccounts>) -> Option<Box<Linked>> {
        let LinkedAccounts { count, mut listed } = stated?;
        self.truncate(&mut listed);
        Some(Box::new(Linked {
            count,
            accounts: listed,
        }))
    }

    /// Drops the accounts at the end of a list that are past the limit.
    pub(super) fn truncate(&mut self, listed: &mut Vec<LinkedAccount>) {
        self.dropped += listed.len().saturating_sub(self.left) as u64;
        listed.truncate(self.left);
        self.left -= listed.len();
    }
}
