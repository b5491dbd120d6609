//! Idle connections to the gateway that die between refreshes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use qlara_exporter::config::Settings;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;

use crate::fault_matrix::failures;
use crate::harness::fault_proxy::{Calls, Fault, FaultProxy};
use crate::harness::listener::read_head;
use crate::harness::namespace::Namespace;
use crate::harness::process::Running;
use crate::harness::scrape::Scrape;
use crate::harness::tools::{NAMESPACES, needs};
use crate::harness::{Setup, eventually};

const LIST: &str = r#"{"profiles": [
    {"platform": "facebook", "profileId": "1"},
    {"platform": "instagram", "profileId": "2"},
    {"platform": "whatsapp", "profileId": "3"}]}"#;
const DETAILS: &str = r#"{"profiles": []}"#;

/// A gateway with keep-alive. It answers the details of its three platforms only when all three requests have
/// arrived, so that a refresh uses three connections.
struct KeepAliveGateway {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    connections: usize,
    /// Connections with a lower number reset at their next request.
    first_good: usize,
    answered: usize,
    reset: usize,
}

impl KeepAliveGateway {
    async fn start() -> KeepAliveGateway {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let all_asked = Arc::new(Barrier::new(3));
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, Arc::clone(&shared), Arc::clone(&all_asked)));
            }
        });
        KeepAliveGateway { address, seen }
    }

    /// From now on every open connection resets at its next request. Returns the number of open connections.
    fn reset_idle_connections(&self) -> usize {
        let mut seen = self.seen.lock();
        let doomed = seen.connections - seen.first_good;
        seen.first_good = seen.connections;
        doomed
    }

    /// Requests since the last call: those with a response, and those whose connection was reset.
    fn take_requests(&self) -> (usize, usize) {
        let mut seen = self.seen.lock();
        let requests = (seen.answered, seen.reset);
        (seen.answered, seen.reset) = (0, 0);
        requests
    }
}

async fn serve(mut client: TcpStream, seen: Arc<Mutex<Seen>>, all_asked: Arc<Barrier>) {
    let number = {
        let mut seen = seen.lock();
        seen.connections += 1;
        seen.connections - 1
    };
    loop {
        let head = read_head(&mut client).await;
        if head.is_empty() {
            return;
        }
        if number < seen.lock().first_good {
            seen.lock().reset += 1;
            // With a linger time of zero, closing sends a reset.
            client.set_zero_linger().expect("an open connection");
            return;
        }
        let body = match head.contains("/socials/") {
            true => {
                all_asked.wait().await;
                DETAILS
            }
            false => LIST,
        };
        seen.lock().answered += 1;
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
        client
            .write_all(answer.as_bytes())
            .await
            .expect("the exporter");
    }
}

fn assert_complete(scrape: &Scrape) {
    assert_eq!(failures(scrape), []);
    assert_eq!(scrape.value("qlara_up"), 1.0);
    let details = scrape.family("qlara_details_up");
    assert_eq!(details.len(), 3);
    assert!(details.iter().all(|(_, up)| *up == 1.0), "{details:?}");
}

/// [reset-connections]
#[tokio::test]
async fn three_connection_resets_are_retried() {
    let gateway = KeepAliveGateway::start().await;
    let setup = Setup {
        url: Some(format!("http://{}", gateway.address)),
        ..Setup::default()
    };
    let stack = setup.start().await;
    assert_complete(&stack.scrape().await);
    assert_eq!(gateway.take_requests(), (4, 0));
    assert_eq!(gateway.reset_idle_connections(), 3);
    assert_complete(&stack.scrape_after(61).await);
    assert_eq!(
        gateway.take_requests(),
        (4, 3),
        "no request is sent three times"
    );
    assert_complete(&stack.scrape_after(61).await);
    assert_eq!(
        gateway.take_requests(),
        (4, 0),
        "an answered request is sent once"
    );
}

/// An exporter and a gateway between which packets get lost: when the exporter's address is removed, packets from
/// and to it are dropped silently. New connections use the next address.
struct LossyNetwork {
    namespace: Namespace,
    address: &'static str,
    _directory: TempDir,
    _running: [Running; 2],
}

const GATEWAY: &str = "10.0.0.254";

impl LossyNetwork {
    async fn start() -> LossyNetwork {
        let namespace = Namespace::new();
        namespace.sh(&format!("ip address add {GATEWAY}/32 dev lo"));
        let address = "10.0.0.1";
        namespace.sh(&take_address(address));
        let directory = TempDir::new().expect("a folder");
        let file = directory.path().join("qlara.yml");
        let yaml = format!(
            "gateway: {{url: 'http://{GATEWAY}:8080/api/v1/partner-gateway', allow_http: true}}\n\
             cache: {{ttl: 1ms}}\n"
        );
        std::fs::write(&file, yaml).expect("a file");
        let listen = format!("--web.listen-address={GATEWAY}:8080");
        let running = [
            namespace.start(&["simulate", &listen]),
            namespace.start(&[&format!("--config.file={}", file.display())]),
        ];
        namespace.exporter_serves().await;
        let network = LossyNetwork {
            namespace,
            address,
            _directory: directory,
            _running: running,
        };
        eventually("a gateway", async || {
            (network.namespace.scrape().value("qlara_up") == 1.0).then_some(())
        })
        .await;
        network
    }

    /// From now on every open connection is dead, and neither side is notified.
    fn lose_connections(&mut self, next_address: &'static str) {
        let former = std::mem::replace(&mut self.address, next_address);
        let take = take_address(next_address);
        self.namespace
            .sh(&format!("ip address del {former}/32 dev lo; {take}"));
    }

    /// Number of connections of the exporter with this local address.
    fn connections_of(&self, address: &str) -> usize {
        let ss = format!("ss --no-header --tcp --numeric state established src {address}");
        self.namespace.sh(&ss).lines().count()
    }
}

/// Makes this the local address of new connections to the gateway.
fn take_address(address: &str) -> String {
    format!(
        "ip address add {address}/32 dev lo;
         ip route replace local {GATEWAY} dev lo table local src {address}"
    )
}

fn timed(scrape: impl FnOnce() -> Scrape) -> (Scrape, Duration) {
    let asked = Instant::now();
    (scrape(), asked.elapsed())
}

/// [dead-connection-cost]
#[tokio::test]
async fn dead_connections_delay_one_refresh() {
    needs!(NAMESPACES, "ip", "curl");
    let mut network = LossyNetwork::start().await;
    let dead = network.connections_of("10.0.0.1");
    assert!(dead > 0);
    network.lose_connections("10.0.0.2");
    let (scrape, took) = timed(|| network.namespace.scrape());
    assert_complete(&scrape);
    // The request used a dead connection: it waited a fifth of the default timeout of ten seconds, at most once
    // for the list and once for the details.
    assert!(took >= Duration::from_secs(2), "{took:?}");
    assert!(took < Duration::from_secs(6), "{took:?}");
    let (scrape, took) = timed(|| network.namespace.scrape());
    assert_complete(&scrape);
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// [dead-connection-probes]
#[tokio::test]
async fn keep_alive_probes_close_dead_connections() {
    needs!(NAMESPACES, "ip", "curl");
    let mut network = LossyNetwork::start().await;
    assert!(network.connections_of("10.0.0.1") > 0);
    network.lose_connections("10.0.0.2");
    let lost = Instant::now();
    eventually("an end of the dead connections", async || {
        (network.connections_of("10.0.0.1") == 0).then_some(())
    })
    .await;
    // The first probe is sent after five seconds, and its acknowledgement may take two. By default no scrape
    // follows so soon.
    assert!(lost.elapsed() < Duration::from_secs(30));
    let (scrape, took) = timed(|| network.namespace.scrape());
    assert_complete(&scrape);
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// A firewall that drops packets has this effect. Prometheus would not wait much longer.
/// [unreachable-gateway]
#[tokio::test]
async fn connect_timeout_is_a_part_of_the_refresh_timeout() {
    let settings = Settings {
        timeout: Some(Duration::from_secs(10)),
        ..Settings::default()
    };
    let mut proxy = FaultProxy::plain();
    let setup = Setup {
        settings,
        url: Some(proxy.url()),
        ..Setup::default()
    };
    let stack = setup.start().await;
    proxy
        .inject(stack.gateway.address, Fault::Unaccepted, Calls::All)
        .await;
    let asked = Instant::now();
    let scrape = stack.scrape().await;
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(6), "{took:?}");
    let series = r#"{endpoint="socials",reason="timeout"}"#;
    assert_eq!(failures(&scrape), [(series, 1.0)]);
}
