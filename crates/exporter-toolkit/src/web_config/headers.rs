//! Headers that are added to every response. Five can be configured, two of which accept only certain values.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_saphyr::{Location, Spanned};

use super::reader::ConfigReader;
use crate::redacted::shown_key;
use crate::suggest::unknown;

const SECTION: &str = "http_server_config.headers";

/// The headers with their allowed values. An empty list allows every value.
const ALLOWED: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

pub(super) fn headers(
    written: &BTreeMap<String, Option<Spanned<String>>>,
    reader: &mut ConfigReader,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in written {
        let at = value.as_ref().map_or(Location::UNKNOWN, |at| at.referenced);
        let value = value.as_ref().map_or("", |at| at.value.as_str());
        let allowed = ALLOWED.iter().find(|(allowed, _)| allowed == name);
        let Some((name, values)) = allowed else {
            let message = unknown(
                "header",
                name,
                shown_key(name),
                &ALLOWED.map(|(name, _)| name),
            );
            reader.error_at(at, SECTION, message);
            continue;
        };
        match header(name, values, value) {
            Ok(Some((name, value))) => {
                headers.insert(name, value);
            }
            Ok(None) => {}
            Err(message) => {
                reader.error_at(at, &format!("{SECTION}.{name}"), message);
            }
        }
    }
    headers
}

/// A configured header; `None` if its value is empty.
fn header(
    name: &str,
    values: &[&str],
    value: &str,
) -> Result<Option<(HeaderName, HeaderValue)>, String> {
    if value.is_empty() {
        return Ok(None);
    }
    if !values.is_empty() && !values.contains(&value) {
        return Err(format!(
            "invalid value, expected one of {}",
            values.join(", ")
        ));
    }
    let invalid = "invalid value: it contains a character that cannot be in an HTTP header";
    let value = HeaderValue::from_str(value).map_err(|_| invalid)?;
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "not the name of a header")?;
    Ok(Some((name, value)))
}
