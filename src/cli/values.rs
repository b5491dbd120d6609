//! From the text of a flag to its value, or what is expected instead.

use std::num::NonZeroUsize;

use reqwest::Url;

use super::check::State;
use crate::gateway::model::Status;
use crate::healthcheck::Target;
use crate::hidden::Hidden;
use crate::web::check_telemetry_path;

pub(super) fn parse_telemetry_path(text: &str) -> Result<String, &'static str> {
    check_telemetry_path(text).map(|()| text.to_owned())
}

/// What `healthcheck --url` asks.
pub(super) fn parse_target(text: &str) -> Result<Target, &'static str> {
    parse_http_url(text).map(Target::from)
}

/// It ends with its path, as `gateway.url` does.
pub(super) fn parse_external_url(text: &str) -> Result<Hidden<Url>, &'static str> {
    let url = parse_http_url(text)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("credentials do not belong into the URL");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the URL must end with its path: no query, no fragment");
    }
    Ok(Hidden(url))
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

/// The status words of the API in any case, and `missing`.
pub(super) fn parse_state(text: &str) -> Result<State, String> {
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
