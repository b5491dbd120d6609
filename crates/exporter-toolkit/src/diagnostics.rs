//! Errors of a configuration. Each is one line that starts with its place: a flag, a variable, or a position in a file.

use std::fmt::{self, Display};
use std::path::Path;

use serde_saphyr::{Error as YamlError, Location};

use crate::printable::escaped_line;
use crate::redacted::{shown_key, shown_name, shown_path};
use crate::suggest::{closest, unknown};

/// An error of a configuration. Its text contains keys and paths of the file, but no values.
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

/// All errors of a configuration, at least one; one line each.
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
    /// Appends other errors.
    #[must_use]
    pub fn merge(mut self, others: ConfigErrors) -> ConfigErrors {
        self.0.extend(others.0);
        self
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> ConfigErrors {
        ConfigErrors(vec![error])
    }
}

/// Collects errors, so that a user sees all of them at once.
///
/// ```
/// use exporter_toolkit::diagnostics::{ConfigError, Diagnostics};
///
/// let mut diagnostics = Diagnostics::default();
/// let port = diagnostics.collect(Err::<u16, _>(ConfigError::new("--port", "expected a number")));
/// let errors = diagnostics.into_result(port).expect_err("no port");
/// assert_eq!(errors.to_string(), "--port: expected a number");
/// ```
#[derive(Debug, Default)]
pub struct Diagnostics(Vec<ConfigError>);

impl Diagnostics {
    /// Returns the value, or adds the error. Equal errors are added once, because several sections may inherit the same
    /// setting.
    pub fn collect<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        let add = |error| {
            if !self.0.contains(&error) {
                self.0.push(error);
            }
        };
        result.map_err(add).ok()
    }

    /// Returns `value`, or all errors. `value` may be `None` only if there are errors.
    ///
    /// # Errors
    /// The collected errors.
    pub fn into_result<T>(self, value: Option<T>) -> Result<T, ConfigErrors> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(ConfigErrors(self.0)),
        }
    }
}

impl ConfigError {
    /// An error at a flag, an environment variable or a file.
    pub fn new(place: impl Into<String>, message: impl Display) -> ConfigError {
        ConfigError {
            place: escaped_line(&place.into()).into_owned(),
            message: escaped_line(&message.to_string()).into_owned(),
        }
    }

    /// An error at a key of a file. `location` is the line and column of the value.
    pub fn in_file(
        file: &Path,
        location: Location,
        key: &str,
        message: impl Display,
    ) -> ConfigError {
        ConfigError::new(place(file, Some(location), key), message)
    }

    /// An error of the YAML parser, without the values that its own text contains.
    pub(crate) fn yaml(file: &Path, key: &str, error: &YamlError) -> ConfigError {
        ConfigError::new(place(file, error.location(), key), describe(error))
    }
}

/// Whether the error is about an unknown key.
pub(crate) fn is_unknown_key(error: &YamlError) -> bool {
    match error {
        YamlError::WithSnippet { error, .. } | YamlError::AliasError { error, .. } => {
            is_unknown_key(error)
        }
        error => matches!(error, YamlError::SerdeUnknownField { .. }),
    }
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

/// Describes the error without the parser's text, which contains values.
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
        YamlError::SerdeUnknownField {
            field, expected, ..
        } => unknown_key(field, expected),
        YamlError::SerdeMissingField { field, .. } => format!("key {field:?} is missing"),
        YamlError::DuplicateMappingKey { key: Some(key), .. } => {
            format!("duplicate key \"{}\"", shown_name(key))
        }
        YamlError::DuplicateMappingKey { key: None, .. } => "duplicate key".to_owned(),
        YamlError::NullIntoString { .. } => "a value is missing".to_owned(),
        YamlError::InvalidUtf8Input => "not UTF-8".to_owned(),
        _ => "not valid YAML".to_owned(),
    }
}

/// YAML reads `{username: bob, hunter2}` as two keys, so an unknown key in a section with a password may be the password. It
/// is printed only if it is similar to a known key.
fn unknown_key(key: &str, known: &[&str]) -> String {
    let has_password = known.iter().any(|known| known.contains("password"));
    let is_similar = closest(key, known.iter().copied()).is_some();
    match has_password && !is_similar {
        true => format!("unknown key, expected one of {}", known.join(", ")),
        false => unknown("key", key, shown_key(key), known),
    }
}

/// Translates the parser's events and Rust's types to YAML's terms.
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
