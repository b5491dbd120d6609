//! The immutable result of one refresh: plain data, already bounded, without duplicates.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{DateTime, Utc};

use crate::gateway::LinkedAccount;
use crate::gateway::fields::Schema;
use crate::gateway::model::Status;

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
    /// Drops the profiles at the end of the list whose metrics would exceed `exposition_bytes`: long
    /// identifiers and many permissions make a small answer thousands of times as large.
    pub fn drop_beyond(&mut self, exposition_bytes: u64) {
        let mut left = exposition_bytes;
        let mut fits = |profile: &Profile| match left.checked_sub(profile.exposition_bytes()) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        };
        let fitting = self.profiles.iter().take_while(|profile| fits(profile));
        let fitting = fitting.count();
        self.dropped.limit += (self.profiles.len() - fitting) as u64;
        self.profiles.truncate(fitting);
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
    fn exposition_bytes(&self) -> u64 {
        /// Samples of a profile without permissions and linked accounts, on average.
        const SAMPLES: usize = 9;
        /// Bytes of a sample beside the texts: metric name, label names, value.
        const REST: usize = 64;
        let permissions = self.permissions().map(|(permission, _)| permission.len());
        let linked = self.linked_accounts().iter().map(|linked| {
            let texts = [Some(&linked.id), linked.name.as_ref()];
            texts.into_iter().flatten().map(String::len).sum::<usize>()
        });
        let further: Vec<usize> = permissions.chain(linked).collect();
        let identity = REST + self.platform.len() + self.id.len();
        let details = self.details.as_ref();
        let texts = [
            Some(&self.name),
            self.username.as_ref(),
            self.phone_number.as_ref(),
            details.and_then(|details| details.page_id.as_ref()),
            details.and_then(|details| details.category.as_ref()),
        ];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let samples = SAMPLES + further.len();
        (samples * identity + texts + further.iter().sum::<usize>()) as u64
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
        let details = self.details.iter();
        let permissions = details.flat_map(|details| &details.permissions);
        permissions.map(|(permission, granted)| (&**permission, *granted))
    }
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
    /// Empty where the gateway does not state the permissions.
    pub permissions: BTreeMap<String, bool>,
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
