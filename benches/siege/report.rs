//! The results as a table and as one line of JSON, and the checks against the bounds.

use std::time::Duration;

use serde_json::{Value, json};

use crate::clients::{Latencies, Seen};
use crate::exporter::{BRANDS, Scheme, TTL, brand};
use crate::gateway::{CALLS, Counts};

const MIB: u64 = 1024 * 1024;
/// Upper bound of every response time.
const MAX_RESPONSE_TIME: Duration = Duration::from_secs(1);

/// Results of one run of the exporter.
pub struct Phase {
    pub scheme: Scheme,
    pub under_siege: bool,
    pub time: Duration,
    pub seen: Seen,
    pub counts: Counts,
    /// Peak resident memory in bytes; `None` if the exporter has exited.
    pub peak: Option<u64>,
    /// Peak memory of the control group in bytes.
    pub peak_of_group: Option<u64>,
}

impl Phase {
    fn title(&self) -> String {
        let way = match self.scheme {
            Scheme::Http => "HTTP",
            Scheme::Https => "HTTPS",
        };
        let siege = if self.under_siege {
            "siege"
        } else {
            "baseline"
        };
        format!("{way}, {siege}")
    }

    /// Requests per `cache.ttl` of the healthy account with the most.
    fn requests(&self) -> f64 {
        let answered = (0..BRANDS).filter_map(|number| self.counts.answered.get(&brand(number)));
        let most = answered.max().copied().unwrap_or_default();
        most as f64 / self.ttls()
    }

    /// How often an account can have been due.
    fn ttls(&self) -> f64 {
        (self.time.as_secs_f64() / TTL as f64).floor() + 1.0
    }

    /// The bounds that do not hold.
    pub fn broken(&self, memory: u64) -> Vec<String> {
        let seen = &self.seen;
        let mut broken = Vec::new();
        let mut hold = |holds: bool, what: &str| {
            if !holds {
                broken.push(format!("{}: {what}", self.title()));
            }
        };
        hold(self.peak.is_some(), "the exporter exited");
        hold(
            self.peak.unwrap_or_default() <= memory,
            "peak memory is above the limit",
        );
        hold(
            seen.health.is_within(MAX_RESPONSE_TIME),
            "/-/healthy took more than a second, or failed",
        );
        hold(
            seen.probes.is_within(MAX_RESPONSE_TIME),
            "/-/healthy at the probe address took more than a second, or failed",
        );
        hold(
            seen.scrapes.is_within(MAX_RESPONSE_TIME),
            "a scrape took more than a second, or failed",
        );
        hold(seen.scrapes.incomplete == 0, "a scrape lacks profiles");
        hold(
            self.requests() <= CALLS.len() as f64,
            "an account sent more requests than one refresh per ttl",
        );
        broken
    }

    fn json(&self) -> Value {
        let seen = &self.seen;
        json!({
            "phase": self.title(),
            "seconds": self.time.as_secs(),
            "peak": self.peak,
            "peak_of_group": self.peak_of_group,
            "health": seen.health.json(),
            "probe_address": seen.probes.json(),
            "scrapes": seen.scrapes.json(),
            "logins": seen.logins.json(),
            "requests_per_account_and_ttl": self.requests(),
            "resets": self.counts.reset,
            "lost_connections": self.counts.lost,
        })
    }
}

impl Latencies {
    fn is_within(&self, bound: Duration) -> bool {
        self.failed == 0 && self.quantile(1000) <= bound
    }

    fn json(&self) -> Value {
        let milliseconds = |of_a_thousand| self.quantile(of_a_thousand).as_secs_f64() * 1000.0;
        json!({
            "answers": self.count(),
            "failed": self.failed,
            "incomplete": self.incomplete,
            "median_ms": milliseconds(500),
            "p99_ms": milliseconds(990),
            "most_ms": milliseconds(1000),
        })
    }

    /// Median, 99th percentile and maximum in milliseconds, and the number of failures.
    fn cell(&self) -> String {
        if self.count() == 0 && self.failed == 0 {
            return String::new();
        }
        let milliseconds = |of_a_thousand| self.quantile(of_a_thousand).as_secs_f64() * 1000.0;
        let times = [500, 990, 1000].map(milliseconds);
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(" ({failed} failed)"),
        };
        format!(
            "{:.0} / {:.0} / {:.0}{failed}",
            times[0], times[1], times[2]
        )
    }
}

/// Prints a table with a column per phase, then a line of JSON.
pub fn print(phases: &[Phase]) {
    let row = |name: &str, cell: &dyn Fn(&Phase) -> String| {
        let cells: Vec<String> = phases.iter().map(cell).collect();
        println!("| {name} | {} |", cells.join(" | "));
    };
    let mib =
        |bytes: Option<u64>| bytes.map_or("none".to_owned(), |bytes| (bytes / MIB).to_string());
    row("", &Phase::title);
    println!("| --- |{}", " ---: |".repeat(phases.len()));
    row("seconds", &|phase| phase.time.as_secs().to_string());
    row("peak resident memory, MiB", &|phase| mib(phase.peak));
    row("peak memory of the control group, MiB", &|phase| {
        mib(phase.peak_of_group)
    });
    row("`/-/healthy`, ms", &|phase| phase.seen.health.cell());
    row("`/-/healthy` at the probe address, ms", &|phase| {
        phase.seen.probes.cell()
    });
    row("`/probe` over a keep-alive connection, ms", &|phase| {
        phase.seen.scrapes.cell()
    });
    row("scrapes", &|phase| phase.seen.scrapes.count().to_string());
    row("scrapes that lack profiles", &|phase| {
        phase.seen.scrapes.incomplete.to_string()
    });
    row("first login of a user, ms", &|phase| {
        phase.seen.logins.cell()
    });
    row("gateway requests per account and `cache.ttl`", &|phase| {
        format!("{:.2}", phase.requests())
    });
    row("gateway connections reset", &|phase| {
        phase.counts.reset.to_string()
    });
    row("gateway connections that lose every packet", &|phase| {
        phase.counts.lost.to_string()
    });
    let phases: Vec<Value> = phases.iter().map(Phase::json).collect();
    println!("{}", json!(phases));
}
