//! The gateway's answers, read leniently: a broken field costs that field, a broken entry costs
//! that profile, and only a broken answer as a whole is an error.
//!
//! Every entry and every field is kept as raw JSON until it is its turn, so that one wrong type or
//! one broken escape cannot spoil its neighbours.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::error::GatewayError;
use super::walk::walk;

/// No entry of the documentation comes near this length; what does is not shown.
const MAX_ENTRY_BYTES: usize = 64 * 1024;
/// Nor near these, in bytes. What is shown stands in many lines, so longer texts would cost memory
/// many times over.
const MAX_IDENTIFIER_BYTES: usize = 256;
const MAX_TEXT_BYTES: usize = 1024;
/// Permissions of one profile.
const MAX_PERMISSIONS: usize = 64;
/// Unknown status words that are kept of one answer, and how many characters of each, for the log.
const MAX_UNKNOWN_STATUSES: usize = 100;
const MAX_WORD: usize = 100;

/// The platforms that the API documents; others may come.
pub const DOCUMENTED_PLATFORMS: [&str; 3] = ["facebook", "instagram", "whatsapp"];

/// The connection state of a profile (API page, "Behind the scenes — Social token management").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Working.
    Connected,
    /// The gateway's own refresh of the token failed.
    TokenExpiring,
    /// The token has ended: messages fail.
    TokenExpired,
    /// WhatsApp: trouble with the Business API provider.
    Disconnected,
    /// A value that the documentation does not name.
    Unknown,
}

impl Status {
    /// Every status, in the order in which it is exposed.
    pub const ALL: [Status; 5] = [
        Status::Connected,
        Status::TokenExpiring,
        Status::TokenExpired,
        Status::Disconnected,
        Status::Unknown,
    ];

    /// The word that the API and the label `status` use.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Connected => "CONNECTED",
            Status::TokenExpiring => "TOKEN_EXPIRING",
            Status::TokenExpired => "TOKEN_EXPIRED",
            Status::Disconnected => "DISCONNECTED",
            Status::Unknown => "UNKNOWN",
        }
    }

    fn documented(word: &str) -> Option<Status> {
        Status::ALL
            .into_iter()
            .find(|status| *status != Status::Unknown && status.as_str() == word)
    }
}

/// A field of an answer that can be invalid on its own: the values of the label `field`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `total` of the list.
    Total,
    /// `name` of a profile.
    Name,
    /// `status` of a profile.
    Status,
    /// `tokenExpiresAt` of a profile.
    TokenExpiresAt,
    /// `connectedAt` of a profile.
    ConnectedAt,
    /// `phoneNumber` of a profile.
    PhoneNumber,
    /// `pageId` of a profile's details.
    PageId,
    /// `category` of a profile's details.
    Category,
    /// `permissions` of a profile's details.
    Permissions,
    /// `lastActivityAt` of a profile's details.
    LastActivityAt,
}

impl Field {
    /// Every field, so that each can be exposed at 0 from the start.
    pub const ALL: [Field; 10] = [
        Field::Total,
        Field::Name,
        Field::Status,
        Field::TokenExpiresAt,
        Field::ConnectedAt,
        Field::PhoneNumber,
        Field::PageId,
        Field::Category,
        Field::Permissions,
        Field::LastActivityAt,
    ];

    /// The name that the API uses, and the label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Field::Total => "total",
            Field::Name => "name",
            Field::Status => "status",
            Field::TokenExpiresAt => "tokenExpiresAt",
            Field::ConnectedAt => "connectedAt",
            Field::PhoneNumber => "phoneNumber",
            Field::PageId => "pageId",
            Field::Category => "category",
            Field::Permissions => "permissions",
            Field::LastActivityAt => "lastActivityAt",
        }
    }
}

/// What was odd in an answer that could be read all the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// How often each field could not be read.
    pub invalid_fields: BTreeMap<Field, u64>,
    /// Status words that the documentation does not name.
    pub unknown_statuses: BTreeSet<String>,
}

impl Oddities {
    /// Adds what another answer of the same refresh showed.
    pub fn merge(&mut self, other: Oddities) {
        for (field, count) in other.invalid_fields {
            *self.invalid_fields.entry(field).or_default() += count;
        }
        self.unknown_statuses.extend(other.unknown_statuses);
    }

    fn invalid(&mut self, field: Field) {
        *self.invalid_fields.entry(field).or_default() += 1;
    }

    /// The field's value: `None` where it is absent, `null` or (counted) not of type `T`.
    fn read<T: DeserializeOwned>(&mut self, field: Field, raw: Option<&RawValue>) -> Option<T> {
        let value = serde_json::from_str::<Option<T>>(raw?.get());
        value.unwrap_or_else(|_| {
            self.invalid(field);
            None
        })
    }

    /// A text of a sensible length.
    fn text(&mut self, field: Field, raw: Option<&RawValue>) -> Option<String> {
        let text = self.read::<String>(field, raw)?;
        let sensible = text.len() <= MAX_TEXT_BYTES;
        if !sensible {
            self.invalid(field);
        }
        sensible.then_some(text)
    }

    /// The human name; the documentation has one for every profile.
    fn name(&mut self, raw: Option<&RawValue>) -> String {
        if raw.is_none_or(is_null) {
            self.invalid(Field::Name);
        }
        self.text(Field::Name, raw).unwrap_or_default()
    }

    /// Permissions of a sensible number and length.
    fn permissions(&mut self, raw: Option<&RawValue>) -> Option<BTreeSet<String>> {
        let granted = self.read::<BTreeSet<String>>(Field::Permissions, raw)?;
        let is_sensible = |permission: &String| is_sensible_identifier(permission);
        let sensible = granted.len() <= MAX_PERMISSIONS && granted.iter().all(is_sensible);
        if !sensible {
            self.invalid(Field::Permissions);
        }
        sensible.then_some(granted)
    }

    fn required<T: DeserializeOwned>(&mut self, field: Field, raw: Option<&RawValue>) -> Option<T> {
        if raw.is_none_or(is_null) {
            self.invalid(field);
            return None;
        }
        self.read(field, raw)
    }

    /// A moment: RFC 3339 with any offset, `Z`, fractions, years up to 9999.
    fn moment(&mut self, field: Field, text: Option<String>) -> Option<DateTime<Utc>> {
        match DateTime::parse_from_rfc3339(&text?) {
            // Before 1970 there was no gateway: such a date stands for none, as Go's zero time does.
            Ok(moment) if moment.timestamp() >= 0 => Some(moment.to_utc()),
            _ => {
                self.invalid(field);
                None
            }
        }
    }

    fn status(&mut self, raw: Option<&RawValue>) -> Status {
        let Some(word) = self.required::<String>(Field::Status, raw) else {
            return Status::Unknown;
        };
        Status::documented(&word).unwrap_or_else(|| {
            if self.unknown_statuses.len() < MAX_UNKNOWN_STATUSES {
                self.unknown_statuses
                    .insert(word.chars().take(MAX_WORD).collect());
            }
            Status::Unknown
        })
    }
}

/// A profile as `GET /socials` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedProfile {
    /// The channel, never empty.
    pub platform: String,
    /// The stable identifier, never empty.
    pub id: String,
    /// The human name, empty where the gateway gives none.
    pub name: String,
    /// The connection state.
    pub status: Status,
    /// When the OAuth token ends; WhatsApp has none.
    pub token_expires_at: Option<DateTime<Utc>>,
    /// When the profile was connected.
    pub connected_at: Option<DateTime<Utc>>,
    /// WhatsApp only: E.164, personal data.
    pub phone_number: Option<String>,
}

/// What `GET /socials/{platform}` adds to a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileDetails {
    /// The profile that these details belong to.
    pub id: String,
    /// The Facebook page.
    pub page_id: Option<String>,
    /// For example `E-commerce`.
    pub category: Option<String>,
    /// The granted OAuth scopes; `None` where the gateway does not state them.
    pub permissions: Option<BTreeSet<String>>,
    /// The last activity.
    pub last_activity_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawProfile<'a> {
    #[serde(borrow)]
    platform: Option<&'a RawValue>,
    #[serde(borrow)]
    profile_id: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    token_expires_at: Option<&'a RawValue>,
    #[serde(borrow)]
    connected_at: Option<&'a RawValue>,
    #[serde(borrow)]
    phone_number: Option<&'a RawValue>,
    #[serde(borrow)]
    page_id: Option<&'a RawValue>,
    #[serde(borrow)]
    category: Option<&'a RawValue>,
    #[serde(borrow)]
    permissions: Option<&'a RawValue>,
    #[serde(borrow)]
    last_activity_at: Option<&'a RawValue>,
}

/// Reads the body of `GET /socials` and hands over one entry after the other: `None` for one
/// without a usable `platform` or `profileId`. Returns the `total` that the gateway states.
///
/// # Errors
/// [`GatewayError::InvalidResponse`] when it is no JSON object with an array `profiles`.
pub fn read_list(
    body: &[u8],
    oddities: &mut Oddities,
    mut entry: impl FnMut(Option<ListedProfile>),
) -> Result<Option<u64>, GatewayError> {
    let text = String::from_utf8_lossy(body);
    let total = walk(&text, |raw| entry(read_listed(raw, oddities)))?;
    Ok(oddities.read(Field::Total, total))
}

/// Reads the body of `GET /socials/{platform}` and hands over one entry after the other; entries
/// that name no profile are left out.
///
/// # Errors
/// [`GatewayError::InvalidResponse`] when it is no JSON object with an array `profiles`.
pub fn read_details(
    body: &[u8],
    oddities: &mut Oddities,
    mut entry: impl FnMut(ProfileDetails),
) -> Result<(), GatewayError> {
    let text = String::from_utf8_lossy(body);
    walk(&text, |raw| {
        if let Some(details) = read_detailed(raw, oddities) {
            entry(details);
        }
    })?;
    Ok(())
}

fn read_listed(raw: &RawValue, oddities: &mut Oddities) -> Option<ListedProfile> {
    let raw = read_entry(raw)?;
    let platform = identifier(raw.platform).filter(|platform| can_be_a_path_segment(platform))?;
    let id = identifier(raw.profile_id)?;
    let token_expires_at = oddities.read(Field::TokenExpiresAt, raw.token_expires_at);
    let connected_at = oddities.required(Field::ConnectedAt, raw.connected_at);
    Some(ListedProfile {
        platform,
        id,
        name: oddities.name(raw.name),
        status: oddities.status(raw.status),
        token_expires_at: oddities.moment(Field::TokenExpiresAt, token_expires_at),
        connected_at: oddities.moment(Field::ConnectedAt, connected_at),
        phone_number: oddities.text(Field::PhoneNumber, raw.phone_number),
    })
}

fn read_detailed(raw: &RawValue, oddities: &mut Oddities) -> Option<ProfileDetails> {
    let raw = read_entry(raw)?;
    let last_activity_at = oddities.read(Field::LastActivityAt, raw.last_activity_at);
    Some(ProfileDetails {
        id: identifier(raw.profile_id)?,
        page_id: oddities.text(Field::PageId, raw.page_id),
        category: oddities.text(Field::Category, raw.category),
        permissions: oddities.permissions(raw.permissions),
        last_activity_at: oddities.moment(Field::LastActivityAt, last_activity_at),
    })
}

/// An object of a sensible length; serde would take an array for one as well.
fn read_entry(raw: &RawValue) -> Option<RawProfile<'_>> {
    let text = raw.get();
    let sensible = text.starts_with('{') && text.len() <= MAX_ENTRY_BYTES;
    serde_json::from_str(text).ok().filter(|_| sensible)
}

fn identifier(raw: Option<&RawValue>) -> Option<String> {
    let text: String = serde_json::from_str(raw?.get()).ok()?;
    is_sensible_identifier(&text).then_some(text)
}

fn is_sensible_identifier(text: &str) -> bool {
    (1..=MAX_IDENTIFIER_BYTES).contains(&text.len())
}

/// `.` and `..` mean other places in a URL, percent-encoded or not (WHATWG URL, "path state").
fn can_be_a_path_segment(platform: &str) -> bool {
    !matches!(platform, "." | "..")
}

fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}
