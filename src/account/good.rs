//! The last good snapshot of an account, and what it shows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::exposition::SnapshotText;
use crate::refresh::details::without_details_before;
use crate::refresh::{Claim, Rules};
use crate::snapshot::Snapshot;

/// The last snapshot that could be read.
#[derive(Debug, Clone)]
pub(super) struct Good {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) text: Arc<SnapshotText>,
    /// The rules that the snapshot follows.
    pub(super) rules: Arc<Rules>,
    pub(super) read_at: DateTime<Utc>,
    pub(super) aged_from: Instant,
    /// When the oldest of its details were read, where that is before the list was.
    details_aged_from: Option<Instant>,
    /// Reserves the bytes of `text` in the account's share.
    claim: Arc<Claim>,
}

impl Good {
    /// Writes the text of a snapshot, once for all the scrapes that will show it.
    pub(super) fn new(
        snapshot: Snapshot,
        claim: Arc<Claim>,
        rules: Arc<Rules>,
        account: Option<&str>,
        aged_from: Instant,
    ) -> Good {
        let oldest = snapshot
            .details
            .values()
            .filter_map(|details| details.oldest);
        Good {
            text: Arc::new(SnapshotText::render(&snapshot, account)),
            rules,
            read_at: snapshot.read_at,
            aged_from,
            details_aged_from: oldest
                .map(|oldest| oldest.monotonic)
                .min()
                .filter(|oldest| *oldest < aged_from),
            snapshot: Arc::new(snapshot),
            claim,
        }
    }

    /// The same without details of the age `max_stale`, if there are any.
    pub(super) fn without_old_details(
        &self,
        account: Option<&str>,
        now: Instant,
        max_stale: Duration,
    ) -> Option<Good> {
        let oldest = self.details_aged_from?;
        let are_old = now.saturating_duration_since(oldest) >= max_stale;
        let limit = now.checked_sub(max_stale).filter(|_| are_old)?;
        let snapshot = without_details_before(&self.snapshot, limit);
        let (claim, rules) = (Arc::clone(&self.claim), Arc::clone(&self.rules));
        Some(Good::new(snapshot, claim, rules, account, self.aged_from))
    }

    /// Rewrites the data under other rules, as far as the snapshot allows.
    pub(super) fn under(&self, rules: Arc<Rules>, account: Option<&str>) -> Good {
        let mut claim = self.claim.of_replacement();
        let snapshot = rules.reapplied(&self.snapshot, &self.rules, &mut claim);
        Good::new(snapshot, Arc::new(claim), rules, account, self.aged_from)
    }

    /// Whether both hold the same snapshot.
    pub(super) fn is(&self, other: &Good) -> bool {
        Arc::ptr_eq(&self.snapshot, &other.snapshot)
    }
}
