//! Conditional requests (RFC 9110, section 13): a client that has the current record gets no second copy.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// The headers of every answer. `no-cache` lets a client keep the answer, but ask before it uses it again.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// The entity tag of a record with this fingerprint. It is weak, because the bytes also state when they were made.
pub(in crate::web) fn weak_tag(fingerprint: impl AsRef<[u8]>) -> String {
    format!("W/\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(fingerprint))
}

/// The answer, or 304 if the client states its entity tag.
pub(in crate::web) fn answer_if_changed(request: &HeaderMap, answer: Response) -> Response {
    let tag = answer.headers().get(ETAG);
    if !tag.is_some_and(|tag| is_known(request, tag)) {
        return (HEADERS, answer).into_response();
    }
    let mut unchanged = (StatusCode::NOT_MODIFIED, HEADERS, Body::empty()).into_response();
    for name in [ETAG, VARY] {
        if let Some(value) = answer.headers().get(&name) {
            unchanged.headers_mut().insert(name, value.clone());
        }
    }
    unchanged
}

/// Whether the client has the answer with this tag, by weak comparison.
fn is_known(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let Ok(tag) = tag.to_str() else {
        return false;
    };
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let lists = request.get_all(IF_NONE_MATCH).into_iter();
    let tags = lists.filter_map(|list| list.to_str().ok());
    let mut tags = tags.flat_map(|list| list.split(',')).map(str::trim);
    tags.any(|known| known == "*" || opaque(known) == opaque(tag))
}
