//! Joins the details of one platform to the listed profiles, within the bytes that the account may claim.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::linked::LinkedLimit;
use super::rules::Rules;
use super::shares::{Claim, Counted};
use crate::gateway::model::ProfileDetails;
use crate::snapshot::{Details, Profile};

/// Details read so far, by the index of their profile in the list.
pub(super) struct Join<'a> {
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
    found: HashMap<usize, Details>,
    /// For lists without identifiers; `None` where a username stands for several identifiers.
    candidates: HashMap<&'a str, Option<Candidate>>,
    linked: LinkedLimit,
}

/// An entry that has the username of a profile.
struct Candidate {
    id: String,
    /// `None` where the entry has the identifier of a profile, too.
    details: Option<Details>,
}

/// The result of a join.
pub(super) struct Joined {
    /// Details by the index of their profile.
    pub(super) details: HashMap<usize, Details>,
    /// How many profiles of the list are kept.
    pub(super) kept: usize,
    /// Linked accounts past `limits.profiles`.
    pub(super) linked_accounts_dropped: u64,
}

impl<'a> Join<'a> {
    pub(super) fn new(
        platform: &'a str,
        rules: &'a Rules,
        profiles: &'a [Profile],
        claim: &'a mut Claim,
    ) -> Join<'a> {
        let (mut by_id, mut by_username) = (HashMap::new(), HashMap::new());
        let of_platform = profiles.iter().enumerate();
        for (place, profile) in of_platform.filter(|(_, profile)| profile.platform == platform) {
            by_id.insert(&*profile.id, place);
            if let Some(username) = &profile.username {
                by_username.entry(&**username).or_insert(place);
            }
        }
        Join {
            platform,
            rules,
            profiles,
            counted_before: claim.counted(),
            claim,
            kept: profiles.len(),
            by_id,
            by_username,
            found: HashMap::new(),
            candidates: HashMap::new(),
            linked: LinkedLimit::new(rules.max_profiles),
        }
    }

    /// Adds the next entry, or ignores it if no listed profile matches.
    pub(super) fn add(&mut self, read: ProfileDetails) {
        let place = self.by_id.get(&*read.id).copied();
        if place.is_some_and(|place| self.found.contains_key(&place)) {
            return;
        }
        let named = read.username.as_deref();
        let named = named.and_then(|name| self.by_username.get_key_value(name));
        let named = named.map(|(name, place)| (*name, *place));
        match (place, named) {
            (None, None) => {}
            (Some(place), _) => {
                if let Some((name, _)) = named {
                    self.note_candidate(name, &read.id, None);
                }
                if let Some(details) = self.counted(place, read) {
                    self.found.insert(place, details);
                }
            }
            (None, Some((name, place))) => self.add_by_username(name, place, read),
        }
    }

    fn add_by_username(&mut self, name: &'a str, place: usize, read: ProfileDetails) {
        if self.candidates.contains_key(name) {
            self.note_candidate(name, &read.id, None);
            return;
        }
        let id = read.id.clone();
        let details = self.counted(place, read);
        self.note_candidate(name, &id, details);
    }

    /// A username with two different identifiers is ambiguous and matches no profile.
    fn note_candidate(&mut self, name: &'a str, id: &str, details: Option<Details>) {
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

    /// Claims the bytes of the details; `None` if they do not fit.
    fn counted(&mut self, place: usize, read: ProfileDetails) -> Option<Details> {
        if place >= self.kept {
            return None;
        }
        let details = Details {
            page_id: read.page_id,
            category: read.category,
            permissions: self.rules.permissions(self.platform, read.permissions),
            last_activity_at: read.last_activity_at,
            linked: self.linked.bounded(read.linked_accounts),
        };
        let bytes = self.profiles[place].details_bytes(&details);
        while !self.claim.take(bytes) {
            self.drop_last();
            if place >= self.kept {
                self.claim.miss(bytes);
                return None;
            }
        }
        Some(details)
    }

    /// Drops the profile at the end of the list, with its details.
    fn drop_last(&mut self) {
        self.kept -= 1;
        let profile = &self.profiles[self.kept];
        let details = self.found.remove(&self.kept);
        let details = details.map_or(0, |details| profile.details_bytes(&details));
        self.claim.give_back(profile.exposition_bytes() + details);
    }

    /// Discards the details and their claimed bytes.
    pub(super) fn undo(self) {
        self.claim.return_to(self.counted_before);
    }

    /// Profiles without details of their identifier get those of their username.
    pub(super) fn finish(mut self) -> Joined {
        let named = self.candidates.into_iter().filter_map(|(name, candidate)| {
            let place = *self.by_username.get(name)?;
            Some((place, candidate?.details?))
        });
        for (place, details) in named {
            self.found.entry(place).or_insert(details);
        }
        self.claim.settle();
        Joined {
            details: self.found,
            kept: self.kept,
            linked_accounts_dropped: self.linked.dropped,
        }
    }
}
