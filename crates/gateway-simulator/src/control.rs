//! The control endpoint, which changes faults, profiles and answers of the running gateway.

use std::sync::atomic::Ordering;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::faults::{Fault, NoFault};
use super::profile::Object;
use super::route::decode_segment;
use super::simulator::Simulator;
use super::world::Connected;

/// Largest request body in bytes.
const BODY_LIMIT: usize = 256 << 20;

/// Answers a request below `/-/`.
pub(super) async fn answer(simulator: &Simulator, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/-/faults") => text(StatusCode::OK, &faults(simulator)),
        (&Method::PUT, "/-/faults") => match parse_faults(&body) {
            Ok(faults) => {
                *simulator.faults.lock() = faults;
                text(StatusCode::OK, &self::faults(simulator))
            }
            Err(error) => text(StatusCode::BAD_REQUEST, &format!("{error}\n")),
        },
        (&Method::DELETE, "/-/faults") => {
            simulator.faults.lock().clear();
            text(StatusCode::OK, "")
        }
        (&Method::PUT, "/-/profiles") => match parse_profiles(&body) {
            Some(replacement) => {
                simulator.world.replace(Some(replacement));
                text(StatusCode::OK, "")
            }
            None => text(
                StatusCode::BAD_REQUEST,
                "expected a JSON array of profiles\n",
            ),
        },
        (&Method::DELETE, "/-/profiles") => {
            simulator.world.replace(None);
            text(StatusCode::OK, "")
        }
        (&Method::GET, "/-/stats") => text(StatusCode::OK, &stats(simulator).to_string()),
        (&Method::PUT, path) => match answered_call(path) {
            Some(call) => {
                simulator.fixed_answers.lock().insert(call, body);
                text(StatusCode::OK, "")
            }
            None => not_found(),
        },
        (&Method::DELETE, "/-/answers") => {
            simulator.fixed_answers.lock().clear();
            text(StatusCode::OK, "")
        }
        _ => not_found(),
    }
}

/// The call whose answer a path replaces. `Some(None)` is the list, as in `FixedAnswers`.
fn answered_call(path: &str) -> Option<Option<String>> {
    let call = decode_segment(path.strip_prefix("/-/answers/")?)?;
    Some((call != "list").then_some(call))
}

fn faults(simulator: &Simulator) -> String {
    simulator
        .faults
        .lock()
        .iter()
        .map(|fault| format!("{fault}\n"))
        .collect()
}

/// A line is not a fault.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {source}")]
struct WrongLine {
    line: usize,
    source: NoFault,
}

fn parse_faults(body: &[u8]) -> Result<Vec<Fault>, WrongLine> {
    let text = String::from_utf8_lossy(body);
    let lines = (1..).zip(text.lines());
    lines
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(line, text)| text.parse().map_err(|source| WrongLine { line, source }))
        .collect()
}

fn parse_profiles(body: &[u8]) -> Option<Connected> {
    let (profiles, further) = match serde_json::from_slice(body).ok()? {
        Value::Object(mut answer) => (answer.remove("profiles")?, answer),
        profiles => (profiles, Object::new()),
    };
    let Value::Array(profiles) = profiles else {
        return None;
    };
    let mut connected = Connected {
        profiles,
        total: None,
        further,
    };
    connected.total = connected.further.remove("total");
    Some(connected)
}

fn stats(simulator: &Simulator) -> Value {
    let stats = &simulator.stats;
    json!({
        "connections": stats.connections.load(Ordering::Relaxed),
        "list": stats.list.load(Ordering::Relaxed),
        "details": stats.details.load(Ordering::Relaxed),
    })
}

fn not_found() -> Response<Body> {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
}

fn text(status: StatusCode, text: &str) -> Response<Body> {
    let mut answer = Response::new(Body::from(text.to_owned()));
    *answer.status_mut() = status;
    answer
}
