//! The details of platforms: joining a response, and keeping earlier details when a call fails.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::join::DetailsJoin;
use super::rules::Rules;
use super::shares::Claim;
use crate::gateway::error::GatewayError;
use crate::gateway::invalid::InvalidResponse;
use crate::gateway::parse::parse_details;
use crate::gateway::warnings::ParseWarnings;
use crate::gateway::{Paging, SentSecret};
use crate::snapshot::{Details, PlatformDetails, Profile, ReadAt, Snapshot};

/// A snapshot to which details are added.
#[derive(Debug)]
pub struct Draft {
    /// The data read so far.
    pub snapshot: Snapshot,
    /// The bytes of its metrics.
    pub claim: Claim,
}

/// Parses the details of a platform, which were requested at `read_at`, and adds them to the profiles in the list. If an
/// entry is repeated, the first counts.
///
/// # Errors
/// `InvalidResponse` if the body has no details; the draft is unchanged.
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
    let mut join = DetailsJoin::new(platform, rules, &snapshot.profiles, claim);
    let facts = parse_details(body, &rules.names, sent, warnings, |entry| join.add(entry));
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
    for (index, details) in joined.details {
        if let Some(profile) = snapshot.profiles.get_mut(index) {
            profile.details = Some(details);
        }
    }
    snapshot.linked_accounts_dropped += joined.linked_accounts_dropped;
    let is_incomplete = facts.paging.merge(headers).has_more_than(facts.entries);
    mark_read(snapshot, platform, read_at, is_incomplete);
    Ok(())
}

/// Records a successful details call of a platform.
pub(super) fn mark_read(
    snapshot: &mut Snapshot,
    platform: &str,
    read_at: ReadAt,
    is_incomplete: bool,
) {
    let state = PlatformDetails {
        up: true,
        is_blocked_by_token: false,
        is_incomplete,
        oldest: Some(read_at),
    };
    snapshot.details.insert(platform.to_owned(), state);
}

/// Records a failed details call of a platform.
pub(super) fn mark_failed(snapshot: &mut Snapshot, platform: &str, error: &GatewayError) {
    let is_announced = *error == GatewayError::ServerError(503);
    let is_blocked_by_token = is_announced && snapshot.has_expired_token(platform);
    if let Some(state) = snapshot.details.get_mut(platform) {
        state.is_blocked_by_token = is_blocked_by_token;
    }
}

/// The last good snapshot, whose details are kept when a call fails.
#[derive(Debug, Clone)]
pub struct LastGood {
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
    /// Age at which details are dropped (`cache.max_stale`).
    pub max_stale: Duration,
}

/// Adds the last good details to profiles without details, for every platform whose call failed or returned an incomplete list.
pub(super) fn keep_last_good(
    snapshot: &mut Snapshot,
    last_good: &LastGood,
    rules: &Rules,
    now: Instant,
) {
    let former = &last_good.snapshot;
    for (platform, state) in &mut snapshot.details {
        let oldest = former.details.get(platform).and_then(|state| state.oldest);
        let Some(oldest) = oldest.filter(|_| !state.up || state.is_incomplete) else {
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
        let profiles = of_platform(&mut snapshot.profiles, platform);
        for profile in profiles.filter(|profile| profile.details.is_none()) {
            if let Some(details) = known.get(&*profile.id) {
                profile.details = Some(rules.with_required_permissions(platform, details));
                state.oldest = Some(oldest);
            }
        }
    }
}

/// Copies a snapshot without the details that were read at `limit` or before.
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
