//! HTTP/2, which is only used over TLS.

use std::sync::Arc;
use std::time::Duration;

use exporter_toolkit::server::Timeouts;
use h2::client::{Builder, SendRequest};
use reqwest::Method;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::harness::certificates::{Identity, client_with};
use crate::harness::web_config::{Folder, TLS};
use crate::harness::{Setup, Stack};

pub const PATIENCE: Duration = Duration::from_secs(60);
pub const NEVER: Duration = Duration::from_secs(3600);

/// An exporter over TLS, and the certificate to trust.
pub async fn over_tls(timeouts: Timeouts) -> (Stack, Identity, Folder) {
    with_accounts(
        "accounts: [{name: a, api_key_env: QLARA_API_KEY}]",
        timeouts,
    )
    .await
}

async fn with_accounts(yaml: &str, timeouts: Timeouts) -> (Stack, Identity, Folder) {
    let server = Identity::server();
    let folder = Folder::with(TLS, &server);
    let mut setup = Setup::yaml(yaml);
    setup.web.config = Arc::new(folder.load().expect("a good file"));
    setup.web.timeouts = timeouts;
    (setup.start().await, server, folder)
}

/// A client that reads this many bytes of a response, and the end of its connection.
async fn connect_h2(
    stack: &Stack,
    server: &Identity,
    window: u32,
) -> (
    SendRequest<&'static [u8]>,
    JoinHandle<Result<(), h2::Error>>,
) {
    let mut tls = client_with(server, None);
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(stack.exporter).await;
    let name = "localhost".try_into().expect("a name");
    let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream.expect("a connection"));
    let stream = stream.await.expect("TLS");
    let mut builder = Builder::new();
    builder.initial_window_size(window);
    let (client, connection) = builder.handshake(stream).await.expect("HTTP/2");
    (client, tokio::spawn(connection))
}

fn request(path: &str) -> axum::http::Request<()> {
    let request = axum::http::Request::builder().method(Method::GET);
    let request = request.uri(format!("https://exporter.example:7/{path}"));
    request.body(()).expect("a request")
}

#[tokio::test]
async fn discovery_uses_the_authority_of_the_request() {
    let (stack, server, _folder) = over_tls(Timeouts::default()).await;
    let (mut client, _connection) = connect_h2(&stack, &server, 1 << 20).await;
    let (answer, _) = client.send_request(request("sd"), true).expect("sent");
    let answer = answer.await.expect("a response");
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let mut text = Vec::new();
    while let Some(data) = body.data().await {
        text.extend_from_slice(&data.expect("data"));
    }
    let text = String::from_utf8(text).expect("UTF-8");
    assert!(
        text.contains(r#""targets":["exporter.example:7"]"#),
        "{text}"
    );
    assert!(text.contains(r#""__scheme__":"https""#), "{text}");
}

/// [deaf-http2-client]
#[tokio::test]
async fn connection_that_reads_no_response_is_closed_despite_new_requests() {
    let (stack, server, _folder) = over_tls(Timeouts {
        head: NEVER,
        idle: NEVER,
        response: Duration::from_millis(200),
    })
    .await;
    for path in ["-/documentation", "metrics", "sd"] {
        let (client, connection) = connect_h2(&stack, &server, 1).await;
        let asking = async {
            let mut client = client.ready().await.expect("room");
            let mut unread = Vec::new();
            loop {
                let Ok((answer, _)) = client.send_request(request(path), true) else {
                    break;
                };
                unread.push(answer);
                tokio::time::sleep(Duration::from_millis(50)).await;
                match client.ready().await {
                    Ok(ready) => client = ready,
                    Err(_) => break,
                }
            }
        };
        timeout(PATIENCE, asking).await.expect(path);
        let end = timeout(PATIENCE, connection).await.expect(path);
        // The TLS library decides whether the connection ends with a close_notify.
        let _ = end.expect("no panic");
    }
}

/// The bodies grow with the number of accounts, and each request has its own `Host`, so no body is shared.
/// [outdated-bodies]
#[tokio::test]
async fn connections_that_do_not_read_targets_are_evicted() {
    const ACCOUNTS: usize = 4000;
    /// Each of the 16 responses per connection is longer than 250 bytes per account.
    const CONNECTIONS: usize = 8;
    let accounts = (0..ACCOUNTS).map(|n| format!("- {{name: a{n}, api_key_env: QLARA_API_KEY}}\n"));
    let yaml = format!("accounts:\n{}", accounts.collect::<String>());
    let (stack, server, _folder) = with_accounts(&yaml, Timeouts::default()).await;
    let mut connections = Vec::new();
    let mut unread = Vec::new();
    for connection in 0..CONNECTIONS {
        let (client, end) = connect_h2(&stack, &server, 1).await;
        for stream in 0..16 {
            let host = format!("h{connection}-{stream}-{}", "x".repeat(200));
            let request = axum::http::Request::get(format!("https://{host}/sd"));
            let request = request.body(()).expect("a request");
            let mut client = client.clone().ready().await.expect("room");
            let (answer, _) = client.send_request(request, true).expect("sent");
            let answer = answer.await.expect("a response");
            assert_eq!(answer.status(), 200);
            unread.push(answer);
        }
        connections.push((client, end));
    }
    let most = 32 * 1024 * 1024 / (16 * 250 * ACCOUNTS) + 1;
    for (_, end) in connections.drain(..CONNECTIONS - most) {
        let end = timeout(PATIENCE, end).await.expect("an end");
        end.expect("no panic").expect_err("a closed connection");
    }
    let latest = connections.last().expect("a connection");
    assert!(!latest.1.is_finished());
}
