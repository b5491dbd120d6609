//! The outer shape of an answer: an object with an array `profiles`.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::error::GatewayError;

/// Walks through `profiles` without ever holding more than one entry: millions of them fit into a
/// body that is not too long. Returns `total`.
///
/// # Errors
/// [`GatewayError::InvalidResponse`] when it is no JSON object with an array `profiles`.
pub(super) fn walk<'a>(
    text: &'a str,
    entry: impl FnMut(&'a RawValue),
) -> Result<Option<&'a RawValue>, GatewayError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let answer = json
        .deserialize_map(AnswerVisitor { entry })
        .and_then(|total| json.end().map(|()| total));
    // serde_json's own text would repeat a piece of the body.
    answer.map_err(|error| {
        GatewayError::InvalidResponse(format!(
            "no JSON object with an array \"profiles\" (line {}, column {})",
            error.line(),
            error.column()
        ))
    })
}

struct AnswerVisitor<F> {
    entry: F,
}

impl<'a, F: FnMut(&'a RawValue)> Visitor<'a> for AnswerVisitor<F> {
    type Value = Option<&'a RawValue>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut total = None;
        let mut has_profiles = false;
        while let Some(key) = map.next_key::<Cow<'a, str>>()? {
            match key.as_ref() {
                // The first one counts, if a key stands twice.
                "profiles" if !has_profiles => {
                    map.next_value_seed(Entries(&mut self.entry))?;
                    has_profiles = true;
                }
                "total" if total.is_none() => total = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match has_profiles {
            true => Ok(total),
            false => Err(de::Error::missing_field("profiles")),
        }
    }
}

struct Entries<'f, F>(&'f mut F);

impl<'a, F: FnMut(&'a RawValue)> DeserializeSeed<'a> for Entries<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'a, F: FnMut(&'a RawValue)> Visitor<'a> for Entries<'_, F> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(raw) = entries.next_element()? {
            (self.0)(raw);
        }
        Ok(())
    }
}
