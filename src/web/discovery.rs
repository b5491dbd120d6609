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

use super::app::App;
use super::external_url::ExternalUrl;
use super::options::WebOptions;
use super::paths::PROBE;
use super::render_cache::{DataVersion, RenderError, Resource};
use crate::account::Accounts;
use exporter_toolkit::content_encoding::{self, Encoding};
use exporter_toolkit::printable::without_line_separators;
use exporter_toolkit::server::OverTls;

/// A target and its labels, as JSON for Prometheus.
#[derive(Serialize)]
struct TargetGroup {
    targets: [String; 1],
    labels: Labels,
}

/// The labels of a target. Prometheus uses labels with two underscores for the scrape and drops them.
#[derive(Serialize)]
struct Labels {
    #[serde(rename = "__scheme__")]
    scheme: String,
    #[serde(rename = "__metrics_path__")]
    metrics_path: String,
    #[serde(rename = "__param_account", skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    /// Distinguishes the `up` series of the accounts, which share an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
}

/// Serves the targets.
pub(super) async fn targets(
    State(app): State<Arc<App>>,
    tls: Option<Extension<OverTls>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Some((scheme, address)) = own_address(&app, tls.is_some(), &uri, &headers) else {
        let text = "The request has no valid host: set --web.external-url.\n";
        return (StatusCode::BAD_REQUEST, text).into_response();
    };
    let targets = render(&app, scheme, address, content_encoding::accepted(&headers)).await;
    let targets = targets.map(|targets| ([(CONTENT_TYPE, "application/json")], targets));
    targets.into_response()
}

async fn render(
    app: &Arc<App>,
    scheme: String,
    address: String,
    encoding: Encoding,
) -> Result<Response, RenderError> {
    let _permit = app.rendered.wait()?;
    let accounts = app.reloader.accounts();
    // Only a reload changes the targets, so the views do not matter.
    let version = DataVersion::new(app.clock.now().timestamp(), &accounts, &[]);
    let resource = Resource::Targets {
        scheme: scheme.clone(),
        address: address.clone(),
    };
    let render = {
        let app = Arc::clone(app);
        move || json(&app.options, &accounts, &scheme, &address)
    };
    app.rendered
        .answer(resource, encoding, version, render)
        .await
}

/// The target groups of all accounts.
fn json(options: &WebOptions, accounts: &Accounts, scheme: &str, address: &str) -> String {
    let path = options.external_path();
    // Prometheus encodes the path.
    let path = percent_decode_str(path).decode_utf8_lossy();
    let group = |account: Option<&str>| TargetGroup {
        targets: [address.to_owned()],
        labels: Labels {
            scheme: scheme.to_owned(),
            metrics_path: match account {
                Some(_) => format!("{path}{PROBE}"),
                // `/probe` needs a name, which the default account does not have.
                None => format!("{path}{}", options.telemetry_path),
            },
            parameter: account.map(str::to_owned),
            // Equal to the label of the metrics.
            account: account.map(without_line_separators),
        },
    };
    let accounts = accounts.entries().iter();
    let groups = accounts.map(|entry| group(entry.account.name()));
    json!(groups.collect::<Vec<_>>()).to_string()
}

/// The scheme and the address at which Prometheus reaches this exporter: those of `--web.external-url`, or
/// those of this request.
fn own_address(app: &App, tls: bool, uri: &Uri, headers: &HeaderMap) -> Option<(String, String)> {
    let external = app.options.external_url.as_ref();
    if let Some(origin) = external.and_then(ExternalUrl::origin) {
        return Some(origin);
    }
    let (scheme, port) = if tls { ("https", 443) } else { ("http", 80) };
    let host = host(uri, headers)?;
    let port = match host.port() {
        // The authority has no port. A port that cannot be parsed is an error below.
        None if host.as_str().ends_with(host.host()) => port,
        port => port?.as_str().parse().ok()?,
    };
    let host = Some(host.host()).filter(|host| !host.is_empty())?;
    Some((scheme.to_owned(), format!("{host}:{port}")))
}

/// The host and port of the request. HTTP/2 has them in the URI (RFC 9113, section 8.3.1).
fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    match uri.authority() {
        Some(authority) => Some(authority.clone()),
        None => headers.get(HOST)?.to_str().ok()?.parse().ok(),
    }
}
