//! One entry of an answer, as raw JSON per field.
//!
//! Every field is kept as raw JSON until it is its turn, so that one wrong type or one broken escape
//! cannot spoil its neighbours.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::date;
use super::field_names::{FieldNames, Names, Node};
use super::fields::{ENTRY_FIELDS, Field, Schema, TABLE};
use super::sent_secret::SentSecret;

/// No entry of the documentation comes near this length; what does is not shown.
const MAX_ENTRY_BYTES: usize = 64 * 1024;

/// The values of the fields that an entry has; `null` counts as absent.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    values: [Option<Candidate<'a>>; ENTRY_FIELDS],
    /// Names whose last value is none, after an earlier one: the field, and the place of the name.
    withdrawn: Vec<(Field, usize)>,
    /// Whether this is the second reading, without those names.
    is_second: bool,
    repeats_secret: bool,
}

#[derive(Debug, Clone, Copy)]
struct Candidate<'a> {
    /// The place of its name among the names of the field.
    place: usize,
    raw: &'a RawValue,
}

impl<'a> Entry<'a> {
    /// An object of a sensible length. A value that repeats the secret becomes one that cannot be read.
    pub(super) fn read(
        raw: &'a RawValue,
        names: &FieldNames,
        sent: &SentSecret,
    ) -> Option<Entry<'a>> {
        let text = raw.get();
        let sensible = text.starts_with('{') && text.len() <= MAX_ENTRY_BYTES;
        if !sensible {
            return None;
        }
        let mut entry = Entry::default();
        entry.read_object(text, names.root(), sent).ok()?;
        if !entry.withdrawn.is_empty() {
            // What stands under the other names of those fields.
            entry.values = Default::default();
            entry.is_second = true;
            entry.read_object(text, names.root(), sent).ok()?;
        }
        Some(entry)
    }

    fn read_object(
        &mut self,
        text: &'a str,
        names: &Names,
        sent: &SentSecret,
    ) -> serde_json::Result<()> {
        let mut json = serde_json::Deserializer::from_str(text);
        json.deserialize_map(ObjectVisitor {
            entry: self,
            names,
            sent,
        })
    }

    /// Whether a value repeats the secret that the call sent.
    pub(super) fn repeats_secret(&self) -> bool {
        self.repeats_secret
    }

    /// The raw value of a field.
    pub(super) fn get(&self, field: Field) -> Option<&'a RawValue> {
        let value = self.values.get(field as usize)?;
        value.map(|candidate| candidate.raw)
    }

    /// The description that its fields belong to, where they tell.
    pub(super) fn schema(&self) -> Option<Schema> {
        let stated = TABLE.iter().filter_map(|row| {
            let schema = row.schema?;
            self.get(row.field).map(|_| schema)
        });
        stated.chain(self.documented_id()).reduce(Schema::and)
    }

    /// The reference page speaks of no identifier: `profileId`, the first name, tells the two apart.
    fn documented_id(&self) -> Option<Schema> {
        let id = self.values[Field::Id as usize]?;
        (id.place == 0).then_some(Schema::Uc017)
    }

    fn put(&mut self, node: &Node, mut raw: &'a RawValue, sent: &SentSecret) {
        if !node.fields.is_empty()
            && let Some(spoilt) = sent.spoil(raw)
        {
            self.repeats_secret = true;
            raw = spoilt;
        }
        for (field, place) in &node.fields {
            let Some(value) = self.values.get_mut(*field as usize) else {
                continue;
            };
            // Of two values under the same name the last counts, as in JavaScript.
            let name = (*field, *place);
            if self.is_second && self.withdrawn.contains(&name) {
                continue;
            }
            if !is_stated(*field, raw) {
                let is_known = value.is_some_and(|known| known.place == *place);
                if is_known && !self.is_second {
                    self.withdrawn.push(name);
                }
                continue;
            }
            self.withdrawn.retain(|withdrawn| *withdrawn != name);
            if value.is_none_or(|known: Candidate| *place <= known.place) {
                *value = Some(Candidate { place: *place, raw });
            }
        }
    }
}

/// `null` is no value, and a zero time no date. What can be no identifier leaves the field to its next
/// name.
fn is_stated(field: Field, raw: &RawValue) -> bool {
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
    entry: &'e mut Entry<'a>,
    names: &'n Names,
    sent: &'n SentSecret,
}

impl<'a> Visitor<'a> for ObjectVisitor<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(known) = map.next_key_seed(Name(self.names))? {
            let Some(node) = known else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let raw: &'a RawValue = map.next_value()?;
            self.entry.put(node, raw, self.sent);
            if let Some(below) = node.below.as_deref().filter(|_| raw.get().starts_with('{')) {
                // What is broken below costs only what is read there.
                let _ = self.entry.read_object(raw.get(), below, self.sent);
            }
        }
        Ok(())
    }
}

/// Looks a name up without a copy of it.
struct Name<'n>(&'n Names);

impl<'n, 'a> DeserializeSeed<'a> for Name<'n> {
    type Value = Option<&'n Node>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'n> Visitor<'_> for Name<'n> {
    type Value = Option<&'n Node>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.node(name))
    }
}
