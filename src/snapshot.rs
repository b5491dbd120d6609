//! The immutable result of one refresh: plain data, already bounded, without duplicates.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::gateway::model::Status;

/// What the gateway said of one account, as of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// When the list was read.
    pub read_at: DateTime<Utc>,
    /// The profiles, each (platform, id) once, in the gateway's order.
    pub profiles: Vec<Profile>,
    /// Per platform of the list: whether its details call was answered.
    pub details_up: BTreeMap<String, bool>,
    /// The `total` that the gateway states.
    pub reported: Option<u64>,
    /// Entries of the list that are not in `profiles`.
    pub dropped: Dropped,
    /// The profiles that the configuration expects.
    pub expected: Vec<ExpectedProfile>,
}

/// How many entries of the list are not shown, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Entries whose platform and id stood in the list before.
    pub duplicate: u64,
    /// Entries without a usable platform or id.
    pub invalid: u64,
    /// Entries past `limits.profiles`.
    pub limit: u64,
}

/// One connected social profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The channel, for example `facebook`.
    pub platform: String,
    /// The stable identifier, for example `fb_page_123456`.
    pub id: String,
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
    /// What the details call added; empty where it failed or did not name this profile.
    pub details: Details,
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
}

/// A profile that the configuration expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedProfile {
    /// The channel.
    pub platform: String,
    /// The stable identifier.
    pub id: String,
    /// Whether the gateway lists it.
    pub present: bool,
}
