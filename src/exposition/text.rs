//! Sample lines (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::io::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::printable::is_line_separator;

/// The value of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A count or a truth value.
    Whole(u64),
    /// Seconds since the Unix epoch, with milliseconds only where there are any.
    Moment(DateTime<Utc>),
    /// A span in seconds.
    Span(Duration),
}

impl From<bool> for Value {
    fn from(truth: bool) -> Value {
        Value::Whole(truth.into())
    }
}

/// Writes the lines of one family for one set of labels that all of them share.
#[derive(Debug)]
pub struct Lines<'a> {
    name: &'a str,
    labels: &'a str,
    out: &'a mut Vec<u8>,
}

impl<'a> Lines<'a> {
    /// Lines of the family `name`, whose shared `labels` (possibly none) are as [`label`] writes them.
    pub fn new(name: &'a str, labels: &'a str, out: &'a mut Vec<u8>) -> Lines<'a> {
        Lines { name, labels, out }
    }

    /// One sample with the shared labels and `more`.
    pub fn sample(&mut self, more: &[(&str, &str)], value: Value) {
        self.out.extend_from_slice(self.name.as_bytes());
        if !(self.labels.is_empty() && more.is_empty()) {
            self.out.push(b'{');
            self.out.extend_from_slice(self.labels.as_bytes());
            for (name, value) in more {
                label(self.out, name, value);
            }
            // Each label ends with a comma, the last one too, until here.
            self.out.pop();
            self.out.push(b'}');
        }
        self.out.push(b' ');
        write_value(self.out, value);
        self.out.push(b'\n');
    }
}

/// Appends `name="value",` with the value escaped; line separators other than the line feed become
/// spaces.
pub fn label(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    // Nearly every value is written as it is, in one go. Line separators begin with one of these bytes.
    let is_special =
        |byte: u8| matches!(byte, b'\\' | b'"' | b'\n' | 0x0b..=0x0d | 0x1c..=0x1f | 0xc2 | 0xe2);
    let mut rest = value;
    while let Some(place) = rest.bytes().position(is_special) {
        let (plain, special) = rest.split_at(place);
        out.extend_from_slice(plain.as_bytes());
        let Some(char) = special.chars().next() else {
            break;
        };
        let (this, behind) = special.split_at(char.len_utf8());
        out.extend_from_slice(match char {
            '\n' => b"\\n",
            '"' => b"\\\"",
            '\\' => b"\\\\",
            // Parsers that split lines as Unicode does would cut the sample here.
            char if is_line_separator(char) => b" ",
            _ => this.as_bytes(),
        });
        rest = behind;
    }
    out.extend_from_slice(rest.as_bytes());
    out.extend_from_slice(b"\",");
}

/// Appends HELP and TYPE of a gauge. The help text needs no escaping: it is ours.
pub fn gauge_header(out: &mut Vec<u8>, name: &str, help: &str) {
    for part in ["# HELP ", name, " ", help, "\n# TYPE ", name, " gauge\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

fn write_value(out: &mut Vec<u8>, value: Value) {
    // Writing into a Vec cannot fail.
    let _ = match value {
        Value::Whole(number) => write!(out, "{number}"),
        Value::Span(span) => write!(out, "{}", span.as_secs_f64()),
        Value::Moment(moment) => match moment.timestamp_millis() {
            millis if millis % 1000 == 0 => write!(out, "{}", millis / 1000),
            millis => write!(out, "{}", millis as f64 / 1000.0),
        },
    };
}
