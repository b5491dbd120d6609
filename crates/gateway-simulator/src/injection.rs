//! Fault injection: turns an answer into a faulty one.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, LOCATION};
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::{Compression, FlushCompress};
use futures_util::stream::{self, StreamExt};
use serde_json::json;

use super::answers::{fail, json_answer, too_many_requests, unauthorized};
use super::faults::{Jsend, Kind};

const SIMULATED_FAULT: &str = "Simulated fault";

/// Applies a fault to an answer. `None` resets the connection.
pub(super) async fn inject(kind: &Kind, answer: Response<Body>) -> Option<Response<Body>> {
    let faulty = match kind {
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
                status.canonical_reason().unwrap_or(SIMULATED_FAULT),
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
        Kind::Jsend(Jsend::Fail) => fail(StatusCode::OK, "gateway", SIMULATED_FAULT),
        Kind::Jsend(Jsend::Error) => json_answer(
            StatusCode::OK,
            &json!({ "status": "error", "message": SIMULATED_FAULT }),
        ),
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
    Some(faulty)
}

fn truncated() -> Response<Body> {
    let begun = stream::iter([Ok(Bytes::from_static(
        b"{\"profiles\": [{\"platform\": \"face",
    ))]);
    let broken = stream::once(async {
        // Sends the first part of the body before the error.
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

/// An endless gzip body. A compressed block of spaces that ends on a byte boundary can be repeated: the blocks
/// together are a valid gzip stream.
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
