//! The answers to API calls, including the documented errors.

use std::num::NonZeroUsize;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LINK, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::envelope::Page;
use super::profile::Object;
use super::simulator::Simulator;

/// A `Link` header with a relative reference to the next page.
const NEXT_PAGE: HeaderValue = HeaderValue::from_static("<?page=2>; rel=\"next\"");

impl Simulator {
    /// `GET /socials` (API page, "Step 1").
    pub(super) fn list(&self) -> Response<Body> {
        let connected = self.world.connected();
        let total = connected.total.unwrap_or(json!(connected.profiles.len()));
        let description = self.world.description();
        let entries = connected.profiles.into_iter();
        let entries =
            entries.map(|profile| shown(profile, |fields| description.list_entry(fields)));
        self.page(Page {
            entries: entries.collect(),
            is_cut: false,
            total,
            platform: None,
            further: connected.further,
        })
    }

    /// `GET /socials/{platform}` (API page, "Step 2").
    pub(super) fn details(&self, platform: &str) -> Response<Body> {
        let description = self.world.description();
        let mut profiles = self.world.connected().profiles;
        profiles.retain(|profile| profile["platform"] == platform);
        let has_expired = profiles
            .iter()
            .any(|profile| profile["status"] == "TOKEN_EXPIRED");
        if let Some(status) = self.expired_channel.filter(|_| has_expired) {
            return fail(status, "platform", "The token of this channel has expired");
        }
        let entries: Vec<Value> = profiles
            .into_iter()
            .map(|profile| shown(profile, |fields| description.details_entry(fields)))
            .collect();
        if entries.is_empty() {
            let text = format!("No connected profiles found for platform: {platform}");
            return fail(StatusCode::NOT_FOUND, "platform", &text);
        }
        self.page(Page {
            total: json!(entries.len()),
            entries,
            is_cut: false,
            platform: Some(platform.to_owned()),
            further: Object::new(),
        })
    }

    /// The first page, in the chosen envelope.
    fn page(&self, mut page: Page) -> Response<Body> {
        if let Some(size) = self.page_size.map(NonZeroUsize::get) {
            page.is_cut = page.entries.len() > size;
            page.entries.truncate(size);
        }
        let is_cut = page.is_cut;
        let mut answer = json_answer(StatusCode::OK, &self.envelope.wrap(page));
        if is_cut {
            answer.headers_mut().insert(LINK, NEXT_PAGE);
        }
        answer
    }
}

/// 401 (API page, "Common errors").
pub(super) fn unauthorized() -> Response<Body> {
    fail(
        StatusCode::UNAUTHORIZED,
        "authentication",
        "Invalid or missing API key",
    )
}

/// 429, with the time to wait in the body and in `Retry-After`.
pub(super) fn too_many_requests(pause: Duration) -> Response<Body> {
    // Rounded up, because a client that waits less gets the next 429.
    let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
    let unit = if seconds == 1 { "second" } else { "seconds" };
    let mut answer = json_answer(
        StatusCode::TOO_MANY_REQUESTS,
        &json!({
            "status": 429,
            "error": "Too Many Requests",
            "message": format!("Rate limit exceeded, retry after {seconds} {unit}."),
            "retryAfter": seconds,
        }),
    );
    answer.headers_mut().insert(RETRY_AFTER, seconds.into());
    answer
}

/// 404 for a path that the API does not have.
pub(super) fn not_found() -> Response<Body> {
    fail(StatusCode::NOT_FOUND, "path", "Not found")
}

/// Applies `show` to the fields of an object. Other JSON values stay unchanged.
fn shown(profile: Value, show: impl Fn(Object) -> Object) -> Value {
    match profile {
        Value::Object(fields) => Value::Object(show(fields)),
        odd => odd,
    }
}

/// A JSend failure in the format of the API page.
pub(super) fn fail(status: StatusCode, about: &str, text: &str) -> Response<Body> {
    json_answer(
        status,
        &json!({ "status": "fail", "data": { about: text } }),
    )
}

pub(super) fn json_answer(status: StatusCode, value: &Value) -> Response<Body> {
    let mut answer = verbatim(value.to_string());
    *answer.status_mut() = status;
    answer
}

/// 200 with exactly this body.
pub(super) fn verbatim(body: impl Into<Body>) -> Response<Body> {
    let mut answer = Response::new(body.into());
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
