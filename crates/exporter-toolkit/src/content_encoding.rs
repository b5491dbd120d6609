//! Negotiation of the content encoding (RFC 9110, section 12.5.3). By hand, because the crates that negotiate are
//! middleware that compresses each response anew, and exporters send texts that are compressed once.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

/// The content encoding of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// No `Content-Encoding`.
    Plain,
    /// `Content-Encoding: gzip`.
    Gzip,
}

/// The content encoding for a request with these headers: gzip if `Accept-Encoding` allows it.
///
/// ```
/// use axum::http::HeaderMap;
/// use axum::http::header::{ACCEPT_ENCODING, HeaderValue};
/// use exporter_toolkit::content_encoding::{Encoding, accepted};
///
/// let mut headers = HeaderMap::new();
/// assert_eq!(accepted(&headers), Encoding::Plain);
/// headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip;q=0.5, br"));
/// assert_eq!(accepted(&headers), Encoding::Gzip);
/// ```
pub fn accepted(headers: &HeaderMap) -> Encoding {
    let lists = headers.get_all(ACCEPT_ENCODING).into_iter();
    let codings = lists.filter_map(|list| list.to_str().ok());
    let codings = codings.flat_map(|list| list.split(',')).map(parse);
    let mut named = None;
    let mut any = None;
    for (coding, wanted) in codings {
        match coding {
            "*" => any = Some(wanted),
            coding if is_gzip(coding) => named = Some(wanted),
            _ => {}
        }
    }
    match named.or(any) {
        Some(true) => Encoding::Gzip,
        _ => Encoding::Plain,
    }
}

fn is_gzip(coding: &str) -> bool {
    coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip")
}

/// A coding and whether it is acceptable: its weight is greater than 0.
fn parse(entry: &str) -> (&str, bool) {
    let (coding, parameters) = entry.split_once(';').unwrap_or((entry, ""));
    let weight = parameters.trim().split_once('=');
    let weight = weight.filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    let refused = weight.is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0));
    (coding.trim(), !refused)
}
