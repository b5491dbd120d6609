//! Parsers for the values of flags. Their errors say what is expected.

use std::num::NonZeroUsize;
use std::time::Duration;

use reqwest::Url;

use crate::config::checked_timeout;
use crate::gateway::model::Status;
use crate::verdict::Severity;
use crate::web::{check_route_prefix, check_telemetry_path};
use exporter_toolkit::duration;
use exporter_toolkit::exporter_client::Target;
use exporter_toolkit::suggest::closest;

/// The shortest interval of `check --watch`. At three platforms, an account then costs 24 of its requests per
/// minute, of 100 for a trial key.
const MIN_WATCH: Duration = Duration::from_secs(10);

/// A value of `check --status`: a status, or `None` for profiles that are missing.
pub(super) type StatusFilter = Option<Status>;

pub(super) fn parse_telemetry_path(text: &str) -> Result<String, &'static str> {
    check_telemetry_path(text).map(|()| text.to_owned())
}

/// The URL of a running exporter.
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
        let words = Status::ALL.map(Status::as_str);
        expected_one_of(&[&words[..], &["MISSING"]].concat(), text)
    })
}

/// A verdict, in any case.
pub(super) fn parse_verdict(text: &str) -> Result<Severity, String> {
    let mut known = Severity::ALL.into_iter();
    let named = known.find(|verdict| verdict.as_str().eq_ignore_ascii_case(text));
    named.ok_or_else(|| expected_one_of(&Severity::ALL.map(Severity::as_str), text))
}

/// What is expected instead of `text`, which is not repeated: it may be a secret.
fn expected_one_of(known: &[&str], text: &str) -> String {
    let expected = format!("expected one of {}", known.join(", "));
    match closest(text, known.iter().copied()) {
        Some(similar) => format!("{expected}; did you mean {similar}?"),
        None => expected,
    }
}

/// The interval of `--watch`.
pub(super) fn parse_watch(text: &str) -> Result<Duration, String> {
    match duration::parse(text)? {
        interval if interval < MIN_WATCH => Err(format!(
            "expected at least {}s: every round costs requests of the account's quota",
            MIN_WATCH.as_secs()
        )),
        interval => Ok(interval),
    }
}
