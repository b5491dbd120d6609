//! A server that records requests byte for byte and sends the responses that the test wants.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A recording server; each connection carries one request.
pub struct Recorder {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    /// Answers every request with `respond(request)`, then closes the connection.
    pub async fn start(respond: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Recorder {
        Recorder::listen(respond, true).await
    }

    /// Answers every request with `respond(request)` and keeps the connection open.
    pub async fn start_open(respond: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Recorder {
        Recorder::listen(respond, false).await
    }

    /// Closes every connection at once.
    pub async fn start_silent() -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // Read first, so that the connection ends in an orderly way.
                let _ = stream.read_u8().await;
                let _ = stream.shutdown().await;
            }
        });
        Recorder {
            address,
            requests: Arc::default(),
        }
    }

    async fn listen(
        respond: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
        close: bool,
    ) -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&requests);
        let respond = Arc::new(respond);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (recorded, respond) = (Arc::clone(&recorded), Arc::clone(&respond));
                tokio::spawn(async move {
                    let head = read_head(&mut stream).await;
                    if head.is_empty() {
                        // The client opened a connection and did not use it.
                        return;
                    }
                    let response = respond(&head);
                    recorded.lock().push(head);
                    // In some tests the client stops reading.
                    let _ = stream.write_all(&response).await;
                    if close {
                        let _ = stream.shutdown().await;
                    } else {
                        // Until the client closes the connection.
                        let _ = stream.read_u8().await;
                    }
                });
            }
        });
        Recorder { address, requests }
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().clone()
    }
}

/// The request line and the headers, as far as they arrive.
pub async fn read_head(stream: &mut (impl AsyncRead + Unpin + ?Sized)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// An HTTP response that closes the connection.
pub fn http_response(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}
