//! Applies new rules to an existing snapshot, so that a reload takes effect without a request.

use std::collections::{HashMap, HashSet};

use super::limits::{LinkedLimit, drop_excess_profiles};
use super::rules::{PhoneNumber, Rules, masked};
use super::shares::Claim;
use crate::snapshot::{ExpectedProfile, Profile, Snapshot};

impl Rules {
    /// Converts a snapshot made under the rules `before` to these rules, and claims its bytes in `claim`. Data that
    /// `before` left out stays unknown until the next refresh: hidden digits of phone numbers, profiles above a
    /// smaller limit, fields under other names.
    pub fn reapplied(&self, snapshot: &Snapshot, before: &Rules, claim: &mut Claim) -> Snapshot {
        let mut renewed = snapshot.clone();
        // Determined before the limits drop profiles.
        renewed.expected = self.expected_in(snapshot);
        renewed.platforms_with_permissions = self.platforms_with_permissions();
        self.drop_profiles(&mut renewed);
        for profile in &mut renewed.profiles {
            let without_expiry = &self.without_expiry;
            profile.never_expires = without_expiry.contains(&profile.platform, &profile.id);
            let number = profile.phone_number.take();
            profile.phone_number = number.and_then(|number| self.shown_under(number, before));
            if let Some(details) = &mut profile.details {
                *details = self.with_required_permissions(&profile.platform, details);
            }
        }
        self.drop_linked_accounts(&mut renewed);
        drop_excess_profiles(&mut renewed, claim);
        renewed
    }

    fn expected_in(&self, snapshot: &Snapshot) -> Vec<ExpectedProfile> {
        let identity = |profile: &Profile| (profile.platform.clone(), profile.id.clone());
        let listed: HashSet<_> = snapshot.profiles.iter().map(identity).collect();
        // Known for profiles that were expected before, even if a limit dropped them.
        let known = snapshot.expected.iter();
        let known: HashMap<_, _> = known
            .map(|it| ((&*it.platform, &*it.id), it.present))
            .collect();
        let are_all_listed = snapshot.is_complete && snapshot.dropped.limit == 0;
        let expected = self.expected_identities().into_iter();
        let expected = expected.map(|identity| {
            let present = match known.get(&(&*identity.0, &*identity.1)) {
                Some(present) => *present,
                None if listed.contains(&identity) => Some(true),
                None => are_all_listed.then_some(false),
            };
            let (platform, id) = identity;
            ExpectedProfile {
                platform,
                id,
                present,
            }
        });
        expected.collect()
    }

    fn drop_profiles(&self, snapshot: &mut Snapshot) {
        let excess = snapshot.profiles.len().saturating_sub(self.max_profiles);
        if excess == 0 {
            return;
        }
        snapshot.dropped.limit += excess as u64;
        snapshot.profiles.truncate(self.max_profiles);
        let kept: HashSet<&str> = snapshot.profiles.iter().map(|it| &*it.platform).collect();
        let details = &mut snapshot.details;
        details.retain(|platform, _| kept.contains(&**platform));
    }

    /// The list and the details of each platform have separate limits, as in a refresh.
    fn drop_linked_accounts(&self, snapshot: &mut Snapshot) {
        let new_limit = || LinkedLimit::new(self.max_profiles);
        let (mut of_list, mut of_details) = (new_limit(), HashMap::new());
        for profile in &mut snapshot.profiles {
            if let Some(linked) = &mut profile.linked {
                of_list.truncate(&mut linked.accounts);
            }
            let details = profile.details.as_mut();
            if let Some(linked) = details.and_then(|details| details.linked.as_mut()) {
                let limit = of_details.entry(&*profile.platform);
                limit
                    .or_insert_with(new_limit)
                    .truncate(&mut linked.accounts);
            }
        }
        let of_details = of_details.values().map(|limit| limit.dropped);
        snapshot.linked_accounts_dropped += of_list.dropped + of_details.sum::<u64>();
    }

    /// The phone number as it is shown, as far as it is known under the rules `before`.
    fn shown_under(&self, number: String, before: &Rules) -> Option<String> {
        match (before.phone_number, self.phone_number) {
            (PhoneNumber::Show, PhoneNumber::Show) => Some(number),
            (PhoneNumber::Show | PhoneNumber::Mask, PhoneNumber::Mask) => Some(masked(&number)),
            (PhoneNumber::Omit, _) | (_, PhoneNumber::Omit | PhoneNumber::Show) => None,
        }
    }
}
