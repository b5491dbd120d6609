//! HTTP/2, which is only used over TLS.

use std::sync::Arc;
use std::time::Duration;

use exporter_toolkit::server::Timeouts;
use h2::client::{Builder, SendRequest};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::server::Server;
use crate::harness::certificates::{Identity, client_with};
use crate::harness::web_config::{Folder, TLS};

/// A test that waits longer fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than any test takes.
const NEVER: Duration = Duration::from_secs(3600);

/// A connection of HTTP/2.
pub async fn connect(
    server: &Server,
    identity: &Identity,
) -> (SendRequest<&'static [u8]>, JoinHandle<()>) {
    let mut tls = client_with(identity, None);
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let stream = server.connect(tls).await.expect("TLS");
    let (client, connection) = Builder::new().handshake(stream).await.expect("HTTP/2");
    let connection = tokio::spawn(async { drop(connection.await) });
    (client, connection)
}

/// [http2-limits]
#[tokio::test]
async fn streams_and_header_size_are_limited() {
    let identity = Identity::server();
    let server = Folder::with(TLS, &identity).serve().await;
    let (client, _connection) = connect(&server, &identity).await;
    for (length, status) in [(15_000, 200), (20_000, 431)] {
        let mut client = client.clone().ready().await.expect("room");
        let request = axum::http::Request::get("https://localhost/");
        let mut request = request.body(()).expect("a request");
        let long = "x".repeat(length).parse().expect("a header");
        request.headers_mut().insert("x", long);
        let (answer, _) = client.send_request(request, true).expect("sent");
        assert_eq!(answer.await.expect("a response").status(), status);
    }
    assert_eq!(client.current_max_send_streams(), 16);
}

/// The client sends no request, so there is no response to read. The server must answer each ping.
/// [slow-reader]
#[tokio::test]
async fn connection_that_pings_and_reads_nothing_is_closed() {
    const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0 a ping ";
    let identity = Identity::server();
    let server = Folder::with(TLS, &identity)
        .serve_with(Timeouts {
            head: NEVER,
            idle: NEVER,
            response: Duration::from_millis(200),
        })
        .await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let stream = socket.connect(server.address).await;
    let mut tls = client_with(&identity, None);
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let name = "localhost".try_into().expect("a name");
    let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream.expect("a connection"));
    let mut stream = stream.await.expect("TLS");
    stream.write_all(GREETING).await.expect("sent");
    let pings = PING.repeat(500);
    let pinging = async { while stream.write_all(&pings).await.is_ok() {} };
    timeout(PATIENCE, pinging).await.expect("an end");
}
