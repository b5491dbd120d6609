//! A long load test: memory must not grow, and files and tasks must be released.
//!
//! `cargo bench --bench soak -- --minutes 30` runs an exporter in a process of its own, against a simulated
//! gateway with changing faults. Scrapers, bursts of a thousand connections, slow clients, and reloads of
//! valid and broken configurations load it. The benchmark prints its measurements and exits with 1 if there
//! is an unexpected response, memory grows, or files or tasks are left over.

mod exporter;
mod load;
mod measure;
#[path = "../../tests/any_bytes/parser.rs"]
mod parser;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use exporter::Exporter;
use load::{Load, Tally};
use measure::Measurements;
use tokio::runtime::Builder;

/// Interval between two readings of memory, files and tasks.
const SAMPLING: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    // As in the main function of the exporter.
    exporter_toolkit::memory::give_back_large_buffers();
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let index = arguments.iter().position(|argument| argument == name)?;
        arguments.get(index + 1)
    };
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    if let Some(configuration) = after(exporter::ROLE) {
        runtime.block_on(exporter::serve(configuration.into()));
        return ExitCode::SUCCESS;
    }
    let minutes = after("--minutes").map_or(Ok(1.0), |minutes| minutes.parse());
    let time = Duration::from_secs_f64(minutes.expect("a number of minutes") * 60.0);
    runtime.block_on(soak(time))
}

async fn soak(time: Duration) -> ExitCode {
    let gateway = load::gateway().await;
    let exporter = Arc::new(Exporter::start(&gateway).await);
    let load = Load::new(Arc::clone(&exporter), gateway);
    // The first requests allocate what later ones reuse.
    load.warm_up().await;
    let before = exporter.read().await;
    let tally = Arc::new(Tally::default());
    let end = tokio::time::Instant::now() + time;
    let running = load.run(end, Arc::clone(&tally));
    let mut measurements = Measurements::default();
    let sampling = async {
        let mut tick = tokio::time::interval(SAMPLING);
        while tokio::time::Instant::now() < end {
            tick.tick().await;
            measurements.add(exporter.read().await);
        }
    };
    tokio::join!(running, sampling);
    let after = exporter.until_quiet(&before).await;
    measurements.print(&before, &after, &tally, time);
    match tally.unexplained() == 0 && after.is_some() && measurements.memory_is_flat() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
