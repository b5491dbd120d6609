//! Parses single values, and collects warnings about invalid ones.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, FixedOffset};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::date;
use super::fields::Field;
use super::invalid::InvalidResponse;
use exporter_toolkit::printable::without_line_separators;

/// Maximum length of an identifier in bytes, far above the documented ones. Identifiers are labels of many samples, so
/// longer ones would cost memory many times over.
const MAX_IDENTIFIER_BYTES: usize = 256;
/// Maximum length of any other text in bytes.
const MAX_TEXT_BYTES: usize = 1024;
/// Maximum number of permissions of one profile.
const MAX_PERMISSIONS: usize = 64;
/// Maximum number of unknown statuses that are kept for the log.
const MAX_UNKNOWN_STATUSES: usize = 100;
/// Maximum length of an unknown status in characters; longer ones are cut.
const MAX_STATUS_CHARS: usize = 100;

/// What is invalid in a response that is usable as a whole.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ParseWarnings {
    /// Number of invalid values by field.
    pub invalid_fields: BTreeMap<Field, u64>,
    /// Statuses that the API's documentation does not have.
    pub unknown_statuses: BTreeSet<String>,
    /// Number of entries that repeat the secret of the request. Values with the secret count as invalid.
    pub entries_with_secret: u64,
}

impl ParseWarnings {
    /// Adds the warnings of another response of the same refresh.
    pub fn merge(&mut self, other: ParseWarnings) {
        for (field, count) in other.invalid_fields {
            *self.invalid_fields.entry(field).or_default() += count;
        }
        self.unknown_statuses.extend(other.unknown_statuses);
        self.entries_with_secret += other.entries_with_secret;
    }

    /// Changes the error to [`InvalidResponse::RepeatsSecret`] if that is why no entry is a profile.
    pub(super) fn explain_no_profile(&self, error: InvalidResponse) -> InvalidResponse {
        match error {
            InvalidResponse::NoProfile { entries, .. } if self.entries_with_secret > 0 => {
                InvalidResponse::RepeatsSecret { entries }
            }
            other => other,
        }
    }

    pub(super) fn count_invalid(&mut self, field: Field) {
        *self.invalid_fields.entry(field).or_default() += 1;
    }

    pub(super) fn add_unknown_status(&mut self, status: &str) {
        if self.unknown_statuses.len() < MAX_UNKNOWN_STATUSES {
            self.unknown_statuses.insert(status.to_owned());
        }
    }

    /// Parses a value; `None` if it is absent, or if it is not of type `T`, which counts as invalid.
    pub(super) fn parse<T: DeserializeOwned>(
        &mut self,
        field: Field,
        raw: Option<&RawValue>,
    ) -> Option<T> {
        let value = serde_json::from_str::<T>(raw?.get()).ok();
        self.require(field, value)
    }

    /// Counts the field as invalid if the value is `None`.
    pub(super) fn require<T>(&mut self, field: Field, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.count_invalid(field);
        }
        value
    }

    /// Parses a text of limited length.
    pub(super) fn text(&mut self, field: Field, raw: Option<&RawValue>) -> Option<String> {
        let text = self.parse::<String>(field, raw)?;
        let is_short = text.len() <= MAX_TEXT_BYTES;
        self.require(field, is_short.then_some(text))
    }

    /// Parses a text of limited length, or a whole number, as its digits.
    pub(super) fn text_or_digits(
        &mut self,
        field: Field,
        raw: Option<&RawValue>,
    ) -> Option<String> {
        match digits(raw?) {
            Some(digits) => Some(digits.to_owned()),
            None => self.text(field, raw),
        }
    }

    /// Parses permissions of limited number and length.
    pub(super) fn permissions(&mut self, raw: Option<&RawValue>) -> Option<BTreeSet<String>> {
        let granted = self.parse::<Vec<String>>(Field::Permissions, raw)?;
        // As in the label, so that two permissions do not become the same there.
        let granted: BTreeSet<String> = granted
            .iter()
            .map(|permission| without_line_separators(permission))
            .collect();
        let is_sensible = |permission: &String| is_sensible_identifier(permission);
        let is_usable = granted.len() <= MAX_PERMISSIONS && granted.iter().all(is_sensible);
        self.require(Field::Permissions, is_usable.then_some(granted))
    }

    /// Parses a flag: a boolean, also as text, or 0 and 1.
    pub(super) fn flag(&mut self, field: Field, raw: Option<&RawValue>) -> Option<bool> {
        let word = raw?.get().trim_matches('"');
        let flag = match word {
            "1" => Some(true),
            "0" => Some(false),
            word => word.to_ascii_lowercase().parse().ok(),
        };
        self.require(field, flag)
    }

    /// Parses a date, as text or as a Unix time, and keeps the stated offset.
    pub(super) fn date(
        &mut self,
        field: Field,
        raw: Option<&RawValue>,
    ) -> Option<DateTime<FixedOffset>> {
        let raw = raw?.get();
        if raw.starts_with('"') {
            let text = serde_json::from_str::<String>(raw).ok();
            return self.require(field, text.and_then(|text| date::parse_text(&text)));
        }
        let number = serde_json::from_str::<f64>(raw).ok();
        self.require(field, number.and_then(date::parse_number))
    }
}

/// An undocumented status, cut to a sensible length.
pub(super) fn short_status(status: &str) -> String {
    status.chars().take(MAX_STATUS_CHARS).collect()
}

/// Parses an identifier: a text, or a whole number, as its digits. `None` if it is not usable.
pub(super) fn identifier(raw: &RawValue) -> Option<String> {
    let text = match digits(raw) {
        Some(digits) => digits.to_owned(),
        // As in the label, so that two identifiers do not become the same there.
        None => without_line_separators(&serde_json::from_str::<String>(raw.get()).ok()?),
    };
    is_sensible_identifier(&text).then_some(text)
}

/// The digits of a whole number, which may exceed any integer type.
fn digits(raw: &RawValue) -> Option<&str> {
    let text = raw.get();
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(text)
}

/// Whether a text is neither empty nor too long.
pub(super) fn is_sensible_identifier(text: &str) -> bool {
    (1..=MAX_IDENTIFIER_BYTES).contains(&text.len())
}
