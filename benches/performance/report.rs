//! The measurements as Markdown tables and as JSON.

use std::fmt::Write;
use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::disturbance::Disturbance;
use crate::refreshes::Refreshes;
use crate::scrapes;
use crate::startup::Startup;

/// All measurements of a run.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub sizes: Vec<Size>,
    pub disturbance: Option<Disturbance>,
}

/// The measurements with one number of profiles.
#[derive(Debug, Serialize)]
pub struct Size {
    pub profiles: usize,
    pub cached: scrapes::Measured,
    pub refreshes: Refreshes,
    pub startup: Startup,
}

impl Size {
    /// Resident memory after load in bytes: the larger value of scrapes and refreshes.
    pub fn resident(&self) -> u64 {
        self.cached.resident.max(self.refreshes.resident)
    }
}

impl Report {
    pub fn add(
        &mut self,
        profiles: usize,
        cached: scrapes::Measured,
        refreshes: Refreshes,
        startup: Startup,
    ) {
        self.sizes.push(Size {
            profiles,
            cached,
            refreshes,
            startup,
        });
    }

    /// All tables in Markdown.
    pub fn tables(&self) -> String {
        let tables = [
            self.scrapes(),
            self.costs(),
            self.per_profile(),
            self.disturbance(),
        ];
        tables.join("\n")
    }

    /// Writes measurements and goals as JSON.
    pub fn write(&self, path: &Path, bars: &[impl Serialize]) {
        let directory = path.parent().expect("a folder");
        std::fs::create_dir_all(directory).expect("a folder");
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let all = json!({ "cores": cores, "measured": self, "bars": bars });
        std::fs::write(path, format!("{all:#}\n")).expect("a file");
    }

    fn scrapes(&self) -> String {
        let mut out = String::from(
            "| profiles | format | encoding | scrapers | bytes | scrapes/s | floor/s | rate ratio | CPU µs | floor CPU µs | CPU ratio | over compressing |\n\
             | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        );
        for size in &self.sizes {
            for scrape in &size.cached.scrapes {
                let over = scrape.over_compressing;
                let over = over.map_or(String::new(), |over| format!("{over:.1}"));
                let _ = writeln!(
                    out,
                    "| {} | {} | {} | {} | {} | {:.0} | {:.0} | {:.2} | {:.0} | {:.0} | {:.2} | {over} |",
                    size.profiles,
                    scrape.format,
                    scrape.encoding,
                    scrape.scrapers,
                    scrape.bytes,
                    scrape.per_second,
                    scrape.floor_per_second,
                    scrape.rate_ratio,
                    scrape.cpu_microseconds,
                    scrape.floor_cpu_microseconds,
                    scrape.cpu_ratio,
                );
            }
        }
        out
    }

    fn costs(&self) -> String {
        let mut out = String::from(
            "| profiles | JSON bytes | refresh ms | parsing ms | ratio | refresh CPU ms | MiB after scrapes | MiB after refreshes | MiB at most | floor MiB | start ms | floor ms | ratio |\n\
             | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        );
        for size in &self.sizes {
            let (refreshes, startup) = (&size.refreshes, &size.startup);
            let _ = writeln!(
                out,
                "| {} | {} | {:.1} | {:.1} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} |",
                size.profiles,
                refreshes.json_bytes,
                refreshes.milliseconds,
                refreshes.parse_milliseconds,
                refreshes.ratio,
                refreshes.cpu_milliseconds,
                mebibytes(size.cached.resident),
                mebibytes(refreshes.resident),
                mebibytes(refreshes.peak),
                mebibytes(size.cached.floor_resident),
                startup.milliseconds,
                startup.floor_milliseconds,
                startup.ratio,
            );
        }
        out
    }

    /// Costs divided by the number of profiles, fixed costs included.
    fn per_profile(&self) -> String {
        let mut out = String::from(
            "| profiles | refresh CPU µs per profile | memory after scrapes, bytes per profile | after refreshes | plain bytes | gzip bytes |\n\
             | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        );
        for size in &self.sizes {
            let per = |cost: f64| cost / size.profiles as f64;
            let _ = writeln!(
                out,
                "| {} | {:.1} | {:.0} | {:.0} | {:.0} | {:.0} |",
                size.profiles,
                per(size.refreshes.cpu_milliseconds * 1e3),
                per(size.cached.resident as f64),
                per(size.refreshes.resident as f64),
                per(size.cached.scrapes[0].bytes as f64),
                per(size.cached.scrapes[1].bytes as f64),
            );
        }
        out
    }

    fn disturbance(&self) -> String {
        let Some(measured) = &self.disturbance else {
            return String::new();
        };
        let mut out = String::from(
            "| profiles | refresh ms | scrape | without µs | during µs | ratio | noise |\n\
             | ---: | ---: | --- | ---: | ---: | ---: | ---: |\n",
        );
        for (effect, which) in measured.effects() {
            let _ = writeln!(
                out,
                "| {} | {:.1} | {which} | {:.0} | {:.0} | {:.2} | {:.2} |",
                measured.profiles,
                measured.refresh_milliseconds,
                effect.quiet_microseconds,
                effect.during_microseconds,
                effect.ratio,
                effect.noise,
            );
        }
        out
    }
}

/// Converts bytes to MiB.
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
