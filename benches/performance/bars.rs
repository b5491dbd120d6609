//! Performance goals, and whether the measurements reach them.

use std::fmt::Write;

use serde::Serialize;

use crate::report::{Report, Size, mebibytes};
use crate::scrapes::Scrapes;

/// A goal: a measured value and its limit.
#[derive(Debug, Serialize)]
pub struct Bar {
    pub name: String,
    pub measured: f64,
    pub limit: f64,
    pub reached: bool,
}

impl Bar {
    fn at_least(limit: f64, name: String, measured: f64) -> Bar {
        let reached = measured >= limit;
        Bar {
            name,
            measured,
            limit,
            reached,
        }
    }

    pub fn at_most(limit: f64, name: String, measured: f64) -> Bar {
        let reached = measured <= limit;
        Bar {
            name,
            measured,
            limit,
            reached,
        }
    }
}

/// All goals that the report has measurements for.
pub fn judge(report: &Report) -> Vec<Bar> {
    let mut bars = Vec::new();
    for size in &report.sizes {
        judge_scrapes(size, &mut bars);
    }
    for size in &report.sizes {
        judge_size(size, &mut bars);
    }
    judge_growth(&report.sizes, &mut bars);
    if let Some(measured) = &report.disturbance {
        for (effect, which) in measured.effects() {
            let name = format!("scrape during a refresh over one without, beyond noise, {which}");
            bars.push(Bar::at_most(1.0 + effect.noise, name, effect.ratio));
        }
    }
    bars
}

fn judge_scrapes(size: &Size, bars: &mut Vec<Bar>) {
    let at_sixteen = |scrape: &&Scrapes| scrape.scrapers == 16;
    for scrape in size.cached.scrapes.iter().filter(at_sixteen) {
        let (profiles, format, encoding) = (size.profiles, scrape.format, scrape.encoding);
        let of = |what: &str| format!("{what}, {format}, {encoding}, {profiles} profiles");
        let limit = if encoding == "gzip" { 0.8 } else { 0.9 };
        let over_floor = of("rate over the floor's");
        bars.push(Bar::at_least(limit, over_floor, scrape.rate_ratio));
        let cpu = of("CPU per scrape over the floor's");
        bars.push(Bar::at_most(1.3, cpu, scrape.cpu_ratio));
        if let (10_000, Some(over)) = (profiles, scrape.over_compressing) {
            let name = of("rate over compressing at each scrape");
            bars.push(Bar::at_least(10.0, name, over));
        }
    }
}

fn judge_size(size: &Size, bars: &mut Vec<Bar>) {
    let resident = mebibytes(size.resident());
    match size.profiles {
        3 => {
            let name = "MiB resident after load, 3 profiles".to_owned();
            bars.push(Bar::at_most(10.0, name, resident));
            let name = "start to first whole scrape over the floor's, 3 profiles".to_owned();
            bars.push(Bar::at_most(2.0, name, size.startup.ratio));
        }
        10_000 => {
            let name = "MiB resident after load, 10000 profiles".to_owned();
            bars.push(Bar::at_most(60.0, name, resident));
            let name = "refresh over parsing, 10000 profiles".to_owned();
            bars.push(Bar::at_most(3.0, name, size.refreshes.ratio));
        }
        _ => {}
    }
}

/// The cost of an additional profile must not depend on the number of profiles. Compares the slopes between
/// neighbouring sizes of at least 1,000 profiles: from there on all threads for large answers are in use.
fn judge_growth(sizes: &[Size], bars: &mut Vec<Bar>) {
    type Cost = (&'static str, fn(&Size) -> f64);
    let costs: [Cost; 5] = [
        ("refresh CPU", |size| size.refreshes.cpu_milliseconds),
        ("memory after scrapes", |size| size.cached.resident as f64),
        ("memory after refreshes", |size| {
            size.refreshes.resident as f64
        }),
        ("plain bytes", |size| size.cached.scrapes[0].bytes as f64),
        ("gzip bytes", |size| size.cached.scrapes[1].bytes as f64),
    ];
    let large: Vec<&Size> = sizes.iter().filter(|size| size.profiles >= 1_000).collect();
    if large.len() < 3 {
        return;
    }
    for (name, cost) in costs {
        let slopes = large.windows(2).map(|pair| {
            (cost(pair[1]) - cost(pair[0])) / (pair[1].profiles - pair[0].profiles) as f64
        });
        let (least, most) = slopes.fold((f64::MAX, 0.0), |(least, most): (f64, f64), cost| {
            (least.min(cost), most.max(cost))
        });
        let name = format!("{name} of one profile more, most over least");
        bars.push(Bar::at_most(1.2, name, most / least));
    }
}

/// The goals as a Markdown table.
pub fn table(bars: &[Bar]) -> String {
    let mut out = String::from("| bar | measured | limit | |\n| --- | ---: | ---: | --- |\n");
    for bar in bars {
        let Bar {
            name,
            measured,
            limit,
            reached,
        } = bar;
        let reached = if *reached {
            "reached"
        } else {
            "**not reached**"
        };
        let _ = writeln!(out, "| {name} | {measured:.2} | {limit:.2} | {reached} |");
    }
    out
}
