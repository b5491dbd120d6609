//! The flags of the simulated gateway.

use std::num::NonZeroUsize;

use clap::Args;

use super::values::parse_page_size;
use crate::simulator::faults::Fault;
use crate::simulator::{self, Envelope, RateLimit, Schema};

pub(super) const SIMULATOR: &str = "Simulated gateway";

/// The simulated gateway.
#[derive(Debug, Args)]
#[command(next_help_heading = SIMULATOR)]
pub struct SimulatorArgs {
    /// Connected profiles; the three of the API's documentation come first
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub profiles: usize,
    /// The same seed gives the same profiles and the same fates
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Requests per minute that the key may send
    #[arg(long, value_name = "N", default_value_t = RateLimit::default().per_minute)]
    pub rate_limit: u64,
    /// Requests per second that the key may send
    #[arg(long, value_name = "N", default_value_t = RateLimit::default().burst)]
    pub burst: u64,
    /// Description of the API that the answers follow. The reference also knows LinkedIn, Google and
    /// TikTok; it follows the prose of the API's reference page, and the real answers may differ
    #[arg(long, value_name = "SCHEMA", value_enum, default_value_t)]
    pub schema: Schema,
    /// Envelope of successful answers
    #[arg(long, value_name = "ENVELOPE", value_enum, default_value_t)]
    pub envelope: Envelope,
    /// Answer with the first N profiles only, as the first page of a longer list
    #[arg(long, value_name = "N", value_parser = parse_page_size)]
    pub page_size: Option<NonZeroUsize>,
    /// A fault from the start, such as status=503, list:latency=2s or details/facebook:hang; may be
    /// given several times
    #[arg(long, value_name = "[SCOPE:]KIND[=ARGUMENT]")]
    pub fault: Vec<Fault>,
}

impl SimulatorArgs {
    /// The gateway to simulate, with the defaults for what only `simulate` can choose.
    pub fn options(&self) -> simulator::Options {
        simulator::Options {
            profiles: self.profiles,
            seed: self.seed,
            rate_limit: RateLimit {
                per_minute: self.rate_limit,
                burst: self.burst,
            },
            faults: self.fault.clone(),
            schema: self.schema,
            envelope: self.envelope,
            page_size: self.page_size,
            ..simulator::Options::default()
        }
    }
}
