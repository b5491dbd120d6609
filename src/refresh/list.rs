//! Builds a snapshot from the entries of a list, within the limits and without duplicates.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::limits::LinkedLimit;
use super::rules::Rules;
use super::shares::Claim;
use crate::gateway::invalid::InvalidResponse;
use crate::gateway::model::{ListFacts, ListedProfile};
use crate::gateway::parse::parse_list;
use crate::gateway::warnings::ParseWarnings;
use crate::gateway::{Paging, SentSecret};
use crate::snapshot::{Dropped, ExpectedProfile, PlatformDetails, Profile, Snapshot};

/// Builds a snapshot entry by entry, with at most `limits.profiles` profiles and the bytes that `claim` allows.
struct SnapshotBuilder<'a> {
    rules: &'a Rules,
    claim: &'a mut Claim,
    /// Whether a profile exceeded the claim. All following profiles are dropped, even if they would fit, so that the
    /// snapshot is the start of the list.
    is_full: bool,
    seen: HashSet<(String, String)>,
    profiles: Vec<Profile>,
    expected: Vec<ExpectedProfile>,
    /// The index of each identity in `expected`.
    expected_index: HashMap<(String, String), usize>,
    dropped: Dropped,
    linked: LinkedLimit,
}

impl<'a> SnapshotBuilder<'a> {
    fn new(rules: &'a Rules, claim: &'a mut Claim) -> SnapshotBuilder<'a> {
        let identities = rules.expected_identities();
        let expected = identities.iter().map(|(platform, id)| ExpectedProfile {
            platform: platform.clone(),
            id: id.clone(),
            present: Some(false),
        });
        SnapshotBuilder {
            rules,
            claim,
            is_full: false,
            seen: HashSet::new(),
            profiles: Vec::new(),
            expected: expected.collect(),
            expected_index: identities.into_iter().zip(0..).collect(),
            dropped: Dropped::default(),
            linked: LinkedLimit::new(rules.max_profiles),
        }
    }

    /// Adds the next entry of the list; `None` is an entry that is not a profile.
    fn add(&mut self, entry: Option<ListedProfile>) {
        let Some(listed) = entry else {
            self.dropped.invalid += 1;
            return;
        };
        let identity = (listed.platform.clone(), listed.id.clone());
        if let Some(index) = self.expected_index.get(&identity) {
            self.expected[*index].present = Some(true);
        }
        if self.seen.contains(&identity) {
            self.dropped.duplicate += 1;
        } else if self.profiles.len() == self.rules.max_profiles {
            self.dropped.limit += 1;
        } else {
            self.keep(identity, listed);
        }
    }

    fn keep(&mut self, identity: (String, String), listed: ListedProfile) {
        let linked_before = self.linked;
        let profile = self.profile(listed);
        let bytes = profile.list_bytes();
        self.is_full = self.is_full || !self.claim.try_add(bytes);
        if self.is_full {
            self.claim.add_dropped(bytes);
            self.dropped.limit += 1;
            self.linked = linked_before;
        } else {
            self.seen.insert(identity);
            self.profiles.push(profile);
        }
    }

    fn finish(self, read_at: DateTime<Utc>, facts: ListFacts, headers: Paging) -> Snapshot {
        // Every platform starts without details, as if its call had failed.
        let mut details = BTreeMap::new();
        for profile in &self.profiles {
            if !details.contains_key(&profile.platform) {
                details.insert(profile.platform.clone(), PlatformDetails::default());
            }
        }
        let is_complete = !facts.paging.merge(headers).has_more_than(facts.entries);
        let mut expected = self.expected;
        for missing in expected.iter_mut().filter(|it| it.present == Some(false)) {
            // A partial list does not tell whether the profile exists.
            missing.present = is_complete.then_some(false);
        }
        Snapshot {
            read_at,
            details,
            reported: facts.total,
            is_complete,
            schema: facts.schema,
            states_expiry: facts.states_expiry,
            platforms_with_permissions: self.rules.platforms_with_permissions(),
            linked_accounts_dropped: self.linked.dropped,
            dropped: self.dropped,
            expected,
            profiles: self.profiles,
        }
    }

    fn profile(&mut self, listed: ListedProfile) -> Profile {
        let without_expiry = &self.rules.without_expiry;
        Profile {
            never_expires: without_expiry.contains(&listed.platform, &listed.id),
            platform: listed.platform,
            id: listed.id,
            username: listed.username,
            name: listed.name,
            status: listed.status,
            status_word: listed.status_word,
            state_since: None,
            token_expires_at: listed.token_expires_at,
            connected_at: listed.connected_at,
            phone_number: listed
                .phone_number
                .and_then(|number| self.rules.shown_phone_number(number)),
            linked: self.linked.apply(listed.linked_accounts),
            details: None,
        }
    }
}

/// Parses a list to a snapshot without details. `headers` is the paging in the response headers, and `claim` counts the
/// bytes of the metrics.
///
/// # Errors
/// `InvalidResponse` if the body is not a list of profiles.
pub fn read_list(
    body: &[u8],
    headers: Paging,
    rules: &Rules,
    sent: &SentSecret,
    read_at: DateTime<Utc>,
    warnings: &mut ParseWarnings,
    claim: &mut Claim,
) -> Result<Snapshot, InvalidResponse> {
    let mut builder = SnapshotBuilder::new(rules, claim);
    let facts = parse_list(body, &rules.names, sent, warnings, |entry| {
        builder.add(entry)
    })?;
    Ok(builder.finish(read_at, facts, headers))
}
