//! The answers to API calls, and the documented errors.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::world::World;

/// The fields that only details have; details lack `platform`.
const DETAILS_FIELDS: [&str; 4] = ["pageId", "category", "permissions", "lastActivityAt"];

/// `GET /socials` (API page, "Step 1").
pub(super) fn list(world: &World) -> Response<Body> {
    let (profiles, total) = world.profiles();
    let profiles: Vec<Value> = profiles
        .into_iter()
        .map(|profile| kept(profile, |field| !DETAILS_FIELDS.contains(&field)))
        .collect();
    json_answer(
        StatusCode::OK,
        &json!({ "profiles": profiles, "total": total }),
    )
}

/// `GET /socials/{platform}` (API page, "Step 2").
pub(super) fn details(world: &World, platform: &str) -> Response<Body> {
    let (profiles, _) = world.profiles();
    let profiles: Vec<Value> = profiles
        .into_iter()
        .filter(|profile| profile["platform"] == platform)
        .map(|profile| kept(profile, |field| field != "platform"))
        .collect();
    if profiles.is_empty() {
        let text = format!("No connected profiles found for platform: {platform}");
        return fail(StatusCode::NOT_FOUND, "platform", &text);
    }
    json_answer(
        StatusCode::OK,
        &json!({ "platform": platform, "profiles": profiles }),
    )
}

/// 401 (API page, "Common errors").
pub(super) fn unauthorized() -> Response<Body> {
    fail(
        StatusCode::UNAUTHORIZED,
        "authentication",
        "Invalid or missing API key",
    )
}

/// 429, with the pause in the body and in the header.
pub(super) fn too_many_requests(pause: Duration) -> Response<Body> {
    // Whole seconds, rounded up: asking for less would invite the next 429.
    let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
    let mut answer = json_answer(
        StatusCode::TOO_MANY_REQUESTS,
        &json!({
            "status": 429,
            "error": "Too Many Requests",
            "message": format!("Rate limit exceeded, retry after {seconds} seconds."),
            "retryAfter": seconds,
        }),
    );
    answer.headers_mut().insert(RETRY_AFTER, seconds.into());
    answer
}

/// Any path that the API does not know.
pub(super) fn not_found() -> Response<Body> {
    fail(StatusCode::NOT_FOUND, "path", "Not found")
}

fn kept(profile: Value, keep: impl Fn(&str) -> bool) -> Value {
    match profile {
        Value::Object(fields) => {
            let fields: Map<String, Value> = fields
                .into_iter()
                .filter(|(field, _)| keep(field))
                .collect();
            Value::Object(fields)
        }
        odd => odd,
    }
}

/// A JSend failure, as the API page shows it.
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
