//! Measures the exporter against minimal servers ("floors"): docs/performance.md.
//!
//! Every server is a process of its own, so that its CPU time and memory can be read from `/proc`. This
//! program starts itself again for the servers that are not the exporter ([`roles`]), loads all servers in
//! alternation over loopback, and reports which goals ([`bars`]) are reached. Compare only ratios of two
//! measurements of the same run: absolute values depend on the machine and its load.

mod bars;
mod baseline;
mod client;
mod disturbance;
mod options;
mod process;
mod refreshes;
mod report;
mod roles;
mod scrapes;
mod startup;
mod statistics;
mod world;

use std::path::Path;

use clap::Parser;

use options::{Options, Role};
use report::Report;
use world::World;

fn main() {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        match options.role {
            Some(Role::Gateway { profiles }) => roles::gateway(profiles).await,
            Some(Role::Floor {
                sends,
                body,
                open_metrics,
            }) => roles::floor(sends, &body, open_metrics).await,
            None => match &options.baseline {
                Some(baseline) => compare(&options, baseline).await,
                None => measure(&options).await,
            },
        }
    });
}

async fn compare(options: &Options, baseline: &Path) {
    let mut bars = Vec::new();
    for &profiles in &options.sizes {
        eprintln!("measures {profiles} profiles");
        bars.extend(baseline::measure(profiles, baseline, options).await);
    }
    println!("{}", bars::table(&bars));
}

async fn measure(options: &Options) {
    let mut report = Report::default();
    for &profiles in &options.sizes {
        eprintln!("measures {profiles} profiles");
        let world = World::of(profiles).await;
        let scrapes = scrapes::measure(&world, options).await;
        let refreshes = refreshes::measure(&world, options).await;
        let startup = startup::measure(&world, options).await;
        report.add(profiles, scrapes, refreshes, startup);
    }
    eprintln!("measures scrapes during refreshes");
    report.disturbance = Some(disturbance::measure(options).await);
    let bars = bars::judge(&report);
    println!("{}", report.tables());
    println!("{}", bars::table(&bars));
    report.write(&options.json, &bars);
}
