//! The details of platforms: what a call answers, and what stays of earlier answers when it fails.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::linked::LinkedLimit;
use super::rules::Rules;
use crate::gateway::invalid::InvalidResponse;
use crate::gateway::model::{self, ProfileDetails};
use crate::gateway::warnings::ParseWarnings;
use crate::gateway::{Paging, SentSecret};
use crate::snapshot::{Details, PlatformDetails, Profile, ReadAt, Snapshot};

/// The details of one platform's profiles.
#[derive(Debug, Default)]
pub struct DetailsAnswer {
    by_id: HashMap<String, Details>,
    /// For lists without identifiers; `None` where a username stands for several identifiers.
    ids_by_username: HashMap<String, Option<String>>,
    is_part: bool,
    linked_accounts_dropped: u64,
}

/// Reads the details of a platform, at most `limits.profiles` of them; of doubled ones the first.
///
/// # Errors
/// [`InvalidResponse`] when they are none at all.
pub fn read_details(
    body: &[u8],
    headers: Paging,
    platform: &str,
    rules: &Rules,
    sent: &SentSecret,
    warnings: &mut ParseWarnings,
) -> Result<DetailsAnswer, InvalidResponse> {
    let mut answer = DetailsAnswer::default();
    let mut linked = LinkedLimit::new(rules.max_profiles);
    let facts = model::read_details(body, &rules.names, sent, warnings, |read| {
        if answer.by_id.len() < rules.max_profiles {
            answer.add(read, platform, rules, &mut linked);
        }
    })?;
    answer.is_part = facts.paging.and(headers).exceeds(facts.entries);
    answer.linked_accounts_dropped = linked.dropped;
    Ok(answer)
}

impl DetailsAnswer {
    fn add(
        &mut self,
        read: ProfileDetails,
        platform: &str,
        rules: &Rules,
        linked: &mut LinkedLimit,
    ) {
        if self.by_id.contains_key(&read.id) {
            return;
        }
        if let Some(username) = read.username {
            self.ids_by_username
                .entry(username)
                .and_modify(|id| *id = None)
                .or_insert_with(|| Some(read.id.clone()));
        }
        let details = Details {
            page_id: read.page_id,
            category: read.category,
            permissions: rules.permissions(platform, read.permissions),
            last_activity_at: read.last_activity_at,
            linked: linked.bounded(read.linked_accounts),
        };
        self.by_id.insert(read.id, details);
    }

    /// By its identifier, or else by its username.
    fn take(&mut self, profile: &Profile) -> Option<Details> {
        let details = self.by_id.remove(&profile.id);
        details.or_else(|| {
            let username = profile.username.as_ref()?;
            let by_username = self.ids_by_username.get(username)?;
            self.by_id.remove(by_username.as_ref()?)
        })
    }
}

/// Gives each profile of the platform its details, which were read at `read_at`.
pub fn join_details(
    snapshot: &mut Snapshot,
    platform: &str,
    mut answer: DetailsAnswer,
    read_at: ReadAt,
) {
    for profile in of_platform(&mut snapshot.profiles, platform) {
        profile.details = answer.take(profile);
    }
    snapshot.linked_accounts_dropped += answer.linked_accounts_dropped;
    let state = PlatformDetails {
        up: true,
        is_part: answer.is_part,
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
