//! A mistake in the configuration: one line that names the place.

use std::fmt::{self, Display};
use std::path::Path;

use serde_saphyr::{Error as YamlError, Location};

use crate::hidden::shown_path;
use crate::likeness::is_like_one_of;
use crate::printable::is_hostile;

/// A mistake in the configuration. Its text never repeats a value of the file, only keys, and of those
/// only what looks like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    place: String,
    message: String,
}

impl std::error::Error for ConfigError {}

impl Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.message)
    }
}

/// All that is wrong with the configuration, at least one mistake; a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl std::error::Error for ConfigErrors {}

impl Display for ConfigErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, error) in self.0.iter().enumerate() {
            let line_break = if place == 0 { "" } else { "\n" };
            write!(out, "{line_break}{error}")?;
        }
        Ok(())
    }
}

impl ConfigErrors {
    /// These, and then the others.
    #[must_use]
    pub fn and(mut self, others: ConfigErrors) -> ConfigErrors {
        self.0.extend(others.0);
        self
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> ConfigErrors {
        ConfigErrors(vec![error])
    }
}

/// Mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<ConfigError>);

impl Mistakes {
    /// The value, or a mistake more. What several accounts inherit is wrong once.
    pub(super) fn or_note<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        let note = |error| {
            if !self.0.contains(&error) {
                self.0.push(error);
            }
        };
        result.map_err(note).ok()
    }

    /// What was made of it all, if nothing was wrong.
    pub(super) fn none_in<T>(self, made: Option<T>) -> Result<T, ConfigErrors> {
        match made {
            Some(made) if self.0.is_empty() => Ok(made),
            _ => Err(ConfigErrors(self.0)),
        }
    }
}

impl ConfigError {
    /// A mistake at a place with a name: a flag, a variable, a file.
    pub(crate) fn new(place: impl Into<String>, message: impl Display) -> ConfigError {
        ConfigError {
            place: one_line(&place.into()),
            message: one_line(&message.to_string()),
        }
    }

    /// A mistake in the file, at a key whose line is known.
    pub(crate) fn in_file(
        file: &Path,
        location: Location,
        key: &str,
        message: impl Display,
    ) -> ConfigError {
        ConfigError::new(place(file, Some(location), key), message)
    }

    /// What the YAML reader says, without the values it met.
    pub(super) fn yaml(file: &Path, key: &str, error: &YamlError) -> ConfigError {
        ConfigError::new(place(file, error.location(), key), describe(error))
    }
}

/// The longest name that anybody would give to something.
const LONGEST_KEY: usize = 64;

/// A key as it is shown: what does not look like one may be a secret in the place of a key.
pub(crate) fn shown(key: &str) -> &str {
    let steers = |char: char| char.escape_debug().len() > 1;
    let odd = |char: char| char == '$' || char.is_whitespace() || steers(char);
    match key.contains(odd) || key.contains("-----") || key.chars().count() > LONGEST_KEY {
        true => "…",
        false => key,
    }
}

/// A key that the file should not have, as it is shown: a word, with a number at its end at most.
/// Anything else may be a value that has lost its place.
pub(crate) fn shown_key(key: &str) -> &str {
    let word = key.trim_end_matches(|char: char| char.is_ascii_digit());
    let plain = |char: char| char.is_ascii_alphabetic() || "_-.@".contains(char);
    match !word.is_empty() && word.chars().all(plain) {
        true => shown(key),
        false => "…",
    }
}

/// A key that is none of those that are known here, as it is shown: only one that is like them.
pub(crate) fn shown_unknown_key<'a>(key: &'a str, known: &[&str]) -> &'a str {
    match is_like_one_of(key, known.iter().copied()) {
        true => shown_key(key),
        false => "…",
    }
}

/// The keys that could stand in the place of an unknown one; `None` for any other mistake.
pub(super) fn keys_instead(error: &YamlError) -> Option<&[&'static str]> {
    match error {
        YamlError::WithSnippet { error, .. } | YamlError::AliasError { error, .. } => {
            keys_instead(error)
        }
        YamlError::SerdeUnknownField { expected, .. } => Some(expected),
        _ => None,
    }
}

/// A path or a word of the file must neither break the line nor steer a terminal.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for char in text.chars() {
        match is_hostile(char) {
            true => line.extend(char.escape_default()),
            false => line.push(char),
        }
    }
    line
}

fn place(file: &Path, location: Option<Location>, key: &str) -> String {
    let file = shown_path(file);
    let mut place = match location {
        Some(at) if at != Location::UNKNOWN => format!("{file}:{}:{}", at.line(), at.column()),
        _ => file.into_owned(),
    };
    if !key.is_empty() && key != "." {
        place.push_str(": ");
        place.push_str(key);
    }
    place
}

/// The reader's own texts hold the value it met, which may be a misplaced secret.
fn describe(error: &YamlError) -> String {
    match error {
        YamlError::WithSnippet { error, .. } => describe(error),
        YamlError::AliasError { error, .. } => describe(error),
        YamlError::Message { msg, .. } => msg.clone(),
        YamlError::SerdeInvalidType { expected, .. }
        | YamlError::SerdeInvalidValue { expected, .. }
        | YamlError::SerdeInvalidLength { expected, .. } => expected_kind(expected),
        YamlError::InvalidScalar { ty, .. } => expected_kind(ty),
        YamlError::InvalidBooleanStrict { .. } => expected_kind("bool"),
        YamlError::Unexpected { expected, .. } => expected_kind(expected),
        YamlError::SerdeUnknownVariant { expected, .. } => {
            format!("expected one of {}", expected.join(", "))
        }
        // The place names the key already.
        YamlError::SerdeUnknownField { expected, .. } => {
            format!("unknown key, expected one of {}", expected.join(", "))
        }
        YamlError::SerdeMissingField { field, .. } => format!("key {field:?} is missing"),
        YamlError::DuplicateMappingKey { key: Some(key), .. } => {
            format!("key \"{}\" stands twice", shown_key(key))
        }
        YamlError::DuplicateMappingKey { key: None, .. } => "a key stands twice".to_owned(),
        YamlError::NullIntoString { .. } => "a value is missing".to_owned(),
        YamlError::InvalidUtf8Input => "not UTF-8".to_owned(),
        _ => "not valid YAML".to_owned(),
    }
}

/// The reader speaks of its events and of Rust's types.
fn expected_kind(kind: &str) -> String {
    let kind = match kind {
        "mapping start" => "a mapping",
        "sequence start" => "a list",
        "string scalar" => "a text",
        "u32" | "u64" | "usize" => "a whole number",
        "bool" | "boolean" => "true or false",
        other => other,
    };
    format!("expected {kind}")
}
