//! Which fields entries have: names, JSON types and numbers, and of no field a value.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};

use serde_json::Value;

use super::names::Names;
use crate::gateway::date::{DateForm, is_zero};
use crate::gateway::field_names::FieldNames;
use crate::gateway::fields::{Field, LINKED_ACCOUNT_IDS, LINKED_ACCOUNT_NAMES, folded};
use crate::gateway::invalid::{Kind, kind};

/// How deep objects are looked into.
const DEPTH: usize = 3;
/// Stands for the elements of an array in a path.
const ELEMENT: &str = "[]";
/// Fields beyond this number are counted.
const MAX_FIELDS: usize = 200;

/// The fields of all entries of an answer.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// How many entries there are.
    pub(super) entries: usize,
    /// By path as it is shown.
    pub(super) fields: BTreeMap<String, FieldSeen>,
    /// Fields that are left out of `fields`.
    pub(super) more: usize,
    /// Which of our fields each entry has a value for.
    stated: Vec<BTreeSet<Field>>,
}

/// A field as it was met.
#[derive(Debug, Default)]
pub(super) struct FieldSeen {
    /// The names that lead to it, where all of them may be shown and none is an element of an array.
    pub(super) path: Option<Vec<String>>,
    /// What is read there, with the place of the name among the names of the field.
    pub(super) read_as: Vec<(Field, usize)>,
    /// Whether it stands in a list of linked accounts that is read, under a name that is looked for.
    pub(super) is_of_linked_account: bool,
    /// In how many entries it stands.
    pub(super) entries: usize,
    pub(super) kinds: BTreeMap<Kind, usize>,
    pub(super) dates: BTreeMap<DateForm, usize>,
    /// Hashes of its values, which tell whether they differ.
    hashes: HashSet<u64>,
    /// Texts and numbers among its values.
    pub(super) scalars: usize,
    /// How many of its values satisfy each of these.
    pub(super) evidence: BTreeMap<Evidence, usize>,
}

/// What a text may be, as far as suggestions need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Evidence {
    /// The name of a known platform.
    Platform,
    /// A documented status word.
    StatusWord,
}

impl FieldSeen {
    /// Whether no value occurs twice.
    pub(super) fn is_distinct(&self) -> bool {
        self.hashes.len() == self.scalars
    }
}

impl Shape {
    pub(super) fn of(entries: &[Value], field_names: &FieldNames, names: &Names) -> Shape {
        let mut survey = Survey {
            shape: Shape::default(),
            field_names,
            names,
            hasher: RandomState::new(),
        };
        for entry in entries {
            survey.entry(entry);
        }
        survey.shape
    }

    /// In how many entries none of these fields has a value.
    pub(super) fn lacking(&self, fields: &[Field]) -> usize {
        let lacks = |stated: &&BTreeSet<Field>| !fields.iter().any(|it| stated.contains(it));
        self.stated.iter().filter(lacks).count()
    }
}

struct Survey<'a> {
    shape: Shape,
    field_names: &'a FieldNames,
    names: &'a Names<'a>,
    hasher: RandomState,
}

/// What one entry has.
#[derive(Default)]
struct Met {
    paths: BTreeSet<String>,
    fields: BTreeSet<Field>,
}

impl Survey<'_> {
    fn entry(&mut self, entry: &Value) {
        self.shape.entries += 1;
        let mut met = Met::default();
        self.object(entry, &mut Vec::new(), &mut met);
        for path in &met.paths {
            if let Some(field) = self.shape.fields.get_mut(path) {
                field.entries += 1;
            }
        }
        self.shape.stated.push(met.fields);
    }

    fn object<'v>(&mut self, value: &'v Value, path: &mut Vec<&'v str>, met: &mut Met) {
        let Value::Object(fields) = value else { return };
        for (name, value) in fields {
            path.push(name);
            self.field(value, path, met);
            path.pop();
        }
    }

    fn field<'v>(&mut self, value: &'v Value, path: &mut Vec<&'v str>, met: &mut Met) {
        let read_as = self.field_names.fields_at(path);
        let is_stated =
            |field: &Field| !(value.is_null() || field.is_date() && is_zero(&value.to_string()));
        met.fields
            .extend(read_as.iter().map(|(field, _)| *field).filter(is_stated));
        let shown = self.names.path(path);
        let is_new = !self.shape.fields.contains_key(&shown);
        if is_new && self.shape.fields.len() == MAX_FIELDS {
            self.shape.more += 1;
        } else {
            let seen = self.shape.fields.entry(shown.clone()).or_default();
            if is_new {
                seen.path = self.names.usable_path(path);
                seen.read_as = read_as.to_vec();
                seen.is_of_linked_account = is_of_linked_account(self.field_names, path);
            }
            seen.note(value, path, &self.hasher);
            met.paths.insert(shown);
        }
        if path.len() == DEPTH {
            return;
        }
        self.object(value, path, met);
        if let Value::Array(elements) = value {
            path.push(ELEMENT);
            for element in elements {
                if path.len() < DEPTH {
                    self.object(element, path, met);
                }
            }
            path.pop();
        }
    }
}

impl FieldSeen {
    fn note(&mut self, value: &Value, path: &[&str], hasher: &RandomState) {
        *self.kinds.entry(kind(value)).or_default() += 1;
        let is_date = |(field, _): &(Field, usize)| field.is_date();
        let form = match value {
            Value::String(text) => {
                self.note_evidence(text);
                DateForm::of_text(text)
            }
            // A number of this size may be an identifier.
            Value::Number(number)
                if self.read_as.iter().any(is_date) || sounds_like_a_date(path) =>
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

    fn note_evidence(&mut self, text: &str) {
        use crate::gateway::model::{KNOWN_PLATFORMS, Status};
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

fn sounds_like_a_date(path: &[&str]) -> bool {
    let name = path.last().map(|name| super::suggest::words(name));
    let words = ["at", "on", "date", "time", "since", "expires", "expiry"];
    name.is_some_and(|name| name.iter().any(|word| words.contains(&&**word)))
}
