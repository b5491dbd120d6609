//! Refreshes, compared with parsing the same JSON without doing anything else.

use std::time::{Duration, Instant};

use gateway_simulator::PREFIX;
use qlara_exporter::gateway::SentSecret;
use qlara_exporter::gateway::field_names::FieldNames;
use qlara_exporter::gateway::parse;
use qlara_exporter::gateway::warnings::ParseWarnings;
use serde::Serialize;

use crate::client::{Connection, Request, fetch};
use crate::options::Options;
use crate::process::Process;
use crate::statistics::median;
use crate::world::{API_PATHS, METRICS, World};

/// The exporter starts refreshes at least 10 ms apart, so that many accounts do not reach the gateway at
/// once. The benchmark waits longer than that, so it does not measure the delay.
const PAUSE: Duration = Duration::from_millis(11);

/// Medians of refreshes.
#[derive(Debug, Serialize)]
pub struct Refreshes {
    pub json_bytes: u64,
    /// Time to the first byte of a scrape without a cache.
    pub milliseconds: f64,
    /// Time to parse the JSON.
    pub parse_milliseconds: f64,
    pub ratio: f64,
    pub cpu_milliseconds: f64,
    /// Resident memory after all refreshes, in bytes.
    pub resident: u64,
    /// Peak resident memory in bytes.
    pub peak: u64,
}

/// Measures refreshing and parsing in each round.
pub async fn measure(world: &World, options: &Options) -> Refreshes {
    let exporter = Process::start(&mut world.exporter("0s"));
    let mut bodies = Vec::new();
    for path in API_PATHS {
        let request = Request::plain(&format!("{PREFIX}{path}"));
        bodies.push(fetch(world.gateway.address, &request).await);
    }
    let mut connection = Connection::open(exporter.address).await;
    // The first refreshes allocate what later ones reuse.
    for _ in 0..2 {
        refresh_for(Duration::ZERO, &mut connection, &exporter).await;
    }
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        let refresh = refresh_for(options.turn(), &mut connection, &exporter).await;
        let parse = tokio::task::block_in_place(|| read_for(options.turn() / 2, &bodies));
        rounds.push((refresh, parse));
    }
    let medians = |of: fn(&(Refresh, f64)) -> f64| median(rounds.iter().map(of));
    Refreshes {
        json_bytes: bodies.iter().map(|body| body.len() as u64).sum(),
        milliseconds: medians(|(refresh, _)| refresh.seconds * 1e3),
        parse_milliseconds: medians(|(_, parse)| parse * 1e3),
        ratio: medians(|(refresh, parse)| refresh.seconds / parse),
        cpu_milliseconds: medians(|(refresh, _)| refresh.cpu * 1e3),
        resident: exporter.resident(),
        peak: exporter.peak(),
    }
}

/// The cost of a refresh.
pub struct Refresh {
    /// Median time in seconds.
    pub seconds: f64,
    /// Average CPU time in seconds.
    pub cpu: f64,
}

/// Refreshes at least once, and until `turn` has passed.
pub async fn refresh_for(
    turn: Duration,
    connection: &mut Connection,
    exporter: &Process,
) -> Refresh {
    let request = Request::gzip(METRICS);
    let mut took = Vec::new();
    let (cpu, started) = (exporter.cpu(), Instant::now());
    while took.is_empty() || started.elapsed() < turn {
        tokio::time::sleep(PAUSE).await;
        took.push(connection.ask(&request).await.as_secs_f64());
    }
    Refresh {
        cpu: (exporter.cpu() - cpu).as_secs_f64() / took.len() as f64,
        seconds: median(took),
    }
}

fn read_for(turn: Duration, bodies: &[Vec<u8>]) -> f64 {
    let mut took = Vec::new();
    let started = Instant::now();
    while took.is_empty() || started.elapsed() < turn {
        took.push(read(bodies).as_secs_f64());
    }
    median(took)
}

/// The time to parse all answers, without dropping the result.
fn read(bodies: &[Vec<u8>]) -> Duration {
    let started = Instant::now();
    let (names, mut warnings) = (FieldNames::default(), ParseWarnings::default());
    let sent = SentSecret::api_key("a key as long as that of a real account");
    let (mut listed, mut detailed) = (Vec::new(), Vec::new());
    let list = parse::parse_list(&bodies[0], &names, &sent, &mut warnings, |entry| {
        listed.extend(entry)
    });
    list.expect("a list");
    for body in &bodies[1..] {
        let details = parse::parse_details(body, &names, &sent, &mut warnings, |entry| {
            detailed.push(entry)
        });
        details.expect("details");
    }
    started.elapsed()
}
