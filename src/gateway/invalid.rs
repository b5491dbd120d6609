//! Errors for responses that cannot be used. They tell what was found, without any value, and what was expected.

use std::borrow::Cow;
use std::fmt::{self, Display};

use super::classify::CHECK_URL_AND_PROXY;
use super::sent_secret::SentSecret;
use crate::plural::{continued, count};

/// The valid shapes of a response, for errors.
const EXPECTED: &str = "an array of profiles, alone or under \"profiles\" or \"socials\", and either of these alone or under \"data\"";

/// Maximum number of keys that an error shows of one object.
const MAX_KEYS: usize = 8;
/// Maximum length of a shown key in bytes, far above the documented ones.
const MAX_KEY_BYTES: usize = 40;

/// Why a response without an error status cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResponse {
    /// A status that the API does not use.
    #[error("HTTP {0}, expected HTTP 200")]
    Status(u16),
    /// The response is not HTTP.
    #[error("no valid HTTP; {}", continued(CHECK_URL_AND_PROXY))]
    NotHttp,
    /// A content coding that the request does not accept.
    #[error("the content coding is {0}, expected gzip or none")]
    ContentCoding(&'static str),
    /// The body ends too early, or cannot be decompressed.
    #[error("the body breaks off or cannot be decoded")]
    Body,
    /// The body is not JSON.
    #[error("found {what} at line {line}, column {column}; expected {EXPECTED}")]
    NotJson {
        /// What the body looks like.
        what: &'static str,
        /// Line of the first invalid byte.
        line: usize,
        /// Column of the first invalid byte.
        column: usize,
    },
    /// The body is UTF-16 or UTF-32.
    #[error("found UTF-16 or UTF-32, expected UTF-8")]
    NotUtf8,
    /// JSON of another shape.
    #[error("found {0}; expected {EXPECTED}")]
    Shape(JsonShape),
    /// HTTP 200 with a JSend failure.
    #[error("HTTP 200 with the JSend status {0:?} in place of profiles")]
    Jsend(&'static str),
    /// There are entries, but no entry is a profile.
    #[error(
        "{} {first}; expected {expected}, or other names in gateway.fields (see qlara-exporter explain)",
        no_profile(*entries)
    )]
    NoProfile {
        /// Number of entries.
        entries: u64,
        /// The shape of the first entry.
        first: JsonShape,
        /// The keys that a profile needs.
        expected: &'static str,
    },
    /// There are entries, but no entry is a profile, because their identifiers repeat the secret.
    #[error(
        "none of the {entries} entries can be read as a profile: they repeat the account's credentials"
    )]
    RepeatsSecret {
        /// Number of entries.
        entries: u64,
    },
    /// The parser panicked.
    #[error("the parser panicked, which is a bug in qlara-exporter")]
    ParserPanicked,
}

fn no_profile(entries: u64) -> String {
    match entries {
        1 => "the only entry cannot be read as a profile: it is".to_owned(),
        _ => {
            let entries = count(entries, "entry");
            format!("none of the {entries} can be read as a profile: the first is")
        }
    }
}

impl InvalidResponse {
    /// Converts an error of serde_json, whose own text would quote the body.
    pub(super) fn not_json(text: &str, error: &serde_json::Error) -> InvalidResponse {
        let what = match text.trim_start().bytes().next() {
            None => "an empty body",
            Some(b'<') => "HTML or XML",
            Some(_) => "no valid JSON",
        };
        InvalidResponse::NotJson {
            what,
            line: error.line(),
            column: error.column(),
        }
    }

    /// Hides the keys that repeat the secret of the request.
    #[must_use]
    pub fn redacted(mut self, sent: &SentSecret) -> InvalidResponse {
        if let InvalidResponse::Shape(shape) | InvalidResponse::NoProfile { first: shape, .. } =
            &mut self
        {
            shape.redact(sent);
        }
        self
    }
}

/// The types of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JsonType {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl JsonType {
    /// The name that RFC 8259 uses.
    pub fn as_str(self) -> &'static str {
        match self {
            JsonType::Null => "null",
            JsonType::Boolean => "boolean",
            JsonType::Number => "number",
            JsonType::String => "string",
            JsonType::Array => "array",
            JsonType::Object => "object",
        }
    }
}

/// The shape of a JSON value: its type and its keys, without values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonShape {
    kind: JsonType,
    /// The first keys of an object, with the shapes of values that matter. Hidden keys are empty.
    keys: Vec<(String, Option<JsonShape>)>,
    /// Number of further keys.
    more_keys: usize,
}

impl From<JsonType> for JsonShape {
    fn from(kind: JsonType) -> JsonShape {
        JsonShape {
            kind,
            keys: Vec::new(),
            more_keys: 0,
        }
    }
}

impl JsonShape {
    /// The shape of an entry. Entries that are too long to be a profile are not parsed.
    pub(super) fn of_entry(json: &str) -> JsonShape {
        const MAX_BYTES: usize = 64 * 1024;
        let json = match json.len() <= MAX_BYTES {
            true => json,
            false if json.starts_with('{') => "{}",
            false => "[]",
        };
        match serde_json::from_str(json) {
            Ok(serde_json::Value::Object(fields)) => {
                let mut shape = JsonShape::from(JsonType::Object);
                for (key, _) in fields {
                    shape.add_key(key, None);
                }
                shape
            }
            Ok(value) => JsonShape::from(json_type(&value)),
            Err(_) => JsonShape::from(JsonType::Null),
        }
    }

    /// Adds a key. Keys that are too long to be shown are not kept, because they may be as long as the body.
    pub(super) fn add_key(&mut self, mut key: String, value: Option<JsonShape>) {
        if key.len() > MAX_KEY_BYTES {
            key = String::new();
        }
        match self.keys.len() < MAX_KEYS {
            true => self.keys.push((key, value)),
            false => self.more_keys += 1,
        }
    }

    fn redact(&mut self, sent: &SentSecret) {
        for (key, value) in &mut self.keys {
            if sent.is_repeated_in(key) {
                *key = String::new();
            }
            if let Some(value) = value {
                value.redact(sent);
            }
        }
    }
}

/// The type of a value.
pub(crate) fn json_type(value: &serde_json::Value) -> JsonType {
    match value {
        serde_json::Value::Null => JsonType::Null,
        serde_json::Value::Bool(_) => JsonType::Boolean,
        serde_json::Value::Number(_) => JsonType::Number,
        serde_json::Value::String(_) => JsonType::String,
        serde_json::Value::Array(_) => JsonType::Array,
        serde_json::Value::Object(_) => JsonType::Object,
    }
}

impl Display for JsonShape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            JsonType::Null => out.write_str("null"),
            JsonType::Array => out.write_str("an array"),
            JsonType::Object if self.keys.is_empty() => out.write_str("an empty object"),
            JsonType::Object => write!(out, "an object with the keys {}", Keys(self)),
            kind => write!(out, "a {}", kind.as_str()),
        }
    }
}

/// `"status", "data" (an array) and 2 more`
struct Keys<'a>(&'a JsonShape);

impl Display for Keys<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.keys.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(out, "{comma}{}", shown_name(key))?;
            if let Some(value) = value {
                write!(out, " ({value})")?;
            }
        }
        match self.0.more_keys {
            0 => Ok(()),
            more => write!(out, " and {more} more"),
        }
    }
}

/// Quotes a key if it looks like the name of a field. Keys that look like identifiers or prose are data of a customer
/// and are not shown.
pub(crate) fn shown_name(name: &str) -> Cow<'static, str> {
    const MAX_DIGITS: usize = 3;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$');
    let starts_well = name
        .bytes()
        .next()
        .is_some_and(|byte| !byte.is_ascii_digit());
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    match starts_well
        && name.len() <= MAX_KEY_BYTES
        && digits <= MAX_DIGITS
        && name.bytes().all(is_word)
    {
        true => Cow::Owned(format!("\"{name}\"")),
        false => Cow::Borrowed("(a name that is not shown)"),
    }
}
