//! The outer shape of an answer: where in it the entries stand.
//!
//! | shape | origin |
//! | --- | --- |
//! | `{"profiles": […], "total": N}` | UC-017 |
//! | `{"socials": […]}` | the name of the endpoint |
//! | `{"status": "success", "data": {…}}` with one of the above, or `"data": […]` | JSend, which the API uses for errors |
//! | `[…]` | nothing around it |

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fields::folded;
use super::invalid::{Found, InvalidResponse, Kind};
use super::paging::{self, Paging, TOTALS};

/// Names of the array of entries.
const ENTRIES: [&str; 2] = ["profiles", "socials"];
/// The name under which JSend wraps an answer.
const DATA: &str = "data";
/// The name under which JSend states success or failure.
const STATUS: &str = "status";

/// What stands around the entries.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    /// How many entries there are.
    pub entries: u64,
    /// What the answer says of further pages.
    pub paging: Paging,
    /// The number of profiles in the whole list, not yet read.
    pub total: Option<&'a RawValue>,
}

/// Hands over one entry after the other and never holds more than one: millions of them fit into a
/// body that is not too long.
///
/// # Errors
/// [`InvalidResponse`] for any other shape, and for the failure of JSend.
pub(super) fn for_each_entry<'a>(
    text: &'a str,
    entry: impl FnMut(&'a RawValue),
) -> Result<Envelope<'a>, InvalidResponse> {
    let mut reading = Reading::new(entry);
    let mut json = serde_json::Deserializer::from_str(text);
    let outermost = Value {
        reading: &mut reading,
        role: Role::Outermost,
    };
    let found = outermost
        .deserialize(&mut json)
        .and_then(|found| json.end().map(|()| found))
        .map_err(|error| InvalidResponse::not_json(text, &error))?;
    reading.finish(found)
}

/// What is known when a part of the answer has been read.
struct Reading<'a, F> {
    entry: F,
    has_entries: bool,
    /// Whether `null` stands in place of an array of entries, as some languages write an empty one.
    has_null: bool,
    entries: u64,
    paging: Paging,
    /// With the place of its name among the names of a total: a lower one wins.
    total: Option<(usize, &'a RawValue)>,
    /// Whether JSend says that there are no data: `null` in place of an array, too, if it says success.
    has_null_data: bool,
    /// Whether the `status` of JSend is `success`.
    is_success: bool,
    /// The `status` of JSend, where it is not `success`.
    failure: Option<&'static str>,
}

impl<'a, F> Reading<'a, F> {
    fn new(entry: F) -> Reading<'a, F> {
        Reading {
            entry,
            has_entries: false,
            has_null: false,
            entries: 0,
            paging: Paging::default(),
            total: None,
            has_null_data: false,
            is_success: false,
            failure: None,
        }
    }

    fn finish(self, found: Found) -> Result<Envelope<'a>, InvalidResponse> {
        if let Some(status) = self.failure {
            return Err(InvalidResponse::Jsend(status));
        }
        let is_empty = self.has_null || (self.has_null_data && self.is_success);
        match self.has_entries || is_empty {
            true => Ok(Envelope {
                entries: self.entries,
                paging: self.paging,
                total: self.total.map(|(_, raw)| raw),
            }),
            false => Err(InvalidResponse::Shape(found)),
        }
    }

    /// A field beside the entries.
    fn note(&mut self, name: &str, raw: &'a RawValue) {
        self.paging.note_field(name, raw);
        let folded = folded(name);
        if let Some(place) = TOTALS.iter().position(|total| *total == folded)
            && self.total.is_none_or(|(known, _)| place < known)
        {
            self.total = Some((place, raw));
        }
    }

    fn note_status(&mut self, raw: &RawValue) {
        let word: Option<String> = serde_json::from_str(raw.get()).ok();
        let word = word.unwrap_or_default().to_ascii_lowercase();
        self.is_success |= word == "success";
        let failures = ["fail", "error"];
        let failure = failures.into_iter().find(|failure| *failure == word);
        self.failure = self.failure.or(failure);
    }
}

/// What a value may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The whole answer.
    Outermost,
    /// What JSend wraps.
    Data,
    /// The array of entries.
    Entries,
}

impl Role {
    /// The role of the value that has this name in an object of this role.
    fn of_value(self, name: &str) -> Option<Role> {
        match self {
            Role::Entries => None,
            Role::Outermost if name == DATA => Some(Role::Data),
            Role::Outermost | Role::Data => {
                let is_entries = ENTRIES.contains(&&*folded(name));
                is_entries.then_some(Role::Entries)
            }
        }
    }
}

/// Reads a value in its role, and says what it found.
struct Value<'r, 'a, F> {
    reading: &'r mut Reading<'a, F>,
    role: Role,
}

impl<'a, F: FnMut(&'a RawValue)> DeserializeSeed<'a> for Value<'_, 'a, F> {
    type Value = Found;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a, F: FnMut(&'a RawValue)> Visitor<'a> for Value<'_, 'a, F> {
    type Value = Found;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut entries: A) -> Result<Found, A::Error> {
        // Of two arrays the first counts.
        if self.reading.has_entries {
            while entries.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Found::from(Kind::Array));
        }
        self.reading.has_entries = true;
        while let Some(raw) = entries.next_element()? {
            self.reading.entries += 1;
            (self.reading.entry)(raw);
        }
        Ok(Found::from(Kind::Array))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut found = Found::from(Kind::Object);
        while let Some(name) = map.next_key::<String>()? {
            if let Some(role) = self.role.of_value(&name) {
                let reading = &mut *self.reading;
                let inner = map.next_value_seed(Value { reading, role })?;
                found.add(name, Some(inner));
                continue;
            }
            let is_status = self.role == Role::Outermost && name == STATUS;
            if is_status || paging::speaks_of_pages(&name) {
                let raw: &'a RawValue = map.next_value()?;
                if is_status {
                    self.reading.note_status(raw);
                } else if !matches!(self.role, Role::Entries) {
                    self.reading.note(&name, raw);
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            found.add(name, None);
        }
        Ok(found)
    }

    fn visit_unit<E>(self) -> Result<Found, E> {
        self.reading.has_null |= self.role == Role::Entries;
        self.reading.has_null_data |= self.role == Role::Data;
        Ok(Found::from(Kind::Null))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Found, E> {
        Ok(Found::from(Kind::Boolean))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Found, E> {
        Ok(Found::from(Kind::Number))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Found, E> {
        Ok(Found::from(Kind::Number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Found, E> {
        Ok(Found::from(Kind::Number))
    }

    fn visit_str<E>(self, _: &str) -> Result<Found, E> {
        Ok(Found::from(Kind::String))
    }
}
