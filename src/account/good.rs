//! The last good snapshot of an account, and what it shows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::exposition::SnapshotText;
use crate::refresh::Claim;
use crate::refresh::details::without_details_before;
use crate::snapshot::Snapshot;

/// The last snapshot that could be read.
#[derive(Debug, Clone)]
pub(super) struct Good {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) text: Arc<SnapshotText>,
    pub(super) read_at: DateTime<Utc>,
    pub(super) aged_from: Instant,
    /// When the oldest of its details were read, where that is before the list was.
    details_aged_from: Option<Instant>,
    /// Counts the bytes of `text` as long as it is kept.
    claim: Arc<Claim>,
}

impl Good {
    pub(super) fn new(
        snapshot: Snapshot,
        claim: Arc<Claim>,
        account: Option<&str>,
        aged_from: Instant,
    ) -> Good {
        let oldest = snapshot
            .details
            .values()
            .filter_map(|details| details.oldest);
        Good {
            text: Arc::new(SnapshotText::render(&snapshot, account)),
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
        let claim = Arc::clone(&self.claim);
        Some(Good::new(snapshot, claim, account, self.aged_from))
    }
}
