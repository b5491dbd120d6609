//! Compares the refreshes of this build with those of another build.

use std::path::Path;

use crate::bars::Bar;
use crate::client::Connection;
use crate::options::Options;
use crate::process::Process;
use crate::refreshes::{Refresh, refresh_for};
use crate::statistics::median;
use crate::world::World;

/// Highest ratio of the costs of a refresh, this build over the other one.
const MAX_RATIO: f64 = 1.1;

/// Measures both builds in each round, in alternating order.
pub async fn measure(profiles: usize, baseline: &Path, options: &Options) -> [Bar; 2] {
    let world = World::of(profiles).await;
    let mut this = Refreshing::start(Process::start(&mut world.exporter("0s"))).await;
    let other = Process::start(&mut world.exporter_at(baseline, "0s"));
    let mut other = Refreshing::start(other).await;
    let mut ratios = Vec::new();
    for round in 0..options.rounds {
        let (new, old) = match round % 2 {
            0 => {
                let new = this.turn(options).await;
                (new, other.turn(options).await)
            }
            _ => {
                let old = other.turn(options).await;
                (this.turn(options).await, old)
            }
        };
        ratios.push((new.seconds / old.seconds, new.cpu / old.cpu));
    }
    let bar = |what: &str, of: fn(&(f64, f64)) -> f64| {
        let name = format!("{what} over that of the baseline, {profiles} profiles");
        Bar::at_most(MAX_RATIO, name, median(ratios.iter().map(of)))
    };
    [
        bar("refresh", |(seconds, _)| *seconds),
        bar("CPU of a refresh", |(_, cpu)| *cpu),
    ]
}

/// An exporter without a cache: each scrape causes a refresh.
struct Refreshing {
    exporter: Process,
    connection: Connection,
}

impl Refreshing {
    async fn start(exporter: Process) -> Refreshing {
        let connection = Connection::open(exporter.address).await;
        let mut refreshing = Refreshing {
            exporter,
            connection,
        };
        // The first refreshes allocate what later ones reuse.
        for _ in 0..2 {
            refresh_for(
                Default::default(),
                &mut refreshing.connection,
                &refreshing.exporter,
            )
            .await;
        }
        refreshing
    }

    async fn turn(&mut self, options: &Options) -> Refresh {
        refresh_for(options.turn(), &mut self.connection, &self.exporter).await
    }
}
