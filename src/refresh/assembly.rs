//! From the entries of an answer to a snapshot: bounded, without duplicates.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::rules::Rules;
use crate::gateway::error::GatewayError;
use crate::gateway::model::{self, ListedProfile};
use crate::gateway::oddities::Oddities;
use crate::snapshot::{Details, Dropped, ExpectedProfile, Profile, Snapshot};

/// A snapshot that grows entry by entry. It never holds more than `limits.profiles` of them.
struct Assembly<'a> {
    rules: &'a Rules,
    seen: HashSet<(String, String)>,
    profiles: Vec<Profile>,
    expected: Vec<ExpectedProfile>,
    /// Where in `expected` each stands.
    places: HashMap<(String, String), usize>,
    dropped: Dropped,
}

impl<'a> Assembly<'a> {
    fn new(rules: &'a Rules) -> Assembly<'a> {
        let expected = rules.expected.iter().map(|(platform, id)| ExpectedProfile {
            platform: platform.clone(),
            id: id.clone(),
            present: false,
        });
        Assembly {
            rules,
            seen: HashSet::new(),
            profiles: Vec::new(),
            expected: expected.collect(),
            places: rules.expected.iter().cloned().zip(0..).collect(),
            dropped: Dropped::default(),
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
            self.expected[*place].present = true;
        }
        if self.seen.contains(&identity) {
            self.dropped.duplicate += 1;
        } else if self.profiles.len() == self.rules.max_profiles {
            self.dropped.limit += 1;
        } else {
            self.seen.insert(identity);
            self.profiles.push(self.profile(listed));
        }
    }

    fn finish(self, read_at: DateTime<Utc>, reported: Option<u64>) -> Snapshot {
        // Until its details call is answered, a platform counts as not answered.
        let platforms: BTreeSet<&String> = self.profiles.iter().map(|it| &it.platform).collect();
        let details_up = platforms.into_iter().map(|it| (it.clone(), false));
        Snapshot {
            read_at,
            details_up: details_up.collect(),
            reported,
            dropped: self.dropped,
            expected: self.expected,
            profiles: self.profiles,
        }
    }

    fn profile(&self, listed: ListedProfile) -> Profile {
        Profile {
            platform: listed.platform,
            id: listed.id,
            name: listed.name,
            status: listed.status,
            token_expires_at: listed.token_expires_at,
            connected_at: listed.connected_at,
            phone_number: listed
                .phone_number
                .and_then(|number| self.rules.shown_phone_number(number)),
            details: Details::default(),
        }
    }
}

/// Reads the list as of `read_at`, its details yet unknown.
///
/// # Errors
/// [`GatewayError::InvalidResponse`] when it is no list at all.
pub fn read_list(
    body: &[u8],
    rules: &Rules,
    read_at: DateTime<Utc>,
    oddities: &mut Oddities,
) -> Result<Snapshot, GatewayError> {
    let mut assembly = Assembly::new(rules);
    let total = model::read_list(body, oddities, |entry| assembly.add(entry))?;
    Ok(assembly.finish(read_at, total))
}

/// The details of one platform's profiles, by their ids.
pub type DetailsById = HashMap<String, Details>;

/// Reads the details of a platform, at most `limits.profiles` of them; of doubled ones the first.
///
/// # Errors
/// [`GatewayError::InvalidResponse`] when they are none at all.
pub fn read_details(
    body: &[u8],
    platform: &str,
    rules: &Rules,
    oddities: &mut Oddities,
) -> Result<DetailsById, GatewayError> {
    let mut by_id = DetailsById::new();
    model::read_details(body, oddities, |read| {
        if by_id.len() < rules.max_profiles {
            by_id.entry(read.id).or_insert_with(|| Details {
                page_id: read.page_id,
                category: read.category,
                permissions: rules.permissions(platform, read.permissions),
                last_activity_at: read.last_activity_at,
            });
        }
    })?;
    Ok(by_id)
}

/// Gives each profile of the platform its details.
pub fn join_details(snapshot: &mut Snapshot, platform: &str, mut details: DetailsById) {
    let profiles = snapshot.profiles.iter_mut();
    for profile in profiles.filter(|profile| profile.platform == platform) {
        if let Some(details) = details.remove(&profile.id) {
            profile.details = details;
        }
    }
}
