//! The `process_*` metrics of the official Prometheus client libraries, read from `/proc` at each scrape.
//!
//! ```
//! let registry = prometheus::Registry::new();
//! exporter_toolkit::process_metrics::register(&registry)?;
//! # Ok::<(), prometheus::Error>(())
//! ```

use chrono::{DateTime, Utc};
use prometheus::Registry;

#[cfg(not(target_os = "linux"))]
/// Registers the `process_*` metrics. Systems other than Linux have none.
///
/// # Errors
/// If the registry already has one of these metrics.
pub fn register(_: &Registry) -> prometheus::Result<()> {
    // Other systems have no /proc; Go's client library omits these metrics there, too.
    Ok(())
}

#[cfg(target_os = "linux")]
/// Registers the `process_*` metrics. Systems other than Linux have none.
///
/// # Errors
/// If the registry already has one of these metrics.
pub fn register(registry: &Registry) -> prometheus::Result<()> {
    registry.register(Box::new(linux::ProcessCollector::new()?))
}

/// When this process started, which is when `process_cpu_seconds_total` began to count. `None` where the `process_*`
/// metrics are absent.
pub fn start_time() -> Option<DateTime<Utc>> {
    #[cfg(target_os = "linux")]
    let started = linux::start_time().ok();
    #[cfg(not(target_os = "linux"))]
    let started: Option<f64> = None;
    DateTime::from_timestamp_millis((started? * 1000.0) as i64)
}

#[cfg(target_os = "linux")]
mod linux {
    use procfs::process::{LimitValue, Process, Stat};
    use procfs::{CurrentSI, KernelStats, ProcResult};
    use prometheus::core::{Collector, Desc};
    use prometheus::proto::MetricFamily;
    use prometheus::{Counter, Gauge};

    /// A collector with fractions of seconds; that of the `prometheus` crate truncates CPU time to whole seconds.
    pub(super) struct ProcessCollector {
        cpu_seconds: Counter,
        open_fds: Gauge,
        max_fds: Gauge,
        virtual_memory: Gauge,
        virtual_memory_max: Gauge,
        resident_memory: Gauge,
        threads: Gauge,
        start_time: Gauge,
    }

    impl ProcessCollector {
        pub(super) fn new() -> prometheus::Result<ProcessCollector> {
            let collector = ProcessCollector {
                cpu_seconds: Counter::new(
                    "process_cpu_seconds_total",
                    "Total user and system CPU time spent in seconds.",
                )?,
                open_fds: Gauge::new("process_open_fds", "Number of open file descriptors.")?,
                max_fds: Gauge::new(
                    "process_max_fds",
                    "Maximum number of open file descriptors.",
                )?,
                virtual_memory: Gauge::new(
                    "process_virtual_memory_bytes",
                    "Virtual memory size in bytes.",
                )?,
                virtual_memory_max: Gauge::new(
                    "process_virtual_memory_max_bytes",
                    "Maximum amount of virtual memory available in bytes.",
                )?,
                resident_memory: Gauge::new(
                    "process_resident_memory_bytes",
                    "Resident memory size in bytes.",
                )?,
                threads: Gauge::new("process_threads", "Number of OS threads in the process.")?,
                start_time: Gauge::new(
                    "process_start_time_seconds",
                    "Start time of the process since unix epoch in seconds.",
                )?,
            };
            Ok(collector)
        }

        fn update(&self) -> ProcResult<()> {
            let process = Process::myself()?;
            let stat = process.stat()?;
            let ticks = procfs::ticks_per_second() as f64;
            let cpu_seconds = (stat.utime + stat.stime) as f64 / ticks;
            // The kernel may round down, but a counter must not decrease.
            self.cpu_seconds
                .inc_by((cpu_seconds - self.cpu_seconds.get()).max(0.0));
            self.open_fds.set(process.fd_count()? as f64);
            self.virtual_memory.set(stat.vsize as f64);
            self.resident_memory
                .set((stat.rss * procfs::page_size()) as f64);
            self.threads.set(stat.num_threads as f64);
            if self.start_time.get() == 0.0 {
                // These values do not change while the process runs.
                let limits = process.limits()?;
                self.max_fds.set(limit(limits.max_open_files.soft_limit));
                self.virtual_memory_max
                    .set(limit(limits.max_address_space.soft_limit));
                self.start_time.set(start_of(&stat)?);
            }
            Ok(())
        }

        fn gauges(&self) -> [&Gauge; 7] {
            [
                &self.open_fds,
                &self.max_fds,
                &self.virtual_memory,
                &self.virtual_memory_max,
                &self.resident_memory,
                &self.threads,
                &self.start_time,
            ]
        }
    }

    impl Collector for ProcessCollector {
        fn desc(&self) -> Vec<&Desc> {
            let gauges = self.gauges().into_iter().flat_map(Collector::desc);
            self.cpu_seconds.desc().into_iter().chain(gauges).collect()
        }

        fn collect(&self) -> Vec<MetricFamily> {
            if self.update().is_err() {
                // Without /proc the values are unknown, so the metrics are absent.
                return Vec::new();
            }
            let gauges = self.gauges().into_iter().flat_map(Collector::collect);
            self.cpu_seconds
                .collect()
                .into_iter()
                .chain(gauges)
                .collect()
        }
    }

    /// The Unix time at which this process started.
    pub(super) fn start_time() -> ProcResult<f64> {
        start_of(&Process::myself()?.stat()?)
    }

    fn start_of(process: &Stat) -> ProcResult<f64> {
        let booted = KernelStats::current()?.btime as f64;
        Ok(booted + process.starttime as f64 / procfs::ticks_per_second() as f64)
    }

    /// Client libraries report "unlimited" as the largest unsigned 64-bit number.
    fn limit(limit: LimitValue) -> f64 {
        match limit {
            LimitValue::Value(value) => value as f64,
            LimitValue::Unlimited => u64::MAX as f64,
        }
    }
}
