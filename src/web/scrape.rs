//! `/metrics`: waits for every account until the deadline, then writes the answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use tokio::time::Instant;
use tracing::error;

use super::App;
use crate::exposition;

/// Where Prometheus says how long it waits.
const TIMEOUT_HEADER: &str = "x-prometheus-scrape-timeout-seconds";
/// The answer must arrive before Prometheus gives up.
const MARGIN: Duration = Duration::from_millis(500);

pub(super) async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let place = app.places.as_ref().map(|places| places.try_acquire());
    if matches!(place, Some(Err(_))) {
        let text = format!(
            "Limit of concurrent requests reached ({}), try again later.\n",
            app.options.max_requests
        );
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    }
    let deadline = Instant::now() + patience(&headers, app.gateway_timeout);
    let views = join_all(app.accounts.iter().map(|account| account.view(deadline))).await;
    let mut accounts = Vec::with_capacity(views.len());
    for (view, result) in views {
        app.telemetry.count_cache_request(result);
        accounts.push(view.exposed);
    }
    let own = || app.telemetry.expose();
    match app.page.expose(&accounts, app.clock.now(), own) {
        Ok(body) => ([(CONTENT_TYPE, exposition::CONTENT_TYPE)], Body::new(body)).into_response(),
        Err(err) => {
            error!(%err, "Cannot write the exporter's own metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
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
