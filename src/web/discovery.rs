//! `/sd`: Prometheus' HTTP service discovery
//! (<https://prometheus.io/docs/prometheus/latest/http_sd/>), one target per account.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::json;

use super::render_cache::{Basis, NotRendered, Rendering};
use super::{App, ExternalUrl, PROBE, WebOptions, encoding};
use crate::exposition::Encoding;
use crate::printable::without_line_separators;
use crate::roster::Roster;
use crate::server::OverTls;

/// A target and its labels.
#[derive(Serialize)]
struct TargetGroup {
    targets: [String; 1],
    labels: Labels,
}

/// Labels with two underscores steer the scrape, and are gone after it.
#[derive(Serialize)]
struct Labels {
    #[serde(rename = "__scheme__")]
    scheme: String,
    #[serde(rename = "__metrics_path__")]
    metrics_path: String,
    #[serde(rename = "__param_account", skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    /// Without it the `up` of all accounts, which share an address, would be one series.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
}

pub(super) async fn targets(
    State(app): State<Arc<App>>,
    tls: Option<Extension<OverTls>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Some((scheme, address)) = own_address(&app, tls.is_some(), &uri, &headers) else {
        let text = "The request names no host; --web.external-url can.\n";
        return (StatusCode::BAD_REQUEST, text).into_response();
    };
    let targets = render(&app, scheme, address, encoding::accepted(&headers)).await;
    let targets = targets.map(|targets| ([(CONTENT_TYPE, "application/json")], targets));
    targets.into_response()
}

async fn render(
    app: &Arc<App>,
    scheme: String,
    address: String,
    encoding: Encoding,
) -> Result<Response, NotRendered> {
    let _waiting = app.rendered.wait()?;
    let roster = app.reloader.roster();
    // Only a reload changes them.
    let basis = Basis::of(app.clock.now().timestamp(), &roster, &[]);
    let what = Rendering::Targets {
        scheme: scheme.clone(),
        address: address.clone(),
    };
    let render = {
        let app = Arc::clone(app);
        move || json(&app.options, &roster, &scheme, &address)
    };
    app.rendered.answer(what, encoding, basis, render).await
}

/// The target groups of all accounts.
fn json(options: &WebOptions, roster: &Roster, scheme: &str, address: &str) -> String {
    let path = options.external_path();
    // Prometheus encodes the path itself.
    let path = percent_decode_str(path).decode_utf8_lossy();
    let group = |account: Option<&str>| TargetGroup {
        targets: [address.to_owned()],
        labels: Labels {
            scheme: scheme.to_owned(),
            metrics_path: match account {
                Some(_) => format!("{path}{PROBE}"),
                // An account without a name cannot be asked for by name.
                None => format!("{path}{}", options.telemetry_path),
            },
            parameter: account.map(str::to_owned),
            // As the metrics of the account show it.
            account: account.map(without_line_separators),
        },
    };
    let accounts = roster.entries().iter();
    let groups = accounts.map(|entry| group(entry.account.name()));
    json!(groups.collect::<Vec<_>>()).to_string()
}

/// How Prometheus reaches this exporter, scheme and address: as it was told, or as it was asked.
fn own_address(app: &App, tls: bool, uri: &Uri, headers: &HeaderMap) -> Option<(String, String)> {
    let external = app.options.external_url.as_ref();
    if let Some(origin) = external.and_then(ExternalUrl::origin) {
        return Some(origin);
    }
    let (scheme, port) = if tls { ("https", 443) } else { ("http", 80) };
    let host = host(uri, headers)?;
    let port = match host.port() {
        // Behind the colon stands something.
        None if host.as_str().ends_with(host.host()) => port,
        port => port?.as_str().parse().ok()?,
    };
    let host = Some(host.host()).filter(|host| !host.is_empty())?;
    Some((scheme.to_owned(), format!("{host}:{port}")))
}

/// HTTP/2 has the host in the address that is asked for (RFC 9113, section 8.3.1).
fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    match uri.authority() {
        Some(authority) => Some(authority.clone()),
        None => headers.get(HOST)?.to_str().ok()?.parse().ok(),
    }
}
