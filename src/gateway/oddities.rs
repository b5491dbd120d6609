//! What was odd in an answer: fields that cannot be read, words that nobody documents.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::model::Status;

/// No text of the documentation comes near these lengths, in bytes. What is shown stands in many lines, so longer texts would cost memory
/// many times over.
const MAX_IDENTIFIER_BYTES: usize = 256;
const MAX_TEXT_BYTES: usize = 1024;
/// Permissions of one profile.
const MAX_PERMISSIONS: usize = 64;
/// Unknown status words that are kept of one answer, and how many characters of each, for the log.
const MAX_UNKNOWN_STATUSES: usize = 100;
const MAX_WORD: usize = 100;

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

    pub(super) fn invalid(&mut self, field: Field) {
        *self.invalid_fields.entry(field).or_default() += 1;
    }

    /// The field's value: `None` where it is absent, `null` or (counted) not of type `T`.
    pub(super) fn read<T: DeserializeOwned>(
        &mut self,
        field: Field,
        raw: Option<&RawValue>,
    ) -> Option<T> {
        let value = serde_json::from_str::<Option<T>>(raw?.get());
        value.unwrap_or_else(|_| {
            self.invalid(field);
            None
        })
    }

    /// A text of a sensible length.
    pub(super) fn text(&mut self, field: Field, raw: Option<&RawValue>) -> Option<String> {
        let text = self.read::<String>(field, raw)?;
        let sensible = text.len() <= MAX_TEXT_BYTES;
        if !sensible {
            self.invalid(field);
        }
        sensible.then_some(text)
    }

    /// The human name; the documentation has one for every profile.
    pub(super) fn name(&mut self, raw: Option<&RawValue>) -> String {
        if raw.is_none_or(is_null) {
            self.invalid(Field::Name);
        }
        self.text(Field::Name, raw).unwrap_or_default()
    }

    /// Permissions of a sensible number and length.
    pub(super) fn permissions(&mut self, raw: Option<&RawValue>) -> Option<BTreeSet<String>> {
        let granted = self.read::<BTreeSet<String>>(Field::Permissions, raw)?;
        let is_sensible = |permission: &String| is_sensible_identifier(permission);
        let sensible = granted.len() <= MAX_PERMISSIONS && granted.iter().all(is_sensible);
        if !sensible {
            self.invalid(Field::Permissions);
        }
        sensible.then_some(granted)
    }

    pub(super) fn required<T: DeserializeOwned>(
        &mut self,
        field: Field,
        raw: Option<&RawValue>,
    ) -> Option<T> {
        if raw.is_none_or(is_null) {
            self.invalid(field);
            return None;
        }
        self.read(field, raw)
    }

    /// A moment: RFC 3339 with any offset, `Z`, fractions, years up to 9999.
    pub(super) fn moment(&mut self, field: Field, text: Option<String>) -> Option<DateTime<Utc>> {
        match DateTime::parse_from_rfc3339(&text?) {
            // Before 1970 there was no gateway: such a date stands for none, as Go's zero time does.
            Ok(moment) if moment.timestamp() >= 0 => Some(moment.to_utc()),
            _ => {
                self.invalid(field);
                None
            }
        }
    }

    pub(super) fn status(&mut self, raw: Option<&RawValue>) -> Status {
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

pub(super) fn is_sensible_identifier(text: &str) -> bool {
    (1..=MAX_IDENTIFIER_BYTES).contains(&text.len())
}

fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}
