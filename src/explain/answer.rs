//! An analyzed answer: its envelope, its description of the API, its fields, and its problems.

use std::collections::BTreeMap;

use serde_json::Value;

use super::problems::{Diagnosis, Problem};
use super::redaction::Redactor;
use super::shape::{ObservedField, Shape};
use crate::gateway::Paging;
use crate::gateway::date::DateForm;
use crate::gateway::field_names::FieldNames;
use crate::gateway::fields::{Field, FieldRow, FieldSource, Schema, TABLE};
use crate::gateway::invalid::json_type;
use crate::gateway::parse::{Values, parse_values};
use crate::plural::count;

/// Levels of objects that the envelope shows.
const ENVELOPE_DEPTH: usize = 2;

/// The endpoint of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// `GET /socials`.
    List,
    /// `GET /socials/{platform}`.
    Details,
}

/// An analyzed answer. All texts are redacted.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) endpoint: Endpoint,
    /// Whether the entries were found.
    pub(super) has_entries: bool,
    /// The outer structure, if the answer is JSON.
    pub(super) envelope: Option<String>,
    /// The description of the API that the entries follow, if they show it.
    pub(super) schema: Option<Schema>,
    /// Whether the gateway has more entries than the answer holds.
    pub(super) is_incomplete: bool,
    pub(super) shape: Shape,
    /// Number of entries by platform.
    pub(super) platforms: BTreeMap<String, usize>,
    /// Number of entries by status word.
    pub(super) statuses: BTreeMap<String, usize>,
    pub(super) problems: Vec<Problem>,
    /// The platforms of a list, to ask for details.
    pub(super) platforms_to_ask: Vec<String>,
}

impl Answer {
    /// Analyzes the body of an answer. `headers` are the paging headers that came with it.
    pub(super) fn read(
        body: &[u8],
        endpoint: Endpoint,
        headers: Paging,
        field_names: &FieldNames,
        redactor: &Redactor,
    ) -> Answer {
        let Values {
            document,
            entries,
            paging,
            schema,
        } = parse_values(body, field_names);
        let envelope = document
            .as_ref()
            .map(|document| envelope(document, redactor, ENVELOPE_DEPTH));
        let (entries, failure) = match entries {
            Ok(entries) => (entries, None),
            // Without entries the fields of the whole document are shown.
            Err(error) => (document.into_iter().collect(), Some(error)),
        };
        let shape = Shape::from_entries(&entries, field_names, redactor);
        let is_incomplete = paging.merge(headers).has_more_than(entries.len() as u64);
        let mut diagnosis = Diagnosis::new(&shape, field_names, redactor.secret());
        let has_entries = failure.is_none();
        match (failure, endpoint) {
            (Some(error), _) => diagnosis.note_missing_entries(error),
            (None, Endpoint::List) => diagnosis.read_list(body),
            (None, Endpoint::Details) => diagnosis.read_details(body),
        }
        if has_entries {
            diagnosis.note_dates();
            diagnosis.note_incomplete(is_incomplete);
        }
        let Diagnosis {
            problems,
            platforms: platforms_to_ask,
            ..
        } = diagnosis;
        Answer {
            endpoint,
            has_entries,
            envelope,
            schema,
            is_incomplete,
            platforms: count_words(Field::Platform, &entries, &shape, redactor),
            statuses: count_words(Field::Status, &entries, &shape, redactor),
            shape,
            problems,
            platforms_to_ask,
        }
    }

    /// How the exporter uses a field, with the forms of the dates in it.
    pub(super) fn use_of(&self, observed: &ObservedField) -> String {
        let uses = observed.read_as.iter().filter_map(|(field, precedence)| {
            let row = field.row()?;
            Some(self.use_as(row, *precedence))
        });
        let mut uses: Vec<String> = uses.collect();
        if uses.is_empty() && observed.is_of_linked_account {
            uses.push("linked_accounts".to_owned());
        }
        if uses.is_empty() {
            uses.push("ignored".to_owned());
        }
        let forms = observed.dates.keys().map(|form| DateForm::as_str(*form));
        let forms: Vec<&str> = forms.collect();
        match forms.is_empty() {
            true => uses.join(", "),
            false => format!("{} ({})", uses.join(", "), forms.join(", ")),
        }
    }

    fn use_as(&self, row: &FieldRow, precedence: usize) -> String {
        let is_read_here = match self.endpoint {
            Endpoint::List => row.source != FieldSource::Details,
            Endpoint::Details => row.source != FieldSource::List,
        };
        if !is_read_here {
            let source = row.source.as_str();
            return format!("ignored: {} is read from the {source}", row.key);
        }
        match self.preferred_name(row.field, precedence) {
            Some((name, true)) => format!("ignored: {name} takes precedence"),
            Some((name, false)) => format!("{}, where {name} is absent", row.key),
            None => row.key.to_owned(),
        }
    }

    /// The first name of the field that takes precedence over this one, and whether all entries have it.
    fn preferred_name(&self, field: Field, precedence: usize) -> Option<(&'static str, bool)> {
        let row = TABLE.iter().find(|row| row.field == field)?;
        let preferred = self.shape.fields.values().flat_map(|observed| {
            let names = observed.read_as.iter();
            let preferred = names.filter(|(other, index)| *other == field && *index < precedence);
            preferred.map(|(_, index)| (*index, observed.entries == self.shape.entries))
        });
        let (index, is_in_all_entries) = preferred.min_by_key(|(index, _)| *index)?;
        Some((row.names.get(index).copied()?, is_in_all_entries))
    }
}

/// The outer objects with the names of their keys, and the lengths of arrays.
fn envelope(document: &Value, redactor: &Redactor, depth: usize) -> String {
    const MAX_KEYS: usize = 8;
    match document {
        Value::Array(entries) => format!("[{}]", count(entries.len(), "entry")),
        Value::Object(fields) if depth > 0 => {
            let keys = fields.iter().take(MAX_KEYS).map(|(name, value)| {
                let inner = envelope(value, redactor, depth - 1);
                format!("\"{}\": {inner}", redactor.name(name))
            });
            let keys: Vec<String> = keys.collect();
            let more = if fields.len() > MAX_KEYS { ", …" } else { "" };
            format!("{{{}{more}}}", keys.join(", "))
        }
        value => json_type(value).as_str().to_owned(),
    }
}

/// The redacted values of a field, with the number of entries that have them.
fn count_words(
    field: Field,
    entries: &[Value],
    shape: &Shape,
    redactor: &Redactor,
) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let paths = shape.observed_as(field);
    for path in paths.filter_map(|observed| observed.path.as_ref()) {
        let values = entries.iter().filter_map(|entry| {
            let value = path.iter().try_fold(entry, |value, name| value.get(name))?;
            value.as_str()
        });
        for word in values {
            *counts.entry(redactor.word(word).to_owned()).or_default() += 1;
        }
    }
    counts
}
