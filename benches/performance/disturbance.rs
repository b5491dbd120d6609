//! Scrapes of one account, alone and while another account of the same exporter is refreshed.

use std::time::{Duration, Instant};

use serde::Serialize;
use tempfile::TempDir;

use crate::client::{Connection, Request};
use crate::options::Options;
use crate::process::{self, Process};
use crate::statistics::{median, quantile};
use crate::world::url_of;

const PROFILES: usize = 10_000;

/// What refreshes do to scrapes.
#[derive(Debug, Serialize)]
pub struct Disturbance {
    pub profiles: usize,
    pub refresh_milliseconds: f64,
    /// Of the scrapes of a round, the one in the middle.
    pub median: Effect,
    /// The slowest but for one in a hundred.
    pub slow: Effect,
}

/// How long a cached scrape takes: medians of rounds.
#[derive(Debug, Serialize)]
pub struct Effect {
    pub quiet_microseconds: f64,
    /// While the exporter refreshes another account.
    pub during_microseconds: f64,
    /// During over quiet.
    pub ratio: f64,
    /// How far the upper quartile of the quiet rounds is above their median, as a ratio: what differs by
    /// less is noise.
    pub noise: f64,
}

/// Every refresh is the first one of an account, so that no data has to grow old.
pub async fn measure(options: &Options) -> Disturbance {
    let rounds = 3 * options.rounds;
    let gateway = Process::start(&mut process::gateway(PROFILES));
    let (directory, file) = accounts(rounds, &gateway);
    let exporter = Process::start(process::exporter().arg("--config.file").arg(&file));
    drop(directory);
    let scrape = Request::gzip(&probe("scraped"));
    let mut connection = Connection::open(exporter.address).await;
    connection.ask(&scrape).await;
    let (mut refreshes, mut quiet, mut during) = (vec![], vec![], vec![]);
    for round in 0..rounds {
        let (refresh, scrapes) = scrape_during(&exporter, round, &mut connection, &scrape).await;
        during.push(scrapes);
        quiet.push(scrape_for(refresh, &mut connection, &scrape).await);
        refreshes.push(refresh.as_secs_f64() * 1e3);
    }
    Disturbance {
        profiles: PROFILES,
        refresh_milliseconds: median(refreshes),
        median: Effect::at(0.5, &quiet, &during),
        slow: Effect::at(0.99, &quiet, &during),
    }
}

impl Disturbance {
    /// Each with its name.
    pub fn effects(&self) -> [(&Effect, &'static str); 2] {
        [(&self.median, "median"), (&self.slow, "99th of 100")]
    }
}

impl Effect {
    /// At this quantile of the scrapes of each round.
    fn at(part: f64, quiet: &[Vec<f64>], during: &[Vec<f64>]) -> Effect {
        let of = |rounds: &[Vec<f64>]| -> Vec<f64> {
            let rounds = rounds.iter();
            rounds
                .map(|took| quantile(took.iter().copied(), part))
                .collect()
        };
        let (quiet, during) = (of(quiet), of(during));
        let quiet_median = median(quiet.iter().copied());
        let pairs = during.iter().zip(&quiet);
        Effect {
            quiet_microseconds: quiet_median * 1e6,
            during_microseconds: median(during.iter().copied()) * 1e6,
            ratio: median(pairs.map(|(during, quiet)| during / quiet)),
            noise: quantile(quiet.iter().copied(), 0.75) / quiet_median - 1.0,
        }
    }
}

/// A configuration with an account to scrape, and one to refresh for each round.
fn accounts(rounds: usize, gateway: &Process) -> (TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("qlara.yml");
    let names = (0..rounds).map(|round| round.to_string());
    let accounts = names
        .chain(["scraped".to_owned()])
        .map(|name| format!("  - {{name: \"{name}\", api_key_env: QLARA_API_KEY}}\n"));
    let accounts: String = accounts.collect();
    let yaml = format!(
        "gateway: {{url: \"{}\"}}\ncache: {{ttl: 1h}}\naccounts:\n{accounts}",
        url_of(gateway)
    );
    std::fs::write(&file, yaml).expect("a file");
    (directory, file)
}

fn probe(account: &str) -> String {
    format!("/probe?account={account}")
}

/// How long the refresh of an account took, and the scrapes in that time.
async fn scrape_during(
    exporter: &Process,
    round: usize,
    connection: &mut Connection,
    scrape: &Request,
) -> (Duration, Vec<f64>) {
    let mut other = Connection::open(exporter.address).await;
    let request = Request::gzip(&probe(&round.to_string()));
    let refresh = tokio::spawn(async move { other.ask(&request).await });
    let mut took = Vec::new();
    while !refresh.is_finished() {
        took.push(timed(connection, scrape).await);
    }
    (refresh.await.expect("a refresh"), took)
}

async fn scrape_for(turn: Duration, connection: &mut Connection, scrape: &Request) -> Vec<f64> {
    let started = Instant::now();
    let mut took = Vec::new();
    while took.is_empty() || started.elapsed() < turn {
        took.push(timed(connection, scrape).await);
    }
    took
}

async fn timed(connection: &mut Connection, scrape: &Request) -> f64 {
    let started = Instant::now();
    connection.ask(scrape).await;
    started.elapsed().as_secs_f64()
}
