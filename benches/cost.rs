//! What a scrape and a refresh cost, beside a handler that returns the same bytes from memory.
//!
//! `cargo bench --bench cost` starts both in this process, drives them in turn over loopback with
//! the same minimal client, and prints medians of several rounds. Only the ratios mean something:
//! absolute figures are those of one machine at one moment.
//!
//! - *scrape*: the cached answer of `/metrics`, at 16 scrapers;
//! - *refresh*: a scrape with the cache turned off, against a gateway that returns prepared answers
//!   from memory: list, details of three platforms, reading, rendering, answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use qlara_exporter::clock::SystemClock;
use qlara_exporter::config::{Config, Settings};
use qlara_exporter::exposition::CONTENT_TYPE as EXPOSITION;
use qlara_exporter::lifecycle::{Exporter, Sockets};
use qlara_exporter::simulator::{self, Options, PREFIX, RateLimit, Simulator};
use qlara_exporter::web::WebOptions;

const SIZES: [usize; 3] = [3, 1_000, 10_000];
const SCRAPERS: usize = 16;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(700);
const METRICS: &str = "/metrics";

type Address = std::net::SocketAddr;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        println!("| profiles | bytes | scrapes/s | from memory/s | ratio | refresh ms | scrapes in that time |");
        println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        for profiles in SIZES {
            compare(profiles).await;
        }
    });
}

async fn compare(profiles: usize) {
    let gateway = prepared_gateway(profiles).await;
    let cached = exporter(gateway, Duration::from_secs(3600)).await;
    let uncached = exporter(gateway, Duration::ZERO).await;
    let body = fetch(cached, METRICS).await;
    let bytes = body.len();
    let memory = from_memory(METRICS, body).await;
    let (mut ours, mut floor, mut refresh) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(rate(cached, SCRAPERS).await);
        floor.push(rate(memory, SCRAPERS).await);
        refresh.push(1.0 / rate(uncached, 1).await);
    }
    let ratios = ours
        .iter()
        .zip(&floor)
        .map(|(ours, floor)| ours / floor)
        .collect();
    let (ours, floor, refresh) = (median(ours), median(floor), median(refresh));
    println!(
        "| {profiles} | {bytes} | {ours:.0} | {floor:.0} | {:.2} | {:.2} | {:.1} |",
        median(ratios),
        refresh * 1000.0,
        refresh * ours,
    );
}

/// A gateway that returns the simulated gateway's answers from memory.
async fn prepared_gateway(profiles: usize) -> Address {
    let listener = loopback().await;
    let address = listener.local_addr().expect("an address");
    let options = Options {
        profiles,
        rate_limit: RateLimit {
            per_minute: u64::MAX,
            burst: u64::MAX,
        },
        ..Options::default()
    };
    let simulator = Arc::new(Simulator::new(options, Arc::new(SystemClock)));
    tokio::spawn(simulator::serve(simulator, listener));
    let mut router = Router::new();
    for path in ["", "/facebook", "/instagram", "/whatsapp"] {
        let path = format!("{PREFIX}/socials{path}");
        let body = fetch(address, &path).await;
        router = router.route(&path, get(async move || body));
    }
    serve(router).await
}

async fn exporter(gateway: Address, ttl: Duration) -> Address {
    let settings = Settings {
        url: Some(format!("http://{gateway}{PREFIX}")),
        ttl: Some(ttl),
        ..Settings::default()
    };
    let load = move || {
        Config::load(&settings, &|name| {
            (name == "QLARA_API_KEY").then(|| "simulated".to_owned())
        })
    };
    let sockets = Sockets {
        addresses: vec!["127.0.0.1:0".parse().expect("an address")],
        ..Sockets::default()
    };
    let exporter = Exporter::bind(
        sockets,
        Box::new(load),
        WebOptions::default(),
        Arc::new(SystemClock),
    )
    .await
    .expect("an exporter");
    let address = exporter.addresses().expect("an address")[0];
    tokio::spawn(exporter.run(std::future::pending::<()>));
    address
}

async fn from_memory(path: &str, body: Bytes) -> Address {
    let answer = async move || ([(CONTENT_TYPE, EXPOSITION)], body);
    serve(Router::new().route(path, get(answer))).await
}

async fn serve(router: Router) -> Address {
    use axum::serve::ListenerExt;
    let listener = loopback().await;
    let address = listener.local_addr().expect("an address");
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

async fn loopback() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

/// Answers a second, asked for by `scrapers` connections at once.
async fn rate(address: Address, scrapers: usize) -> f64 {
    let answers = Arc::new(AtomicU64::new(0));
    let over = Arc::new(AtomicBool::new(false));
    let started = Instant::now();
    let tasks: Vec<_> = (0..scrapers)
        .map(|_| {
            let (answers, over) = (Arc::clone(&answers), Arc::clone(&over));
            tokio::spawn(async move {
                let mut connection = Connection::open(address).await;
                while !over.load(Ordering::Relaxed) {
                    connection.get(METRICS).await;
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(ROUND).await;
    over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("a scraper");
    }
    answers.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

async fn fetch(address: Address, path: &str) -> Bytes {
    let mut connection = Connection::open(address).await;
    let body = connection.get(path).await;
    Bytes::from(connection.buffer[body].to_vec())
}

/// A client that does as little as possible, so that the servers are measured.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: Address) -> Connection {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("an option");
        Connection {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Where the body of the answer stands in the buffer.
    async fn get(&mut self, path: &str) -> std::ops::Range<usize> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nX-Api-Key: simulated\r\n\r\n");
        self.stream
            .write_all(request.as_bytes())
            .await
            .expect("sent");
        self.buffer.clear();
        let head = loop {
            self.read().await;
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let end = head + content_length(&self.buffer[..head]);
        self.buffer.reserve(end.saturating_sub(self.buffer.len()));
        while self.buffer.len() < end {
            self.read().await;
        }
        head..end
    }

    async fn read(&mut self) {
        let read = self
            .stream
            .read_buf(&mut self.buffer)
            .await
            .expect("an answer");
        assert!(read > 0, "the server hung up");
    }
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    length
        .and_then(|length| length.trim().parse().ok())
        .expect("a length")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
