//! The effect of refreshes on scrapes: scrapes of one account with and without a concurrent refresh of
//! another account of the same exporter.

use std::time::{Duration, Instant};

use serde::Serialize;
use tempfile::TempDir;

use crate::client::{Connection, Request};
use crate::options::Options;
use crate::process::{self, Process};
use crate::statistics::{median, quantile};
use crate::world::url_of;

const PROFILES: usize = 10_000;

/// The effect of refreshes on scrapes.
#[derive(Debug, Serialize)]
pub struct Disturbance {
    pub profiles: usize,
    pub refresh_milliseconds: f64,
    /// The effect on the median scrape of a round.
    pub median: Effect,
    /// The effect on the 99th percentile.
    pub slow: Effect,
}

/// The time of a cached scrape, as the median of all rounds.
#[derive(Debug, Serialize)]
pub struct Effect {
    pub quiet_microseconds: f64,
    /// Time while the exporter refreshes another account.
    pub during_microseconds: f64,
    /// Time during a refresh over time without one.
    pub ratio: f64,
    /// The upper quartile of the quiet rounds over their median, minus 1. Smaller differences are noise.
    pub noise: f64,
}

/// Every refresh is the first one of an account, so the benchmark does not wait for data to expire.
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
    /// The effects with their names.
    pub fn effects(&self) -> [(&Effect, &'static str); 2] {
        [(&self.median, "median"), (&self.slow, "99th of 100")]
    }
}

impl Effect {
    /// The effect on this quantile of the scrapes of each round.
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

/// The time that the refresh of an account took, and the times of the scrapes meanwhile.
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
