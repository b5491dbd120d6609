//! The load: scrapers, bursts, slow clients, changing faults of the gateway, and reloads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use flate2::read::GzDecoder;
use futures_util::future::join_all;
use gateway_simulator::{Options, PREFIX, RateLimit, Simulator, SystemClock};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::exporter::{Exporter, address_of, write_configuration};
use crate::parser::parse;

const CONNECTIONS: usize = 1000;
const METRICS: &str = "/metrics";
const PAGE: &str = "/";
const CLOSE: &str = "Connection: close\r\n";
const GZIP: &str = "Connection: close\r\nAccept-Encoding: gzip\r\n";
/// Every nth exposition of a scraper is checked by the strict parser.
const PARSE_EVERY: u64 = 20;
const FAULTS: [&str; 10] = [
    "",
    "",
    "status=503",
    "status=401",
    "hang",
    "stall",
    "reset",
    "details:garbage",
    "details/facebook:status=500",
    "latency=100ms",
];

/// Numbers of events during the load, and the unexpected responses.
#[derive(Default)]
pub struct Tally {
    pub scrapes: AtomicU64,
    pub read: AtomicU64,
    pub reloads: AtomicU64,
    pub refused_reloads: AtomicU64,
    pub faults: AtomicU64,
    pub bursts: AtomicU64,
    pub abandoned: AtomicU64,
    unexplained: Mutex<Vec<String>>,
}

impl Tally {
    fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn note(&self, what: impl Into<String>) {
        self.unexplained.lock().push(what.into());
    }

    /// Checks an exposition with the strict parser.
    fn read(&self, path: &str, answer: &Answer) {
        Tally::count(&self.read);
        match answer.text().map(|text| parse(&text)) {
            Some(Ok(_)) => {}
            Some(Err(error)) => self.note(format!("{path}: {error}")),
            None => self.note(format!("{path}: no text")),
        }
    }

    /// Number of unexpected responses.
    pub fn unexplained(&self) -> usize {
        self.unexplained.lock().len()
    }

    /// The first unexpected responses.
    pub fn examples(&self) -> Vec<String> {
        self.unexplained.lock().iter().take(5).cloned().collect()
    }
}

/// Starts a simulated gateway in this process and returns its base URL.
pub async fn gateway() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let options = Options {
        profiles: 300,
        rate_limit: RateLimit::UNLIMITED,
        ..Options::default()
    };
    let simulator = Arc::new(Simulator::new(options, Arc::new(SystemClock)));
    tokio::spawn(gateway_simulator::serve(simulator, listener));
    format!("http://{address}{PREFIX}")
}

pub struct Load {
    exporter: Arc<Exporter>,
    gateway: String,
}

impl Load {
    pub fn new(exporter: Arc<Exporter>, gateway: String) -> Load {
        Load { exporter, gateway }
    }

    pub async fn warm_up(&self) {
        for path in [METRICS, "/probe?account=brand-0", PAGE, "/sd"] {
            let answer = self.ask("GET", path, CLOSE).await;
            assert!(answer.is_some_and(|answer| answer.is_good()));
        }
    }

    /// Runs the whole load until `end`.
    pub async fn run(&self, end: Instant, tally: Arc<Tally>) {
        let tally = &*tally;
        let probe = "/probe?account=brand-0";
        let scrapers = [METRICS, probe, METRICS, PAGE]
            .into_iter()
            .flat_map(|path| [CLOSE, GZIP].map(|headers| self.scrape(end, path, headers, tally)));
        let slow = (0..8).map(|number| self.read_slowly(end, number, tally));
        tokio::join!(
            join_all(scrapers),
            join_all(slow),
            self.connect_in_bursts(end, tally),
            self.change_faults(end, tally),
            self.reload(end, tally),
        );
    }

    /// Scrapes repeatedly over new connections.
    async fn scrape(&self, end: Instant, path: &str, headers: &str, tally: &Tally) {
        for round in 0.. {
            if Instant::now() >= end {
                break;
            }
            match self.ask("GET", path, headers).await {
                Some(answer) if answer.is_good() => {
                    Tally::count(&tally.scrapes);
                    if path != PAGE && round % PARSE_EVERY == 0 {
                        tally.read(path, &answer);
                    }
                }
                Some(answer) => tally.note(format!("{path}: {}", answer.first_line())),
                None => tally.note(format!("{path}: no answer")),
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Opens a thousand connections at the same time and scrapes over each.
    async fn connect_in_bursts(&self, end: Instant, tally: &Tally) {
        while Instant::now() < end {
            let connections = (0..CONNECTIONS).map(|_| TcpStream::connect(self.exporter.address));
            let connections = join_all(connections).await;
            let scrapes = connections.into_iter().map(async |connection| {
                let mut connection = connection.ok()?;
                exchange(&mut connection, "GET", METRICS, GZIP).await
            });
            for answer in join_all(scrapes).await {
                match answer {
                    Some(answer) if answer.is_good() => Tally::count(&tally.scrapes),
                    Some(answer) => tally.note(format!("of a thousand: {}", answer.first_line())),
                    None => tally.note("of a thousand: no answer"),
                }
            }
            Tally::count(&tally.bursts);
            sleep(Duration::from_secs(10)).await;
        }
    }

    /// Slow clients: some read slowly, some never read, some never finish their request.
    async fn read_slowly(&self, end: Instant, number: usize, tally: &Tally) {
        while Instant::now() < end {
            let Ok(mut stream) = TcpStream::connect(self.exporter.address).await else {
                tally.note("a slow reader is not let in");
                continue;
            };
            let request: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
            let sent = if number.is_multiple_of(4) {
                &request[..9]
            } else {
                request
            };
            let _ = stream.write_all(sent).await;
            let mut some = [0; 1024];
            for _ in 0..120 {
                if number % 2 == 1 && !matches!(stream.read(&mut some).await, Ok(1..)) {
                    break;
                }
                sleep(Duration::from_millis(100)).await;
            }
            Tally::count(&tally.abandoned);
        }
    }

    async fn change_faults(&self, end: Instant, tally: &Tally) {
        let address = address_of(&self.gateway);
        for fault in FAULTS.iter().cycle() {
            if Instant::now() >= end {
                break;
            }
            let mut stream = TcpStream::connect(address).await.expect("the gateway");
            let head = format!("Connection: close\r\nContent-Length: {}\r\n", fault.len());
            let request = format!("PUT /-/faults HTTP/1.1\r\nHost: x\r\n{head}\r\n{fault}");
            stream.write_all(request.as_bytes()).await.expect("sent");
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            Tally::count(&tally.faults);
            sleep(Duration::from_millis(1700)).await;
        }
    }

    /// Reloads configurations with more accounts, with fewer, and with an error.
    async fn reload(&self, end: Instant, tally: &Tally) {
        let file = self.exporter.file();
        for round in 0.. {
            if Instant::now() >= end {
                break;
            }
            let broken = round % 3 == 2;
            match broken {
                true => std::fs::write(&file, "accounts: nobody").expect("a file"),
                false => write_configuration(&file, &self.gateway, 5 + round % 2),
            }
            let answer = self.ask("POST", "/-/reload", CLOSE).await;
            let line = answer.map(|answer| answer.first_line()).unwrap_or_default();
            match (broken, line.split(' ').nth(1)) {
                (false, Some("200")) => Tally::count(&tally.reloads),
                (true, Some("500")) => Tally::count(&tally.refused_reloads),
                _ => tally.note(format!("a reload, broken: {broken}: {line}")),
            }
            sleep(Duration::from_millis(2300)).await;
        }
        // Restores the first configuration, so that the number of accounts is the same as before.
        write_configuration(&file, &self.gateway, 5);
        let _ = self.ask("POST", "/-/reload", CLOSE).await;
    }

    async fn ask(&self, method: &str, path: &str, headers: &str) -> Option<Answer> {
        let mut stream = TcpStream::connect(self.exporter.address).await.ok()?;
        exchange(&mut stream, method, path, headers).await
    }
}

/// Sends a request and reads the response; `None` if it is not complete.
async fn exchange(
    stream: &mut TcpStream,
    method: &str,
    path: &str,
    headers: &str,
) -> Option<Answer> {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.ok()?;
    let head_ends = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let body = bytes.split_off(head_ends + 4);
    let answer = Answer {
        head: String::from_utf8(bytes).ok()?,
        body,
    };
    let whole = match answer.header("content-length: ") {
        Some(length) => answer.body.len() == length.parse::<usize>().ok()?,
        // A response without a length ends with the last chunk.
        None => answer.body.ends_with(b"0\r\n\r\n"),
    };
    whole.then_some(answer)
}

struct Answer {
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn is_good(&self) -> bool {
        self.head.starts_with("HTTP/1.1 200")
    }

    fn first_line(&self) -> String {
        self.head.lines().next().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name))
    }

    /// The body, decompressed if needed.
    fn text(&self) -> Option<String> {
        let is_gzip = self.header("content-encoding: ") == Some("gzip");
        match is_gzip {
            true => std::io::read_to_string(GzDecoder::new(&self.body[..])).ok(),
            false => String::from_utf8(self.body.clone()).ok(),
        }
    }
}
