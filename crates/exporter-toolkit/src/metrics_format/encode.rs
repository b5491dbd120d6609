//! Encodes the metrics of registries.

use std::collections::BTreeMap;
use std::io::Write;

use chrono::{DateTime, Utc};
use prometheus::proto::{Metric, MetricFamily, MetricType};
use prometheus::{Encoder, Registry, TextEncoder};

use super::Format;
use super::metadata::{escape, write_metadata};

/// A registry, and when its counters and histograms were created, which registries do not keep.
#[derive(Debug)]
pub struct DatedRegistry {
    /// The metrics.
    pub registry: Registry,
    /// Since when they count.
    pub created: DateTime<Utc>,
}

/// A family of all registries.
struct Family {
    family: MetricFamily,
    /// When each metric of the family was created.
    created: Vec<DateTime<Utc>>,
}

/// Encodes the metrics of all registries without [`Format::end`]. A family that several registries have appears once, with
/// the metrics of all.
///
/// # Errors
/// If a family has no metric, or a type that registries do not create, or is a counter without `_total`.
pub fn encode<'a>(
    format: Format,
    registries: impl IntoIterator<Item = &'a DatedRegistry>,
) -> prometheus::Result<Vec<u8>> {
    let families = join(registries);
    let mut out = Vec::new();
    match format {
        Format::Text => {
            let families: Vec<MetricFamily> =
                families.into_iter().map(|family| family.family).collect();
            TextEncoder::new().encode(&families, &mut out)?;
        }
        Format::OpenMetrics => {
            for family in families {
                family.write(&mut out)?;
            }
        }
    }
    Ok(out)
}

fn join<'a>(registries: impl IntoIterator<Item = &'a DatedRegistry>) -> Vec<Family> {
    let mut joined: BTreeMap<String, Family> = BTreeMap::new();
    for dated in registries {
        for mut family in dated.registry.gather() {
            let created = vec![dated.created; family.get_metric().len()];
            match joined.get_mut(family.name()) {
                Some(first) => {
                    first.family.mut_metric().append(family.mut_metric());
                    first.created.extend(created);
                }
                None => drop(joined.insert(family.name().to_owned(), Family { family, created })),
            }
        }
    }
    joined.into_values().collect()
}

impl Family {
    /// Appends the family in OpenMetrics.
    fn write(&self, out: &mut Vec<u8>) -> prometheus::Result<()> {
        let kind = self.family.get_field_type();
        let name = family_name(self.family.name(), kind)?;
        write_metadata(Format::OpenMetrics, name, kind, self.family.help(), out);
        for (metric, created) in self.family.get_metric().iter().zip(&self.created) {
            let mut samples = Samples { name, metric, out };
            match kind {
                MetricType::COUNTER => {
                    samples.write("_total", None, metric.get_counter().get_value());
                    samples.write_created(created);
                }
                MetricType::GAUGE => samples.write("", None, metric.get_gauge().get_value()),
                MetricType::HISTOGRAM => {
                    samples.write_histogram();
                    samples.write_created(created);
                }
                MetricType::SUMMARY | MetricType::UNTYPED => {
                    let reason = format!("cannot encode {name}, whose type is {kind:?}");
                    return Err(prometheus::Error::Msg(reason));
                }
            }
        }
        Ok(())
    }
}

/// The name of a family whose metrics have this name.
fn family_name(name: &str, kind: MetricType) -> prometheus::Result<&str> {
    let without_suffix = match kind {
        MetricType::COUNTER => name.strip_suffix("_total"),
        _ => Some(name),
    };
    without_suffix.ok_or_else(|| {
        prometheus::Error::Msg(format!(
            "the name of the counter {name} does not end with _total"
        ))
    })
}

/// Writes the samples of a metric.
struct Samples<'a> {
    name: &'a str,
    metric: &'a Metric,
    out: &'a mut Vec<u8>,
}

impl Samples<'_> {
    fn write_histogram(&mut self) {
        let histogram = self.metric.get_histogram();
        let count = histogram.get_sample_count() as f64;
        let buckets = histogram.get_bucket().iter();
        let buckets =
            buckets.map(|bucket| (bucket.upper_bound(), bucket.cumulative_count() as f64));
        // The registry does not list the last bucket.
        for (bound, count) in buckets.chain([(f64::INFINITY, count)]) {
            self.write("_bucket", Some(&canonical(bound)), count);
        }
        self.write("_sum", None, histogram.get_sample_sum());
        self.write("_count", None, count);
    }

    fn write_created(&mut self, created: &DateTime<Utc>) {
        let seconds = created.timestamp_millis() as f64 / 1000.0;
        self.write("_created", None, seconds);
    }

    /// `bound` is the label `le`.
    fn write(&mut self, suffix: &str, bound: Option<&str>, value: f64) {
        self.out.extend_from_slice(self.name.as_bytes());
        self.out.extend_from_slice(suffix.as_bytes());
        let labels = self.metric.get_label().iter();
        let labels = labels.map(|label| (label.name(), label.value()));
        let mut separator = "{";
        for (name, value) in labels.chain(bound.map(|bound| ("le", bound))) {
            let value = escape(value, true);
            for part in [separator, name, "=\"", &*value, "\""] {
                self.out.extend_from_slice(part.as_bytes());
            }
            separator = ",";
        }
        if separator == "," {
            self.out.push(b'}');
        }
        // Writing into a Vec cannot fail.
        let _ = match value {
            f64::INFINITY => writeln!(self.out, " +Inf"),
            f64::NEG_INFINITY => writeln!(self.out, " -Inf"),
            value => writeln!(self.out, " {value}"),
        };
    }
}

/// A bucket's bound as OpenMetrics demands it: the shortest form with a fraction, or with an exponent of two digits if it
/// is small or large, as Go writes it.
fn canonical(bound: f64) -> String {
    if bound == f64::INFINITY {
        return "+Inf".to_owned();
    }
    let scientific = format!("{bound:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, ""));
    match exponent.parse::<i32>() {
        Ok(exponent @ ..=-5) => format!("{mantissa}e-{:02}", -exponent),
        Ok(exponent @ 6..) => format!("{mantissa}e+{exponent:02}"),
        _ => format!("{bound:?}"),
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{Counter, Gauge, Histogram, HistogramOpts, IntCounterVec, Opts};

    use super::*;

    fn dated(millis: i64) -> DatedRegistry {
        DatedRegistry {
            registry: Registry::new(),
            created: DateTime::from_timestamp_millis(millis).expect("a time"),
        }
    }

    fn text(format: Format, registries: &[DatedRegistry]) -> String {
        let out = encode(format, registries).expect("metrics");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn families_of_several_registries_are_joined() {
        let registries = [dated(1500), dated(2000)];
        for (dated, account) in registries.iter().zip(["a", "\"\\\n"]) {
            let opts = Opts::new("requests_total", "Requests.").const_label("account", account);
            let requests = IntCounterVec::new(opts, &["code"]).expect("a counter");
            requests.with_label_values(&["200"]).inc();
            requests.with_label_values(&["500"]);
            dated.registry.register(Box::new(requests)).expect("a name");
        }
        let up = Gauge::new("a_ratio", "A ratio.").expect("a gauge");
        registries[0]
            .registry
            .register(Box::new(up))
            .expect("a name");
        assert_eq!(
            text(Format::OpenMetrics, &registries),
            "# HELP a_ratio A ratio.\n# TYPE a_ratio gauge\n# UNIT a_ratio ratio\na_ratio 0\n\
             # HELP requests Requests.\n# TYPE requests counter\n\
             requests_total{account=\"a\",code=\"200\"} 1\n\
             requests_created{account=\"a\",code=\"200\"} 1.5\n\
             requests_total{account=\"a\",code=\"500\"} 0\n\
             requests_created{account=\"a\",code=\"500\"} 1.5\n\
             requests_total{account=\"\\\"\\\\\\n\",code=\"200\"} 1\n\
             requests_created{account=\"\\\"\\\\\\n\",code=\"200\"} 2\n\
             requests_total{account=\"\\\"\\\\\\n\",code=\"500\"} 0\n\
             requests_created{account=\"\\\"\\\\\\n\",code=\"500\"} 2\n"
        );
        assert_eq!(
            text(Format::Text, &registries),
            "# HELP a_ratio A ratio.\n# TYPE a_ratio gauge\na_ratio 0\n\
             # HELP requests_total Requests.\n# TYPE requests_total counter\n\
             requests_total{account=\"a\",code=\"200\"} 1\n\
             requests_total{account=\"a\",code=\"500\"} 0\n\
             requests_total{account=\"\\\"\\\\\\n\",code=\"200\"} 1\n\
             requests_total{account=\"\\\"\\\\\\n\",code=\"500\"} 0\n"
        );
    }

    #[test]
    fn histogram_ends_with_the_time_of_its_creation() {
        let registry = dated(0);
        let opts = HistogramOpts::new("wait_seconds", "Waiting.").buckets(vec![0.5, 2.0]);
        let histogram = Histogram::with_opts(opts).expect("a histogram");
        histogram.observe(1.0);
        registry
            .registry
            .register(Box::new(histogram))
            .expect("a name");
        assert_eq!(
            text(Format::OpenMetrics, &[registry]),
            "# HELP wait_seconds Waiting.\n# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\n\
             wait_seconds_bucket{le=\"0.5\"} 0\nwait_seconds_bucket{le=\"2.0\"} 1\n\
             wait_seconds_bucket{le=\"+Inf\"} 1\nwait_seconds_sum 1\nwait_seconds_count 1\n\
             wait_seconds_created 0\n"
        );
    }

    #[test]
    fn values_that_are_no_numbers_are_written_as_prometheus_does() {
        for (value, written) in [
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            let registry = dated(0);
            let gauge = Gauge::new("a", "A.").expect("a gauge");
            gauge.set(value);
            registry.registry.register(Box::new(gauge)).expect("a name");
            let text = text(Format::OpenMetrics, &[registry]);
            assert!(text.ends_with(&format!("\na {written}\n")), "{text}");
        }
    }

    #[test]
    fn counter_without_its_suffix_is_an_error() {
        let registry = dated(0);
        let counter = Counter::new("requests", "Requests.").expect("a counter");
        registry
            .registry
            .register(Box::new(counter))
            .expect("a name");
        let error = encode(Format::OpenMetrics, [&registry]).expect_err("an error");
        let expected = "the name of the counter requests does not end with _total";
        assert!(error.to_string().contains(expected), "{error}");
    }

    /// As `strconv.FormatFloat(bound, 'g', -1, 64)` of Go, with a fraction.
    #[test]
    fn bounds_are_canonical() {
        for (bound, written) in [
            (0.0, "0.0"),
            (-1.0, "-1.0"),
            (0.005, "0.005"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-10, "1.5e-10"),
            (10.0, "10.0"),
            (100_000.0, "100000.0"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(canonical(bound), written);
        }
    }
}
