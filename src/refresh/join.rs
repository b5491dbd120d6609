//! Joins the details of one platform to the profiles of the list, within the bytes that the account may claim.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::limits::LinkedLimit;
use super::rules::Rules;
use super::shares::{Claim, Counted};
use crate::gateway::model::ProfileDetails;
use crate::snapshot::{Details, Profile};

/// The join of one platform's details with the list. Profiles are identified by their index in the list.
pub(super) struct DetailsJoin<'a> {
    platform: &'a str,
    rules: &'a Rules,
    profiles: &'a [Profile],
    claim: &'a mut Claim,
    counted_before: Counted,
    /// Number of profiles at the start of the list that fit into the claim.
    kept: usize,
    by_id: HashMap<&'a str, usize>,
    /// The first profile of each username.
    by_username: HashMap<&'a str, usize>,
    joined: HashMap<usize, Details>,
    /// Details by username, for lists without identifiers; `None` if the username has several identifiers.
    candidates: HashMap<&'a str, Option<Candidate>>,
    linked: LinkedLimit,
}

/// An entry with the username of a profile.
struct Candidate {
    id: String,
    /// `None` if the entry also has the identifier of a profile, or its details do not fit.
    details: Option<Details>,
}

/// The result of a join.
pub(super) struct JoinedDetails {
    /// Details by the index of their profile.
    pub(super) details: HashMap<usize, Details>,
    /// Number of profiles at the start of the list that are kept.
    pub(super) kept: usize,
    /// Number of linked accounts above `limits.profiles`.
    pub(super) linked_accounts_dropped: u64,
}

impl<'a> DetailsJoin<'a> {
    pub(super) fn new(
        platform: &'a str,
        rules: &'a Rules,
        profiles: &'a [Profile],
        claim: &'a mut Claim,
    ) -> DetailsJoin<'a> {
        let (mut by_id, mut by_username) = (HashMap::new(), HashMap::new());
        let indexed = profiles.iter().enumerate();
        for (index, profile) in indexed.filter(|(_, profile)| profile.platform == platform) {
            by_id.insert(&*profile.id, index);
            if let Some(username) = &profile.username {
                by_username.entry(&**username).or_insert(index);
            }
        }
        DetailsJoin {
            platform,
            rules,
            profiles,
            counted_before: claim.counted(),
            claim,
            kept: profiles.len(),
            by_id,
            by_username,
            joined: HashMap::new(),
            candidates: HashMap::new(),
            linked: LinkedLimit::new(rules.max_profiles),
        }
    }

    /// Adds an entry, or ignores it if no listed profile matches.
    pub(super) fn add(&mut self, entry: ProfileDetails) {
        let index = self.by_id.get(&*entry.id).copied();
        if index.is_some_and(|index| self.joined.contains_key(&index)) {
            return;
        }
        let username = entry.username.as_deref();
        let by_username = username.and_then(|name| self.by_username.get_key_value(name));
        let by_username = by_username.map(|(name, index)| (*name, *index));
        match (index, by_username) {
            (None, None) => {}
            (Some(index), _) => {
                if let Some((name, _)) = by_username {
                    self.add_candidate(name, &entry.id, None);
                }
                if let Some(details) = self.claim_details(index, entry) {
                    self.joined.insert(index, details);
                }
            }
            (None, Some((name, index))) => self.add_by_username(name, index, entry),
        }
    }

    fn add_by_username(&mut self, name: &'a str, index: usize, entry: ProfileDetails) {
        if self.candidates.contains_key(name) {
            self.add_candidate(name, &entry.id, None);
            return;
        }
        let id = entry.id.clone();
        let details = self.claim_details(index, entry);
        self.add_candidate(name, &id, details);
    }

    /// A username with two different identifiers is ambiguous and matches no profile.
    fn add_candidate(&mut self, name: &'a str, id: &str, details: Option<Details>) {
        match self.candidates.entry(name) {
            Entry::Vacant(vacant) => {
                let id = id.to_owned();
                vacant.insert(Some(Candidate { id, details }));
            }
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                if known.as_ref().is_some_and(|known| known.id != id) {
                    *known = None;
                }
            }
        }
    }

    /// Claims the bytes of the details, and drops profiles at the end of the list until they fit. `None` if their own
    /// profile is dropped.
    fn claim_details(&mut self, index: usize, entry: ProfileDetails) -> Option<Details> {
        if index >= self.kept {
            return None;
        }
        let details = Details {
            page_id: entry.page_id,
            category: entry.category,
            permissions: self.rules.permissions(self.platform, entry.permissions),
            last_activity_at: entry.last_activity_at,
            linked: self.linked.apply(entry.linked_accounts),
        };
        let bytes = self.profiles[index].details_bytes(&details);
        while !self.claim.try_add(bytes) {
            self.drop_last();
            if index >= self.kept {
                self.claim.add_dropped(bytes);
                return None;
            }
        }
        Some(details)
    }

    /// Drops the profile at the end of the list, with its details.
    fn drop_last(&mut self) {
        self.kept -= 1;
        let profile = &self.profiles[self.kept];
        let details = self.joined.remove(&self.kept);
        let details = details.map_or(0, |details| profile.details_bytes(&details));
        self.claim.drop_added(profile.exposition_bytes() + details);
    }

    /// Discards the details, and restores the claim.
    pub(super) fn undo(self) {
        self.claim.restore(self.counted_before);
    }

    /// Completes the join: profiles without details under their identifier get the details under their username.
    pub(super) fn finish(mut self) -> JoinedDetails {
        let by_username = self.candidates.into_iter().filter_map(|(name, candidate)| {
            let index = *self.by_username.get(name)?;
            Some((index, candidate?.details?))
        });
        for (index, details) in by_username {
            self.joined.entry(index).or_insert(details);
        }
        JoinedDetails {
            details: self.joined,
            kept: self.kept,
            linked_accounts_dropped: self.linked.dropped,
        }
    }
}
