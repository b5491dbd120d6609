//! A proxy between exporter and gateway that passes requests on, or breaks the connection, the TLS handshake or
//! the response.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use gateway_simulator::PREFIX;
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use rustls::SupportedProtocolVersion;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::listener::read_head;

/// Length of the accept queue.
const BACKLOG: u32 = 128;

/// A fault between exporter and gateway.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// Connections are refused.
    Refused,
    /// The accept queue is full: connections are neither accepted nor refused.
    Unaccepted,
    /// The TLS handshake presents this certificate.
    Certificate(BadCertificate),
    /// These bytes replace the TLS handshake.
    Handshake(RawReply),
    /// These bytes replace the response.
    Response(RawReply),
}

/// An invalid certificate.
#[derive(Debug, Clone, Copy)]
pub enum BadCertificate {
    /// Signed by an unknown issuer.
    UnknownIssuer,
    /// Issued for another host.
    OtherHost,
    /// Expired.
    Expired,
}

/// Bytes, and what follows after them.
#[derive(Debug, Clone, Copy)]
pub struct RawReply(pub &'static str, pub After);

/// What follows after the bytes.
#[derive(Debug, Clone, Copy)]
pub enum After {
    Close,
    /// Closes the TCP connection without TLS close_notify.
    Cut,
    Reset,
    Silence,
    /// Repeats this text endlessly.
    Repeat(&'static str),
}

/// The requests that a fault affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    All,
    /// Only the next request, whatever it is.
    First,
    List,
    Details,
    DetailsOf(&'static str),
}

/// A proxy to a gateway. Each connection carries one request, so a fault affects the next request.
pub struct FaultProxy {
    shared: Arc<Shared>,
    /// Reserves the port while no listener exists.
    _port: TcpSocket,
    running: JoinHandle<()>,
}

struct Shared {
    address: SocketAddr,
    tls: Option<Tls>,
}

/// The certificates of a server.
struct Tls {
    good: TlsAcceptor,
    unknown_issuer: TlsAcceptor,
    other_host: TlsAcceptor,
    expired: TlsAcceptor,
    /// The issuer of all certificates except `unknown_issuer`.
    ca_file: NamedTempFile,
}

impl FaultProxy {
    pub fn plain() -> FaultProxy {
        FaultProxy::new(None)
    }

    /// A proxy that speaks TLS as `localhost`.
    pub fn over_tls() -> FaultProxy {
        FaultProxy::new(Some(Tls::new()))
    }

    /// A proxy that presents the certificate in this file, valid or not, and speaks these versions of TLS.
    pub fn showing(
        certificate: &Path,
        key: &Path,
        versions: &[&'static SupportedProtocolVersion],
    ) -> FaultProxy {
        FaultProxy::new(Some(Tls {
            good: acceptor_of(certificate, key, versions),
            ..Tls::new()
        }))
    }

    fn new(tls: Option<Tls>) -> FaultProxy {
        let port = socket_at("127.0.0.1:0".parse().expect("an address"));
        let address = port.local_addr().expect("an address");
        FaultProxy {
            shared: Arc::new(Shared { address, tls }),
            _port: port,
            running: tokio::spawn(async {}),
        }
    }

    /// The base address of the API behind the proxy.
    pub fn url(&self) -> String {
        let port = self.shared.address.port();
        match self.shared.tls {
            Some(_) => format!("https://localhost:{port}{PREFIX}"),
            None => format!("http://127.0.0.1:{port}{PREFIX}"),
        }
    }

    /// The CA file to trust, if the proxy speaks TLS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.shared.tls.as_ref().map(|tls| tls.ca_file.path())
    }

    /// From now on every request reaches the gateway.
    pub async fn open(&mut self, gateway: SocketAddr) {
        self.route(gateway, None).await;
    }

    /// From now on these requests meet a fault. A fault that occurs before the request is known affects all
    /// requests, or all requests after the list.
    pub async fn inject(&mut self, gateway: SocketAddr, fault: Fault, calls: Calls) {
        self.route(gateway, Some((fault, calls))).await;
    }

    async fn route(&mut self, gateway: SocketAddr, fault: Option<(Fault, Calls)>) {
        self.running.abort();
        // The port is free when the task has ended.
        let _ = (&mut self.running).await;
        let listener = self.shared.listen(BACKLOG);
        let shared = Arc::clone(&self.shared);
        self.running = match fault {
            None => tokio::spawn(shared.serve(listener, gateway, None)),
            Some((Fault::Response(raw), calls)) => {
                tokio::spawn(shared.serve(listener, gateway, Some((raw, calls))))
            }
            Some((fault, Calls::Details)) => {
                tokio::spawn(shared.inject_after_the_list(listener, gateway, fault))
            }
            Some((fault, _)) => {
                // The fault is in place before the next client can connect.
                let queue = shared.queue(listener, fault).await;
                tokio::spawn(shared.reject(queue, fault))
            }
        };
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Shared {
    fn listen(&self, backlog: u32) -> TcpListener {
        socket_at(self.address).listen(backlog).expect("a port")
    }

    async fn inject_after_the_list(
        self: Arc<Shared>,
        listener: TcpListener,
        gateway: SocketAddr,
        fault: Fault,
    ) {
        let (mut client, answer) = self.next_request(&listener, gateway).await;
        let queue = self.queue(listener, fault).await;
        // The response of the list is sent only when the fault is in place.
        forward_response(&mut *client, &answer).await;
        self.reject(queue, fault).await;
    }

    /// Passes requests on, except those that get other bytes.
    async fn serve(
        self: Arc<Shared>,
        listener: TcpListener,
        gateway: SocketAddr,
        mut reply: Option<(RawReply, Calls)>,
    ) {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let shared = Arc::clone(&self);
            let reply = match reply {
                Some((_, Calls::First)) => reply.take(),
                _ => reply,
            };
            connections.spawn(async move {
                // A client that does not trust the certificate closes the connection.
                let Some(mut client) = shared.accept(stream).await else {
                    return;
                };
                let head = read_head(&mut *client).await;
                match reply {
                    Some((raw, calls)) if calls.include(&head) => raw.send_to(client).await,
                    _ => forward_response(&mut *client, &response_of(gateway, &head).await).await,
                }
            });
        }
    }

    /// Accepts a connection, with TLS if the proxy speaks it.
    async fn accept(&self, stream: TcpStream) -> Option<Box<dyn Duplex>> {
        match &self.tls {
            Some(tls) => Some(Box::new(tls.good.accept(stream).await.ok()?)),
            None => Some(Box::new(stream)),
        }
    }

    /// The next request, and the gateway's response to it.
    async fn next_request(
        &self,
        listener: &TcpListener,
        gateway: SocketAddr,
    ) -> (Box<dyn Duplex>, Vec<u8>) {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut client = self.accept(stream).await.expect("a handshake");
        let head = read_head(&mut *client).await;
        (client, response_of(gateway, &head).await)
    }

    async fn queue(&self, listener: TcpListener, fault: Fault) -> AcceptQueue {
        match fault {
            Fault::Refused => AcceptQueue::Closed,
            Fault::Unaccepted => {
                drop(listener);
                let listener = self.listen(0);
                let first = TcpStream::connect(self.address).await.expect("a place");
                AcceptQueue::Full(listener, first)
            }
            _ => AcceptQueue::Open(listener),
        }
    }

    /// Passes no request on.
    async fn reject(self: Arc<Shared>, queue: AcceptQueue, fault: Fault) {
        if let AcceptQueue::Open(listener) = &queue {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                match (fault, &self.tls) {
                    (Fault::Certificate(bad), Some(tls)) => {
                        let handshake = tls.acceptor(bad).accept(stream);
                        connections.spawn(async { drop(handshake.await) });
                    }
                    (Fault::Handshake(raw), _) => {
                        connections.spawn(raw.send_after_client_hello(stream));
                    }
                    _ => panic!("{fault:?} needs TLS"),
                }
            }
        }
        // Until the task is aborted.
        std::future::pending().await
    }
}

/// What a new connection meets.
enum AcceptQueue {
    Closed,
    /// The listener, and the client that fills its accept queue.
    #[expect(dead_code, reason = "being open is what they are for")]
    Full(TcpListener, TcpStream),
    Open(TcpListener),
}

impl Calls {
    fn include(self, head: &str) -> bool {
        let path = head.split(' ').nth(1).unwrap_or_default();
        match (self, path.split_once("/socials/")) {
            (Calls::All | Calls::First, _) | (Calls::List, None) | (Calls::Details, Some(_)) => {
                true
            }
            (Calls::DetailsOf(own), Some((_, platform))) => own == platform,
            _ => false,
        }
    }
}

impl RawReply {
    /// Sends the bytes to a client that has begun a TLS handshake.
    async fn send_after_client_hello(self, mut client: TcpStream) {
        let _ = client.read_u8().await;
        self.send_to(Box::new(client)).await;
    }

    async fn send_to(self, mut client: Box<dyn Duplex>) {
        let RawReply(bytes, after) = self;
        // A client may close the connection before the end.
        let _ = client.write_all(bytes.as_bytes()).await;
        let _ = client.flush().await;
        match after {
            After::Close => {
                let _ = client.shutdown().await;
            }
            After::Cut => return,
            After::Reset => {
                // With a linger time of zero, closing sends a reset.
                client.tcp().set_zero_linger().expect("an open connection");
                return;
            }
            After::Silence => {}
            After::Repeat(bytes) => while client.write_all(bytes.as_bytes()).await.is_ok() {},
        }
        // Unread bytes would turn the close into a reset.
        let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
    }
}

impl Tls {
    fn new() -> Tls {
        let at = |host: &str| CertificateParams::new([host.to_owned()]).expect("a name");
        let mut long_ago = at("localhost");
        long_ago.not_before = date_time_ymd(2001, 1, 1);
        long_ago.not_after = date_time_ymd(2002, 1, 1);
        let (good, ca) = identity(&at("localhost"));
        let (other_host, ca_of_other_host) = identity(&at("elsewhere"));
        let (expired, ca_of_expired) = identity(&long_ago);
        // With its own name; otherwise it would be a forgery of the known issuer.
        let mut params = at("localhost");
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "unknown_issuer");
        let (unknown_issuer, _) = identity(&params);
        let ca_file = NamedTempFile::new().expect("a file");
        let authorities = [ca, ca_of_other_host, ca_of_expired].concat();
        std::fs::write(&ca_file, authorities).expect("a file");
        Tls {
            good,
            unknown_issuer,
            other_host,
            expired,
            ca_file,
        }
    }

    fn acceptor(&self, bad: BadCertificate) -> &TlsAcceptor {
        match bad {
            BadCertificate::UnknownIssuer => &self.unknown_issuer,
            BadCertificate::OtherHost => &self.other_host,
            BadCertificate::Expired => &self.expired,
        }
    }
}

/// A self-signed certificate, and the file to trust it.
fn identity(params: &CertificateParams) -> (TlsAcceptor, String) {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate");
    (TlsAcceptor::from(Arc::new(config)), certificate.pem())
}

/// Presents the certificate without checking it, as OpenSSL does.
fn acceptor_of(
    certificate: &Path,
    key: &Path,
    versions: &[&'static SupportedProtocolVersion],
) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = provider.key_provider.load_private_key(key).expect("a key");
    let identity = CertifiedKey::new(vec![certificate], key);
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    TlsAcceptor::from(Arc::new(config))
}

/// A connection, whether encrypted or not.
trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&self) -> &TcpStream;
}

impl Duplex for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Duplex for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// A socket that shares its port with other sockets as long as it does not listen.
fn socket_at(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("a socket");
    socket.bind(address).expect("a port");
    socket
}

/// The complete response of the gateway, which closes the connection after it.
async fn response_of(gateway: SocketAddr, head: &str) -> Vec<u8> {
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let mut answer = Vec::new();
    let mut gateway = TcpStream::connect(gateway).await.expect("the gateway");
    gateway
        .write_all(head.as_bytes())
        .await
        .expect("the gateway");
    gateway.read_to_end(&mut answer).await.expect("a response");
    answer
}

/// A client that has closed the connection is not a failure of the test.
async fn forward_response(client: &mut dyn Duplex, answer: &[u8]) {
    let _ = client.write_all(answer).await;
    let _ = client.shutdown().await;
}
