//! Sizes such as `64MiB` in YAML files.

use bytesize::ByteSize;
use serde::{Deserialize, Deserializer, de};

/// For `#[serde(deserialize_with)]` on an optional size: `64MiB`, `500kB` or a plain number of bytes, more than 0.
///
/// # Errors
/// What is expected, without the value.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Limits {
///     #[serde(default, deserialize_with = "exporter_toolkit::size::deserialize")]
///     body: Option<u64>,
/// }
///
/// let limits: Limits = serde_json::from_str(r#"{"body": "64MiB"}"#)?;
/// assert_eq!(limits.body, Some(64 * 1024 * 1024));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.parse::<ByteSize>() {
        Ok(size) if size.as_u64() > 0 => Ok(Some(size.as_u64())),
        _ => Err(de::Error::custom("expected a size such as 64MiB")),
    }
}
