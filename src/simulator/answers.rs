//! The documented answers, and how a fault spoils them.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::{Compression, FlushCompress};
use futures_util::stream::{self, StreamExt};
use serde_json::{Map, Value, json};

use super::faults::Kind;
use super::world::World;

/// The fields of an entry of the list; details have all but `platform`.
const LIST_FIELDS: [&str; 7] = [
    "platform",
    "profileId",
    "name",
    "status",
    "tokenExpiresAt",
    "connectedAt",
    "phoneNumber",
];

/// `GET /socials` (API page, "Step 1").
pub(super) fn list(world: &World) -> Response<Body> {
    let (profiles, total) = world.profiles();
    let profiles: Vec<Value> = profiles
        .into_iter()
        .map(|profile| kept(profile, |field| LIST_FIELDS.contains(&field)))
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

/// Spoils a good answer. `None`: the connection is reset instead.
pub(super) async fn spoil(answer: Response<Body>, kind: &Kind) -> Option<Response<Body>> {
    let spoilt = match kind {
        Kind::Latency(pause) => {
            tokio::time::sleep(*pause).await;
            answer
        }
        Kind::Status(401) => unauthorized(),
        Kind::Status(429) => too_many_requests(Duration::from_secs(12)),
        Kind::Status(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            fail(
                status,
                "gateway",
                status.canonical_reason().unwrap_or("Simulated fault"),
            )
        }
        Kind::RetryAfter(pause) => too_many_requests(*pause),
        Kind::Hang => std::future::pending().await,
        Kind::Stall => {
            let begun = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"{\"profiles\": ["))]);
            Response::new(Body::from_stream(begun.chain(stream::pending())))
        }
        Kind::Reset => return None,
        Kind::Truncated => truncated(),
        Kind::Garbage => Response::new(Body::from("<html>502 Bad Gateway</html>")),
        Kind::Endless => endless(),
        Kind::GzipBomb => gzip_bomb(),
        Kind::Redirect(target) => {
            let mut redirect = Response::new(Body::empty());
            *redirect.status_mut() = StatusCode::FOUND;
            if let Ok(target) = HeaderValue::from_str(target) {
                redirect.headers_mut().insert(LOCATION, target);
            }
            redirect
        }
    };
    Some(spoilt)
}

fn truncated() -> Response<Body> {
    let begun = stream::iter([Ok(Bytes::from_static(
        b"{\"profiles\": [{\"platform\": \"face",
    ))]);
    let broken = stream::once(async {
        // Lets what has begun go out first.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    let mut answer = Response::new(Body::from_stream(begun.chain(broken)));
    answer.headers_mut().insert(CONTENT_LENGTH, 1000.into());
    answer
}

fn endless() -> Response<Body> {
    let begin = stream::iter([Bytes::from_static(b"{\"profiles\": [")]);
    let filler = Bytes::from(b"{},".repeat(20_000));
    let pieces = begin.chain(stream::repeat(filler)).map(Ok::<_, io::Error>);
    Response::new(Body::from_stream(pieces))
}

/// A block of compressed blanks that ends on a byte boundary can be sent again and again: together
/// the blocks are one valid gzip stream.
fn gzip_bomb() -> Response<Body> {
    let (header, block) = match compressed_blanks() {
        Ok(parts) => parts,
        Err(_) => {
            return fail(
                StatusCode::INTERNAL_SERVER_ERROR,
                "gateway",
                "No compressor",
            );
        }
    };
    let pieces = stream::iter([header])
        .chain(stream::repeat(block))
        .map(Ok::<_, io::Error>);
    let mut answer = Response::new(Body::from_stream(pieces));
    answer
        .headers_mut()
        .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    answer
}

fn compressed_blanks() -> io::Result<(Bytes, Bytes)> {
    const GZIP_HEADER: usize = 10;
    const BLANKS: usize = 1 << 20;
    let header = GzEncoder::new(Vec::new(), Compression::best()).finish()?;
    let mut block = Vec::with_capacity(BLANKS);
    flate2::Compress::new(Compression::best(), false).compress_vec(
        &b" ".repeat(BLANKS),
        &mut block,
        FlushCompress::Full,
    )?;
    Ok((header[..GZIP_HEADER].to_vec().into(), block.into()))
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

/// JSend, as the API page shows it.
fn fail(status: StatusCode, about: &str, text: &str) -> Response<Body> {
    json_answer(
        status,
        &json!({ "status": "fail", "data": { about: text } }),
    )
}

fn json_answer(status: StatusCode, value: &Value) -> Response<Body> {
    let mut answer = Response::new(Body::from(value.to_string()));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
