//! A second, strict parser of expositions, which shares no code with the exporter.

use std::collections::BTreeMap;

use openmetrics_parser::prometheus::parse_prometheus;
use openmetrics_parser::{MetricNumber, PrometheusType, PrometheusValue};

/// Name and labels of a metric, unescaped.
pub type Series = (String, BTreeMap<String, String>);

/// Parses a complete exposition. Each family must have HELP and TYPE exactly once and at least one sample. Duplicate
/// series and timestamps are errors.
///
/// # Errors
/// A text that names the first violation.
pub fn parse(text: &str) -> Result<BTreeMap<Series, f64>, String> {
    // The parser takes a carriage return for a line end; Prometheus does not.
    let stand_in = ('\u{e000}'..).find(|char| !text.contains(*char));
    let stand_in = stand_in.ok_or("contains every character")?;
    let readable = text.replace('\r', stand_in.encode_utf8(&mut [0; 4]));
    let mut all = BTreeMap::new();
    let mut names = Vec::new();
    let body = readable.strip_suffix('\n');
    let mut lines = body.ok_or("does not end with a line feed")?.split('\n');
    let mut next = lines.next();
    while let Some(help) = next {
        let name = help
            .strip_prefix("# HELP ")
            .and_then(|it| it.split(' ').next());
        let name = name.ok_or_else(|| format!("no HELP: {help:?}"))?;
        if names.contains(&name) {
            return Err(format!("{name} has two HELP lines"));
        }
        names.push(name);
        let kind = lines.next().unwrap_or_default();
        let mut samples = Vec::new();
        next = lines.next();
        while let Some(line) = next.filter(|line| !line.starts_with("# HELP ")) {
            samples.push(line);
            next = lines.next();
        }
        if samples.is_empty() {
            return Err(format!("{name} has no sample"));
        }
        let family = |samples: &[&str]| format!("{help}\n{kind}\n{}\n", samples.join("\n"));
        // The parser demands the same labels in all samples of a family; Prometheus does not.
        let found = parse_family(&family(&samples)).or_else(|error| {
            let single = samples
                .iter()
                .map(|sample| parse_family(&family(&[*sample])));
            let single: Result<Vec<_>, _> = single.collect();
            single
                .map(|found| found.concat())
                .map_err(|other| format!("{error}; {other}"))
        });
        let found = found.map_err(|error| format!("{error} in {:?}", family(&samples)))?;
        if found.len() != samples.len() {
            return Err(format!("{} samples in {:?}", found.len(), family(&samples)));
        }
        for ((name, mut labels), value) in found {
            for value in labels.values_mut() {
                *value = value.replace(stand_in, "\r");
            }
            let series = (name, labels);
            match all.contains_key(&series) {
                true => return Err(format!("duplicate series {series:?}")),
                false => all.insert(series, value),
            };
        }
    }
    Ok(all)
}

fn parse_family(text: &str) -> Result<Vec<(Series, f64)>, String> {
    let parsed = parse_prometheus(text).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for family in parsed.families.into_values() {
        let name = family.family_name.clone();
        if family.family_type == PrometheusType::Unknown {
            return Err("no TYPE".to_owned());
        }
        for sample in family.iter_samples() {
            if sample.timestamp.is_some() {
                return Err("a timestamp".to_owned());
            }
            let labels = sample.get_labelset().map_err(|error| error.to_string())?;
            let labels = labels
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()));
            let labels: BTreeMap<String, String> = labels.collect();
            let mut add = |suffix: &str, labels: &BTreeMap<String, String>, value: f64| {
                found.push(((format!("{name}{suffix}"), labels.clone()), value));
            };
            let number = |number: &MetricNumber| number.as_f64();
            match &sample.value {
                PrometheusValue::Gauge(value) => add("", &labels, number(value)),
                PrometheusValue::Counter(value) => add("", &labels, number(&value.value)),
                PrometheusValue::Histogram(value) => {
                    for bucket in &value.buckets {
                        let mut labels = labels.clone();
                        labels.insert("le".to_owned(), bucket.upper_bound.to_string());
                        add("_bucket", &labels, number(&bucket.count));
                    }
                    let (sum, count) = (value.sum.as_ref(), value.count);
                    add("_sum", &labels, sum.map_or(f64::NAN, number));
                    add("_count", &labels, count.unwrap_or_default() as f64);
                }
                other => return Err(format!("an unexpected type: {other:?}")),
            }
        }
    }
    Ok(found)
}
