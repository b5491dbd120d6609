//! Scrapes of cached data, compared with floors that return the same bytes from memory.

use exporter_toolkit::content_encoding::Encoding;
use exporter_toolkit::metrics_format::Format;
use serde::Serialize;

use crate::client::{Throughput, drive};
use crate::options::{Options, Sends};
use crate::process::{self, Process};
use crate::statistics::median;
use crate::world::{Form, World};

const SCRAPERS: [usize; 2] = [1, 16];
/// Most profiles for the floor that compresses each response; more would take minutes.
const MAX_COMPRESSED: usize = 10_000;

/// Medians of one kind of scrape.
#[derive(Debug, Serialize)]
pub struct Scrapes {
    pub format: &'static str,
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
    let forms = world.forms.iter();
    let floors: Vec<Floors> = forms.map(|form| Floors::start(form, world)).collect();
    let mut scrapes = Vec::new();
    for scrapers in SCRAPERS {
        for (form, floors) in world.forms.iter().zip(&floors) {
            scrapes.push(compare(form, scrapers, &world.exporter, floors, options).await);
        }
    }
    Measured {
        scrapes,
        resident: world.exporter.resident(),
        floor_resident: floors[0].same_bytes.resident(),
    }
}

/// The servers that a form is compared with.
struct Floors {
    /// Returns the same bytes.
    same_bytes: Process,
    /// Compresses them for each scrape.
    compressing: Option<Process>,
}

impl Floors {
    fn start(form: &Form, world: &World) -> Floors {
        let start = |sends, form| Process::start(&mut process::floor(sends, form));
        match form.encoding {
            Encoding::Plain => Floors {
                same_bytes: start(Sends::Plain, form),
                compressing: None,
            },
            Encoding::Gzip => Floors {
                same_bytes: start(Sends::Gzip, form),
                compressing: (world.profiles <= MAX_COMPRESSED)
                    .then(|| start(Sends::Compressing, world.plain(form.format))),
            },
        }
    }
}

async fn compare(
    form: &Form,
    scrapers: usize,
    exporter: &Process,
    floors: &Floors,
    options: &Options,
) -> Scrapes {
    let turn = |server| drive(server, &form.request, scrapers, options.turn());
    let floor = &floors.same_bytes;
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
        if let Some(compressing) = &floors.compressing {
            over_compressing.push(round.0.rate / turn(compressing).await.rate);
        }
    }
    let medians = |of: fn(&(Throughput, Throughput)) -> f64| median(rounds.iter().map(of));
    Scrapes {
        format: match form.format {
            Format::Text => "text",
            Format::OpenMetrics => "OpenMetrics",
        },
        encoding: match form.encoding {
            Encoding::Plain => "plain",
            Encoding::Gzip => "gzip",
        },
        scrapers,
        bytes: form.bytes(),
        per_second: medians(|(exporter, _)| exporter.rate),
        floor_per_second: medians(|(_, floor)| floor.rate),
        rate_ratio: medians(|(exporter, floor)| exporter.rate / floor.rate),
        cpu_microseconds: medians(|(exporter, _)| exporter.cpu * 1e6),
        floor_cpu_microseconds: medians(|(_, floor)| floor.cpu * 1e6),
        cpu_ratio: medians(|(exporter, floor)| exporter.cpu / floor.cpu),
        over_compressing: (!over_compressing.is_empty()).then(|| median(over_compressing)),
    }
}
