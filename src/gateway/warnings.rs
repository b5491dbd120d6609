//! What could not be read in an answer that could be read all the same, and the readers of single
//! values, which take note of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::date;
use super::fields::Field;
use super::invalid::InvalidResponse;
use crate::printable::without_line_separators;

/// No text of the documentation comes near these lengths, in bytes. What is shown stands in many lines,
/// so longer texts would cost memory many times over.
const MAX_IDENTIFIER_BYTES: usize = 256;
const MAX_TEXT_BYTES: usize = 1024;
/// Permissions of one profile.
const MAX_PERMISSIONS: usize = 64;
/// Unknown status words that are kept of one answer, and how many characters of each, for the log.
const MAX_UNKNOWN_STATUSES: usize = 100;
const MAX_WORD: usize = 100;

/// What could not be read in an answer that could be read all the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ParseWarnings {
    /// How often each field could not be read.
    pub invalid_fields: BTreeMap<Field, u64>,
    /// Status words that the documentation does not name.
    pub unknown_statuses: BTreeSet<String>,
    /// How many entries repeat the secret that the call sent; these values count as invalid.
    pub entries_with_secret: u64,
}

impl ParseWarnings {
    /// Adds those of another answer of the same refresh.
    pub fn merge(&mut self, other: ParseWarnings) {
        for (field, count) in other.invalid_fields {
            *self.invalid_fields.entry(field).or_default() += count;
        }
        self.unknown_statuses.extend(other.unknown_statuses);
        self.entries_with_secret += other.entries_with_secret;
    }

    /// Why no entry is a profile, where that is the secret in them.
    pub(super) fn told(&self, error: InvalidResponse) -> InvalidResponse {
        match error {
            InvalidResponse::NoProfile { entries, .. } if self.entries_with_secret > 0 => {
                InvalidResponse::RepeatsSecret { entries }
            }
            other => other,
        }
    }

    pub(super) fn invalid(&mut self, field: Field) {
        *self.invalid_fields.entry(field).or_default() += 1;
    }

    pub(super) fn unknown_status(&mut self, word: &str) {
        if self.unknown_statuses.len() < MAX_UNKNOWN_STATUSES {
            self.unknown_statuses
                .insert(word.chars().take(MAX_WORD).collect());
        }
    }

    /// The field's value: `None` where it is absent or (counted) not of type `T`.
    pub(super) fn read<T: DeserializeOwned>(
        &mut self,
        field: Field,
        raw: Option<&RawValue>,
    ) -> Option<T> {
        let value = serde_json::from_str::<T>(raw?.get()).ok();
        self.or_invalid(field, value)
    }

    pub(super) fn or_invalid<T>(&mut self, field: Field, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.invalid(field);
        }
        value
    }

    /// A text of a sensible length.
    pub(super) fn text(&mut self, field: Field, raw: Option<&RawValue>) -> Option<String> {
        let text = self.read::<String>(field, raw)?;
        let sensible = text.len() <= MAX_TEXT_BYTES;
        self.or_invalid(field, sensible.then_some(text))
    }

    /// A text of a sensible length, or the digits of a whole number.
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

    /// Permissions of a sensible number and length.
    pub(super) fn permissions(&mut self, raw: Option<&RawValue>) -> Option<BTreeSet<String>> {
        let granted = self.read::<Vec<String>>(Field::Permissions, raw)?;
        // As in the label, where two permissions must not become the same.
        let granted: BTreeSet<String> = granted
            .iter()
            .map(|permission| without_line_separators(permission))
            .collect();
        let is_sensible = |permission: &String| is_sensible_identifier(permission);
        let sensible = granted.len() <= MAX_PERMISSIONS && granted.iter().all(is_sensible);
        self.or_invalid(Field::Permissions, sensible.then_some(granted))
    }

    /// A flag: boolean, the word for one as text, or 0 and 1.
    pub(super) fn flag(&mut self, field: Field, raw: Option<&RawValue>) -> Option<bool> {
        let word = raw?.get().trim_matches('"');
        let flag = match word {
            "1" => Some(true),
            "0" => Some(false),
            word => word.to_ascii_lowercase().parse().ok(),
        };
        self.or_invalid(field, flag)
    }

    /// A moment, as text or as a Unix time.
    pub(super) fn moment(&mut self, field: Field, raw: Option<&RawValue>) -> Option<DateTime<Utc>> {
        let raw = raw?.get();
        if raw.starts_with('"') {
            let text = serde_json::from_str::<String>(raw).ok();
            return self.or_invalid(field, text.and_then(|text| date::from_text(&text)));
        }
        let number = serde_json::from_str::<f64>(raw).ok();
        self.or_invalid(field, number.and_then(date::from_number))
    }
}

/// A usable identifier: a text, or the digits of a whole number.
pub(super) fn identifier(raw: &RawValue) -> Option<String> {
    let text = match digits(raw) {
        Some(digits) => digits.to_owned(),
        // As in the label, where two identifiers must not become the same.
        None => without_line_separators(&serde_json::from_str::<String>(raw.get()).ok()?),
    };
    is_sensible_identifier(&text).then_some(text)
}

/// A whole number as it is written: an identifier may be longer than any type of number.
fn digits(raw: &RawValue) -> Option<&str> {
    let text = raw.get();
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(text)
}

/// Neither empty nor too long.
pub(super) fn is_sensible_identifier(text: &str) -> bool {
    (1..=MAX_IDENTIFIER_BYTES).contains(&text.len())
}
