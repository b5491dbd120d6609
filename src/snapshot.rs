//! The immutable result of one refresh: plain data, already bounded, without duplicates.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{DateTime, Utc};

use crate::gateway::LinkedAccount;
use crate::gateway::fields::Schema;
use crate::gateway::model::Status;
use crate::refresh::Claim;

/// What the gateway said of one account, as of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// When the list was read.
    pub read_at: DateTime<Utc>,
    /// The profiles, each (platform, id) once, in the gateway's order.
    pub profiles: Vec<Profile>,
    /// Per platform of the list: how current the details of its profiles are.
    pub details: BTreeMap<String, PlatformDetails>,
    /// The `total` that the gateway states.
    pub reported: Option<u64>,
    /// `false` when the list is known to be a part of the whole.
    pub is_complete: bool,
    /// The description of the API that the list follows, where its entries tell.
    pub schema: Option<Schema>,
    /// Whether any entry of the list states when a token ends.
    pub states_expiry: bool,
    /// Linked accounts that are not kept: they are past `limits.profiles`.
    pub linked_accounts_dropped: u64,
    /// Entries of the list that are not in `profiles`.
    pub dropped: Dropped,
    /// The profiles that the configuration expects.
    pub expected: Vec<ExpectedProfile>,
}

/// How current the details of a platform's profiles are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlatformDetails {
    /// Whether the details call of this refresh was answered.
    pub up: bool,
    /// Whether the answer is known to be a part of the whole.
    pub is_part: bool,
    /// When the oldest details that are shown were read; `None` where there are none.
    pub oldest: Option<ReadAt>,
}

/// A moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAt {
    /// For people.
    pub wall: DateTime<Utc>,
    /// For ages.
    pub monotonic: Instant,
}

/// How many entries of the list are not shown, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Entries whose platform and id stood in the list before.
    pub duplicate: u64,
    /// Entries without a usable platform or id.
    pub invalid: u64,
    /// Entries past `limits.profiles` or `limits.exposition_bytes`.
    pub limit: u64,
}

impl Snapshot {
    /// Drops the profiles at the end of the list whose metrics `claim` does not allow: long identifiers
    /// and many permissions make a small answer thousands of times as large.
    pub fn drop_beyond(&mut self, claim: &mut Claim) {
        claim.restart();
        let sizes = self.profiles.iter().map(Profile::exposition_bytes);
        let kept = sizes.take_while(|bytes| claim.take(*bytes)).count();
        let dropped = self.profiles.drain(kept..);
        self.dropped.limit += dropped.len() as u64;
        dropped.for_each(|profile| claim.miss(profile.exposition_bytes()));
        claim.settle();
    }
}

/// One connected social profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The channel, for example `facebook`.
    pub platform: String,
    /// The stable identifier, for example `fb_page_123456`.
    pub id: String,
    /// The name of the profile on its platform, where the list has one.
    pub username: Option<String>,
    /// The human name, which may change.
    pub name: String,
    /// The connection state.
    pub status: Status,
    /// When the OAuth token ends, where there is one.
    pub token_expires_at: Option<DateTime<Utc>>,
    /// When the profile was connected.
    pub connected_at: Option<DateTime<Utc>>,
    /// As far as the configuration wants it shown.
    pub phone_number: Option<String>,
    /// Linked pages or sub-accounts, where the list speaks of them. Boxed, because most lists do not.
    pub linked: Option<Box<Linked>>,
    /// What a details call added, this one or an earlier one; `None` where that is not known.
    pub details: Option<Details>,
}

impl Profile {
    /// About how many bytes the metrics of this profile take.
    pub fn exposition_bytes(&self) -> u64 {
        let details = self.details.as_ref();
        self.list_bytes() + details.map_or(0, |details| self.details_bytes(details))
    }

    /// The same for what the list says.
    pub fn list_bytes(&self) -> u64 {
        /// The info, five statuses, and the two samples of a platform that no other profile may have.
        const SAMPLES: usize = 8;
        let moments = [
            self.token_expires_at.map_or(0, |_| 2),
            usize::from(self.connected_at.is_some()),
        ];
        let (linked, linked_bytes) = linked_samples(self.linked.as_deref());
        let samples = SAMPLES + moments.into_iter().sum::<usize>() + linked;
        let texts = [self.username.as_ref(), self.phone_number.as_ref()];
        let texts = texts.into_iter().flatten().chain([&self.name]);
        let texts: usize = texts.map(|text| label_bytes(text)).sum();
        (samples * self.sample_bytes() + texts + linked_bytes) as u64
    }

    /// The same for what these details say.
    pub fn details_bytes(&self, details: &Details) -> u64 {
        let (linked, linked_bytes) = linked_samples(details.linked.as_deref());
        let activity = usize::from(details.last_activity_at.is_some());
        let permissions = || details.permissions.iter().flatten();
        let samples = permissions().count() + activity + linked;
        let texts = [details.page_id.as_ref(), details.category.as_ref()];
        let texts = texts.into_iter().flatten();
        let texts = texts.chain(permissions().map(|(permission, _)| permission));
        let texts: usize = texts.map(|text| label_bytes(text)).sum();
        (samples * self.sample_bytes() + texts + linked_bytes) as u64
    }

    /// A sample without its own labels: name of the metric, identity, value.
    fn sample_bytes(&self) -> usize {
        const REST: usize = 72;
        REST + label_bytes(&self.platform) + label_bytes(&self.id)
    }

    /// How many pages or sub-accounts are linked: what the list states, or else the details.
    pub fn linked_count(&self) -> Option<u64> {
        let details = self.details.as_ref();
        let details = details.and_then(|details| details.linked.as_ref());
        let stated = self.linked.as_ref().or(details);
        stated.map(|linked| linked.count)
    }

    /// The linked pages or sub-accounts that are listed, in the details or else in the list.
    pub fn linked_accounts(&self) -> &[LinkedAccount] {
        let details = self.details.as_ref();
        let details = details.and_then(|details| details.linked.as_ref());
        let listed = details.filter(|linked| !linked.accounts.is_empty());
        let linked = listed.or(self.linked.as_ref());
        linked.map_or(&[], |linked| &linked.accounts)
    }

    /// When the profile was last active, where the details state it.
    pub fn last_activity_at(&self) -> Option<DateTime<Utc>> {
        self.details.as_ref()?.last_activity_at
    }

    /// Granted permissions (`true`), and required ones that are not granted (`false`). None where
    /// they are not known.
    pub fn permissions(&self) -> impl Iterator<Item = (&str, bool)> {
        let details = self.details.as_ref();
        let permissions = details.and_then(|details| details.permissions.as_ref());
        permissions
            .into_iter()
            .flatten()
            .map(|(permission, granted)| (&**permission, *granted))
    }
}

/// The length of a text as a label, where some characters are escaped.
fn label_bytes(text: &str) -> usize {
    let is_escaped = |byte: &u8| matches!(byte, b'\\' | b'"' | b'\n');
    text.len() + text.bytes().filter(is_escaped).count()
}

/// How many samples linked accounts are, and the bytes of their labels.
fn linked_samples(linked: Option<&Linked>) -> (usize, usize) {
    let Some(linked) = linked else {
        return (0, 0);
    };
    let texts = linked.accounts.iter().flat_map(|account| {
        let name = account.name.as_ref();
        name.into_iter().chain([&account.id])
    });
    let bytes = texts.map(|text| label_bytes(text)).sum();
    (1 + linked.accounts.len(), bytes)
}

/// Linked pages or sub-accounts of a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linked {
    /// How many there are.
    pub count: u64,
    /// Those that are listed, each identifier once.
    pub accounts: Vec<LinkedAccount>,
}

/// What only the details call knows of a profile.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    /// The Facebook page.
    pub page_id: Option<String>,
    /// For example `E-commerce`.
    pub category: Option<String>,
    /// Granted permissions (`true`), and required ones that are not granted (`false`).
    /// `None` where the gateway does not state the permissions.
    pub permissions: Option<BTreeMap<String, bool>>,
    /// The last activity.
    pub last_activity_at: Option<DateTime<Utc>>,
    /// Linked pages or sub-accounts, where the details speak of them.
    pub linked: Option<Box<Linked>>,
}

/// A profile that the configuration expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedProfile {
    /// The channel.
    pub platform: String,
    /// The stable identifier.
    pub id: String,
    /// Whether the gateway lists it; `None` where the list is a part that does not name it.
    pub present: Option<bool>,
}
