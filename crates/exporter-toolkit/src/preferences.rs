//! Lists of weighted preferences, such as `Accept` and `Accept-Encoding` (RFC 9110, section 12.4.2).
//!
//! By hand and on bytes, because each scrape parses them: the crate `mediatype` takes 2 µs for the `Accept` of
//! Prometheus 3, a third of the CPU time of a scrape. A comma or semicolon in a quoted value therefore ends the value, as
//! in Prometheus' own client library.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// An entry of a list: what the client accepts, and the parameters of this preference.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Preference<'a> {
    /// A media range or a coding.
    pub(crate) value: &'a [u8],
    parameters: &'a [u8],
}

/// The entries of all headers with this name, in the client's order.
pub(crate) fn preferences<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = Preference<'a>> {
    let lists = headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
    let entries = lists.flat_map(|list| list.split(|byte| *byte == b','));
    entries.map(Preference::parse)
}

impl<'a> Preference<'a> {
    fn parse(entry: &'a [u8]) -> Preference<'a> {
        let (value, parameters) = split_once(entry, b';').unwrap_or((entry, b""));
        Preference {
            value: value.trim_ascii(),
            parameters,
        }
    }

    /// The value of the parameter with this name, in which case does not matter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&'a [u8]> {
        let mut parameters = self.parameters.split(|byte| *byte == b';');
        parameters.find_map(|parameter| value_of(name, parameter))
    }

    /// The weight in thousandths, 1000 if none is stated; `None` if it is not a number from 0 to 1.
    pub(crate) fn weight(&self) -> Option<u16> {
        // Clients state it last.
        let mut parameters = self.parameters.rsplit(|byte| *byte == b';');
        let Some(weight) = parameters.find_map(|parameter| value_of("q", parameter)) else {
            return Some(1000);
        };
        let weight: f32 = str::from_utf8(weight).ok()?.parse().ok()?;
        let is_valid = (0.0..=1.0).contains(&weight);
        is_valid.then(|| (weight * 1000.0).round() as u16)
    }
}

/// The value, if this is the parameter with this name.
fn value_of<'a>(name: &str, parameter: &'a [u8]) -> Option<&'a [u8]> {
    let (found, value) = split_once(parameter, b'=')?;
    if !found.trim_ascii().eq_ignore_ascii_case(name.as_bytes()) {
        return None;
    }
    let value = value.trim_ascii();
    let quoted = value.strip_prefix(b"\"");
    Some(
        quoted
            .and_then(|value| value.strip_suffix(b"\""))
            .unwrap_or(value),
    )
}

/// The bytes before and after the first separator.
pub(crate) fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let position = bytes.iter().position(|byte| *byte == separator)?;
    Some((&bytes[..position], &bytes[position + 1..]))
}
