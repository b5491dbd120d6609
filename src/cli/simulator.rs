//! The flags of the simulated gateway.

use std::num::NonZeroUsize;

use clap::Args;
use gateway_simulator::faults::Fault;
use gateway_simulator::{Envelope, RateLimit, Schema};

use super::values::{parse_error_status, parse_page_size};

pub(super) const SIMULATOR: &str = "Simulated gateway";

/// The simulated gateway.
#[derive(Debug, Args)]
#[command(next_help_heading = SIMULATOR)]
pub struct SimulatorArgs {
    /// Simulate this many profiles; the first three are those of the API's documentation
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub profiles: usize,
    /// Generate the profiles and their changes from this seed; the same seed gives the same profiles
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Limit the requests of the key per minute
    #[arg(long, value_name = "N", default_value_t = RateLimit::default().per_minute)]
    pub rate_limit: u64,
    /// Limit the requests of the key per second
    #[arg(long, value_name = "N", default_value_t = RateLimit::default().burst)]
    pub burst: u64,
    /// Answer as this description of the API says; the reference also has LinkedIn, Google and TikTok, follows
    /// the prose of the API's reference page, and the real answers may differ
    #[arg(long, value_name = "SCHEMA", value_enum, default_value_t)]
    pub schema: Schema,
    /// Wrap successful answers in this envelope
    #[arg(long, value_name = "ENVELOPE", value_enum, default_value_t)]
    pub envelope: Envelope,
    /// Answer with the first N profiles only, like the first page of a longer list
    #[arg(long, value_name = "N", value_parser = parse_page_size)]
    pub page_size: Option<NonZeroUsize>,
    /// Answer details calls of a platform with an expired token with this HTTP status; the API documents 503
    #[arg(long, value_name = "STATUS", value_parser = parse_error_status)]
    pub expired_channel: Option<u16>,
    /// Start with this fault, such as status=503, list:latency=2s or details/facebook:hang; repeatable
    #[arg(long, value_name = "[SCOPE:]KIND[=ARGUMENT]")]
    pub fault: Vec<Fault>,
}

impl SimulatorArgs {
    /// The options of the simulator. Options that only `simulate` has keep their defaults.
    pub fn options(&self) -> gateway_simulator::Options {
        gateway_simulator::Options {
            profiles: self.profiles,
            seed: self.seed,
            rate_limit: RateLimit {
                per_minute: self.rate_limit,
                burst: self.burst,
            },
            faults: self.fault.clone(),
            expired_channel: self.expired_channel,
            schema: self.schema,
            envelope: self.envelope,
            page_size: self.page_size,
            ..gateway_simulator::Options::default()
        }
    }
}
