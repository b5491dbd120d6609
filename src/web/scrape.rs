//! `/metrics` and `/probe`: waits for refreshes until the deadline, then answers with the metrics.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;
use tracing::error;

use super::app::{App, Busy};
use crate::account;
use crate::account::ConfiguredAccount;
use crate::exposition::{Representation, ResponseBody};
use exporter_toolkit::content_encoding::{self, Encoding};
use exporter_toolkit::metrics_format;

/// The scrape timeout of Prometheus, in seconds.
const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");
/// Time reserved for the response before the scrape timeout, and for reading the gateway's last response
/// after its timeout.
const MARGIN: Duration = Duration::from_millis(500);

/// Serves the exporter's own metrics and those of the accounts. With
/// `--no-web.accounts-on-metrics`, it omits the accounts that `/probe` serves.
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Busy> {
    let _permit = app.request_permit()?;
    let accounts = app.reloader.accounts();
    let metrics = accounts
        .entries()
        .iter()
        .map(|entry| entry.account.metrics());
    let wanted = representation(request.headers());
    let own_metrics = || {
        let (format, configuration_good) = (wanted.format, app.reloader.is_good());
        app.telemetry
            .expose(format, configuration_good, metrics.map(Arc::as_ref))
    };
    // `/probe` needs a name, so only this endpoint can serve the default account.
    let is_shown = |entry: &&ConfiguredAccount| {
        app.options.accounts_on_metrics || entry.account.name().is_none()
    };
    let shown = || accounts.entries().iter().filter(is_shown);
    let longest = shown()
        .map(ConfiguredAccount::timeout)
        .max()
        .unwrap_or_default();
    let deadline = deadline(request.headers(), longest);
    let views = account::views(shown().map(|entry| &entry.account), deadline).await;
    for (_, result) in &views {
        app.telemetry.count_cache_request(*result);
    }
    let exposed: Vec<_> = views.iter().map(|(view, _)| &view.exposed).collect();
    let (responses, texts) = (accounts.responses(), accounts.texts());
    match responses.expose(&exposed, app.clock.now(), own_metrics, wanted, texts) {
        Ok(body) => Ok(answer(body, wanted)),
        Err(err) => {
            error!(%err, "Cannot encode the exporter's own metrics");
            Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
    }
}

/// Serves the metrics of one account.
pub(super) async fn probe(State(app): State<Arc<App>>, request: Request) -> Result<Response, Busy> {
    let accounts = app.reloader.accounts();
    let Some(name) = account_parameter(request.uri().query().unwrap_or_default()) else {
        return Ok(bad_request(
            "The parameter account is missing: /probe?account=NAME\n",
        ));
    };
    let Some(entry) = accounts.entry(Some(&name)) else {
        return Ok(bad_request(
            "The configuration has no account with this name.\n",
        ));
    };
    let _permit = app.request_permit()?;
    let wanted = representation(request.headers());
    let deadline = deadline(request.headers(), entry.timeout());
    let (view, result) = entry.account.look_up().view(deadline).await;
    app.telemetry.count_cache_request(result);
    let (now, texts) = (app.clock.now(), accounts.texts());
    let responses = accounts.account_responses();
    let body = responses.expose(&view.exposed, now, wanted, texts);
    Ok(answer(body, wanted))
}

/// The first parameter `account` of a query string, unless it is empty.
fn account_parameter(query: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, name) = pairs.find(|(key, _)| key == "account")?;
    Some(name.into_owned()).filter(|name| !name.is_empty())
}

fn bad_request(text: &'static str) -> Response {
    (StatusCode::BAD_REQUEST, text).into_response()
}

fn representation(headers: &HeaderMap) -> Representation {
    Representation {
        format: metrics_format::accepted(headers),
        encoding: content_encoding::accepted(headers),
    }
}

fn answer(body: ResponseBody, representation: Representation) -> Response {
    let Representation { format, encoding } = representation;
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static(format.content_type()),
        ),
        (VARY, HeaderValue::from_static("accept, accept-encoding")),
    ];
    match encoding {
        Encoding::Plain => (headers, Body::new(body)).into_response(),
        Encoding::Gzip => {
            let gzip = (CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            (headers, [gzip], Body::new(body)).into_response()
        }
    }
}

fn deadline(headers: &HeaderMap, gateway_timeout: Duration) -> Instant {
    Instant::now() + max_wait(headers, gateway_timeout)
}

/// Maximum time that a scrape waits for refreshes: the scrape timeout minus [`MARGIN`], or minus half of a scrape
/// timeout that is shorter than twice the margin. Never longer than the gateway timeout plus [`MARGIN`], because
/// every refresh has ended by then.
fn max_wait(headers: &HeaderMap, gateway_timeout: Duration) -> Duration {
    let end_of_refresh = gateway_timeout + MARGIN;
    headers
        .get(TIMEOUT_HEADER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|timeout| !timeout.is_zero())
        .map_or(end_of_refresh, |timeout| {
            (timeout - MARGIN.min(timeout / 2)).min(end_of_refresh)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrape_deadline_is_before_the_timeout_of_prometheus() {
        let gateway_timeout = Duration::from_secs(10);
        for (stated, waits) in [
            (None, 10.5),
            (Some("10"), 9.5),
            (Some("2"), 1.5),
            (Some(" 1.0 "), 0.5),
            (Some("0.4"), 0.2),
            (Some("3600"), 10.5),
            (Some("1e19"), 10.5),
            (Some("0"), 10.5),
            (Some("-1"), 10.5),
            (Some("NaN"), 10.5),
            (Some("soon"), 10.5),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(stated) = stated {
                headers.insert(TIMEOUT_HEADER, stated.parse().expect("a header"));
            }
            let waits = Duration::from_secs_f64(waits);
            assert_eq!(max_wait(&headers, gateway_timeout), waits, "{stated:?}");
        }
    }
}
