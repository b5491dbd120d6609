//! The `process_*` metrics from `/proc`.

use procfs::process::{LimitValue, Process, Stat};
use procfs::{CurrentSI, KernelStats, ProcResult};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, Registry};

pub(super) fn register(registry: &Registry) -> prometheus::Result<()> {
    registry.register(Box::new(ProcessCollector::new()?))
}

/// A collector with fractions of seconds; that of the `prometheus` crate truncates CPU time to whole seconds.
struct ProcessCollector {
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
    fn new() -> prometheus::Result<ProcessCollector> {
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
pub(super) fn start_time() -> Option<f64> {
    let stat = Process::myself().and_then(|process| process.stat()).ok()?;
    start_of(&stat).ok()
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
