//! Which encoding a client takes (RFC 9110, section 12.5.3).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

use crate::exposition::Encoding;

/// Gzip for everybody who takes it at all: it saves more than it costs.
pub(super) fn accepted(headers: &HeaderMap) -> Encoding {
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

/// A coding, and whether its weight is more than 0.
fn parse(entry: &str) -> (&str, bool) {
    let (coding, parameters) = entry.split_once(';').unwrap_or((entry, ""));
    let weight = parameters.trim().split_once('=');
    let weight = weight.filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    let refused = weight.is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0));
    (coding.trim(), !refused)
}
