//! Scrapes of cached data, beside floors that return the very bytes from memory.

use serde::Serialize;

use crate::client::{Request, Turn, drive};
use crate::options::{Options, Sends};
use crate::process::{self, Process};
use crate::statistics::median;
use crate::world::{METRICS, World, size};

const SCRAPERS: [usize; 2] = [1, 16];
/// Compressing more than this at each scrape takes minutes.
const MOST_COMPRESSED: usize = 10_000;

/// Medians of one kind of scrape.
#[derive(Debug, Serialize)]
pub struct Scrapes {
    pub encoding: &'static str,
    pub scrapers: usize,
    pub bytes: u64,
    pub per_second: f64,
    pub floor_per_second: f64,
    /// Of the rates, the exporter's over the floor's.
    pub rate_ratio: f64,
    pub cpu_microseconds: f64,
    pub floor_cpu_microseconds: f64,
    /// Of the CPU times, the exporter's over the floor's.
    pub cpu_ratio: f64,
    /// Of the rates, the exporter's over that of compressing at each scrape.
    pub over_compressing: Option<f64>,
}

/// Resident memory after all scrapes, in bytes.
#[derive(Debug, Serialize)]
pub struct Measured {
    pub scrapes: Vec<Scrapes>,
    pub resident: u64,
    pub floor_resident: u64,
}

/// Drives exporter and floors in turn, round by round.
pub async fn measure(world: &World, options: &Options) -> Measured {
    let floor = Process::start(&mut process::floor(Sends::Plain, &world.plain));
    let gzip_floor = Process::start(&mut process::floor(Sends::Gzip, &world.gzip));
    let compressing = (world.profiles <= MOST_COMPRESSED)
        .then(|| Process::start(&mut process::floor(Sends::Compressing, &world.plain)));
    let (plain, gzip) = (Request::plain(METRICS), Request::gzip(METRICS));
    let mut scrapes = Vec::new();
    for scrapers in SCRAPERS {
        let bytes = size(&world.plain);
        let kind = Kind {
            encoding: "plain",
            request: &plain,
            scrapers,
            bytes,
        };
        scrapes.push(compare(kind, &world.exporter, &floor, None, options).await);
        let bytes = size(&world.gzip);
        let kind = Kind {
            encoding: "gzip",
            request: &gzip,
            scrapers,
            bytes,
        };
        let compressing = compressing.as_ref();
        scrapes.push(compare(kind, &world.exporter, &gzip_floor, compressing, options).await);
    }
    Measured {
        scrapes,
        resident: world.exporter.resident(),
        floor_resident: floor.resident(),
    }
}

struct Kind<'a> {
    encoding: &'static str,
    request: &'a Request,
    scrapers: usize,
    bytes: u64,
}

async fn compare(
    kind: Kind<'_>,
    exporter: &Process,
    floor: &Process,
    compressing: Option<&Process>,
    options: &Options,
) -> Scrapes {
    let turn = |server| drive(server, kind.request, kind.scrapers, options.turn());
    let mut rounds: Vec<(Turn, Turn)> = Vec::new();
    let mut over_compressing = Vec::new();
    for number in 0..options.rounds {
        // Neither always comes after the other.
        let round = if number % 2 == 0 {
            let exporter = turn(exporter).await;
            (exporter, turn(floor).await)
        } else {
            let floor = turn(floor).await;
            (turn(exporter).await, floor)
        };
        rounds.push(round);
        if let Some(compressing) = compressing {
            over_compressing.push(round.0.rate / turn(compressing).await.rate);
        }
    }
    let medians = |of: fn(&(Turn, Turn)) -> f64| median(rounds.iter().map(of));
    Scrapes {
        encoding: kind.encoding,
        scrapers: kind.scrapers,
        bytes: kind.bytes,
        per_second: medians(|(exporter, _)| exporter.rate),
        floor_per_second: medians(|(_, floor)| floor.rate),
        rate_ratio: medians(|(exporter, floor)| exporter.rate / floor.rate),
        cpu_microseconds: medians(|(exporter, _)| exporter.cpu * 1e6),
        floor_cpu_microseconds: medians(|(_, floor)| floor.cpu * 1e6),
        cpu_ratio: medians(|(exporter, floor)| exporter.cpu / floor.cpu),
        over_compressing: (!over_compressing.is_empty()).then(|| median(over_compressing)),
    }
}
