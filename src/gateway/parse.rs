//! Parses response bodies leniently: an invalid field costs that field, an invalid entry costs that profile, and only
//! a response that is invalid as a whole is an error.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::Value;
use serde_json::value::RawValue;

use super::entry::RawEntry;
use super::envelope::{Envelope, for_each_entry};
use super::field_names::FieldNames;
use super::fields::{Field, Schema};
use super::invalid::{InvalidResponse, JsonShape};
use super::linked;
use super::model::{
    DetailsFacts, KNOWN_PLATFORMS, ListFacts, ListedProfile, ProfileDetails, Status, StatusWord,
};
use super::paging::Paging;
use super::sent_secret::SentSecret;
use super::warnings::{ParseWarnings, identifier, is_sensible_identifier, short_status};
use exporter_toolkit::printable::is_line_separator;

/// Parses the body of `GET /socials` and calls `on_entry` for each entry, with `None` for an entry without a usable
/// platform or identity. Values that repeat the secret that was `sent` count as invalid.
///
/// # Errors
/// `InvalidResponse` if the body is not a list of profiles, or has entries but no profile.
pub fn parse_list(
    body: &[u8],
    names: &FieldNames,
    sent: &SentSecret,
    warnings: &mut ParseWarnings,
    mut on_entry: impl FnMut(Option<ListedProfile>),
) -> Result<ListFacts, InvalidResponse> {
    const REQUIRED: &str = "\"platform\", and \"profileId\", \"id\" or \"username\"";
    let (mut schema, mut states_expiry) = (None, false);
    let parse_entry = |raw: &RawValue| {
        let entry = RawEntry::parse(raw, names, sent);
        if let Some(entry) = &entry {
            warnings.entries_with_secret += u64::from(entry.repeats_secret());
            schema = combined(schema, entry.schema());
            states_expiry |= entry.get(Field::TokenExpiresAt).is_some();
        }
        let profile = entry.and_then(|entry| listed_profile(&entry, warnings));
        let is_profile = profile.is_some();
        on_entry(profile);
        is_profile
    };
    let text = decode_text(body)?;
    let envelope = for_each_profile(&text, REQUIRED, parse_entry)
        .map_err(|error| warnings.explain_no_profile(error))?;
    let total = envelope.total.filter(|raw| raw.get() != "null");
    let total = total.map(|raw| sent.replacement(raw).unwrap_or(raw));
    Ok(ListFacts {
        total: warnings.parse(Field::Total, total),
        entries: envelope.entries,
        paging: envelope.paging,
        schema,
        states_expiry,
    })
}

/// Parses the body of `GET /socials/{platform}` and calls `on_entry` for each entry that identifies a profile.
///
/// # Errors
/// `InvalidResponse`, as for [`parse_list`].
pub fn parse_details(
    body: &[u8],
    names: &FieldNames,
    sent: &SentSecret,
    warnings: &mut ParseWarnings,
    mut on_entry: impl FnMut(ProfileDetails),
) -> Result<DetailsFacts, InvalidResponse> {
    const REQUIRED: &str = "\"profileId\", \"id\" or \"username\"";
    let parse_entry = |raw: &RawValue| {
        let entry = RawEntry::parse(raw, names, sent);
        let details = entry.and_then(|entry| {
            warnings.entries_with_secret += u64::from(entry.repeats_secret());
            profile_details(&entry, warnings)
        });
        details.map(&mut on_entry).is_some()
    };
    let text = decode_text(body)?;
    let envelope = for_each_profile(&text, REQUIRED, parse_entry)
        .map_err(|error| warnings.explain_no_profile(error))?;
    Ok(DetailsFacts {
        entries: envelope.entries,
        paging: envelope.paging,
    })
}

/// Calls `parse` for each entry, which returns whether the entry is a profile. A response with entries needs at least
/// one profile; an empty array is valid.
fn for_each_profile<'a>(
    text: &'a str,
    required: &'static str,
    mut parse: impl FnMut(&'a RawValue) -> bool,
) -> Result<Envelope<'a>, InvalidResponse> {
    let (mut has_profile, mut first) = (false, None);
    let envelope = for_each_entry(text, |raw| {
        first.get_or_insert(raw);
        has_profile |= parse(raw);
    })?;
    match first {
        Some(first) if !has_profile => Err(InvalidResponse::NoProfile {
            entries: envelope.entries,
            first: JsonShape::of_entry(first.get()),
            expected: required,
        }),
        _ => Ok(envelope),
    }
}

/// Decodes a body as UTF-8, with or without a byte order mark. Invalid bytes are replaced, so that they break only the
/// values that contain them.
fn decode_text(body: &[u8]) -> Result<Cow<'_, str>, InvalidResponse> {
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{' | b'[', 0, ..] | [0, ..] = body {
        return Err(InvalidResponse::NotUtf8);
    }
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    Ok(String::from_utf8_lossy(body))
}

/// The API description of entries that follow these descriptions.
fn combined(one: Option<Schema>, other: Option<Schema>) -> Option<Schema> {
    [one, other].into_iter().flatten().reduce(Schema::merge)
}

fn listed_profile(entry: &RawEntry, warnings: &mut ParseWarnings) -> Option<ListedProfile> {
    let platform = platform(entry.get(Field::Platform)?)?;
    let (id, username) = identity(entry, warnings)?;
    let (status, status_word) = status(entry, warnings);
    Some(ListedProfile {
        platform,
        id,
        username,
        name: name(entry, warnings),
        status,
        status_word,
        token_expires_at: warnings.date(Field::TokenExpiresAt, entry.get(Field::TokenExpiresAt)),
        connected_at: connected_at(entry, warnings),
        phone_number: warnings.text(Field::PhoneNumber, entry.get(Field::PhoneNumber)),
        linked_accounts: linked::parse(entry.get(Field::LinkedAccounts), warnings),
    })
}

fn profile_details(entry: &RawEntry, warnings: &mut ParseWarnings) -> Option<ProfileDetails> {
    let (id, username) = identity(entry, &mut ParseWarnings::default())?;
    Some(ProfileDetails {
        id,
        username,
        page_id: warnings.text_or_digits(Field::PageId, entry.get(Field::PageId)),
        category: warnings.text(Field::Category, entry.get(Field::Category)),
        permissions: warnings.permissions(entry.get(Field::Permissions)),
        last_activity_at: warnings
            .date(Field::LastActivityAt, entry.get(Field::LastActivityAt))
            .map(|time| time.to_utc()),
        linked_accounts: linked::parse(entry.get(Field::LinkedAccounts), warnings),
    })
}

/// The identifier, which falls back to the username, and the username.
fn identity(entry: &RawEntry, warnings: &mut ParseWarnings) -> Option<(String, Option<String>)> {
    let username = entry.get(Field::Username);
    let id = entry.get(Field::Id).and_then(identifier);
    let id = id.or_else(|| username.and_then(identifier))?;
    Some((id, warnings.text_or_digits(Field::Username, username)))
}

/// The platform; the case of known platforms does not matter. `.` and `..` are invalid, because they change the path
/// of a URL even if they are percent-encoded (WHATWG URL, "path state").
fn platform(raw: &RawValue) -> Option<String> {
    let platform: String = serde_json::from_str(raw.get()).ok()?;
    let known = KNOWN_PLATFORMS
        .into_iter()
        .find(|known| platform.eq_ignore_ascii_case(known));
    // Labels show line separators as spaces, which would make two platforms the same.
    let is_usable = is_sensible_identifier(&platform)
        && !matches!(&*platform, "." | "..")
        && !platform.contains(is_line_separator);
    match known {
        Some(known) if known != platform => Some(known.to_owned()),
        _ => is_usable.then_some(platform),
    }
}

/// The human name. A missing name is invalid, because both API descriptions have it for every profile.
fn name(entry: &RawEntry, warnings: &mut ParseWarnings) -> String {
    let raw = warnings.require(Field::Name, entry.get(Field::Name));
    warnings.text(Field::Name, raw).unwrap_or_default()
}

/// The date of connection. A missing date is invalid, because both API descriptions have it for every profile.
fn connected_at(entry: &RawEntry, warnings: &mut ParseWarnings) -> Option<DateTime<Utc>> {
    let raw = warnings.require(Field::ConnectedAt, entry.get(Field::ConnectedAt));
    warnings
        .date(Field::ConnectedAt, raw)
        .map(|time| time.to_utc())
}

/// The documented status, which falls back to the flag `disconnected`, and the word of the response.
fn status(entry: &RawEntry, warnings: &mut ParseWarnings) -> (Status, StatusWord) {
    let (word, flag) = (entry.get(Field::Status), entry.get(Field::Disconnected));
    if word.is_none() && flag.is_none() {
        warnings.count_invalid(Field::Status);
    }
    let word: Option<String> = warnings.parse(Field::Status, word);
    if let Some(status) = word.as_deref().and_then(Status::documented) {
        return (status, StatusWord::Documented);
    }
    let word = word.map(|word| short_status(&word));
    let status = match (warnings.flag(Field::Disconnected, flag), &word) {
        (Some(true), _) => Status::Disconnected,
        (Some(false), _) => Status::Connected,
        (None, Some(word)) => {
            warnings.add_unknown_status(word);
            Status::Unknown
        }
        (None, None) => Status::Unknown,
    };
    (
        status,
        word.map_or(StatusWord::Absent, |word| StatusWord::Other(word.into())),
    )
}

/// A response as JSON values, for `explain`.
#[derive(Debug)]
pub struct Values {
    /// The whole body, if it is JSON.
    pub document: Option<Value>,
    /// The entries, if they were found.
    pub entries: Result<Vec<Value>, InvalidResponse>,
    /// The fields about further pages.
    pub paging: Paging,
    /// The API description that the entries follow, if they differ between the two.
    pub schema: Option<Schema>,
}

/// Parses a body to JSON values.
pub fn parse_values(body: &[u8], names: &FieldNames) -> Values {
    let mut values = Values {
        document: None,
        entries: Ok(Vec::new()),
        paging: Paging::default(),
        schema: None,
    };
    let text = match decode_text(body) {
        Ok(text) => text,
        Err(error) => {
            values.entries = Err(error);
            return values;
        }
    };
    let (mut entries, sent) = (Vec::new(), SentSecret::default());
    let envelope = for_each_entry(&text, |raw| {
        let entry = RawEntry::parse(raw, names, &sent);
        values.schema = combined(values.schema, entry.and_then(|entry| entry.schema()));
        entries.push(serde_json::from_str(raw.get()).unwrap_or(Value::Null));
    });
    values.document = serde_json::from_str(&text).ok();
    values.entries = envelope.map(|envelope| {
        values.paging = envelope.paging;
        entries
    });
    values
}
