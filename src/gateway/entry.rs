//! Finds the fields of an entry by their names, and keeps their values as raw JSON.
//!
//! serde derives one struct per set of names. Here the names are configurable, several names compete for a field, and
//! an invalid value must not make its neighbours unreadable, so the fields are collected by hand.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::date;
use super::field_names::{FieldNames, Node, ObjectNames};
use super::fields::{ENTRY_FIELDS, Field, Schema, TABLE};
use super::sent_secret::SentSecret;

/// Maximum length of an entry in bytes, far above the documented ones. Longer entries are dropped.
const MAX_ENTRY_BYTES: usize = 64 * 1024;

/// The raw values of an entry by field; `null` counts as absent.
#[derive(Debug, Default)]
pub(super) struct RawEntry<'a> {
    values: [Option<NamedValue<'a>>; ENTRY_FIELDS],
    /// Names (field and rank) that the entry repeats with no value after an earlier value.
    withdrawn: Vec<(Field, usize)>,
    /// Whether this is the second pass, which ignores the withdrawn names.
    is_second_pass: bool,
    repeats_secret: bool,
}

/// A value and the name under which it was found.
#[derive(Debug, Clone, Copy)]
struct NamedValue<'a> {
    /// The rank of the name among the names of the field; the lowest wins.
    rank: usize,
    raw: &'a RawValue,
}

impl<'a> RawEntry<'a> {
    /// Parses an object of limited length; `None` for anything else. Values that repeat the secret become invalid.
    pub(super) fn parse(
        raw: &'a RawValue,
        names: &FieldNames,
        sent: &SentSecret,
    ) -> Option<RawEntry<'a>> {
        let text = raw.get();
        if !text.starts_with('{') || text.len() > MAX_ENTRY_BYTES {
            return None;
        }
        let mut entry = RawEntry::default();
        entry.parse_object(text, names.root(), sent).ok()?;
        if !entry.withdrawn.is_empty() {
            // A second pass finds the values under the other names of these fields.
            entry.values = Default::default();
            entry.is_second_pass = true;
            entry.parse_object(text, names.root(), sent).ok()?;
        }
        Some(entry)
    }

    fn parse_object(
        &mut self,
        text: &'a str,
        names: &ObjectNames,
        sent: &SentSecret,
    ) -> serde_json::Result<()> {
        let mut json = serde_json::Deserializer::from_str(text);
        json.deserialize_map(ObjectVisitor {
            entry: self,
            names,
            sent,
        })
    }

    /// Whether a value repeats the secret of the request.
    pub(super) fn repeats_secret(&self) -> bool {
        self.repeats_secret
    }

    /// The raw value of a field.
    pub(super) fn get(&self, field: Field) -> Option<&'a RawValue> {
        let value = self.values.get(field as usize)?;
        value.map(|value| value.raw)
    }

    /// The API description that the fields follow, if they differ between the two.
    pub(super) fn schema(&self) -> Option<Schema> {
        let of_fields = TABLE.iter().filter_map(|row| {
            let schema = row.schema?;
            self.get(row.field).map(|_| schema)
        });
        of_fields.chain(self.schema_of_id()).reduce(Schema::merge)
    }

    /// UC-017 if the identifier has its first name, `profileId`. The reference page has no identifier.
    fn schema_of_id(&self) -> Option<Schema> {
        let id = self.values[Field::Id as usize]?;
        (id.rank == 0).then_some(Schema::Uc017)
    }

    fn insert(&mut self, node: &Node, mut raw: &'a RawValue, sent: &SentSecret) {
        if !node.fields.is_empty()
            && let Some(replacement) = sent.replacement(raw)
        {
            self.repeats_secret = true;
            raw = replacement;
        }
        for (field, rank) in &node.fields {
            let Some(value) = self.values.get_mut(*field as usize) else {
                continue;
            };
            let name = (*field, *rank);
            if self.is_second_pass && self.withdrawn.contains(&name) {
                continue;
            }
            // The last value of a repeated name counts, as in JavaScript.
            if !is_present(*field, raw) {
                let is_repeated = value.is_some_and(|known| known.rank == *rank);
                if is_repeated && !self.is_second_pass {
                    self.withdrawn.push(name);
                }
                continue;
            }
            self.withdrawn.retain(|withdrawn| *withdrawn != name);
            if value.is_none_or(|known: NamedValue| *rank <= known.rank) {
                *value = Some(NamedValue { rank: *rank, raw });
            }
        }
    }
}

/// Whether the value counts as present. `null` and zero times do not, and neither do values that cannot be an
/// identifier, so that the next name of the field is used.
fn is_present(field: Field, raw: &RawValue) -> bool {
    let text = raw.get();
    let is_scalar = || text.starts_with(|char: char| char == '"' || char.is_ascii_digit());
    match field {
        Field::Platform | Field::Id => text != "\"\"" && is_scalar(),
        Field::Username => text != "\"\"" && text != "null",
        field if field.is_date() => text != "null" && !date::is_zero(text),
        _ => text != "null",
    }
}

struct ObjectVisitor<'e, 'n, 'a> {
    entry: &'e mut RawEntry<'a>,
    names: &'n ObjectNames,
    sent: &'n SentSecret,
}

impl<'a> Visitor<'a> for ObjectVisitor<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(node) = map.next_key_seed(NodeLookup(self.names))? {
            let Some(node) = node else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let raw: &'a RawValue = map.next_value()?;
            self.entry.insert(node, raw, self.sent);
            let children = node.children.as_deref();
            if let Some(children) = children.filter(|_| raw.get().starts_with('{')) {
                // An invalid object costs only the fields below it.
                let _ = self.entry.parse_object(raw.get(), children, self.sent);
            }
        }
        Ok(())
    }
}

/// Looks up a name without copying it.
struct NodeLookup<'n>(&'n ObjectNames);

impl<'n, 'a> DeserializeSeed<'a> for NodeLookup<'n> {
    type Value = Option<&'n Node>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'n> Visitor<'_> for NodeLookup<'n> {
    type Value = Option<&'n Node>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.node(name))
    }
}
