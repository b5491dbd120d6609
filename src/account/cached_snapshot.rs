//! The last good snapshot of an account with its rendered text.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::history::History;
use crate::exposition::SnapshotText;
use crate::refresh::details::without_details_before;
use crate::refresh::{Claim, Rules};
use crate::snapshot::Snapshot;
use exporter_toolkit::shared_text::SharedTexts;

/// The last good snapshot of an account. Clones share its data.
#[derive(Debug, Clone)]
pub(super) struct CachedSnapshot {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) text: Arc<SnapshotText>,
    /// The changes up to this snapshot.
    pub(super) history: Arc<History>,
    /// The rules by which the snapshot was built.
    pub(super) rules: Arc<Rules>,
    pub(super) read_at: DateTime<Utc>,
    /// Start of the refresh, from which the age counts.
    pub(super) requested_at: Instant,
    /// Start of the refresh that read the oldest details, if that was an earlier one.
    oldest_details_requested_at: Option<Instant>,
    /// Reserves the bytes of `text` in the account's share.
    claim: Arc<Claim>,
    texts: SharedTexts,
}

impl CachedSnapshot {
    /// Renders a snapshot, once for all scrapes.
    pub(super) fn new(
        snapshot: Snapshot,
        history: Arc<History>,
        claim: Arc<Claim>,
        rules: Arc<Rules>,
        account: Option<&str>,
        requested_at: Instant,
        texts: SharedTexts,
    ) -> CachedSnapshot {
        let oldest = snapshot
            .details
            .values()
            .filter_map(|details| details.oldest);
        CachedSnapshot {
            text: Arc::new(SnapshotText::render(&snapshot, account, &texts)),
            history,
            rules,
            read_at: snapshot.read_at,
            requested_at,
            oldest_details_requested_at: oldest
                .map(|oldest| oldest.monotonic)
                .min()
                .filter(|oldest| *oldest < requested_at),
            snapshot: Arc::new(snapshot),
            claim,
            texts,
        }
    }

    /// Copies the snapshot without details older than `max_stale`; `None` if there are none.
    pub(super) fn without_old_details(
        &self,
        account: Option<&str>,
        now: Instant,
        max_stale: Duration,
    ) -> Option<CachedSnapshot> {
        let oldest = self.oldest_details_requested_at?;
        let are_old = now.saturating_duration_since(oldest) >= max_stale;
        let limit = now.checked_sub(max_stale).filter(|_| are_old)?;
        let snapshot = without_details_before(&self.snapshot, limit);
        let (claim, rules) = (Arc::clone(&self.claim), Arc::clone(&self.rules));
        let (history, texts) = (Arc::clone(&self.history), self.texts.clone());
        Some(CachedSnapshot::new(
            snapshot,
            history,
            claim,
            rules,
            account,
            self.requested_at,
            texts,
        ))
    }

    /// Applies other rules to the snapshot, as far as its data allows.
    pub(super) fn with_rules(&self, rules: Arc<Rules>, account: Option<&str>) -> CachedSnapshot {
        let mut claim = self.claim.for_replacement();
        let snapshot = rules.reapplied(&self.snapshot, &self.rules, &mut claim);
        let history = match rules.names == self.rules.names {
            true => Arc::clone(&self.history),
            false => Arc::new(self.history.reading_other_fields()),
        };
        let (claim, texts) = (Arc::new(claim), self.texts.clone());
        let requested_at = self.requested_at;
        CachedSnapshot::new(
            snapshot,
            history,
            claim,
            rules,
            account,
            requested_at,
            texts,
        )
    }

    /// Whether both share the same snapshot.
    pub(super) fn is_same_snapshot(&self, other: &CachedSnapshot) -> bool {
        Arc::ptr_eq(&self.snapshot, &other.snapshot)
    }
}
