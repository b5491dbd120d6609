//! How every YAML file is read: unknown and doubled keys are errors, and no error repeats a value.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_path_to_error::Segment;
use serde_saphyr::Options;

use super::error::keys_instead;
use super::{ConfigError, shown_key, shown_unknown_key};
use crate::hidden::is_content;

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
            key = key_path(error.path(), keys_instead(error.inner()));
            error.into_inner()
        })
    });
    read.map(Option::unwrap_or_default)
        .map_err(|error| ConfigError::yaml(path, &key, &error))
}

/// The keys on the way to a place, as in `accounts[0].name`. The last one is unknown if there are
/// others to take instead.
fn key_path(path: &serde_path_to_error::Path, instead: Option<&[&str]>) -> String {
    let is_key = |segment: &Segment| matches!(segment, Segment::Map { .. });
    let last = path.iter().rposition(is_key);
    let mut keys = String::new();
    for (place, segment) in path.iter().enumerate() {
        match segment {
            Segment::Seq { index } => keys.push_str(&format!("[{index}]")),
            // `Spanned` adds a step of its own, and a doubled key one without a name.
            Segment::Map { key } if key == "value" => {}
            Segment::Enum { .. } | Segment::Unknown => {}
            Segment::Map { key } => {
                let dot = if keys.is_empty() { "" } else { "." };
                keys.push_str(dot);
                keys.push_str(match instead {
                    Some(known) if last == Some(place) => shown_unknown_key(key, known),
                    _ => shown_key(key),
                });
            }
        }
    }
    keys
}

/// A section of which everything is commented out is as good as none.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Whether a text can be the path of a file. What can not is the content of one, put into the wrong
/// place, and must not be printed.
///
/// # Errors
/// What is expected instead.
pub(crate) fn check_path(path: &Path) -> Result<(), &'static str> {
    match is_content(&path.to_string_lossy()) {
        true => Err("expected the path of a file, not its content"),
        false => Ok(()),
    }
}
