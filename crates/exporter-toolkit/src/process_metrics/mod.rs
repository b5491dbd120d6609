//! The `process_*` metrics of the official Prometheus client libraries, read from `/proc` at each scrape.
//!
//! ```
//! let registry = prometheus::Registry::new();
//! exporter_toolkit::process_metrics::register(&registry)?;
//! # Ok::<(), prometheus::Error>(())
//! ```

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), test))]
mod other;

use chrono::{DateTime, Utc};
use prometheus::Registry;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(not(target_os = "linux"))]
use other as platform;

/// Registers the `process_*` metrics. Systems other than Linux have none.
///
/// # Errors
/// If the registry already has one of these metrics.
pub fn register(registry: &Registry) -> prometheus::Result<()> {
    platform::register(registry)
}

/// When this process started, which is when `process_cpu_seconds_total` began to count. `None` where the `process_*`
/// metrics are absent.
pub fn start_time() -> Option<DateTime<Utc>> {
    let seconds = platform::start_time()?;
    DateTime::from_timestamp_millis((seconds * 1000.0) as i64)
}
