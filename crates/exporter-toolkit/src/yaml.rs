//! Parsing of YAML files. Unknown and duplicate keys are errors. Errors contain file, line and key, but no values.
//!
//! ```
//! use std::path::Path;
//!
//! use exporter_toolkit::yaml;
//!
//! #[derive(Debug, Default, serde::Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! struct File {
//!     modules: Vec<String>,
//! }
//!
//! let error = yaml::parse::<File>(Path::new("my.yml"), "modles: []").expect_err("a misspelled key");
//! assert_eq!(error.to_string(), "my.yml:1:1: unknown key \"modles\"; did you mean \"modules\"?");
//! ```

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_path_to_error::Segment;
use serde_saphyr::Options;

use crate::diagnostics::{ConfigError, is_unknown_key};
use crate::redacted::{is_content, shown_name};

/// Parses the text of the file at `path`. An empty file results in the default value.
///
/// # Errors
/// The first syntax error, unknown key or wrong type.
pub fn parse<T: DeserializeOwned + Default>(path: &Path, text: &str) -> Result<T, ConfigError> {
    let mut key = String::new();
    let mut options = Options::default();
    // A snippet would print neighbouring lines, which may contain secrets.
    options.with_snippet = false;
    let read = serde_saphyr::with_deserializer_from_str_with_options(text, options, |yaml| {
        serde_path_to_error::deserialize::<_, Option<T>>(yaml).map_err(|error| {
            key = key_path(error.path(), is_unknown_key(error.inner()));
            error.into_inner()
        })
    });
    read.map(Option::unwrap_or_default)
        .map_err(|error| ConfigError::yaml(path, &key, &error))
}

/// The keys of a path, as in `modules[0].name`. The text of an error about an unknown key names the last one.
fn key_path(path: &serde_path_to_error::Path, without_last: bool) -> String {
    let is_key = |segment: &Segment| matches!(segment, Segment::Map { .. });
    let last = path.iter().rposition(is_key).filter(|_| without_last);
    let mut keys = String::new();
    for (index, segment) in path.iter().enumerate() {
        match segment {
            Segment::Seq { index } => keys.push_str(&format!("[{index}]")),
            // `Spanned` adds a segment of its own, and a duplicate key one without a name.
            Segment::Map { key } if key == "value" => {}
            Segment::Enum { .. } | Segment::Unknown => {}
            Segment::Map { .. } if last == Some(index) => {}
            Segment::Map { key } => {
                let dot = if keys.is_empty() { "" } else { "." };
                keys.push_str(dot);
                keys.push_str(shown_name(key));
            }
        }
    }
    keys
}

/// For `#[serde(deserialize_with)]` on a section: a section without content, for example with all lines commented out, is
/// the default value.
///
/// # Errors
/// The errors of the section's own content.
pub fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Checks that a path is not the content of a file, which may be a secret.
///
/// # Errors
/// What is expected instead.
pub fn check_path(path: &Path) -> Result<(), &'static str> {
    match is_content(&path.to_string_lossy()) {
        true => Err("expected the path of a file, not its content"),
        false => Ok(()),
    }
}
