//! Answers that cannot be used: what was found, without any value, and what is expected.

use std::borrow::Cow;
use std::fmt::{self, Display};

use super::sent_secret::SentSecret;
use crate::plural::count;

/// What a list or details may look like, for errors.
const EXPECTED: &str = "an array of profiles, alone or under \"profiles\" or \"socials\", and either of these alone or under \"data\"";

/// Names of keys that are told of one object.
const MAX_KEYS: usize = 8;
/// No name of a field comes near this length, in bytes.
const LONGEST_NAME: usize = 40;

/// Why an answer with a good status cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResponse {
    /// A status that the API does not use for answers.
    #[error("HTTP {0}, expected HTTP 200")]
    Status(u16),
    /// The bytes are not HTTP.
    #[error("no valid HTTP")]
    NotHttp,
    /// A content coding that was not asked for.
    #[error("the content coding is {0}, expected gzip or none")]
    ContentCoding(&'static str),
    /// The body ends too early, or its compression is broken.
    #[error("the body breaks off or cannot be decoded")]
    Body,
    /// The body is no JSON.
    #[error("found {what} at line {line}, column {column}; expected {EXPECTED}")]
    NotJson {
        /// What it looks like.
        what: &'static str,
        /// Where JSON ends to be valid.
        line: usize,
        /// Where in that line.
        column: usize,
    },
    /// UTF-16 or UTF-32.
    #[error("found UTF-16 or UTF-32, expected UTF-8")]
    NotUtf8,
    /// JSON of another shape.
    #[error("found {0}; expected {EXPECTED}")]
    Shape(Found),
    /// JSend says that there is no answer, with HTTP 200.
    #[error("HTTP 200 with the JSend status {0:?} in place of profiles")]
    Jsend(&'static str),
    /// There are entries, and none is a profile.
    #[error(
        "{} {first}; expected {expected}, or other names in gateway.fields (see qlara-exporter explain)",
        no_profile(*entries)
    )]
    NoProfile {
        /// How many there are.
        entries: u64,
        /// What the first one is.
        first: Found,
        /// The names that a profile needs.
        expected: &'static str,
    },
    /// There are entries, and none is a profile, because what identifies them repeats the secret.
    #[error(
        "none of the {entries} entries can be read as a profile: they repeat the account's credentials"
    )]
    RepeatsSecret {
        /// How many there are.
        entries: u64,
    },
    /// The code that reads answers failed.
    #[error("reading it failed")]
    Unread,
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
    /// serde_json's own text would repeat a piece of the body.
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

    /// The same without the names that repeat the secret of the call.
    #[must_use]
    pub fn without(mut self, sent: &SentSecret) -> InvalidResponse {
        if let InvalidResponse::Shape(found) | InvalidResponse::NoProfile { first: found, .. } =
            &mut self
        {
            found.hide(sent);
        }
        self
    }
}

/// The kinds of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
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

impl Kind {
    /// The word of RFC 8259.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Number => "number",
            Kind::String => "string",
            Kind::Array => "array",
            Kind::Object => "object",
        }
    }
}

/// A piece of JSON without its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    kind: Kind,
    /// The first names of an object, with what was found there, where that matters.
    keys: Vec<(String, Option<Found>)>,
    /// How many more names it has.
    more: usize,
}

impl From<Kind> for Found {
    fn from(kind: Kind) -> Found {
        Found {
            kind,
            keys: Vec::new(),
            more: 0,
        }
    }
}

impl Found {
    /// An entry of an array. What is too long to be a profile is not looked into.
    pub(super) fn entry(json: &str) -> Found {
        const LONGEST: usize = 64 * 1024;
        let json = match json.len() <= LONGEST {
            true => json,
            false if json.starts_with('{') => "{}",
            false => "[]",
        };
        match serde_json::from_str(json) {
            Ok(serde_json::Value::Object(fields)) => {
                let mut found = Found::from(Kind::Object);
                for (name, _) in fields {
                    found.add(name, None);
                }
                found
            }
            Ok(value) => Found::from(kind(&value)),
            Err(_) => Found::from(Kind::Null),
        }
    }

    /// A name that is too long to be shown is not kept either: it may be as long as the body.
    pub(super) fn add(&mut self, mut name: String, value: Option<Found>) {
        if name.len() > LONGEST_NAME {
            name = String::new();
        }
        match self.keys.len() < MAX_KEYS {
            true => self.keys.push((name, value)),
            false => self.more += 1,
        }
    }

    fn hide(&mut self, sent: &SentSecret) {
        for (name, value) in &mut self.keys {
            if sent.is_repeated_in(name) {
                *name = String::new();
            }
            if let Some(value) = value {
                value.hide(sent);
            }
        }
    }
}

/// The kind of a value.
pub(crate) fn kind(value: &serde_json::Value) -> Kind {
    match value {
        serde_json::Value::Null => Kind::Null,
        serde_json::Value::Bool(_) => Kind::Boolean,
        serde_json::Value::Number(_) => Kind::Number,
        serde_json::Value::String(_) => Kind::String,
        serde_json::Value::Array(_) => Kind::Array,
        serde_json::Value::Object(_) => Kind::Object,
    }
}

impl Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Null => out.write_str("null"),
            Kind::Array => out.write_str("an array"),
            Kind::Object if self.keys.is_empty() => out.write_str("an empty object"),
            Kind::Object => write!(out, "an object with the keys {}", Keys(self)),
            kind => write!(out, "a {}", kind.as_str()),
        }
    }
}

/// `"status", "data" (an array) and 2 more`
struct Keys<'a>(&'a Found);

impl Display for Keys<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (name, value)) in self.0.keys.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(out, "{comma}{}", shown_name(name))?;
            if let Some(value) = value {
                write!(out, " ({value})")?;
            }
        }
        match self.0.more {
            0 => Ok(()),
            more => write!(out, " and {more} more"),
        }
    }
}

/// A name in quotes if it looks like the name of a field. Some answers use identifiers or texts of
/// people as names: these are values, and are not shown.
pub(crate) fn shown_name(name: &str) -> Cow<'static, str> {
    const MAX_DIGITS: usize = 3;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$');
    let starts_well = name
        .bytes()
        .next()
        .is_some_and(|byte| !byte.is_ascii_digit());
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    match starts_well
        && name.len() <= LONGEST_NAME
        && digits <= MAX_DIGITS
        && name.bytes().all(is_word)
    {
        true => Cow::Owned(format!("\"{name}\"")),
        false => Cow::Borrowed("(a name that is not shown)"),
    }
}
