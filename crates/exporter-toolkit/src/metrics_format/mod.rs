//! The formats in which metrics are exposed: Prometheus' text format and OpenMetrics.
//!
//! Both have the same sample lines for gauges. OpenMetrics also has units, creation times, and a last line that shows
//! that the exposition is complete.
//!
//! ```
//! use axum::http::HeaderMap;
//! use axum::http::header::{ACCEPT, HeaderValue};
//! use exporter_toolkit::metrics_format::{Format, accepted};
//!
//! let mut headers = HeaderMap::new();
//! assert_eq!(accepted(&headers), Format::Text);
//! let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
//! headers.insert(ACCEPT, HeaderValue::from_static(accept));
//! assert_eq!(accepted(&headers), Format::OpenMetrics);
//! ```

mod encode;
mod metadata;
mod negotiation;

pub use encode::{DatedRegistry, encode};
pub use metadata::write_metadata;
pub use negotiation::accepted;

/// A format in which metrics are exposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus' text format, version 0.0.4.
    Text,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// What follows the last metric.
    pub fn end(self) -> &'static str {
        match self {
            Format::Text => "",
            Format::OpenMetrics => "# EOF\n",
        }
    }
}
