//! `/metrics` and `/probe`: wait for the accounts until the deadline, then write the answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::time::Instant;
use tracing::error;

use super::{App, Busy, encoding};
use crate::account;
use crate::exposition::{self, Encoding};
use crate::roster::Entry;

/// Where Prometheus says how long it waits.
const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");
/// The answer must arrive before Prometheus gives up.
const MARGIN: Duration = Duration::from_millis(500);

/// All accounts, unless those with a name are left out, and the exporter's own metrics.
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Busy> {
    let _place = app.place()?;
    let roster = app.reloader.roster();
    let metrics = roster.entries().iter().map(|entry| entry.account.metrics());
    let own = || {
        let good = app.reloader.is_good();
        app.telemetry.expose(good, metrics.map(Arc::as_ref))
    };
    let encoding = encoding::accepted(request.headers());
    // One without a name cannot be asked for by name.
    let is_shown =
        |entry: &&Entry| app.options.accounts_on_metrics || entry.account.name().is_none();
    let shown = || roster.entries().iter().filter(is_shown);
    let longest = shown().map(Entry::timeout).max().unwrap_or_default();
    let deadline = deadline(request.headers(), longest);
    let views = account::views(shown().map(|entry| &entry.account), deadline).await;
    for (_, result) in &views {
        app.telemetry.count_cache_request(*result);
    }
    let accounts: Vec<_> = views.iter().map(|(view, _)| &view.exposed).collect();
    let page = roster.page();
    let body = page.expose(&accounts, app.clock.now(), own, encoding);
    Ok(answer(body, encoding))
}

/// One account alone.
pub(super) async fn probe(State(app): State<Arc<App>>, request: Request) -> Result<Response, Busy> {
    let roster = app.reloader.roster();
    let Some(name) = account_parameter(request.uri().query().unwrap_or_default()) else {
        return Ok(bad_request(
            "The parameter account is missing: /probe?account=NAME\n",
        ));
    };
    let Some(entry) = roster.entry(Some(&name)) else {
        return Ok(bad_request(
            "The configuration has no account of that name.\n",
        ));
    };
    let _place = app.place()?;
    let encoding = encoding::accepted(request.headers());
    let deadline = deadline(request.headers(), entry.timeout());
    let (view, result) = entry.account.ask().view(deadline).await;
    app.telemetry.count_cache_request(result);
    let nothing = || Ok::<_, prometheus::Error>(Bytes::new());
    let (now, page) = (app.clock.now(), &entry.page);
    let body = page.expose(&[&view.exposed], now, nothing, encoding);
    Ok(answer(body, encoding))
}

fn account_parameter(query: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, name) = pairs.find(|(key, _)| key == "account")?;
    Some(name.into_owned()).filter(|name| !name.is_empty())
}

fn bad_request(text: &'static str) -> Response {
    (StatusCode::BAD_REQUEST, text).into_response()
}

fn answer(written: Result<exposition::Body, prometheus::Error>, encoding: Encoding) -> Response {
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static(exposition::CONTENT_TYPE),
        ),
        (VARY, HeaderValue::from_static("accept-encoding")),
    ];
    match (written, encoding) {
        (Ok(body), Encoding::Plain) => (headers, Body::new(body)).into_response(),
        (Ok(body), Encoding::Gzip) => {
            let gzip = (CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            (headers, [gzip], Body::new(body)).into_response()
        }
        (Err(err), _) => {
            error!(%err, "Cannot write the exporter's own metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn deadline(headers: &HeaderMap, gateway_timeout: Duration) -> Instant {
    Instant::now() + patience(headers, gateway_timeout)
}

/// How long this scrape waits for the gateway: for what Prometheus states, less a margin to answer
/// in time. A refresh is due to end at the gateway timeout anyway; the margin beyond that is for
/// reading and writing what came.
fn patience(headers: &HeaderMap, gateway_timeout: Duration) -> Duration {
    let end_of_refresh = gateway_timeout + MARGIN;
    headers
        .get(TIMEOUT_HEADER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|stated| !stated.is_zero())
        .map_or(end_of_refresh, |stated| {
            (stated - MARGIN.min(stated / 2)).min(end_of_refresh)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_answers_before_prometheus_gives_up() {
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
            assert_eq!(patience(&headers, gateway_timeout), waits, "{stated:?}");
        }
    }
}
