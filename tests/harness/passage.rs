//! What stands between exporter and gateway: it lets calls through, or spoils the connection, the
//! handshake or the answer.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use qlara_exporter::simulator::PREFIX;
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

/// Connections that may wait to be accepted.
const WAITING: u32 = 128;

/// What goes wrong on the way to the gateway.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// Nobody listens.
    Refused,
    /// Whoever listens takes no connection: it is neither made nor refused.
    Unaccepted,
    /// The handshake shows this certificate.
    Certificate(Shown),
    /// Instead of the handshake.
    Handshake(Said),
    /// Instead of the answer to a call.
    Answer(Said),
}

/// A certificate that is not good.
#[derive(Debug, Clone, Copy)]
pub enum Shown {
    /// Nobody vouches for it.
    Stranger,
    /// It is of another host.
    OtherName,
    /// It has ended.
    Expired,
}

/// Bytes, and what comes after them.
#[derive(Debug, Clone, Copy)]
pub struct Said(pub &'static str, pub Then);

/// What comes after what is said.
#[derive(Debug, Clone, Copy)]
pub enum Then {
    Close,
    /// The end of the connection, without that of TLS.
    Cut,
    Reset,
    Silence,
    /// This, without end.
    Repeat(&'static str),
}

/// Which calls a fault concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    All,
    /// The next one, whatever it asks for.
    First,
    List,
    Details,
    DetailsOf(&'static str),
}

/// The way to a gateway. Each connection carries one call, so that a fault hits the next call.
pub struct Passage {
    way: Arc<Way>,
    /// Keeps the port while nobody listens.
    _port: TcpSocket,
    running: JoinHandle<()>,
}

struct Way {
    address: SocketAddr,
    tls: Option<Tls>,
}

/// The certificates of a server.
struct Tls {
    good: TlsAcceptor,
    stranger: TlsAcceptor,
    other_name: TlsAcceptor,
    expired: TlsAcceptor,
    /// Vouches for all of them but the stranger.
    ca_file: NamedTempFile,
}

impl Passage {
    pub fn plain() -> Passage {
        Passage::new(None)
    }

    /// One that speaks TLS as `localhost`.
    pub fn over_tls() -> Passage {
        Passage::new(Some(Tls::new()))
    }

    /// One that shows a certificate as it stands in a file, be it good or not, and speaks these versions of
    /// TLS.
    pub fn showing(
        certificate: &Path,
        key: &Path,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Passage {
        Passage::new(Some(Tls {
            good: acceptor_of(certificate, key, versions),
            ..Tls::new()
        }))
    }

    fn new(tls: Option<Tls>) -> Passage {
        let port = socket_at("127.0.0.1:0".parse().expect("an address"));
        let address = port.local_addr().expect("an address");
        Passage {
            way: Arc::new(Way { address, tls }),
            _port: port,
            running: tokio::spawn(async {}),
        }
    }

    /// The base address of the API behind it.
    pub fn url(&self) -> String {
        let port = self.way.address.port();
        match self.way.tls {
            Some(_) => format!("https://localhost:{port}{PREFIX}"),
            None => format!("http://127.0.0.1:{port}{PREFIX}"),
        }
    }

    /// What vouches for it, where it speaks TLS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.way.tls.as_ref().map(|tls| tls.ca_file.path())
    }

    /// Every call reaches the gateway from here on.
    pub async fn open(&mut self, gateway: SocketAddr) {
        self.lead(gateway, None).await;
    }

    /// These calls meet a fault from here on. One that comes before it is known which call is meant
    /// concerns all, or all that come after the list.
    pub async fn spoil(&mut self, gateway: SocketAddr, fault: Fault, calls: Calls) {
        self.lead(gateway, Some((fault, calls))).await;
    }

    async fn lead(&mut self, gateway: SocketAddr, fault: Option<(Fault, Calls)>) {
        self.running.abort();
        // The port is free when the task is gone.
        let _ = (&mut self.running).await;
        let listener = self.way.listen(WAITING);
        let way = Arc::clone(&self.way);
        self.running = match fault {
            None => tokio::spawn(way.serve(listener, gateway, None)),
            Some((Fault::Answer(said), calls)) => {
                tokio::spawn(way.serve(listener, gateway, Some((said, calls))))
            }
            Some((fault, Calls::Details)) => {
                tokio::spawn(way.refuse_after_the_list(listener, gateway, fault))
            }
            Some((fault, _)) => {
                // The next call meets it: it is in its place before anybody can call.
                let door = way.door(listener, fault).await;
                tokio::spawn(way.refuse(door, fault))
            }
        };
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Way {
    fn listen(&self, waiting: u32) -> TcpListener {
        socket_at(self.address).listen(waiting).expect("a port")
    }

    async fn refuse_after_the_list(
        self: Arc<Way>,
        listener: TcpListener,
        gateway: SocketAddr,
        fault: Fault,
    ) {
        let (mut client, answer) = self.take_call(&listener, gateway).await;
        let door = self.door(listener, fault).await;
        // The list is through when the fault is in its place, and not before.
        hand_over(&mut *client, &answer).await;
        self.refuse(door, fault).await;
    }

    /// Lets calls through, but for those that get something else.
    async fn serve(
        self: Arc<Way>,
        listener: TcpListener,
        gateway: SocketAddr,
        mut spoilt: Option<(Said, Calls)>,
    ) {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let way = Arc::clone(&self);
            let spoilt = match spoilt {
                Some((_, Calls::First)) => spoilt.take(),
                _ => spoilt,
            };
            connections.spawn(async move {
                // Who does not trust the certificate leaves.
                let Some(mut client) = way.greet(stream).await else {
                    return;
                };
                let head = read_head(&mut *client).await;
                match spoilt {
                    Some((said, calls)) if calls.mean(&head) => said.to(client).await,
                    _ => hand_over(&mut *client, &ask(gateway, &head).await).await,
                }
            });
        }
    }

    /// A connection as the caller expects it.
    async fn greet(&self, stream: TcpStream) -> Option<Box<dyn Duplex>> {
        match &self.tls {
            Some(tls) => Some(Box::new(tls.good.accept(stream).await.ok()?)),
            None => Some(Box::new(stream)),
        }
    }

    /// The next call, and the answer to it.
    async fn take_call(
        &self,
        listener: &TcpListener,
        gateway: SocketAddr,
    ) -> (Box<dyn Duplex>, Vec<u8>) {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut client = self.greet(stream).await.expect("a handshake");
        let head = read_head(&mut *client).await;
        (client, ask(gateway, &head).await)
    }

    async fn door(&self, listener: TcpListener, fault: Fault) -> Door {
        match fault {
            Fault::Refused => Door::Shut,
            Fault::Unaccepted => {
                drop(listener);
                let listener = self.listen(0);
                let first = TcpStream::connect(self.address).await.expect("a place");
                Door::Full(listener, first)
            }
            _ => Door::Open(listener),
        }
    }

    /// Lets no call through.
    async fn refuse(self: Arc<Way>, door: Door, fault: Fault) {
        if let Door::Open(listener) = &door {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                match (fault, &self.tls) {
                    (Fault::Certificate(shown), Some(tls)) => {
                        let handshake = tls.acceptor(shown).accept(stream);
                        connections.spawn(async { drop(handshake.await) });
                    }
                    (Fault::Handshake(said), _) => {
                        connections.spawn(said.to_greeting(stream));
                    }
                    _ => panic!("{fault:?} needs TLS"),
                }
            }
        }
        // Until something else is wanted.
        std::future::pending().await
    }
}

/// What a connection meets.
enum Door {
    Shut,
    /// With whoever has taken the only place.
    #[expect(dead_code, reason = "being open is what they are for")]
    Full(TcpListener, TcpStream),
    Open(TcpListener),
}

impl Calls {
    fn mean(self, head: &str) -> bool {
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

impl Said {
    /// Says it to someone who has begun a handshake.
    async fn to_greeting(self, mut client: TcpStream) {
        let _ = client.read_u8().await;
        self.to(Box::new(client)).await;
    }

    async fn to(self, mut client: Box<dyn Duplex>) {
        let Said(bytes, then) = self;
        // Whoever has heard enough may leave.
        let _ = client.write_all(bytes.as_bytes()).await;
        let _ = client.flush().await;
        match then {
            Then::Close => {
                let _ = client.shutdown().await;
            }
            Then::Cut => return,
            Then::Reset => {
                // Without lingering, closing sends a reset.
                client.tcp().set_zero_linger().expect("an open connection");
                return;
            }
            Then::Silence => {}
            Then::Repeat(bytes) => while client.write_all(bytes.as_bytes()).await.is_ok() {},
        }
        // What is left unread would make a reset of the end.
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
        let (other_name, ca_of_other_name) = identity(&at("elsewhere"));
        let (expired, ca_of_expired) = identity(&long_ago);
        // Under a name of its own: else it would be a forgery.
        let mut unheard_of = at("localhost");
        let name = &mut unheard_of.distinguished_name;
        name.push(DnType::CommonName, "stranger");
        let (stranger, _) = identity(&unheard_of);
        let ca_file = NamedTempFile::new().expect("a file");
        let authorities = [ca, ca_of_other_name, ca_of_expired].concat();
        std::fs::write(&ca_file, authorities).expect("a file");
        Tls {
            good,
            stranger,
            other_name,
            expired,
            ca_file,
        }
    }

    fn acceptor(&self, shown: Shown) -> &TlsAcceptor {
        match shown {
            Shown::Stranger => &self.stranger,
            Shown::OtherName => &self.other_name,
            Shown::Expired => &self.expired,
        }
    }
}

/// Who vouches for itself, and what to trust it by.
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

/// Shows the certificate without looking at it, as OpenSSL does.
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

/// A socket that others may listen at, too, as long as it does not do so itself.
fn socket_at(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("a socket");
    socket.bind(address).expect("a port");
    socket
}

/// The whole answer of the gateway; the connection ends with it.
async fn ask(gateway: SocketAddr, head: &str) -> Vec<u8> {
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let mut answer = Vec::new();
    let mut gateway = TcpStream::connect(gateway).await.expect("the gateway");
    gateway
        .write_all(head.as_bytes())
        .await
        .expect("the gateway");
    gateway.read_to_end(&mut answer).await.expect("an answer");
    answer
}

/// A client that has left is no failure of a test.
async fn hand_over(client: &mut dyn Duplex, answer: &[u8]) {
    let _ = client.write_all(answer).await;
    let _ = client.shutdown().await;
}
