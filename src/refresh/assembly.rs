//! From the entries of an answer to a snapshot: bounded, without duplicates.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::linked::LinkedLimit;
use super::rules::Rules;
use super::shares::Claim;
use crate::gateway::invalid::InvalidResponse;
use crate::gateway::model::{self, ListFacts, ListedProfile};
use crate::gateway::warnings::ParseWarnings;
use crate::gateway::{Paging, SentSecret};
use crate::snapshot::{Dropped, ExpectedProfile, PlatformDetails, Profile, Snapshot};

/// A snapshot that grows entry by entry. It never holds more than `limits.profiles` of them, nor more
/// than `claim` allows.
struct Assembly<'a> {
    rules: &'a Rules,
    claim: &'a mut Claim,
    /// Whether the claim allows no more. The end of the list is dropped, not profiles here and there.
    is_full: bool,
    seen: HashSet<(String, String)>,
    profiles: Vec<Profile>,
    expected: Vec<ExpectedProfile>,
    /// Where in `expected` each stands.
    places: HashMap<(String, String), usize>,
    dropped: Dropped,
    linked: LinkedLimit,
}

impl<'a> Assembly<'a> {
    fn new(rules: &'a Rules, claim: &'a mut Claim) -> Assembly<'a> {
        let identities = rules.expected_identities();
        let expected = identities.iter().map(|(platform, id)| ExpectedProfile {
            platform: platform.clone(),
            id: id.clone(),
            present: Some(false),
        });
        Assembly {
            rules,
            claim,
            is_full: false,
            seen: HashSet::new(),
            profiles: Vec::new(),
            expected: expected.collect(),
            places: identities.into_iter().zip(0..).collect(),
            dropped: Dropped::default(),
            linked: LinkedLimit::new(rules.max_profiles),
        }
    }

    /// Takes the next entry of the list; `None` is one that is no profile.
    fn add(&mut self, entry: Option<ListedProfile>) {
        let Some(listed) = entry else {
            self.dropped.invalid += 1;
            return;
        };
        let identity = (listed.platform.clone(), listed.id.clone());
        if let Some(place) = self.places.get(&identity) {
            self.expected[*place].present = Some(true);
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
        self.is_full = self.is_full || !self.claim.take(bytes);
        if self.is_full {
            self.claim.miss(bytes);
            self.dropped.limit += 1;
            self.linked = linked_before;
        } else {
            self.seen.insert(identity);
            self.profiles.push(profile);
        }
    }

    fn finish(self, read_at: DateTime<Utc>, facts: ListFacts, headers: Paging) -> Snapshot {
        // Until its details call is answered, a platform counts as not answered.
        let mut details = BTreeMap::new();
        for profile in &self.profiles {
            if !details.contains_key(&profile.platform) {
                details.insert(profile.platform.clone(), PlatformDetails::default());
            }
        }
        let is_complete = !facts.paging.and(headers).exceeds(facts.entries);
        let mut expected = self.expected;
        for missing in expected.iter_mut().filter(|it| it.present == Some(false)) {
            // What a part does not name may stand in the rest.
            missing.present = is_complete.then_some(false);
        }
        Snapshot {
            read_at,
            details,
            reported: facts.total,
            is_complete,
            schema: facts.schema,
            states_expiry: facts.states_expiry,
            linked_accounts_dropped: self.linked.dropped,
            dropped: self.dropped,
            expected,
            profiles: self.profiles,
        }
    }

    fn profile(&mut self, listed: ListedProfile) -> Profile {
        Profile {
            platform: listed.platform,
            id: listed.id,
            username: listed.username,
            name: listed.name,
            status: listed.status,
            token_expires_at: listed.token_expires_at,
            connected_at: listed.connected_at,
            phone_number: listed
                .phone_number
                .and_then(|number| self.rules.shown_phone_number(number)),
            linked: self.linked.bounded(listed.linked_accounts),
            details: None,
        }
    }
}

/// Reads the list as of `read_at`, its details yet unknown. `headers` is what the head of the answer
/// says of further pages, `claim` counts the metrics that the profiles become.
///
/// # Errors
/// [`InvalidResponse`] when it is no list at all.
pub fn read_list(
    body: &[u8],
    headers: Paging,
    rules: &Rules,
    sent: &SentSecret,
    read_at: DateTime<Utc>,
    warnings: &mut ParseWarnings,
    claim: &mut Claim,
) -> Result<Snapshot, InvalidResponse> {
    let mut assembly = Assembly::new(rules, claim);
    let facts = model::read_list(body, &rules.names, sent, warnings, |entry| {
        assembly.add(entry)
    })?;
    Ok(assembly.finish(read_at, facts, headers))
}
