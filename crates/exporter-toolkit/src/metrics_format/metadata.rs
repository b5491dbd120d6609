//! The lines that introduce a metric family.

use std::borrow::Cow;

use prometheus::proto::MetricType;

use super::Format;

/// The base units of Prometheus' naming conventions, which are the last part of a metric's name.
const UNITS: [&str; 9] = [
    "seconds", "bytes", "joules", "grams", "meters", "ratio", "volts", "amperes", "celsius",
];

/// Appends HELP and TYPE of a family, and UNIT if the format has it and the name ends with a unit. In OpenMetrics, the
/// name of a counter's family has no `_total`.
pub fn write_metadata(format: Format, name: &str, kind: MetricType, help: &str, out: &mut Vec<u8>) {
    let mut line = |keyword: &str, text: &str| {
        for part in ["# ", keyword, " ", name, " ", text, "\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    };
    line("HELP", &escape(help, format == Format::OpenMetrics));
    line("TYPE", type_name(format, kind));
    if let (Format::OpenMetrics, Some(unit)) = (format, unit(name)) {
        line("UNIT", unit);
    }
}

fn type_name(format: Format, kind: MetricType) -> &'static str {
    match (kind, format) {
        (MetricType::COUNTER, _) => "counter",
        (MetricType::GAUGE, _) => "gauge",
        (MetricType::HISTOGRAM, _) => "histogram",
        (MetricType::SUMMARY, _) => "summary",
        (MetricType::UNTYPED, Format::Text) => "untyped",
        (MetricType::UNTYPED, Format::OpenMetrics) => "unknown",
    }
}

fn unit(name: &str) -> Option<&str> {
    let (_, last) = name.rsplit_once('_')?;
    UNITS.contains(&last).then_some(last)
}

/// The text with backslashes and line feeds escaped, and quotes if they end it.
pub(super) fn escape(text: &str, quotes: bool) -> Cow<'_, str> {
    let is_special = |char| matches!(char, '\\' | '\n') || (quotes && char == '"');
    if !text.contains(is_special) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        if is_special(char) {
            escaped.push('\\');
        }
        escaped.push(if char == '\n' { 'n' } else { char });
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_has_a_unit_in_open_metrics_only() {
        let written = |format, name, kind| {
            let mut out = Vec::new();
            write_metadata(format, name, kind, "A \"b\"\n\\.", &mut out);
            String::from_utf8(out).expect("UTF-8")
        };
        assert_eq!(
            written(Format::Text, "wait_seconds", MetricType::UNTYPED),
            "# HELP wait_seconds A \"b\"\\n\\\\.\n# TYPE wait_seconds untyped\n"
        );
        assert_eq!(
            written(Format::OpenMetrics, "wait_seconds", MetricType::UNTYPED),
            "# HELP wait_seconds A \\\"b\\\"\\n\\\\.\n# TYPE wait_seconds unknown\n# UNIT wait_seconds seconds\n"
        );
        for name in ["seconds", "seconds_left", "wait_milliseconds", "up"] {
            let written = written(Format::OpenMetrics, name, MetricType::GAUGE);
            assert!(
                written.ends_with(&format!("\n# TYPE {name} gauge\n")),
                "{written}"
            );
        }
    }
}
