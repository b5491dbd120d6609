//! Limits on the size of a snapshot.

use super::shares::Claim;
use crate::gateway::model::{LinkedAccount, LinkedAccounts};
use crate::snapshot::{Linked, Profile, Snapshot};

/// Drops the profiles at the end of the list whose metrics `claim` does not allow. Long identifiers and many
/// permissions make the metrics thousands of times larger than the response.
pub fn drop_excess_profiles(snapshot: &mut Snapshot, claim: &mut Claim) {
    claim.restart();
    let sizes = snapshot.profiles.iter().map(Profile::exposition_bytes);
    let kept = sizes.take_while(|bytes| claim.try_add(*bytes)).count();
    let dropped = snapshot.profiles.drain(kept..);
    snapshot.dropped.limit += dropped.len() as u64;
    dropped.for_each(|profile| claim.add_dropped(profile.exposition_bytes()));
    claim.settle();
}

/// Limits the linked accounts of one response to `limits.profiles`, because each of them is a series.
#[derive(Debug, Clone, Copy)]
pub(super) struct LinkedLimit {
    left: usize,
    /// Number of linked accounts that exceed the limit.
    pub(super) dropped: u64,
}

impl LinkedLimit {
    pub(super) fn new(limit: usize) -> LinkedLimit {
        LinkedLimit {
            left: limit,
            dropped: 0,
        }
    }

    /// Returns the linked accounts within the limit. Their number is kept, because it is a single series.
    pub(super) fn apply(&mut self, linked: Option<LinkedAccounts>) -> Option<Box<Linked>> {
        let LinkedAccounts { count, mut listed } = linked?;
        self.truncate(&mut listed);
        Some(Box::new(Linked {
            count,
            accounts: listed,
        }))
    }

    /// Drops the accounts at the end of a list that exceed the limit.
    pub(super) fn truncate(&mut self, listed: &mut Vec<LinkedAccount>) {
        self.dropped += listed.len().saturating_sub(self.left) as u64;
        listed.truncate(self.left);
        self.left -= listed.len();
    }
}
