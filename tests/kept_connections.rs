//! Connections to the gateway that are kept between refreshes, and that die meanwhile.

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
use crate::harness::listener::read_head;
use crate::harness::namespace::Namespace;
use crate::harness::passage::{Calls, Fault, Passage};
use crate::harness::process::Running;
use crate::harness::scrape::Scrape;
use crate::harness::{Setup, eventually};

const LIST: &str = r#"{"profiles": [
    {"platform": "facebook", "profileId": "1"},
    {"platform": "instagram", "profileId": "2"},
    {"platform": "whatsapp", "profileId": "3"}]}"#;
const DETAILS: &str = r#"{"profiles": []}"#;

/// A gateway that keeps connections. It answers the details of its three platforms only when all three
/// are asked for, so that a refresh takes three connections.
struct KeepingGateway {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    connections: usize,
    /// Connections before this one reset at their next request.
    first_good: usize,
    answered: usize,
    reset: usize,
}

impl KeepingGateway {
    async fn start() -> KeepingGateway {
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
        KeepingGateway { address, seen }
    }

    /// From here on every connection that is open resets at its next request. How many these are.
    fn doom(&self) -> usize {
        let mut seen = self.seen.lock();
        let doomed = seen.connections - seen.first_good;
        seen.first_good = seen.connections;
        doomed
    }

    /// Requests since the last call: answered ones, and those that met a reset.
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
            // Without lingering, closing sends a reset.
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

fn is_whole(scrape: &Scrape) {
    assert_eq!(failures(scrape), []);
    assert_eq!(scrape.value("qlara_up"), 1.0);
    let details = scrape.family("qlara_details_up");
    assert_eq!(details.len(), 3);
    assert!(details.iter().all(|(_, up)| *up == 1.0), "{details:?}");
}

#[tokio::test]
async fn three_that_reset_at_their_next_use_do_not_show() {
    let gateway = KeepingGateway::start().await;
    let setup = Setup {
        url: Some(format!("http://{}", gateway.address)),
        ..Setup::default()
    };
    let stack = setup.start().await;
    is_whole(&stack.scrape().await);
    assert_eq!(gateway.take_requests(), (4, 0));
    assert_eq!(gateway.doom(), 3);
    is_whole(&stack.scrape_after(61).await);
    assert_eq!(
        gateway.take_requests(),
        (4, 3),
        "no request goes out thrice"
    );
    is_whole(&stack.scrape_after(61).await);
    assert_eq!(gateway.take_requests(), (4, 0), "nor twice for an answer");
}

/// An exporter and a gateway between which packets get lost: the exporter's address goes away, and what
/// is sent from it or to it is dropped in silence. A new connection has the next address.
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

    /// Every open connection is dead from here on, and neither side hears of it.
    fn lose_connections(&mut self, next_address: &'static str) {
        let former = std::mem::replace(&mut self.address, next_address);
        let take = take_address(next_address);
        self.namespace
            .sh(&format!("ip address del {former}/32 dev lo; {take}"));
    }

    /// Connections of the exporter that have this address.
    fn connections_of(&self, address: &str) -> usize {
        let ss = format!("ss --no-header --tcp --numeric state established src {address}");
        self.namespace.sh(&ss).lines().count()
    }
}

/// Makes it the address of new connections to the gateway.
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

#[tokio::test]
async fn dead_ones_cost_a_part_of_one_refresh() {
    let mut network = LossyNetwork::start().await;
    let dead = network.connections_of("10.0.0.1");
    assert!(dead > 0);
    network.lose_connections("10.0.0.2");
    let (scrape, took) = timed(|| network.namespace.scrape());
    is_whole(&scrape);
    // A dead one was used: the fifth of the default timeout of ten seconds passed, at most for the list
    // and the details.
    assert!(took >= Duration::from_secs(2), "{took:?}");
    assert!(took < Duration::from_secs(6), "{took:?}");
    let (scrape, took) = timed(|| network.namespace.scrape());
    is_whole(&scrape);
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn dead_ones_are_gone_before_their_next_use() {
    let mut network = LossyNetwork::start().await;
    assert!(network.connections_of("10.0.0.1") > 0);
    network.lose_connections("10.0.0.2");
    let lost = Instant::now();
    eventually("an end of the dead connections", async || {
        (network.connections_of("10.0.0.1") == 0).then_some(())
    })
    .await;
    // Probes begin after five seconds and wait two. No scrape comes that early by default.
    assert!(lost.elapsed() < Duration::from_secs(30));
    let (scrape, took) = timed(|| network.namespace.scrape());
    is_whole(&scrape);
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// As where a firewall drops packets. Prometheus would not wait for much more.
#[tokio::test]
async fn a_gateway_that_cannot_be_connected_to_costs_a_part_of_the_budget() {
    let settings = Settings {
        timeout: Some(Duration::from_secs(10)),
        ..Settings::default()
    };
    let mut passage = Passage::plain();
    let setup = Setup {
        settings,
        url: Some(passage.url()),
        ..Setup::default()
    };
    let stack = setup.start().await;
    passage
        .spoil(stack.gateway.address, Fault::Unaccepted, Calls::All)
        .await;
    let asked = Instant::now();
    let scrape = stack.scrape().await;
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(6), "{took:?}");
    let series = r#"{endpoint="socials",reason="timeout"}"#;
    assert_eq!(failures(&scrape), [(series, 1.0)]);
}
