//! The exporter's own metrics and the accounts' gateway metrics, kept in [`prometheus::Registry`]s.

pub(crate) mod account;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use crate::build;
use account::AccountMetrics;
use exporter_toolkit::metrics_format::{self, DatedRegistry, Format};
use exporter_toolkit::process_metrics;

/// How an account's cache served a scrape, the label `result` of `qlara_exporter_cache_requests_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheResult {
    /// A snapshot younger than the ttl.
    Hit,
    /// The snapshot of a refresh that this scrape waited for.
    Refreshed,
    /// A snapshot older than the ttl, because no newer one could be read.
    Stale,
    /// No snapshot, because there is none or it is too old to be shown.
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

/// The exporter's own metrics and their registries.
#[derive(Debug)]
pub struct Telemetry {
    registry: DatedRegistry,
    /// The `process_*` metrics, which count since the process started.
    process: DatedRegistry,
    /// One counter for each of [`CacheResult::ALL`].
    cache_requests: [IntCounter; 4],
    configuration_good: IntGauge,
    configuration_loaded: Gauge,
    failed_handshakes: IntCounter,
}

impl Telemetry {
    /// Registers all metrics. Counters count since `now`, and the configuration was read then.
    ///
    /// # Errors
    /// If two metrics have the same name, which is a bug.
    pub fn new(now: DateTime<Utc>) -> prometheus::Result<Telemetry> {
        let registry = Registry::new();
        let cache_requests = IntCounterVec::new(
            Opts::new(
                "qlara_exporter_cache_requests_total",
                "Reads of an account's cache by scrapes, by how they were served.",
            ),
            &["result"],
        )?;
        registry.register(Box::new(cache_requests.clone()))?;
        register_build_info(&registry)?;
        let (configuration_good, configuration_loaded) = register_configuration(&registry)?;
        let failed_handshakes = register_failed_handshakes(&registry)?;
        let process = Registry::new();
        process_metrics::register(&process)?;
        let telemetry = Telemetry {
            registry: DatedRegistry {
                registry,
                created: now,
            },
            process: DatedRegistry {
                registry: process,
                created: process_metrics::start_time().unwrap_or(now),
            },
            cache_requests: CacheResult::ALL
                .map(|result| cache_requests.with_label_values(&[result.as_str()])),
            configuration_good,
            configuration_loaded,
            failed_handshakes,
        };
        telemetry.set_configuration_loaded(now);
        Ok(telemetry)
    }

    /// Sets when the configuration was loaded.
    pub fn set_configuration_loaded(&self, at: DateTime<Utc>) {
        let seconds = at.timestamp_millis() as f64 / 1000.0;
        self.configuration_loaded.set(seconds);
    }

    /// The counter of failed TLS handshakes with clients.
    pub fn failed_handshakes(&self) -> &IntCounter {
        &self.failed_handshakes
    }

    /// Counts one read of an account's cache.
    pub fn count_cache_request(&self, result: CacheResult) {
        self.cache_requests[result as usize].inc();
    }

    /// Returns the exposition of these metrics and of the accounts' gateway metrics. `configuration_good` is whether the last reload succeeded and every configured file could be read when last needed.
    ///
    /// # Errors
    /// If a family cannot be encoded.
    pub fn expose<'a>(
        &self,
        format: Format,
        configuration_good: bool,
        accounts: impl Iterator<Item = &'a AccountMetrics>,
    ) -> prometheus::Result<Bytes> {
        self.configuration_good.set(configuration_good.into());
        let accounts = accounts.map(|account| &account.registry);
        let registries = [&self.registry, &self.process].into_iter().chain(accounts);
        metrics_format::encode(format, registries).map(Bytes::from)
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

fn register_configuration(registry: &Registry) -> prometheus::Result<(IntGauge, Gauge)> {
    let good = IntGauge::new(
        "qlara_exporter_config_last_reload_successful",
        "Whether the last attempt to load the configuration succeeded, and every file it names could be read when last needed.",
    )?;
    let loaded = Gauge::new(
        "qlara_exporter_config_last_reload_success_timestamp_seconds",
        "Unix time of the last successful load of the configuration.",
    )?;
    registry.register(Box::new(good.clone()))?;
    registry.register(Box::new(loaded.clone()))?;
    Ok((good, loaded))
}

fn register_failed_handshakes(registry: &Registry) -> prometheus::Result<IntCounter> {
    let failed = IntCounter::new(
        "qlara_exporter_tls_handshake_errors_total",
        "TLS handshakes of clients that failed, and clients that spoke plain HTTP instead.",
    )?;
    registry.register(Box::new(failed.clone()))?;
    Ok(failed)
}
