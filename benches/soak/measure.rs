//! The measurements, and whether memory grows.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use crate::exporter::Sample;
use crate::load::Tally;

const MIB: f64 = 1024.0 * 1024.0;

/// Samples under load.
#[derive(Default)]
pub struct Measurements(Vec<Sample>);

impl Measurements {
    pub fn add(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// Prints a Markdown table, then a line of JSON.
    pub fn print(&self, before: &Sample, after: &Option<Sample>, tally: &Tally, time: Duration) {
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        // The first third includes allocations that happen once.
        let settled = &self.0[self.0.len() / 3..];
        let series = |value: &dyn Fn(&Sample) -> f64| Series::of(settled, value);
        let rows = [
            (
                "resident memory, MiB",
                memory(before),
                series(&memory),
                after.as_ref().map(memory),
            ),
            (
                "file descriptors",
                before.files as f64,
                series(&|sample| sample.files as f64),
                after.as_ref().map(|sample| sample.files as f64),
            ),
            (
                "tasks",
                before.tasks as f64,
                series(&|sample| sample.tasks as f64),
                after.as_ref().map(|sample| sample.tasks as f64),
            ),
        ];
        println!("| | before | least under load | most under load | slope per hour | after |");
        println!("| --- | ---: | ---: | ---: | ---: | ---: |");
        for (name, before, series, after) in &rows {
            let after = after.map_or("more than before".to_owned(), |after| format!("{after:.1}"));
            println!(
                "| {name} | {before:.1} | {:.1} | {:.1} | {:+.2} | {after} |",
                series.least, series.most, series.slope
            );
        }
        let result = json!({
            "minutes": time.as_secs_f64() / 60.0,
            "scrapes": count(&tally.scrapes),
            "read_strictly": count(&tally.read),
            "thousands_at_once": count(&tally.bursts),
            "slow_readers": count(&tally.abandoned),
            "faults": count(&tally.faults),
            "reloads": count(&tally.reloads),
            "refused_reloads": count(&tally.refused_reloads),
            "unexplained": tally.unexplained(),
            "examples": tally.examples(),
            "memory_slope_mib_per_hour": rows[0].2.slope,
            "memory_mib_by_tenth": self.memory_by_parts(10).iter().map(|mib| mib.round()).collect::<Vec<_>>(),
            "memory_is_flat": self.memory_is_flat(),
        });
        println!("{result}");
    }

    /// Whether the average memory of the last third is at most a tenth above that of the second third.
    pub fn memory_is_flat(&self) -> bool {
        match self.memory_by_parts(3)[..] {
            [_, second, last] => last <= 1.1 * second,
            _ => false,
        }
    }

    /// Average memory in MiB of each of `parts` equal parts of the time.
    fn memory_by_parts(&self, parts: usize) -> Vec<f64> {
        let parts = self.0.chunks(self.0.len().div_ceil(parts).max(1));
        let mean = |part: &[Sample]| part.iter().map(memory).sum::<f64>() / part.len() as f64;
        parts.map(mean).collect()
    }
}

fn memory(sample: &Sample) -> f64 {
    sample.memory as f64 / MIB
}

struct Series {
    least: f64,
    most: f64,
    /// Slope of the linear regression in units per hour.
    slope: f64,
}

impl Series {
    fn of(samples: &[Sample], value: &dyn Fn(&Sample) -> f64) -> Series {
        let points: Vec<(f64, f64)> = samples
            .iter()
            .map(|sample| (sample.at.as_secs_f64() / 3600.0, value(sample)))
            .collect();
        let count = points.len() as f64;
        let mean = |pick: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(pick).sum::<f64>() / count;
        let (mean_x, mean_y) = (mean(&|point| point.0), mean(&|point| point.1));
        let covariance = mean(&|(x, y)| (x - mean_x) * (y - mean_y));
        let variance = mean(&|(x, _)| (x - mean_x).powi(2));
        let values = || points.iter().map(|point| point.1);
        Series {
            least: values().fold(f64::INFINITY, f64::min),
            most: values().fold(f64::NEG_INFINITY, f64::max),
            slope: covariance / variance,
        }
    }
}
