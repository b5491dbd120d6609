//! Parsers for the values of flags. Their errors say what is expected.

use std::num::NonZeroUsize;
use std::time::Duration;

use reqwest::Url;

use crate::config::checked_timeout;
use crate::gateway::model::Status;
use crate::web::{check_route_prefix, check_telemetry_path};
use exporter_toolkit::duration;
use exporter_toolkit::healthcheck::Target;

/// A value of `check --status`: a status, or `None` for profiles that are missing.
pub(super) type StatusFilter = Option<Status>;

pub(super) fn parse_telemetry_path(text: &str) -> Result<String, &'static str> {
    check_telemetry_path(text).map(|()| text.to_owned())
}

/// The target of `healthcheck --url`.
pub(super) fn parse_target(text: &str) -> Result<Target, &'static str> {
    parse_http_url(text).map(Target::from)
}

/// A route prefix without a trailing slash.
pub(super) fn parse_route_prefix(text: &str) -> Result<String, &'static str> {
    check_route_prefix(text).map(|()| text.trim_end_matches('/').to_owned())
}

pub(super) fn parse_account(text: &str) -> Result<String, &'static str> {
    match text.trim().is_empty() {
        true => Err("must not be empty"),
        false => Ok(text.to_owned()),
    }
}

/// A threshold: a duration, or a range `N:` of monitoring plugins, which alerts below N seconds.
pub(super) fn parse_threshold(text: &str) -> Result<Duration, String> {
    let seconds = text.strip_suffix(':').and_then(|text| text.parse().ok());
    match seconds {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => duration::parse(text)
            .map_err(|reason| format!("{reason}, or a range in seconds such as 604800:")),
    }
}

/// The timeout of a monitoring plugin: a whole number of seconds, or a duration.
pub(super) fn parse_plugin_timeout(text: &str) -> Result<Duration, String> {
    let timeout = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => duration::parse(text).map_err(|reason| reason.to_string())?,
    };
    checked_timeout(timeout).map_err(str::to_owned)
}

fn parse_http_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "not an absolute URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("expected http:// or https://");
    }
    Ok(url)
}

pub(super) fn parse_speed(text: &str) -> Result<f64, &'static str> {
    let speed = text
        .parse()
        .ok()
        .filter(|speed| (1.0..=1e6).contains(speed));
    speed.ok_or("expected a number from 1 to 1000000")
}

pub(super) fn parse_page_size(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "expected a whole number from 1")
}

/// An HTTP status of an error.
pub(super) fn parse_error_status(text: &str) -> Result<u16, &'static str> {
    let status = text.parse().ok();
    let status = status.filter(|status| (400..600).contains(status));
    status.ok_or("expected a whole number from 400 to 599")
}

/// A status of the API, or `missing`, in any case.
pub(super) fn parse_status(text: &str) -> Result<StatusFilter, String> {
    if text.eq_ignore_ascii_case("missing") {
        return Ok(None);
    }
    let known = Status::ALL.into_iter();
    let mut named = known.filter(|status| status.as_str().eq_ignore_ascii_case(text));
    named.next().map(Some).ok_or_else(|| {
        let words = Status::ALL.map(Status::as_str).join(", ");
        format!("expected one of {words}, MISSING")
    })
}
