//! The arguments of the benchmark and of its server processes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

/// Measures the costs of the exporter.
#[derive(Debug, Parser)]
pub struct Options {
    /// Measure with these numbers of profiles.
    #[arg(long, value_delimiter = ',', default_value = "3,100,1000,10000,100000")]
    pub sizes: Vec<usize>,
    /// Repeat each measurement this many times; the medians count.
    #[arg(long, default_value_t = 7)]
    pub rounds: usize,
    /// Load a server for this many milliseconds at a time.
    #[arg(long, default_value_t = 500)]
    pub milliseconds: u64,
    /// Compare the refreshes with those of this other build of the exporter, and measure nothing else.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write the measurements to this JSON file.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench/performance.json"))]
    pub json: PathBuf,
    /// Passed by Cargo.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    pub role: Option<Role>,
}

impl Options {
    /// How long a server is loaded at a time.
    pub fn turn(&self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }
}

/// The role of a server process of this program.
#[derive(Debug, Subcommand)]
#[command(hide = true)]
pub enum Role {
    /// A gateway that returns prepared answers.
    Gateway {
        /// Number of profiles in the answers.
        profiles: usize,
    },
    /// A minimal server of metrics.
    Floor {
        /// How it sends the body.
        sends: Sends,
        /// The file with the body.
        body: PathBuf,
        /// The body is OpenMetrics.
        #[arg(long)]
        open_metrics: bool,
    },
}

/// How a floor sends its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sends {
    /// Unchanged.
    Plain,
    /// Unchanged, with gzip as its content coding.
    Gzip,
    /// Compressed for each scrape.
    Compressing,
}
