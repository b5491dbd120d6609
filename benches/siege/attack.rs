//! The attackers, in their own process, so that they compete with the measuring clients for nothing but CPU time.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::future::{BoxFuture, join_all};
use h2::client::{Builder, SendRequest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::exporter::{GIANTS, KNOWN_USERS, PASSWORD};
use crate::gateway::GIANT;

/// How long an attacker keeps a connection.
const HOLD: Duration = Duration::from_secs(10);
/// Number of source addresses.
const ADDRESSES: u8 = 8;
/// Longest host name (RFC 1035).
const LONGEST_HOST: usize = 253;
/// HTTP/2 flow-control window of a client that reads nothing.
const NO_WINDOW: u32 = 0;

/// A connection, encrypted or not.
trait Connection: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Connection for T {}
type Stream = Pin<Box<dyn Connection>>;

/// The exporter under attack.
struct Target {
    address: SocketAddr,
    tls: Option<Tls>,
}

/// Connectors that offer one protocol by ALPN.
struct Tls {
    http1: TlsConnector,
    http2: TlsConnector,
}

/// The application protocol.
enum Protocol {
    Http1,
    Http2,
}

/// Attacks until the process is killed; over TLS if given the path of the server's certificate.
pub async fn attack(address: SocketAddr, certificate: Option<PathBuf>) {
    let tls = certificate.map(|path| {
        let certificate = CertificateDer::from_pem_file(path).expect("a certificate");
        Tls::trusting(&certificate)
    });
    let target = &Target { address, tls };
    let mut attackers = Vec::new();
    attackers.extend(spawn_clients(40, |n| {
        target.ask_and_hold("/sd", host_of(n, 30_000))
    }));
    attackers.extend(spawn_clients(100, |n| {
        target.ask_and_hold("/sd", host_of(n, LONGEST_HOST))
    }));
    attackers.extend(spawn_clients(100, |_| {
        target.ask_and_hold("/", "a".to_owned())
    }));
    attackers.extend(spawn_clients(50, |n| {
        target.read(format!("/?platform=facebook&q={n}"))
    }));
    attackers.extend(spawn_clients(100, |_| {
        target.ask_and_hold("/metrics", "a".to_owned())
    }));
    attackers.extend(spawn_clients(20, |n| {
        target.read(format!("/probe?account={GIANT}{}", n % GIANTS))
    }));
    attackers.extend(spawn_clients(300, |_| target.incomplete_head()));
    attackers.extend(spawn_clients(1500, |_| target.slow_head()));
    if target.tls.is_some() {
        attackers.extend(spawn_clients(300, |_| target.incomplete_handshake()));
        attackers.extend(spawn_clients(300, |n| target.wrong_password(n)));
        attackers.extend(spawn_clients(4, |n| target.streams_of_wrong_passwords(n)));
        attackers.extend(spawn_clients(20, |_| target.unread_streams()));
    }
    join_all(attackers).await;
}

/// `count` attackers of one kind, each in an endless loop.
fn spawn_clients<'a, F>(
    count: usize,
    act: impl Fn(usize) -> F + Copy + Send + 'a,
) -> Vec<BoxFuture<'a, ()>>
where
    F: Future<Output = Option<()>> + Send + 'a,
{
    let attacker = move |number| -> BoxFuture<'a, ()> {
        Box::pin(async move {
            loop {
                // Spreads the reconnects.
                sleep(Duration::from_millis(fastrand::u64(1000..3000))).await;
                let _ = act(number).await;
            }
        })
    };
    (0..count).map(attacker).collect()
}

fn host_of(number: usize, length: usize) -> String {
    let mut host = format!("h{number}");
    while host.len() + 60 < length {
        host.push_str(".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    }
    host
}

fn authorization(user: &str, password: &str) -> String {
    let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {credentials}")
}

impl Target {
    /// Sends a request and never reads the response.
    async fn ask_and_hold(&self, path: &str, host: String) -> Option<()> {
        let mut stream = self.connect(Protocol::Http1).await?;
        stream
            .write_all(request(path, &host).as_bytes())
            .await
            .ok()?;
        sleep(HOLD).await;
        Some(())
    }

    /// Sends a request and reads the whole response.
    async fn read(&self, path: String) -> Option<()> {
        let mut stream = self.connect(Protocol::Http1).await?;
        stream
            .write_all(request(&path, "a").as_bytes())
            .await
            .ok()?;
        let mut some = vec![0; 64 * 1024];
        while timeout(HOLD, stream.read(&mut some)).await.ok()?.ok()? > 0 {}
        Some(())
    }

    /// Sends 15 KB of an unfinished request head, and waits until the server closes the connection.
    async fn incomplete_head(&self) -> Option<()> {
        let mut stream = self.connect(Protocol::Http1).await?;
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(15_000));
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.read_u8().await.ok()?;
        Some(())
    }

    /// Slowloris: a request head that grows by one byte every two seconds.
    async fn slow_head(&self) -> Option<()> {
        let mut stream = self.connect(Protocol::Http1).await?;
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
            .await
            .ok()?;
        loop {
            stream.write_all(b"x").await.ok()?;
            sleep(Duration::from_secs(2)).await;
        }
    }

    /// An unfinished TLS handshake.
    async fn incomplete_handshake(&self) -> Option<()> {
        let mut stream = self.connect_tcp().await?;
        // The first bytes of a ClientHello of 512 bytes.
        stream.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1]).await.ok()?;
        stream.read_u8().await.ok()?;
        Some(())
    }

    /// A new wrong password for an existing user.
    async fn wrong_password(&self, number: usize) -> Option<()> {
        let mut stream = self.connect(Protocol::Http1).await?;
        let wrong = authorization(KNOWN_USERS[0], &format!("{number} {}", fastrand::u64(..)));
        let head = format!("GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: {wrong}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.ok()?;
        let mut some = [0; 1024];
        timeout(HOLD, stream.read(&mut some)).await.ok()?.ok()?;
        Some(())
    }

    /// 64 HTTP/2 streams with wrong passwords on one connection.
    async fn streams_of_wrong_passwords(&self, number: usize) -> Option<()> {
        let wrong = |stream| {
            authorization(
                KNOWN_USERS[0],
                &format!("{number} {stream} {}", fastrand::u64(..)),
            )
        };
        let requests = (0..64).map(|stream| ("/metrics".to_owned(), "a".to_owned(), wrong(stream)));
        self.streams(requests.collect()).await
    }

    /// 64 authenticated HTTP/2 streams on one connection, whose responses are never read.
    async fn unread_streams(&self) -> Option<()> {
        let known = authorization(KNOWN_USERS[1], PASSWORD);
        let paths = ["/sd", "/", "/metrics", "/-/documentation"];
        let requests = (0..64).map(|stream| {
            let path = paths[stream % paths.len()].to_owned();
            (path, host_of(stream, LONGEST_HOST), known.clone())
        });
        self.streams(requests.collect()).await
    }

    /// Sends requests (path, host, `Authorization`) as streams of one HTTP/2 connection.
    async fn streams(&self, requests: Vec<(String, String, String)>) -> Option<()> {
        let stream = self.connect(Protocol::Http2).await?;
        let mut builder = Builder::new();
        let handshake = builder.initial_window_size(NO_WINDOW).handshake(stream);
        let (client, connection) = handshake.await.ok()?;
        let connection = tokio::spawn(connection);
        let ask = requests
            .into_iter()
            .map(|request| ask(client.clone(), request));
        let _ = timeout(HOLD, join_all(ask)).await;
        connection.abort();
        Some(())
    }

    /// Connects from one of [`ADDRESSES`] addresses, none of which the measuring clients use.
    async fn connect_tcp(&self) -> Option<TcpStream> {
        let socket = TcpSocket::new_v4().ok()?;
        let own = Ipv4Addr::new(127, 0, 0, fastrand::u8(2..2 + ADDRESSES));
        socket.bind((own, 0).into()).ok()?;
        socket.connect(self.address).await.ok()
    }

    async fn connect(&self, protocol: Protocol) -> Option<Stream> {
        let stream = self.connect_tcp().await?;
        let Some(tls) = &self.tls else {
            return Some(Box::pin(stream));
        };
        let connector = match protocol {
            Protocol::Http1 => &tls.http1,
            Protocol::Http2 => &tls.http2,
        };
        let connecting = connector.connect("localhost".try_into().ok()?, stream);
        Some(Box::pin(timeout(HOLD, connecting).await.ok()?.ok()?))
    }
}

impl Tls {
    fn trusting(certificate: &CertificateDer<'static>) -> Tls {
        let speaking = |protocol: &[u8]| {
            let mut trusted = RootCertStore::empty();
            trusted.add(certificate.clone()).expect("a certificate");
            let config = ClientConfig::builder().with_root_certificates(trusted);
            let mut config = config.with_no_client_auth();
            config.alpn_protocols = vec![protocol.to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        Tls {
            http1: speaking(b"http/1.1"),
            http2: speaking(b"h2"),
        }
    }
}

async fn ask(
    client: SendRequest<&'static [u8]>,
    (path, host, credentials): (String, String, String),
) -> Option<()> {
    let request = axum::http::Request::builder()
        .uri(format!("https://{host}{path}"))
        .header("authorization", credentials);
    let mut client = client.ready().await.ok()?;
    let (answer, _) = client.send_request(request.body(()).ok()?, true).ok()?;
    let answer = answer.await.ok()?;
    // Held without reading.
    sleep(HOLD).await;
    drop(answer);
    Some(())
}

/// A request of an authenticated user; without users the header is ignored.
fn request(path: &str, host: &str) -> String {
    let credentials = authorization(KNOWN_USERS[1], PASSWORD);
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {credentials}\r\n\r\n")
}
