//! The shape of the entries of an answer: names and JSON types of their fields, without values.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};

use serde_json::Value;

use super::redaction::Redactor;
use crate::gateway::date::{DateForm, is_zero};
use crate::gateway::field_names::FieldNames;
use crate::gateway::fields::{Field, LINKED_ACCOUNT_IDS, LINKED_ACCOUNT_NAMES, folded};
use crate::gateway::invalid::{JsonType, json_type};
use crate::gateway::model::{KNOWN_PLATFORMS, Status};

/// Levels of nested objects that are visited.
const MAX_DEPTH: usize = 3;
/// Stands for the elements of an array in a path.
const ELEMENT: &str = "[]";
/// Maximum number of fields that are kept. Further fields are counted.
const MAX_FIELDS: usize = 200;

/// The fields of all entries of an answer.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// The number of entries.
    pub(super) entries: usize,
    /// By redacted path.
    pub(super) fields: BTreeMap<String, ObservedField>,
    /// Number of fields that are not in `fields`.
    pub(super) more: usize,
    /// For each entry, the fields of the exporter that it has a value for.
    values: Vec<BTreeSet<Field>>,
}

/// A field of the entries.
#[derive(Debug, Default)]
pub(super) struct ObservedField {
    /// The path, if it may be printed and leads through no array.
    pub(super) path: Option<Vec<String>>,
    /// The fields of the exporter that are read from here, each with the precedence of this name: 0 is the
    /// first choice.
    pub(super) read_as: Vec<(Field, usize)>,
    /// Whether it is the id or the name of a linked account.
    pub(super) is_of_linked_account: bool,
    /// The number of entries that have the field.
    pub(super) entries: usize,
    pub(super) kinds: BTreeMap<JsonType, usize>,
    pub(super) dates: BTreeMap<DateForm, usize>,
    /// Hashes of the texts and numbers among its values.
    hashes: HashSet<u64>,
    /// The number of texts and numbers among its values.
    pub(super) scalars: usize,
    /// The number of values that give each evidence.
    pub(super) evidence: BTreeMap<Evidence, usize>,
}

/// What a value shows about the meaning of its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Evidence {
    /// It is the name of a known platform.
    Platform,
    /// It is a documented status word.
    StatusWord,
}

impl ObservedField {
    /// Whether no value occurs twice.
    pub(super) fn is_distinct(&self) -> bool {
        self.hashes.len() == self.scalars
    }
}

impl Shape {
    pub(super) fn from_entries(
        entries: &[Value],
        field_names: &FieldNames,
        redactor: &Redactor,
    ) -> Shape {
        let mut builder = ShapeBuilder {
            shape: Shape::default(),
            field_names,
            redactor,
            hasher: RandomState::new(),
        };
        for entry in entries {
            builder.entry(entry);
        }
        builder.shape
    }

    /// The number of entries that have a value for none of these fields.
    pub(super) fn entries_without(&self, fields: &[Field]) -> usize {
        let has_none = |values: &&BTreeSet<Field>| fields.iter().all(|it| !values.contains(it));
        self.values.iter().filter(has_none).count()
    }

    /// The observed fields from which this field of the exporter is read.
    pub(super) fn observed_as(&self, field: Field) -> impl Iterator<Item = &ObservedField> {
        let reads = move |(read, _): &(Field, usize)| *read == field;
        let fields = self.fields.values();
        fields.filter(move |observed| observed.read_as.iter().any(reads))
    }
}

/// Visits all entries and collects their fields.
struct ShapeBuilder<'a> {
    shape: Shape,
    field_names: &'a FieldNames,
    redactor: &'a Redactor<'a>,
    hasher: RandomState,
}

/// The fields of one entry.
#[derive(Default)]
struct EntryFields {
    paths: BTreeSet<String>,
    /// The fields of the exporter that the entry has a value for.
    values: BTreeSet<Field>,
}

impl ShapeBuilder<'_> {
    fn entry(&mut self, entry: &Value) {
        self.shape.entries += 1;
        let mut found = EntryFields::default();
        self.object(entry, &mut Vec::new(), &mut found);
        for path in &found.paths {
            if let Some(field) = self.shape.fields.get_mut(path) {
                field.entries += 1;
            }
        }
        self.shape.values.push(found.values);
    }

    fn object<'v>(&mut self, value: &'v Value, path: &mut Vec<&'v str>, found: &mut EntryFields) {
        let Value::Object(fields) = value else { return };
        for (name, value) in fields {
            path.push(name);
            self.field(value, path, found);
            path.pop();
        }
    }

    fn field<'v>(&mut self, value: &'v Value, path: &mut Vec<&'v str>, found: &mut EntryFields) {
        let read_as = self.field_names.fields_at(path);
        let has_value =
            |field: &Field| !(value.is_null() || field.is_date() && is_zero(&value.to_string()));
        let fields = read_as.iter().map(|(field, _)| *field);
        found.values.extend(fields.filter(has_value));
        let printable_path = self.redactor.path(path);
        let is_new = !self.shape.fields.contains_key(&printable_path);
        if is_new && self.shape.fields.len() == MAX_FIELDS {
            self.shape.more += 1;
        } else {
            let field = self.shape.fields.entry(printable_path.clone()).or_default();
            if is_new {
                field.path = self.redactor.usable_path(path);
                field.read_as = read_as.to_vec();
                field.is_of_linked_account = is_of_linked_account(self.field_names, path);
            }
            field.observe(value, path, &self.hasher);
            found.paths.insert(printable_path);
        }
        if path.len() == MAX_DEPTH {
            return;
        }
        self.object(value, path, found);
        if let Value::Array(elements) = value {
            path.push(ELEMENT);
            for element in elements {
                if path.len() < MAX_DEPTH {
                    self.object(element, path, found);
                }
            }
            path.pop();
        }
    }
}

impl ObservedField {
    fn observe(&mut self, value: &Value, path: &[&str], hasher: &RandomState) {
        *self.kinds.entry(json_type(value)).or_default() += 1;
        let is_date = |(field, _): &(Field, usize)| field.is_date();
        let form = match value {
            Value::String(text) => {
                self.observe_evidence(text);
                DateForm::of_text(text)
            }
            // Elsewhere a number in the range of timestamps is probably an identifier.
            Value::Number(number)
                if self.read_as.iter().any(is_date) || is_named_like_a_date(path) =>
            {
                number.as_f64().and_then(DateForm::of_number)
            }
            _ => None,
        };
        if let Some(form) = form {
            *self.dates.entry(form).or_default() += 1;
        }
        if matches!(value, Value::String(_) | Value::Number(_)) {
            self.scalars += 1;
            self.hashes.insert(hasher.hash_one(value.to_string()));
        }
    }

    fn observe_evidence(&mut self, text: &str) {
        let is_platform = KNOWN_PLATFORMS
            .iter()
            .any(|platform| text.eq_ignore_ascii_case(platform));
        let found = [
            (Evidence::Platform, is_platform),
            (Evidence::StatusWord, Status::documented(text).is_some()),
        ];
        for (evidence, _) in found.into_iter().filter(|(_, holds)| *holds) {
            *self.evidence.entry(evidence).or_default() += 1;
        }
    }
}

fn is_of_linked_account(field_names: &FieldNames, path: &[&str]) -> bool {
    let [list @ .., ELEMENT, name] = path else {
        return false;
    };
    let is_list = |(field, _): &(Field, usize)| *field == Field::LinkedAccounts;
    let mut known = LINKED_ACCOUNT_IDS.iter().chain(&LINKED_ACCOUNT_NAMES);
    field_names.fields_at(list).iter().any(is_list)
        && known.any(|known| folded(known) == folded(name))
}

fn is_named_like_a_date(path: &[&str]) -> bool {
    const DATE_WORDS: [&str; 7] = ["at", "on", "date", "time", "since", "expires", "expiry"];
    let words = path.last().map(|name| words_of_name(name));
    words.is_some_and(|words| words.iter().any(|word| DATE_WORDS.contains(&&**word)))
}

/// The words of a name in camel case or snake case: `linkedOn` and `linked_on` are `linked`, `on`.
pub(super) fn words_of_name(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_is_lower = false;
    for char in name.chars() {
        let starts_word = char.is_uppercase() && previous_is_lower;
        if starts_word || !char.is_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (char.is_alphanumeric(), words.last_mut()) {
            word.extend(char.to_lowercase());
        }
        previous_is_lower = char.is_lowercase() || char.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}
