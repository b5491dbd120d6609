//! The arguments of the measurement, and of its helpers.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

/// Measures what the exporter costs.
#[derive(Debug, Parser)]
pub struct Options {
    /// Numbers of profiles.
    #[arg(long, value_delimiter = ',', default_value = "3,100,1000,10000,100000")]
    pub sizes: Vec<usize>,
    /// How often everything is measured; the medians count.
    #[arg(long, default_value_t = 7)]
    pub rounds: usize,
    /// How long a server is driven at a time, in milliseconds.
    #[arg(long, default_value_t = 500)]
    pub milliseconds: u64,
    /// Another build of the exporter: only refreshes are measured, beside its own.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Where the figures go.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench/performance.json"))]
    pub json: PathBuf,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    pub role: Option<Role>,
}

impl Options {
    /// How long a server is driven at a time.
    pub fn turn(&self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }
}

/// A server that this program is instead.
#[derive(Debug, Subcommand)]
#[command(hide = true)]
pub enum Role {
    /// A gateway that returns prepared answers.
    Gateway {
        /// How many profiles they show.
        profiles: usize,
    },
    /// The least that a server of metrics can do.
    Floor {
        /// How it sends the body.
        sends: Sends,
        /// A file with the body.
        body: PathBuf,
    },
}

/// How a floor sends its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sends {
    /// As it is.
    Plain,
    /// As it is, which is gzip.
    Gzip,
    /// Compressed at each scrape.
    Compressing,
}
