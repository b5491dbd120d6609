//! Writes sample lines (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::io::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};

use exporter_toolkit::printable::is_line_separator;

/// The value of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum SampleValue {
    /// A count, or a boolean as 0 or 1.
    Integer(u64),
    /// Seconds since the Unix epoch, with milliseconds if they are not 0.
    Timestamp(DateTime<Utc>),
    /// A duration in seconds.
    Duration(Duration),
}

impl From<bool> for SampleValue {
    fn from(value: bool) -> SampleValue {
        SampleValue::Integer(value.into())
    }
}

/// Writes the lines of one family. All samples share a set of labels.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    name: &'a str,
    labels: &'a str,
    out: &'a mut Vec<u8>,
}

impl<'a> Lines<'a> {
    /// Creates a writer for the family `name`. The shared `labels` have the form that [`label`] writes, or are
    /// empty.
    pub(super) fn new(name: &'a str, labels: &'a str, out: &'a mut Vec<u8>) -> Lines<'a> {
        Lines { name, labels, out }
    }

    /// Appends one sample with the shared labels and `more`.
    pub(super) fn sample(&mut self, more: &[(&str, &str)], value: SampleValue) {
        self.out.extend_from_slice(self.name.as_bytes());
        if !(self.labels.is_empty() && more.is_empty()) {
            self.out.push(b'{');
            self.out.extend_from_slice(self.labels.as_bytes());
            for (name, value) in more {
                label(self.out, name, value);
            }
            // Removes the comma of the last label.
            self.out.pop();
            self.out.push(b'}');
        }
        self.out.push(b' ');
        write_value(self.out, value);
        self.out.push(b'\n');
    }
}

/// Appends `name="value",` with the value escaped. Line separators other than the line feed become spaces, because
/// parsers that split lines as Unicode does would cut the sample there.
pub(super) fn label(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    // Most values have no special byte and are copied at once. Line separators begin with one of these bytes.
    let is_special =
        |byte: u8| matches!(byte, b'\\' | b'"' | b'\n' | 0x0b..=0x0d | 0x1c..=0x1f | 0xc2 | 0xe2);
    let mut rest = value;
    while let Some(position) = rest.bytes().position(is_special) {
        let (plain, special) = rest.split_at(position);
        out.extend_from_slice(plain.as_bytes());
        let Some(char) = special.chars().next() else {
            break;
        };
        let (this, after) = special.split_at(char.len_utf8());
        out.extend_from_slice(match char {
            '\n' => b"\\n",
            '"' => b"\\\"",
            '\\' => b"\\\\",
            char if is_line_separator(char) => b" ",
            _ => this.as_bytes(),
        });
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
    out.extend_from_slice(b"\",");
}

fn write_value(out: &mut Vec<u8>, value: SampleValue) {
    // Writing into a Vec cannot fail.
    let _ = match value {
        SampleValue::Integer(number) => write!(out, "{number}"),
        SampleValue::Duration(duration) => write!(out, "{}", duration.as_secs_f64()),
        SampleValue::Timestamp(time) => match time.timestamp_millis() {
            millis if millis % 1000 == 0 => write!(out, "{}", millis / 1000),
            millis => write!(out, "{}", millis as f64 / 1000.0),
        },
    };
}
