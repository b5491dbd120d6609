//! What the gateway's answers mean, read leniently: a broken field costs that field, a broken entry
//! costs that profile, and only an answer that cannot be read as a whole is an error.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::entry::Entry;
use super::envelope::{Envelope, for_each_entry};
use super::field_names::FieldNames;
use super::fields::{Field, Schema};
use super::invalid::{Found, InvalidResponse};
use super::linked::{self, LinkedAccounts};
use super::paging::Paging;
use super::sent_secret::SentSecret;
use super::warnings::{ParseWarnings, identifier, is_sensible_identifier};
use crate::printable::is_line_separator;

/// The platforms of UC-017, which are counted even if nothing of them is connected.
pub const DOCUMENTED_PLATFORMS: [&str; 3] = ["facebook", "instagram", "whatsapp"];
/// All platforms that either description names; others may come.
pub const KNOWN_PLATFORMS: [&str; 6] = [
    "facebook",
    "instagram",
    "whatsapp",
    "linkedin",
    "google",
    "tiktok",
];

/// The connection state of a profile (API page, "Behind the scenes — Social token management").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Working.
    Connected,
    /// The gateway's own refresh of the token failed.
    TokenExpiring,
    /// The token has ended: messages fail.
    TokenExpired,
    /// WhatsApp: trouble with the Business API provider. Elsewhere: the token has expired or was
    /// revoked.
    Disconnected,
    /// Neither a documented word nor a flag.
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

    /// The status that a word of the API's documentation names.
    pub fn documented(word: &str) -> Option<Status> {
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
    /// The name of the profile on its platform, where the answer has one.
    pub username: Option<String>,
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
    /// Linked pages or sub-accounts, where the answer speaks of them.
    pub linked_accounts: Option<LinkedAccounts>,
}

/// What `GET /socials/{platform}` adds to a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileDetails {
    /// The profile that these details belong to.
    pub id: String,
    /// Its username, by which a list without identifiers knows it.
    pub username: Option<String>,
    /// The Facebook page.
    pub page_id: Option<String>,
    /// For example `E-commerce`.
    pub category: Option<String>,
    /// The granted OAuth scopes; `None` where the gateway does not state them.
    pub permissions: Option<BTreeSet<String>>,
    /// The last activity.
    pub last_activity_at: Option<DateTime<Utc>>,
    /// Linked pages or sub-accounts, where the answer speaks of them.
    pub linked_accounts: Option<LinkedAccounts>,
}

/// What a list says as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListFacts {
    /// The number of profiles that the gateway states.
    pub total: Option<u64>,
    /// How many entries there are, readable or not.
    pub entries: u64,
    /// What it says of further pages.
    pub paging: Paging,
    /// The description that it follows, where its entries tell.
    pub schema: Option<Schema>,
    /// Whether any entry states when a token ends, readable or not.
    pub states_expiry: bool,
}

/// What details say as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DetailsFacts {
    /// How many entries there are, readable or not.
    pub entries: u64,
    /// What the answer says of further pages.
    pub paging: Paging,
}

/// Reads the body of `GET /socials` and hands over one entry after the other: `None` for one
/// without a usable platform or identity. A value that repeats the secret that was `sent` cannot be
/// read.
///
/// # Errors
/// [`InvalidResponse`] when it is no list of profiles, or has entries of which none is a profile.
pub fn read_list(
    body: &[u8],
    names: &FieldNames,
    sent: &SentSecret,
    warnings: &mut ParseWarnings,
    mut entry: impl FnMut(Option<ListedProfile>),
) -> Result<ListFacts, InvalidResponse> {
    const NEEDED: &str = "\"platform\", and \"profileId\", \"id\" or \"username\"";
    let (mut schema, mut states_expiry) = (None, false);
    let read = |raw: &RawValue| {
        let read = Entry::read(raw, names, sent);
        if let Some(entry) = &read {
            warnings.entries_with_secret += u64::from(entry.repeats_secret());
            schema = [schema, entry.schema()]
                .into_iter()
                .flatten()
                .reduce(Schema::and);
            states_expiry |= entry.get(Field::TokenExpiresAt).is_some();
        }
        let profile = read.and_then(|entry| listed(&entry, warnings));
        let is_profile = profile.is_some();
        entry(profile);
        is_profile
    };
    let text = text(body)?;
    let envelope = profiles(&text, NEEDED, read).map_err(|error| warnings.told(error))?;
    let total = stated(envelope.total).map(|raw| sent.spoil(raw).unwrap_or(raw));
    Ok(ListFacts {
        total: warnings.read(Field::Total, total),
        entries: envelope.entries,
        paging: envelope.paging,
        schema,
        states_expiry,
    })
}

/// Reads the body of `GET /socials/{platform}` and hands over one entry after the other; entries
/// that name no profile are left out.
///
/// # Errors
/// [`InvalidResponse`] as for [`read_list`].
pub fn read_details(
    body: &[u8],
    names: &FieldNames,
    sent: &SentSecret,
    warnings: &mut ParseWarnings,
    mut entry: impl FnMut(ProfileDetails),
) -> Result<DetailsFacts, InvalidResponse> {
    const NEEDED: &str = "\"profileId\", \"id\" or \"username\"";
    let read = |raw: &RawValue| {
        let read = Entry::read(raw, names, sent);
        let details = read.and_then(|entry| {
            warnings.entries_with_secret += u64::from(entry.repeats_secret());
            detailed(&entry, warnings)
        });
        details.map(&mut entry).is_some()
    };
    let text = text(body)?;
    let envelope = profiles(&text, NEEDED, read).map_err(|error| warnings.told(error))?;
    Ok(DetailsFacts {
        entries: envelope.entries,
        paging: envelope.paging,
    })
}

/// Reads each entry; some must be profiles, or the answer is not understood. An empty array is an
/// answer.
fn profiles<'a>(
    text: &'a str,
    needed: &'static str,
    mut read: impl FnMut(&'a RawValue) -> bool,
) -> Result<Envelope<'a>, InvalidResponse> {
    let (mut any, mut first) = (false, None);
    let envelope = for_each_entry(text, |raw| {
        first.get_or_insert(raw);
        any |= read(raw);
    })?;
    match first {
        Some(first) if !any => Err(InvalidResponse::NoProfile {
            entries: envelope.entries,
            first: Found::entry(first.get()),
            expected: needed,
        }),
        _ => Ok(envelope),
    }
}

/// The text of a body: UTF-8, with or without a byte order mark. Single broken bytes cost only the
/// texts in which they stand.
pub(super) fn text(body: &[u8]) -> Result<Cow<'_, str>, InvalidResponse> {
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{' | b'[', 0, ..] | [0, ..] = body {
        return Err(InvalidResponse::NotUtf8);
    }
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    Ok(String::from_utf8_lossy(body))
}

fn stated(raw: Option<&RawValue>) -> Option<&RawValue> {
    raw.filter(|raw| raw.get() != "null")
}

fn listed(entry: &Entry, warnings: &mut ParseWarnings) -> Option<ListedProfile> {
    let platform = platform(entry.get(Field::Platform)?)?;
    let (id, username) = identity(entry, warnings)?;
    Some(ListedProfile {
        platform,
        id,
        username,
        name: name(entry, warnings),
        status: status(entry, warnings),
        token_expires_at: warnings.moment(Field::TokenExpiresAt, entry.get(Field::TokenExpiresAt)),
        connected_at: connected_at(entry, warnings),
        phone_number: warnings.text(Field::PhoneNumber, entry.get(Field::PhoneNumber)),
        linked_accounts: linked::read(entry.get(Field::LinkedAccounts), warnings),
    })
}

fn detailed(entry: &Entry, warnings: &mut ParseWarnings) -> Option<ProfileDetails> {
    let (id, username) = identity(entry, &mut ParseWarnings::default())?;
    Some(ProfileDetails {
        id,
        username,
        page_id: warnings.text_or_digits(Field::PageId, entry.get(Field::PageId)),
        category: warnings.text(Field::Category, entry.get(Field::Category)),
        permissions: warnings.permissions(entry.get(Field::Permissions)),
        last_activity_at: warnings.moment(Field::LastActivityAt, entry.get(Field::LastActivityAt)),
        linked_accounts: linked::read(entry.get(Field::LinkedAccounts), warnings),
    })
}

/// The identifier, or else the username; and the username.
fn identity(entry: &Entry, warnings: &mut ParseWarnings) -> Option<(String, Option<String>)> {
    let username = entry.get(Field::Username);
    let id = entry.get(Field::Id).and_then(identifier);
    let id = id.or_else(|| username.and_then(identifier))?;
    Some((id, warnings.text_or_digits(Field::Username, username)))
}

/// A known platform whatever its case, or another one as it is. `.` and `..` mean other places in a
/// URL, percent-encoded or not (WHATWG URL, "path state").
fn platform(raw: &RawValue) -> Option<String> {
    let platform: String = serde_json::from_str(raw.get()).ok()?;
    let known = KNOWN_PLATFORMS
        .into_iter()
        .find(|known| platform.eq_ignore_ascii_case(known));
    // A label would show a line separator as a space, and two platforms as one.
    let usable = is_sensible_identifier(&platform)
        && !matches!(&*platform, "." | "..")
        && !platform.contains(is_line_separator);
    match known {
        Some(known) if known != platform => Some(known.to_owned()),
        _ => usable.then_some(platform),
    }
}

/// Both descriptions have a human name for every profile.
fn name(entry: &Entry, warnings: &mut ParseWarnings) -> String {
    let raw = warnings.or_invalid(Field::Name, entry.get(Field::Name));
    warnings.text(Field::Name, raw).unwrap_or_default()
}

/// Both descriptions have a date of connection for every profile.
fn connected_at(entry: &Entry, warnings: &mut ParseWarnings) -> Option<DateTime<Utc>> {
    let raw = warnings.or_invalid(Field::ConnectedAt, entry.get(Field::ConnectedAt));
    warnings.moment(Field::ConnectedAt, raw)
}

/// A documented word, or else the flag.
fn status(entry: &Entry, warnings: &mut ParseWarnings) -> Status {
    let (word, flag) = (entry.get(Field::Status), entry.get(Field::Disconnected));
    if word.is_none() && flag.is_none() {
        warnings.invalid(Field::Status);
    }
    let word: Option<String> = warnings.read(Field::Status, word);
    if let Some(status) = word.as_deref().and_then(Status::documented) {
        return status;
    }
    match (warnings.flag(Field::Disconnected, flag), word) {
        (Some(true), _) => Status::Disconnected,
        (Some(false), _) => Status::Connected,
        (None, Some(word)) => {
            warnings.unknown_status(&word);
            Status::Unknown
        }
        (None, None) => Status::Unknown,
    }
}
