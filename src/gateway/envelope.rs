//! Finds the entries in a response.
//!
//! | shape | source |
//! | --- | --- |
//! | `{"profiles": […], "total": N}` | UC-017 |
//! | `{"socials": […]}` | the name of the endpoint |
//! | `{"status": "success", "data": {…}}` with one of the above, or `"data": […]` | JSend, which the API uses for errors |
//! | `[…]` | no envelope |

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fields::folded;
use super::invalid::{InvalidResponse, JsonShape, JsonType};
use super::paging::{self, Paging, TOTALS};

/// Names of the array of entries.
const ENTRIES: [&str; 2] = ["profiles", "socials"];
/// The name under which JSend wraps a response.
const DATA: &str = "data";
/// The name of JSend's status.
const STATUS: &str = "status";

/// The data beside the entries.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    /// Number of entries.
    pub entries: u64,
    /// The fields about further pages.
    pub paging: Paging,
    /// The number of profiles in the whole list, not parsed.
    pub total: Option<&'a RawValue>,
}

/// Calls `on_entry` for each entry. The entries are not collected, because millions fit into a body of the maximum
/// size.
///
/// # Errors
/// [`InvalidResponse`] for any other shape, and for a JSend failure.
pub(super) fn for_each_entry<'a>(
    text: &'a str,
    on_entry: impl FnMut(&'a RawValue),
) -> Result<Envelope<'a>, InvalidResponse> {
    let mut parser = EnvelopeParser::new(on_entry);
    let mut json = serde_json::Deserializer::from_str(text);
    let document = ValueSeed {
        parser: &mut parser,
        role: Role::Document,
    };
    let shape = document
        .deserialize(&mut json)
        .and_then(|shape| json.end().map(|()| shape))
        .map_err(|error| InvalidResponse::not_json(text, &error))?;
    parser.finish(shape)
}

/// The state while a response is parsed.
struct EnvelopeParser<'a, F> {
    on_entry: F,
    has_entries: bool,
    /// Whether there is `null` instead of an array of entries, as some languages write an empty array.
    has_null_entries: bool,
    entries: u64,
    paging: Paging,
    /// With the rank of its name in [`TOTALS`]; the lowest wins.
    total: Option<(usize, &'a RawValue)>,
    /// Whether JSend's `data` is `null`, which is an empty array if the status is `success`.
    has_null_data: bool,
    /// Whether JSend's status is `success`.
    is_success: bool,
    /// JSend's status, if it is `fail` or `error`.
    failure: Option<&'static str>,
}

impl<'a, F> EnvelopeParser<'a, F> {
    fn new(on_entry: F) -> EnvelopeParser<'a, F> {
        EnvelopeParser {
            on_entry,
            has_entries: false,
            has_null_entries: false,
            entries: 0,
            paging: Paging::default(),
            total: None,
            has_null_data: false,
            is_success: false,
            failure: None,
        }
    }

    fn finish(self, shape: JsonShape) -> Result<Envelope<'a>, InvalidResponse> {
        if let Some(status) = self.failure {
            return Err(InvalidResponse::Jsend(status));
        }
        let is_empty = self.has_null_entries || (self.has_null_data && self.is_success);
        match self.has_entries || is_empty {
            true => Ok(Envelope {
                entries: self.entries,
                paging: self.paging,
                total: self.total.map(|(_, raw)| raw),
            }),
            false => Err(InvalidResponse::Shape(shape)),
        }
    }

    /// Records a field beside the entries.
    fn record_field(&mut self, name: &str, raw: &'a RawValue) {
        self.paging.record_field(name, raw);
        let folded = folded(name);
        if let Some(rank) = TOTALS.iter().position(|total| *total == folded)
            && self.total.is_none_or(|(known, _)| rank < known)
        {
            self.total = Some((rank, raw));
        }
    }

    fn record_status(&mut self, raw: &RawValue) {
        let status: Option<String> = serde_json::from_str(raw.get()).ok();
        let status = status.unwrap_or_default().to_ascii_lowercase();
        self.is_success |= status == "success";
        let failures = ["fail", "error"];
        let failure = failures.into_iter().find(|failure| *failure == status);
        self.failure = self.failure.or(failure);
    }
}

/// The role of a value in a response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The whole response.
    Document,
    /// JSend's `data`.
    Data,
    /// The array of entries.
    Entries,
}

impl Role {
    /// The role of the value with this name in an object of this role.
    fn of_member(self, name: &str) -> Option<Role> {
        match self {
            Role::Entries => None,
            Role::Document if name == DATA => Some(Role::Data),
            Role::Document | Role::Data => {
                let is_entries = ENTRIES.contains(&&*folded(name));
                is_entries.then_some(Role::Entries)
            }
        }
    }
}

/// Parses a value in its role to its shape.
struct ValueSeed<'r, 'a, F> {
    parser: &'r mut EnvelopeParser<'a, F>,
    role: Role,
}

impl<'a, F: FnMut(&'a RawValue)> DeserializeSeed<'a> for ValueSeed<'_, 'a, F> {
    type Value = JsonShape;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<JsonShape, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a, F: FnMut(&'a RawValue)> Visitor<'a> for ValueSeed<'_, 'a, F> {
    type Value = JsonShape;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut entries: A) -> Result<JsonShape, A::Error> {
        // Only the first array counts.
        if self.parser.has_entries {
            while entries.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(JsonShape::from(JsonType::Array));
        }
        self.parser.has_entries = true;
        while let Some(raw) = entries.next_element()? {
            self.parser.entries += 1;
            (self.parser.on_entry)(raw);
        }
        Ok(JsonShape::from(JsonType::Array))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<JsonShape, A::Error> {
        let mut shape = JsonShape::from(JsonType::Object);
        while let Some(name) = map.next_key::<String>()? {
            if let Some(role) = self.role.of_member(&name) {
                let parser = &mut *self.parser;
                let inner = map.next_value_seed(ValueSeed { parser, role })?;
                shape.add_key(name, Some(inner));
                continue;
            }
            let is_status = self.role == Role::Document && name == STATUS;
            if is_status || paging::is_paging_field(&name) {
                let raw: &'a RawValue = map.next_value()?;
                if is_status {
                    self.parser.record_status(raw);
                } else if !matches!(self.role, Role::Entries) {
                    self.parser.record_field(&name, raw);
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            shape.add_key(name, None);
        }
        Ok(shape)
    }

    fn visit_unit<E>(self) -> Result<JsonShape, E> {
        self.parser.has_null_entries |= self.role == Role::Entries;
        self.parser.has_null_data |= self.role == Role::Data;
        Ok(JsonShape::from(JsonType::Null))
    }

    fn visit_bool<E>(self, _: bool) -> Result<JsonShape, E> {
        Ok(JsonShape::from(JsonType::Boolean))
    }

    fn visit_i64<E>(self, _: i64) -> Result<JsonShape, E> {
        Ok(JsonShape::from(JsonType::Number))
    }

    fn visit_u64<E>(self, _: u64) -> Result<JsonShape, E> {
        Ok(JsonShape::from(JsonType::Number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<JsonShape, E> {
        Ok(JsonShape::from(JsonType::Number))
    }

    fn visit_str<E>(self, _: &str) -> Result<JsonShape, E> {
        Ok(JsonShape::from(JsonType::String))
    }
}
