//! Compressed responses of the gateway, compared with other clients.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use tracing::Level;

use crate::harness::Setup;
use crate::harness::listener::{Recorder, http_response};
use crate::harness::log::Log;
use crate::harness::scrape::Scrape;

const LIST: &str = r#"{"profiles": [{"platform": "facebook", "profileId": "p1", "name": "Shop",
    "status": "CONNECTED", "connectedAt": "2026-01-01T00:00:00Z"}], "total": 1}"#;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("compressed");
    encoder.finish().expect("compressed")
}

/// Two gzip members, as from a server that flushes with a new member.
fn two_members() -> Vec<u8> {
    let (first, second) = LIST.split_at(LIST.len() / 2);
    [gzip(first), gzip(second)].concat()
}

/// A scrape of an exporter whose gateway returns the list with these headers and bytes.
async fn scrape_of(headers: &str, list: Vec<u8>) -> (Scrape, Vec<String>) {
    let headers = headers.to_owned();
    let gateway = Recorder::start(move |request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        match path.ends_with("/socials") {
            true => http_response("200 OK", &headers, &list),
            false => http_response("404 Not Found", "", ""),
        }
    })
    .await;
    let setup = Setup {
        url: Some(format!("http://{}", gateway.address)),
        ..Setup::yaml("limits: {response_bytes: 100KiB}")
    };
    let scrape = setup.start().await.scrape().await;
    (scrape, gateway.requests())
}

/// [gzip-names]
#[tokio::test]
async fn gzip_is_decoded_under_all_names_and_with_several_members() {
    for coding in [
        "Content-Encoding: gzip\r\n",
        "Content-Encoding: GZIP\r\n",
        "content-encoding: GzIp\r\n",
        "Content-Encoding: x-gzip\r\n",
        "Content-Encoding: X-GZIP\r\n",
        "Content-Encoding: \t gzip \t\r\n",
        "Content-Encoding: identity, gzip\r\n",
        "Content-Encoding: gzip,\r\n",
        "Content-Encoding: identity\r\nContent-Encoding: x-Gzip\r\n",
    ] {
        for body in [gzip(LIST), two_members(), [gzip(LIST), gzip("")].concat()] {
            let (scrape, requests) = scrape_of(coding, body).await;
            assert_eq!(scrape.value("qlara_up"), 1.0, "{coding}");
            assert_eq!(scrape.status("facebook", "p1"), "CONNECTED", "{coding}");
            let asked = requests[0].to_lowercase();
            assert!(asked.contains("\r\naccept-encoding: gzip\r\n"), "{asked}");
        }
    }
}

#[tokio::test]
async fn response_without_content_encoding_is_read_unchanged() {
    for coding in [
        "",
        "Content-Encoding: identity\r\n",
        "Content-Encoding: Identity\r\n",
        "Content-Encoding:\r\n",
    ] {
        let (scrape, _) = scrape_of(coding, LIST.into()).await;
        assert_eq!(scrape.value("qlara_up"), 1.0, "{coding}");
    }
}

/// If a body cannot be decoded, no part of it counts: half a list would be wrong.
/// [broken-coding]
#[tokio::test]
async fn broken_content_encoding_is_named() {
    let whole = gzip(LIST);
    let cut = |from_end: usize| whole[..whole.len() - from_end].to_vec();
    let mut wrong_checksum = whole.clone();
    let last = wrong_checksum.len() - 5;
    wrong_checksum[last] ^= 1;
    let second_cut = [whole.clone(), cut(9)].concat();
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::default());
    deflated.write_all(LIST.as_bytes()).expect("compressed");
    let deflated = deflated.finish().expect("compressed");
    let undecodable = "the body breaks off or cannot be decoded";
    for (coding, body, expected) in [
        ("gzip", LIST.into(), undecodable),
        ("gzip", cut(1), undecodable),
        ("gzip", cut(8), undecodable),
        ("gzip", cut(20), undecodable),
        ("GZIP", wrong_checksum, undecodable),
        ("x-gzip", second_cut, undecodable),
        (
            "gzip",
            [whole.clone(), b"more".to_vec()].concat(),
            undecodable,
        ),
        ("gzip", Vec::new(), undecodable),
        (
            "DEFLATE",
            deflated,
            "the content coding is deflate, expected gzip or none",
        ),
        (
            "br",
            whole.clone(),
            "the content coding is br, expected gzip or none",
        ),
        (
            "gzip, gzip",
            whole.clone(),
            "the content coding is gzip twice, expected gzip or none",
        ),
        (
            "gzip, zstd",
            whole.clone(),
            "the content coding is zstd, expected gzip or none",
        ),
        (
            "simulated",
            whole.clone(),
            "the content coding is an unknown name, expected gzip or none",
        ),
        (
            "gz\u{ef}p",
            whole.clone(),
            "the content coding is an unknown name, expected gzip or none",
        ),
    ] {
        let log = Log::collect(Level::WARN);
        let (scrape, _) = scrape_of(&format!("Content-Encoding: {coding}\r\n"), body).await;
        assert_eq!(scrape.value("qlara_up"), 0.0, "{coding}");
        let reason = r#"{endpoint="socials",reason="invalid_response"}"#;
        let failures = scrape.family("qlara_gateway_request_failures_total");
        assert!(failures.contains(&(reason, 1.0)), "{coding}: {failures:?}");
        let text = log.take();
        assert!(text.contains(expected), "{coding}: {text}");
    }
}

/// The limit applies to the decompressed size and to the announced length.
#[tokio::test]
async fn size_limit_applies_to_the_decoded_length() {
    let padded = |length: usize| format!("{LIST}{}", " ".repeat(length - LIST.len()));
    let limit = 100 * 1024;
    for (body, up) in [
        (gzip(&padded(limit)), 1.0),
        (gzip(&padded(limit + 1)), 0.0),
        ([gzip(&padded(limit)), gzip(" ")].concat(), 0.0),
    ] {
        let (scrape, _) = scrape_of("Content-Encoding: GZIP\r\n", body).await;
        assert_eq!(scrape.value("qlara_up"), up);
        let failures = scrape.family("qlara_gateway_request_failures_total");
        let too_large = (r#"{endpoint="socials",reason="too_large"}"#, 1.0 - up);
        assert!(failures.contains(&too_large), "{failures:?}");
    }
}
