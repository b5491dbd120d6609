//! The immutable result of one refresh, within the limits and without duplicates.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use chrono::{DateTime, FixedOffset, Utc};

use crate::gateway::fields::Schema;
use crate::gateway::model::{LinkedAccount, Status, StatusWord};

/// The data of one account at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// When the list was read.
    pub read_at: DateTime<Utc>,
    /// The profiles in the gateway's order, each (platform, id) once.
    pub profiles: Vec<Profile>,
    /// The state of the details by platform.
    pub details: BTreeMap<String, PlatformDetails>,
    /// The `total` that the gateway reports.
    pub reported: Option<u64>,
    /// `false` if the list is known to be partial.
    pub is_complete: bool,
    /// The API description that the list follows, if its entries differ between the two.
    pub schema: Option<Schema>,
    /// Whether any entry of the list has the expiry of a token.
    pub states_expiry: bool,
    /// The platforms whose profiles need permissions, by the configuration.
    pub platforms_with_permissions: BTreeSet<String>,
    /// Number of linked accounts above `limits.profiles`, which are not kept.
    pub linked_accounts_dropped: u64,
    /// Number of entries that are not in `profiles`.
    pub dropped: Dropped,
    /// The profiles that the configuration expects.
    pub expected: Vec<ExpectedProfile>,
}

impl Snapshot {
    /// Whether the details of the platform cannot be read because the token of one of its profiles has expired.
    pub fn is_blocked_by_token(&self, platform: &str) -> bool {
        let details = self.details.get(platform);
        details.is_some_and(|details| details.is_blocked_by_token)
    }

    /// Whether the token of one of the platform's profiles had expired when the list was read.
    pub fn has_expired_token(&self, platform: &str) -> bool {
        let mut profiles = self.profiles.iter();
        profiles
            .any(|profile| profile.platform == platform && profile.is_token_expired(self.read_at))
    }
}

/// The state of the details of a platform's profiles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlatformDetails {
    /// Whether the details call of this refresh succeeded.
    pub up: bool,
    /// Whether the details call of this refresh answered 503 while a token of the platform had expired, as the API
    /// announces it (API page, `TOKEN_EXPIRED`).
    pub is_blocked_by_token: bool,
    /// Whether the response is known to be partial.
    pub is_incomplete: bool,
    /// When the oldest details in the snapshot were read; `None` if there are no details.
    pub oldest: Option<ReadAt>,
}

/// The time of a request on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAt {
    /// Wall clock, for display.
    pub wall: DateTime<Utc>,
    /// Monotonic clock, for ages.
    pub monotonic: Instant,
}

/// Number of entries of the list that are dropped, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Entries with the platform and id of an earlier entry.
    pub duplicate: u64,
    /// Entries without a usable platform or id.
    pub invalid: u64,
    /// Entries above `limits.profiles` or `limits.exposition_bytes`.
    pub limit: u64,
}

/// One connected social profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The channel, for example `facebook`.
    pub platform: String,
    /// The stable identifier, for example `fb_page_123456`.
    pub id: String,
    /// The name of the profile on its platform, if the list has it.
    pub username: Option<String>,
    /// The human name, which may change.
    pub name: String,
    /// The connection state.
    pub status: Status,
    /// The gateway's word for it.
    pub status_word: StatusWord,
    /// When the exporter observed the change to this state, by the clock of `read_at`; `None` if it has observed none,
    /// so that the profile may have been in this state for longer.
    pub state_since: Option<DateTime<Utc>>,
    /// When the OAuth token expires, if the list has it, with the offset that the gateway states: people read the stated day.
    pub token_expires_at: Option<DateTime<FixedOffset>>,
    /// Whether the configuration states that the token never expires, so that no expiry is missed.
    pub never_expires: bool,
    /// When the profile was connected, if the list has it.
    pub connected_at: Option<DateTime<Utc>>,
    /// The phone number as the configuration shows it.
    pub phone_number: Option<String>,
    /// Linked pages or sub-accounts, if the list has them. Boxed, because most lists do not.
    pub linked: Option<Box<Linked>>,
    /// The details of this or an earlier refresh; `None` if they are not known.
    pub details: Option<Details>,
}

impl Profile {
    /// Approximate size in bytes of this profile's metrics.
    pub fn exposition_bytes(&self) -> u64 {
        let details = self.details.as_ref();
        self.list_bytes() + details.map_or(0, |details| self.details_bytes(details))
    }

    /// Whether the token has expired by its status or its date. WhatsApp profiles have no token that expires.
    pub fn is_token_expired(&self, now: DateTime<Utc>) -> bool {
        let has_ended = self.token_expires_at.is_some_and(|end| end <= now);
        self.platform != "whatsapp" && (self.status == Status::TokenExpired || has_ended)
    }

    /// Approximate size in bytes of the metrics from the list, and of the undocumented status, which takes memory, too.
    pub fn list_bytes(&self) -> u64 {
        /// The info, five statuses, the time of a change that the next refresh may observe, and three samples of a
        /// platform that may have no other profile.
        const SAMPLES: usize = 10;
        let optional_samples = [
            // The timestamp and the seconds until it.
            self.token_expires_at.map_or(0, |_| 2),
            usize::from(self.connected_at.is_some()),
            usize::from(self.never_expires),
        ];
        let (linked, linked_bytes) = linked_samples(self.linked.as_deref());
        let samples = SAMPLES + optional_samples.into_iter().sum::<usize>() + linked;
        let texts = [self.username.as_ref(), self.phone_number.as_ref()];
        let texts = texts.into_iter().flatten().chain([&self.name]);
        let texts: usize = texts.map(|text| label_bytes(text)).sum();
        let status_word = match &self.status_word {
            StatusWord::Other(word) => word.len(),
            StatusWord::Absent | StatusWord::Documented => 0,
        };
        (samples * self.sample_bytes() + texts + linked_bytes + status_word) as u64
    }

    /// Approximate size in bytes of the metrics from these details.
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

    /// Approximate size in bytes of a sample with the labels of the profile only.
    fn sample_bytes(&self) -> usize {
        /// Metric name, label names, value.
        const FIXED: usize = 72;
        FIXED + label_bytes(&self.platform) + label_bytes(&self.id)
    }

    /// The gateway's word for the connection state; `None` if its list has none.
    pub fn status_raw(&self) -> Option<&str> {
        match &self.status_word {
            StatusWord::Absent => None,
            StatusWord::Documented => Some(self.status.as_str()),
            StatusWord::Other(word) => Some(word),
        }
    }

    /// The number of linked pages or sub-accounts from the list, which falls back to the details.
    pub fn linked_count(&self) -> Option<u64> {
        let details = self.details.as_ref();
        let details = details.and_then(|details| details.linked.as_ref());
        let linked = self.linked.as_ref().or(details);
        linked.map(|linked| linked.count)
    }

    /// The linked pages or sub-accounts from the details, which fall back to the list.
    pub fn linked_accounts(&self) -> &[LinkedAccount] {
        let details = self.details.as_ref();
        let details = details.and_then(|details| details.linked.as_ref());
        let listed = details.filter(|linked| !linked.accounts.is_empty());
        let linked = listed.or(self.linked.as_ref());
        linked.map_or(&[], |linked| &linked.accounts)
    }

    /// The time of the last activity, if the details have it.
    pub fn last_activity_at(&self) -> Option<DateTime<Utc>> {
        self.details.as_ref()?.last_activity_at
    }

    /// Whether the permissions are known.
    pub fn has_permissions(&self) -> bool {
        let details = self.details.as_ref();
        details.is_some_and(|details| details.permissions.is_some())
    }

    /// Granted permissions (`true`), and required ones that are not granted (`false`). Empty if they are not known.
    pub fn permissions(&self) -> impl Iterator<Item = (&str, bool)> {
        let details = self.details.as_ref();
        let permissions = details.and_then(|details| details.permissions.as_ref());
        permissions
            .into_iter()
            .flatten()
            .map(|(permission, granted)| (&**permission, *granted))
    }
}

/// Length of a label value in bytes, with escapes.
fn label_bytes(text: &str) -> usize {
    let is_escaped = |byte: &u8| matches!(byte, b'\\' | b'"' | b'\n');
    text.len() + text.bytes().filter(is_escaped).count()
}

/// The number of samples of linked accounts, and the bytes of their labels.
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
    /// Number of linked accounts.
    pub count: u64,
    /// The listed accounts, each identifier once.
    pub accounts: Vec<LinkedAccount>,
}

/// The details of a profile.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    /// The identifier of the Facebook page.
    pub page_id: Option<String>,
    /// The category, for example `E-commerce`.
    pub category: Option<String>,
    /// Granted permissions (`true`), and required ones that are not granted (`false`).
    /// `None` if the response does not have the permissions.
    pub permissions: Option<BTreeMap<String, bool>>,
    /// The time of the last activity.
    pub last_activity_at: Option<DateTime<Utc>>,
    /// Linked pages or sub-accounts, if the details have them.
    pub linked: Option<Box<Linked>>,
}

/// A profile that the configuration expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedProfile {
    /// The channel.
    pub platform: String,
    /// The stable identifier.
    pub id: String,
    /// Whether the gateway lists it; `None` if the list is partial and does not contain it.
    pub present: Option<bool>,
}
