//! The exporter's own metrics, kept in a [`prometheus::Registry`].

pub mod account;
mod process;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use prometheus::{
    Encoder, Gauge, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::build;
use account::AccountMetrics;

/// How a scrape was served from an account's cache: the values of the label `result`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheResult {
    /// A snapshot younger than the ttl.
    Hit,
    /// The snapshot of a refresh that this scrape waited for.
    Refreshed,
    /// An old snapshot, because there is no newer one.
    Stale,
    /// No snapshot.
    Empty,
}

impl CacheResult {
    const ALL: [CacheResult; 4] = [
        CacheResult::Hit,
        CacheResult::Refreshed,
        CacheResult::Stale,
        CacheResult::Empty,
    ];

    fn as_str(self) -> &'static str {
        match self {
            CacheResult::Hit => "hit",
            CacheResult::Refreshed => "refreshed",
            CacheResult::Stale => "stale",
            CacheResult::Empty => "empty",
        }
    }
}

/// The registry and the metrics that belong to no account.
#[derive(Debug)]
pub struct Telemetry {
    registry: Registry,
    cache_requests: IntCounterVec,
}

impl Telemetry {
    /// All metrics at their start; `loaded_at` is when the configuration was read.
    ///
    /// # Errors
    /// When two metrics are declared alike, which is a mistake in this program.
    pub fn new(loaded_at: DateTime<Utc>) -> prometheus::Result<Telemetry> {
        let registry = Registry::new();
        let cache_requests = IntCounterVec::new(
            Opts::new(
                "qlara_exporter_cache_requests_total",
                "Reads of an account's cache by scrapes, by how they were served.",
            ),
            &["result"],
        )?;
        for result in CacheResult::ALL {
            cache_requests.with_label_values(&[result.as_str()]);
        }
        registry.register(Box::new(cache_requests.clone()))?;
        register_build_info(&registry)?;
        register_configuration(&registry, loaded_at)?;
        process::register(&registry)?;
        Ok(Telemetry {
            registry,
            cache_requests,
        })
    }

    /// The gateway metrics of one account.
    ///
    /// # Errors
    /// When an account of that name has its metrics already.
    pub fn account(&self, name: Option<&str>) -> prometheus::Result<AccountMetrics> {
        AccountMetrics::register(&self.registry, name)
    }

    /// Counts one read of an account's cache.
    pub fn count_cache_request(&self, result: CacheResult) {
        self.cache_requests
            .with_label_values(&[result.as_str()])
            .inc();
    }

    /// The text exposition of everything here, as of now.
    ///
    /// # Errors
    /// When a family cannot be written.
    pub fn expose(&self) -> prometheus::Result<Bytes> {
        let mut out = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut out)?;
        Ok(out.into())
    }
}

fn register_build_info(registry: &Registry) -> prometheus::Result<()> {
    let build_info = IntGaugeVec::new(
        Opts::new(
            "qlara_exporter_build_info",
            "The version, revision and compiler the exporter was built from, always 1.",
        ),
        &["version", "revision", "rustversion"],
    )?;
    build_info
        .with_label_values(&[build::VERSION, build::REVISION, build::RUST_VERSION])
        .set(1);
    registry.register(Box::new(build_info))
}

fn register_configuration(registry: &Registry, loaded_at: DateTime<Utc>) -> prometheus::Result<()> {
    let successful = IntGauge::new(
        "qlara_exporter_config_last_reload_successful",
        "Whether the last attempt to load the configuration succeeded.",
    )?;
    let success_timestamp = Gauge::new(
        "qlara_exporter_config_last_reload_success_timestamp_seconds",
        "Unix time of the last successful load of the configuration.",
    )?;
    successful.set(1);
    success_timestamp.set(loaded_at.timestamp_millis() as f64 / 1000.0);
    registry.register(Box::new(successful))?;
    registry.register(Box::new(success_timestamp))
}
