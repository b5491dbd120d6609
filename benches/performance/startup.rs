//! The time from the start of a process to its first complete response.

use std::process::Command;
use std::time::Instant;

use exporter_toolkit::metrics_format::Format;
use serde::Serialize;

use crate::client::{Connection, Request};
use crate::options::{Options, Sends};
use crate::process::{self, Process};
use crate::statistics::median;
use crate::world::{METRICS, World};

/// Medians of the times to start.
#[derive(Debug, Serialize)]
pub struct Startup {
    pub milliseconds: f64,
    pub floor_milliseconds: f64,
    pub ratio: f64,
}

/// Starts exporter and floor in alternation.
pub async fn measure(world: &World, options: &Options) -> Startup {
    let mut rounds = Vec::new();
    // A start is short, so there is time for twice as many rounds.
    for _ in 0..2 * options.rounds {
        let exporter = start(&mut world.exporter("1h")).await;
        let floor = start(&mut process::floor(Sends::Plain, world.plain(Format::Text))).await;
        rounds.push((exporter, floor));
    }
    let medians = |of: fn(&(f64, f64)) -> f64| median(rounds.iter().map(of));
    Startup {
        milliseconds: medians(|(exporter, _)| exporter * 1e3),
        floor_milliseconds: medians(|(_, floor)| floor * 1e3),
        ratio: medians(|(exporter, floor)| exporter / floor),
    }
}

async fn start(command: &mut Command) -> f64 {
    let started = Instant::now();
    let server = Process::start(command);
    let mut connection = Connection::open(server.address).await;
    connection.ask(&Request::plain(METRICS)).await;
    started.elapsed().as_secs_f64()
}
