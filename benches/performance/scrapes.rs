//! Scrapes of cached data, compared with floors that return the same bytes from memory.

use serde::Serialize;

use crate::client::{Request, Throughput, drive};
use crate::options::{Options, Sends};
use crate::process::{self, Process};
use crate::statistics::median;
use crate::world::{METRICS, World, size};

const SCRAPERS: [usize; 2] = [1, 16];
/// Most profiles for the floor that compresses each response; more would take minutes.
const MAX_COMPRESSED: usize = 10_000;

/// Medians of one kind of scrape.
#[derive(Debug, Serialize)]
pub struct Scrapes {
    pub encoding: &'static str,
    pub scrapers: usize,
    pub bytes: u64,
    pub per_second: f64,
    pub floor_per_second: f64,
    /// The rate of the exporter over that of the floor.
    pub rate_ratio: f64,
    pub cpu_microseconds: f64,
    pub floor_cpu_microseconds: f64,
    /// The CPU time of the exporter over that of the floor.
    pub cpu_ratio: f64,
    /// The rate of the exporter over that of the floor that compresses each response.
    pub over_compressing: Option<f64>,
}

/// All scrapes with one number of profiles, and resident memory after them in bytes.
#[derive(Debug, Serialize)]
pub struct Measured {
    pub scrapes: Vec<Scrapes>,
    pub resident: u64,
    pub floor_resident: u64,
}

/// Loads exporter and floors in alternation, round by round.
pub async fn measure(world: &World, options: &Options) -> Measured {
    let floor = Process::start(&mut process::floor(Sends::Plain, &world.plain));
    let gzip_floor = Process::start(&mut process::floor(Sends::Gzip, &world.gzip));
    let compressing = (world.profiles <= MAX_COMPRESSED)
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
    let mut rounds: Vec<(Throughput, Throughput)> = Vec::new();
    let mut over_compressing = Vec::new();
    for number in 0..options.rounds {
        // The order alternates, so that neither server always goes first.
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
    let medians = |of: fn(&(Throughput, Throughput)) -> f64| median(rounds.iter().map(of));
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
