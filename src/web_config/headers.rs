//! Headers that are added to every answer: five may be, two of them with given values only.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_saphyr::{Location, Spanned};

use super::reading::Reading;
use crate::config::shown_unknown_key;

/// The headers, and the values that are allowed; none listed is any.
const ALLOWED: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

pub(super) fn headers(
    written: &BTreeMap<String, Option<Spanned<String>>>,
    reading: &mut Reading,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in written {
        let at = value.as_ref().map_or(Location::UNKNOWN, |at| at.referenced);
        let value = value.as_ref().map_or("", |at| at.value.as_str());
        match header(name, value) {
            Ok(Some((name, value))) => {
                headers.insert(name, value);
            }
            Ok(None) => {}
            Err(message) => {
                let allowed = ALLOWED.map(|(name, _)| name);
                let name = shown_unknown_key(name, &allowed);
                let key = format!("http_server_config.headers.{name}");
                reading.problem(at, &key, message);
            }
        }
    }
    headers
}

/// A blank value is no header.
fn header(name: &str, value: &str) -> Result<Option<(HeaderName, HeaderValue)>, String> {
    let Some((_, values)) = ALLOWED.iter().find(|(allowed, _)| *allowed == name) else {
        let names = ALLOWED.map(|(name, _)| name).join(", ");
        return Err(format!("this header cannot be configured, only {names}"));
    };
    if value.is_empty() {
        return Ok(None);
    }
    if !values.is_empty() && !values.contains(&value) {
        return Err(format!(
            "invalid value, expected one of {}",
            values.join(", ")
        ));
    }
    let invalid = "invalid value, it holds a character that cannot stand in an HTTP header";
    let value = HeaderValue::from_str(value).map_err(|_| invalid)?;
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "not the name of a header")?;
    Ok(Some((name, value)))
}
