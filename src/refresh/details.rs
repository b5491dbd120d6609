//! The details of platforms: what a call answers, and what stays of earlier answers when it fails.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::join::Join;
use super::rules::Rules;
use super::shares::Claim;
use crate::gateway::invalid::InvalidResponse;
use crate::gateway::model;
use crate::gateway::warnings::ParseWarnings;
use crate::gateway::{Paging, SentSecret};
use crate::snapshot::{Details, PlatformDetails, Profile, ReadAt, Snapshot};

/// A snapshot to which details are still added.
#[derive(Debug)]
pub struct Draft {
    /// What was read so far.
    pub snapshot: Snapshot,
    /// Counts the metrics that it becomes.
    pub claim: Claim,
}

/// Gives each profile of the platform its details, which were asked for at `read_at`. Only those of
/// profiles in the list are kept, and of doubled ones the first.
///
/// # Errors
/// [`InvalidResponse`] when they are none at all; then the draft is as it was.
pub fn read_details(
    body: &[u8],
    headers: Paging,
    (platform, read_at): (&str, ReadAt),
    rules: &Rules,
    sent: &SentSecret,
    warnings: &mut ParseWarnings,
    draft: &mut Draft,
) -> Result<(), InvalidResponse> {
    let Draft { snapshot, claim } = draft;
    let mut join = Join::new(platform, rules, &snapshot.profiles, claim);
    let facts = model::read_details(body, &rules.names, sent, warnings, |read| join.add(read));
    let facts = match facts {
        Ok(facts) => facts,
        Err(error) => {
            join.undo();
            return Err(error);
        }
    };
    let joined = join.finish();
    let before = snapshot.profiles.len();
    snapshot.profiles.truncate(joined.kept);
    snapshot.dropped.limit += (before - joined.kept) as u64;
    for (place, details) in joined.details {
        if let Some(profile) = snapshot.profiles.get_mut(place) {
            profile.details = Some(details);
        }
    }
    snapshot.linked_accounts_dropped += joined.linked_accounts_dropped;
    let is_part = facts.paging.and(headers).exceeds(facts.entries);
    note_answer(snapshot, platform, read_at, is_part);
    Ok(())
}

/// Takes note that the details of a platform were answered.
pub(super) fn note_answer(snapshot: &mut Snapshot, platform: &str, read_at: ReadAt, is_part: bool) {
    let state = PlatformDetails {
        up: true,
        is_part,
        oldest: Some(read_at),
    };
    snapshot.details.insert(platform.to_owned(), state);
}

/// The last good snapshot, whose details outlive a failure.
#[derive(Debug, Clone)]
pub struct LastGood {
    /// What was read.
    pub snapshot: Arc<Snapshot>,
    /// Details of this age are no longer kept: `cache.max_stale`.
    pub max_stale: Duration,
}

/// Keeps the last good details of profiles that have none, for every platform whose call failed or
/// answered with a part.
pub(super) fn keep_last_good(
    snapshot: &mut Snapshot,
    last_good: &LastGood,
    rules: &Rules,
    now: Instant,
) {
    let former = &last_good.snapshot;
    for (platform, state) in &mut snapshot.details {
        let oldest = former.details.get(platform).and_then(|state| state.oldest);
        let Some(oldest) = oldest.filter(|_| !state.up || state.is_part) else {
            continue;
        };
        if now.saturating_duration_since(oldest.monotonic) >= last_good.max_stale {
            continue;
        }
        let known: HashMap<&str, &Details> = former
            .profiles
            .iter()
            .filter(|profile| profile.platform == *platform)
            .filter_map(|profile| Some((&*profile.id, profile.details.as_ref()?)))
            .collect();
        let without = of_platform(&mut snapshot.profiles, platform);
        for profile in without.filter(|profile| profile.details.is_none()) {
            if let Some(details) = known.get(&*profile.id) {
                profile.details = Some(rules.renewed(platform, details));
                state.oldest = Some(oldest);
            }
        }
    }
}

/// The same snapshot without details that were read at `limit` or before.
pub fn without_details_before(snapshot: &Snapshot, limit: Instant) -> Snapshot {
    let mut snapshot = snapshot.clone();
    for (platform, state) in &mut snapshot.details {
        if state.oldest.is_some_and(|oldest| oldest.monotonic <= limit) {
            state.oldest = None;
            for profile in of_platform(&mut snapshot.profiles, platform) {
                profile.details = None;
            }
        }
    }
    snapshot
}

fn of_platform<'a>(
    profiles: &'a mut [Profile],
    platform: &'a str,
) -> impl Iterator<Item = &'a mut Profile> {
    profiles
        .iter_mut()
        .filter(move |profile| profile.platform == platform)
}
