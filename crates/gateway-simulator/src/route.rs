//! The paths of the API.

use axum::http::Method;
use percent_encoding::percent_decode_str;

/// The path prefix of the API's examples.
pub const PREFIX: &str = "/api/v1/partner-gateway";

/// The API call that a request makes: `Some(None)` is the list, `Some(Some(platform))` the details of a
/// platform.
pub(super) fn api_call(method: &Method, path: &str) -> Option<Option<String>> {
    let rest = path.strip_prefix(PREFIX)?.strip_prefix("/socials")?;
    if method != Method::GET {
        return None;
    }
    if rest.is_empty() {
        return Some(None);
    }
    decode_segment(rest.strip_prefix('/')?).map(Some)
}

/// The last segment of a path; `None` if more segments follow.
pub(super) fn decode_segment(segment: &str) -> Option<String> {
    let decoded = percent_decode_str(segment).decode_utf8_lossy();
    (!segment.contains('/')).then(|| decoded.into_owned())
}
