//! A client with little overhead, so that the benchmark measures the servers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::Process;

/// `Accept` of Prometheus 3.5.
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

/// A request that is sent repeatedly.
#[derive(Debug, Clone)]
pub struct Request(Arc<str>);

impl Request {
    /// Requests a path without compression.
    pub fn plain(path: &str) -> Request {
        Request::with(path, "")
    }

    /// Requests a path as Prometheus does, with gzip.
    pub fn gzip(path: &str) -> Request {
        Request::with(path, "Accept-Encoding: gzip\r\n")
    }

    /// The same request as Prometheus 3 sends it, which prefers OpenMetrics.
    pub fn for_open_metrics(&self) -> Request {
        let head = self.0.trim_end();
        Request(format!("{head}\r\nAccept: {ACCEPT}\r\n\r\n").into())
    }

    fn with(path: &str, header: &str) -> Request {
        Request(
            format!("GET {path} HTTP/1.1\r\nHost: bench\r\nX-Api-Key: simulated\r\n{header}\r\n")
                .into(),
        )
    }
}

/// A keep-alive connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("an option");
        Connection {
            stream,
            buffer: Vec::with_capacity(256 * 1024),
        }
    }

    /// Sends a request and discards the response. Returns the time to its first byte.
    pub async fn ask(&mut self, request: &Request) -> Duration {
        self.get(request, |_| {}).await
    }

    async fn get(&mut self, request: &Request, mut take: impl FnMut(&[u8])) -> Duration {
        let asked = Instant::now();
        let sent = self.stream.write_all(request.0.as_bytes()).await;
        sent.expect("a server that reads");
        self.buffer.clear();
        self.read().await;
        let first_byte = asked.elapsed();
        let head = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.read().await;
        };
        let mut left = BodyLength::of(&self.buffer[..head]);
        take(&self.buffer[head..]);
        left.shrink(&self.buffer[head..]);
        while !left.is_over() {
            self.buffer.clear();
            self.read().await;
            take(&self.buffer);
            left.shrink(&self.buffer);
        }
        first_byte
    }

    async fn read(&mut self) {
        let read = self.stream.read_buf(&mut self.buffer).await;
        assert!(read.expect("a response") > 0, "the server hung up");
    }
}

/// The rest of a body: a number of bytes, or chunks up to the last one.
enum BodyLength {
    Left(usize),
    Chunked { tail: Vec<u8> },
}

impl BodyLength {
    fn of(head: &[u8]) -> BodyLength {
        let head = String::from_utf8_lossy(head).to_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let mut lines = head.lines();
        let length = lines.find_map(|line| line.strip_prefix("content-length:"));
        match length {
            Some(length) => BodyLength::Left(length.trim().parse().expect("a length")),
            None => BodyLength::Chunked { tail: Vec::new() },
        }
    }

    fn shrink(&mut self, came: &[u8]) {
        match self {
            BodyLength::Left(left) => *left -= came.len(),
            BodyLength::Chunked { tail } => {
                tail.extend_from_slice(&came[came.len().saturating_sub(LAST_CHUNK.len())..]);
                let surplus = tail.len().saturating_sub(LAST_CHUNK.len());
                tail.drain(..surplus);
            }
        }
    }

    fn is_over(&self) -> bool {
        match self {
            BodyLength::Left(left) => *left == 0,
            BodyLength::Chunked { tail } => tail == LAST_CHUNK,
        }
    }
}

/// The end of a chunked body. Compressed data practically never contains these bytes at the end of a read.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// Requests a path and returns the whole body.
pub async fn fetch(address: SocketAddr, request: &Request) -> Vec<u8> {
    let mut body = Vec::new();
    let mut connection = Connection::open(address).await;
    connection
        .get(request, |bytes| body.extend_from_slice(bytes))
        .await;
    body
}

/// Throughput and CPU cost of a server during one turn.
#[derive(Debug, Clone, Copy)]
pub struct Throughput {
    /// Responses per second.
    pub rate: f64,
    /// CPU time per response in seconds.
    pub cpu: f64,
}

/// Loads a server with `scrapers` concurrent connections for the time of a turn.
pub async fn drive(
    server: &Process,
    request: &Request,
    scrapers: usize,
    turn: Duration,
) -> Throughput {
    let answers = Arc::new(AtomicU64::new(0));
    let over = Arc::new(AtomicBool::new(false));
    let mut connections = Vec::new();
    for _ in 0..scrapers {
        connections.push(Connection::open(server.address).await);
    }
    let (cpu, started) = (server.cpu(), Instant::now());
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|mut connection| {
            let (answers, over) = (Arc::clone(&answers), Arc::clone(&over));
            let request = request.clone();
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    connection.ask(&request).await;
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(turn).await;
    over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("a scraper");
    }
    let answers = answers.load(Ordering::Relaxed) as f64;
    Throughput {
        rate: answers / started.elapsed().as_secs_f64(),
        cpu: (server.cpu() - cpu).as_secs_f64() / answers,
    }
}
