//! The gateway's answers, read leniently: a broken field costs that field, a broken entry costs
//! that profile, and only a broken answer as a whole is an error.
//!
//! Every entry and every field is kept as raw JSON until it is its turn, so that one wrong type or
//! one broken escape cannot spoil its neighbours.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::GatewayError;
use super::oddities::{Field, Oddities, is_sensible_identifier};
use super::walk::walk;

/// No entry of the documentation comes near this length; what does is not shown.
const MAX_ENTRY_BYTES: usize = 64 * 1024;
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

    pub(super) fn documented(word: &str) -> Option<Status> {
        Status::ALL
            .into_iter()
            .find(|status| *status != Status::Unknown && status.as_str() == word)
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
    let id = identifier(raw.profile_id)?;
    let last_activity_at = oddities.read(Field::LastActivityAt, raw.last_activity_at);
    Some(ProfileDetails {
        id,
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

/// `.` and `..` mean other places in a URL, percent-encoded or not (WHATWG URL, "path state").
fn can_be_a_path_segment(platform: &str) -> bool {
    !matches!(platform, "." | "..")
}
