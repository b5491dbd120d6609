//! Negotiation of the content encoding (RFC 9110, section 12.5.3). By hand, because the crates that negotiate are
//! middleware that compresses each response anew, and exporters send texts that are compressed once.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

use crate::preferences::preferences;

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
    let mut named = None;
    let mut any = None;
    for preference in preferences(headers, &ACCEPT_ENCODING) {
        let is_wanted = preference.weight() != Some(0);
        match preference.value {
            b"*" => any = Some(is_wanted),
            coding if is_gzip(coding) => named = Some(is_wanted),
            _ => {}
        }
    }
    match named.or(any) {
        Some(true) => Encoding::Gzip,
        _ => Encoding::Plain,
    }
}

fn is_gzip(coding: &[u8]) -> bool {
    coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip")
}
