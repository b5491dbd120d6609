//! Logs on standard error in the format of Prometheus' own programs: `time`, `level`, `source`, `msg`, then the fields of
//! the event, in logfmt or JSON.
//!
//! ```
//! use exporter_toolkit::logging::{self, Format};
//!
//! logging::start(tracing::Level::INFO, Format::Logfmt, env!("CARGO_CRATE_NAME"))?;
//! tracing::info!(address = "[::]:9999", "Listening on");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The module has a formatter of its own, because `tracing-subscriber` has none for logfmt and its JSON has other keys.

use std::fmt::{self, Debug};

use chrono::{SecondsFormat, Utc};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::printable::{escaped_json, is_unprintable};

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `key=value` pairs.
    Logfmt,
    /// One JSON object per line.
    Json,
}

/// Installs the process-wide subscriber, which logs to standard error. `crate_name` is the exporter's
/// `CARGO_CRATE_NAME`.
///
/// # Errors
/// If a global subscriber is already installed.
pub fn start(level: Level, format: Format, crate_name: &str) -> Result<(), TryInitError> {
    lines(level, format, crate_name, std::io::stderr).try_init()
}

/// A subscriber that writes log lines to `writer`.
///
/// The level applies to the exporter's crate and to this crate. Other crates log only warnings and errors, because
/// their debug messages may contain request headers.
pub fn lines<W>(
    level: Level,
    format: Format,
    crate_name: &str,
    writer: W,
) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let own = LevelFilter::from_level(level);
    let levels = Targets::new()
        .with_target(crate_name, own)
        .with_target(env!("CARGO_CRATE_NAME"), own)
        .with_default(own.min(LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer()
        .event_format(format)
        .with_writer(writer);
    tracing_subscriber::registry().with(levels).with(lines)
}

impl<S, N> FormatEvent<S, N> for Format
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let line = Line::of(event);
        match self {
            Format::Logfmt => line.write_logfmt(&mut writer)?,
            Format::Json => line.write_json(&mut writer)?,
        }
        writeln!(writer)
    }
}

/// An event as key-value pairs in output order.
#[derive(Default)]
struct Line {
    pairs: Vec<(&'static str, String)>,
    message: String,
}

impl Line {
    fn of(event: &Event<'_>) -> Line {
        let metadata = event.metadata();
        let file = metadata.file().unwrap_or_default();
        let file = file.rsplit_once("src/").map_or(file, |(_, file)| file);
        let mut fields = Line::default();
        event.record(&mut fields);
        let mut pairs = vec![
            (
                "time",
                Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            ),
            ("level", metadata.level().to_string()),
            (
                "source",
                format!("{file}:{}", metadata.line().unwrap_or_default()),
            ),
            ("msg", std::mem::take(&mut fields.message)),
        ];
        pairs.append(&mut fields.pairs);
        Line {
            pairs,
            message: String::new(),
        }
    }

    fn write_logfmt(&self, out: &mut Writer<'_>) -> fmt::Result {
        for (place, (key, value)) in self.pairs.iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            if needs_quotes(value) {
                write!(out, "{space}{key}={}", quoted(value)?)?;
            } else {
                write!(out, "{space}{key}={value}")?;
            }
        }
        Ok(())
    }

    fn write_json(&self, out: &mut Writer<'_>) -> fmt::Result {
        for (place, (key, value)) in self.pairs.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            write!(out, "{before}\"{key}\":{}", quoted(value)?)?;
        }
        out.write_char('}')
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.to_owned(),
            name => self.pairs.push((name, value.to_owned())),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// A JSON string, which logfmt parsers accept as a quoted value. Characters that could control a terminal are escaped.
fn quoted(value: &str) -> Result<String, fmt::Error> {
    let json = serde_json::to_string(value).map_err(|_| fmt::Error)?;
    Ok(escaped_json(&json).into_owned())
}

fn needs_quotes(value: &str) -> bool {
    value.is_empty()
        || value
            .chars()
            .any(|char| char <= ' ' || matches!(char, '"' | '=' | '\\') || is_unprintable(char))
}
