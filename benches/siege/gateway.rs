//! The gateway: prepared answers, and connections that break.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use gateway_simulator::{PREFIX, RateLimit, Simulator, SystemClock};
use parking_lot::Mutex;
use serde_json::json;
use socket2::{SockFilter, SockRef};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// Profiles of each healthy account.
pub const PROFILES: usize = 50;
/// Requests of one refresh.
pub const CALLS: [&str; 4] = [
    "/socials",
    "/socials/facebook",
    "/socials/instagram",
    "/socials/whatsapp",
];
/// Prefix of the API keys that get [`giant`] answers.
pub const GIANT: &str = "giant-";

/// One in this many requests on a reused connection gets a TCP reset.
const RESET: u32 = 10;
/// After one in this many answers the connection loses every packet.
const LOST: u32 = 100;
/// How long the gateway keeps a connection that loses every packet.
const LOST_FOR: Duration = Duration::from_secs(60);

/// A running gateway.
pub struct Gateway {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    answers: Vec<(String, Vec<u8>)>,
    giant: Vec<u8>,
    breaks: AtomicBool,
    counts: Mutex<Counts>,
}

/// Counts since [`Gateway::begin`].
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Answered requests by API key.
    pub answered: BTreeMap<String, u64>,
    /// Requests that got a TCP reset.
    pub reset: u64,
    /// Connections that went silent.
    pub lost: u64,
}

impl Gateway {
    /// Starts a gateway on a free port.
    pub async fn start() -> Gateway {
        let (listener, address) = listen().await;
        let shared = Arc::new(Shared {
            answers: simulated_answers().await,
            giant: answer(&giant(), "Content-Encoding: gzip\r\n"),
            breaks: Default::default(),
            counts: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(Arc::clone(&serving).serve(stream));
            }
        });
        Gateway { address, shared }
    }

    /// Base URL of the API with `host` in it.
    pub fn url(&self, host: &str) -> String {
        format!("http://{host}:{}{PREFIX}", self.address.port())
    }

    /// Resets the counts. From now on connections break if `breaks`.
    pub fn begin(&self, breaks: bool) {
        let flag = &self.shared.breaks;
        flag.store(breaks, Ordering::Relaxed);
        *self.shared.counts.lock() = Counts::default();
    }

    /// Counts since the last [`Gateway::begin`].
    pub fn counts(&self) -> Counts {
        self.shared.counts.lock().clone()
    }
}

impl Shared {
    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let mut is_kept = false;
        while let Some(head) = read_head(&mut stream).await {
            let breaks = self.breaks.load(Ordering::Relaxed);
            if breaks && is_kept && fastrand::u32(..RESET) == 0 {
                self.counts.lock().reset += 1;
                // Closing with a linger time of zero sends a reset.
                let _ = stream.set_zero_linger();
                return;
            }
            let key = header(&head, "x-api-key").unwrap_or_default();
            *self.counts.lock().answered.entry(key.clone()).or_default() += 1;
            let answer = self.answer(path(&head), &key);
            if stream.write_all(answer).await.is_err() {
                return;
            }
            if breaks && fastrand::u32(..LOST) == 0 {
                self.counts.lock().lost += 1;
                lose_packets(&stream);
                sleep(LOST_FOR).await;
                return;
            }
            is_kept = true;
        }
    }

    fn answer(&self, path: &str, key: &str) -> &[u8] {
        let mut of_giants = CALLS[..2].iter();
        if key.starts_with(GIANT) && of_giants.any(|call| path.ends_with(call)) {
            return &self.giant;
        }
        let mut answers = self.answers.iter();
        let known = answers.find(|(call, _)| path.strip_prefix(PREFIX) == Some(call.as_str()));
        known.map_or(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            |(_, answer)| answer,
        )
    }
}

/// Makes the kernel drop every packet of the peer, like a firewall that has lost the connection's state.
fn lose_packets(stream: &TcpStream) {
    /// The instruction of a packet filter that returns how many bytes of a packet are kept.
    const RETURN: u16 = 0x06;
    let keep_nothing = SockFilter::new(RETURN, 0, 0, 0);
    let lost = SockRef::from(stream).attach_filter(&[keep_nothing]);
    lost.expect("a filter");
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut more = [0; 4096];
        match stream.read(&mut more).await {
            Ok(count @ 1..) => head.extend_from_slice(&more[..count]),
            _ => return None,
        }
    }
    String::from_utf8(head).ok()
}

fn path(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(header, _)| header.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.to_owned())
}

fn answer(body: &[u8], headers: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// The simulated gateway's answers by call.
async fn simulated_answers() -> Vec<(String, Vec<u8>)> {
    let (listener, address) = listen().await;
    let options = gateway_simulator::Options {
        profiles: PROFILES,
        rate_limit: RateLimit::UNLIMITED,
        ..gateway_simulator::Options::default()
    };
    let simulator = Arc::new(Simulator::new(options, Arc::new(SystemClock)));
    let simulated = tokio::spawn(gateway_simulator::serve(simulator, listener));
    let client = reqwest::Client::new();
    let mut answers = Vec::new();
    for call in CALLS {
        let request = client.get(format!("http://{address}{PREFIX}{call}"));
        let response = request.header("X-API-Key", "simulated").send().await;
        let response = response.and_then(|response| response.error_for_status());
        let body = response.expect("a response").bytes().await.expect("a body");
        answers.push((call.to_owned(), answer(&body, "")));
    }
    simulated.abort();
    answers
}

/// A gzip answer of 90 KB for list and details that would become 300 MB of metrics: the long identifier of a profile
/// is repeated in every sample, and each permission is a sample.
fn giant() -> Vec<u8> {
    const COUNT: usize = 12_000;
    let permissions: Vec<String> = (0..64).map(|number| format!("p{number}")).collect();
    let profiles: Vec<_> = (0..COUNT)
        .map(|number| {
            json!({
                "platform": "facebook",
                "profileId": format!("{number:x<250}"),
                "name": "A page",
                "status": "CONNECTED",
                "permissions": permissions,
            })
        })
        .collect();
    let body = json!({"platform": "facebook", "profiles": profiles, "total": COUNT});
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed
        .write_all(body.to_string().as_bytes())
        .expect("written");
    packed.finish().expect("a gzip member")
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}
