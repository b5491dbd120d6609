//! How every YAML file is read: unknown and doubled keys are errors, and no error repeats a value.

use std::fmt;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_path_to_error::Segment;
use serde_saphyr::Options;

use super::ConfigError;

/// Stands for what must not be printed.
pub(crate) const HIDDEN: &str = "[hidden]";
/// No key that has a meaning is longer, in bytes.
const LONGEST_KEY: usize = 32;

/// Reads a whole file; an empty one is the default.
///
/// # Errors
/// The first mistake of form, with its place in `path` and without the value that stands there.
pub(crate) fn parse<T: DeserializeOwned + Default>(
    path: &Path,
    text: &str,
) -> Result<T, ConfigError> {
    let mut key = String::new();
    let mut options = Options::default();
    // A snippet would print the neighbouring lines, where a secret may stand.
    options.with_snippet = false;
    let read = serde_saphyr::with_deserializer_from_str_with_options(text, options, |yaml| {
        serde_path_to_error::deserialize::<_, Option<T>>(yaml).map_err(|error| {
            key = shown_path(error.path());
            error.into_inner()
        })
    });
    read.map(Option::unwrap_or_default)
        .map_err(|error| ConfigError::yaml(path, &key, &error))
}

fn shown_path(path: &serde_path_to_error::Path) -> String {
    let mut shown = String::new();
    for step in path {
        match step {
            Segment::Seq { index } => shown.push_str(&format!("[{index}]")),
            // `Spanned` adds a step of its own, a doubled key an unknown one.
            Segment::Map { key } if key == "value" => {}
            Segment::Unknown => {}
            Segment::Map { key } | Segment::Enum { variant: key } => {
                let dot = if shown.is_empty() { "" } else { "." };
                shown.push_str(dot);
                shown.push_str(shown_key(key));
            }
        }
    }
    shown
}

/// A key as it may be printed: a word, with a number at its end at most. Anything else may be a value
/// that has lost its place, and with it a secret.
pub(crate) fn shown_key(key: &str) -> &str {
    let word = key.trim_end_matches(|char: char| char.is_ascii_digit());
    let plain = |char: char| char.is_ascii_alphabetic() || "_-. @".contains(char);
    match key.len() <= LONGEST_KEY && !word.is_empty() && word.chars().all(plain) {
        true => key,
        false => HIDDEN,
    }
}

/// A section of which everything is commented out is as good as none.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A value that must not be printed.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(HIDDEN)
    }
}
