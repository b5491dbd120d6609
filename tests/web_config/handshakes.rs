//! Clients that fail before HTTP over TLS: the response they get, and the counter.

use std::net::SocketAddr;
use std::time::Duration;

use exporter_toolkit::server::Timeouts;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::http2::{NEVER, PATIENCE, over_tls};
use crate::harness::certificates::{Identity, client_with, client_with_system_roots};
use crate::harness::scrape::Scrape;
use crate::harness::{Stack, eventually};

const FAILURES: &str = "qlara_exporter_tls_handshake_errors_total";

/// All bytes that the exporter sends in response to these bytes, until it closes the connection.
async fn send_raw(address: SocketAddr, bytes: &[u8], end: bool) -> String {
    let mut client = TcpStream::connect(address).await.expect("a connection");
    client.write_all(bytes).await.expect("sent");
    if end {
        client.shutdown().await.expect("an end");
    }
    let mut answer = Vec::new();
    // A reset ends the connection too.
    let _ = timeout(PATIENCE, client.read_to_end(&mut answer))
        .await
        .expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The metrics over TLS, one second later than the last scrape, so that they do not come from the cache.
async fn scrape(stack: &Stack, server: &Identity) -> Scrape {
    stack.clock.advance(Duration::from_secs(1));
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(client_with(server, None))
        .no_proxy()
        .build();
    let url = format!("https://localhost:{}/metrics", stack.exporter.port());
    let answer = client.expect("a client").get(url).send().await;
    Scrape::read(answer.expect("a response")).await
}

/// [http-to-tls]
#[tokio::test]
async fn plain_http_on_a_tls_port_gets_a_helpful_400() {
    let (stack, server, _folder) = over_tls(Timeouts::default()).await;
    let mut sent = 0.0;
    for request in [
        "GET /metrics HTTP/1.1\r\nHost: exporter.example\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YTpi\r\nConnection: keep-alive\r\n\r\n",
    ] {
        for ends in [true, false] {
            let answer = send_raw(stack.exporter, request.as_bytes(), ends).await;
            assert!(
                answer.starts_with("HTTP/1.") && answer[8..].starts_with(" 400 Bad Request\r\n"),
                "{request}: {answer}"
            );
            assert!(
                answer.ends_with("Client sent an HTTP request to an HTTPS server.\n"),
                "{request}: {answer}"
            );
            sent += 1.0;
        }
    }
    let answer = send_raw(stack.exporter, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", false).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
        "{answer}"
    );
    assert_eq!(scrape(&stack, &server).await.value(FAILURES), sent + 1.0);
}

/// [slow-request]
#[tokio::test]
async fn unfinished_handshake_is_closed() {
    let (stack, server, _folder) = over_tls(Timeouts {
        head: Duration::from_millis(200),
        idle: NEVER,
        response: NEVER,
    })
    .await;
    // No bytes, and a part of a TLS record header.
    for begun in [&b""[..], b"\x16\x03\x01\x02"] {
        assert_eq!(send_raw(stack.exporter, begun, false).await, "");
    }
    let scrape = scrape(&stack, &server).await;
    assert_eq!(scrape.value(r#"qlara_up{account="a"}"#), 1.0);
}

/// [failed-handshake]
#[tokio::test]
async fn failed_handshakes_are_counted() {
    let timeouts = Timeouts {
        head: Duration::from_secs(1),
        idle: NEVER,
        response: NEVER,
    };
    let (stack, server, _folder) = over_tls(timeouts).await;
    let failures = async || scrape(&stack, &server).await.value(FAILURES);
    assert_eq!(failures().await, 0.0);

    // Probes of load balancers connect and leave.
    for _ in 0..3 {
        assert_eq!(send_raw(stack.exporter, b"", true).await, "");
    }
    assert_eq!(failures().await, 0.0);

    // No TLS at all, a truncated record, a truncated ClientHello, and a client that stops.
    let mut expected = 0.0;
    for (bytes, ends) in [
        (&b"\x00\x01\x02\x03\x04\x05"[..], true),
        (b"\x16\x03\x01\x00\x05hello", true),
        (b"\x16\x03\x01\x02", true),
        (b"\x16\x03\x01\x02", false),
    ] {
        send_raw(stack.exporter, bytes, ends).await;
        expected += 1.0;
        assert_eq!(failures().await, expected, "{bytes:?}");
    }

    // A client that does not trust the certificate says so during the handshake.
    let stream = TcpStream::connect(stack.exporter)
        .await
        .expect("a connection");
    let name = "localhost".try_into().expect("a name");
    let connector =
        tokio_rustls::TlsConnector::from(std::sync::Arc::new(client_with_system_roots()));
    connector.connect(name, stream).await.expect_err("no trust");
    eventually("a count", async || {
        (failures().await == expected + 1.0).then_some(())
    })
    .await;
}
