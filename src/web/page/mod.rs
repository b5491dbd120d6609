//! `/` and `/profile`: HTML pages without scripts. They show the cached accounts.

mod accounts;
mod address;
mod controls;
mod counts;
mod elements;
mod facts;
mod headline;
mod layout;
mod lines;
mod list;
mod overview;
mod paging;
mod problems;
mod profile;
mod selection;
mod site;
mod table;
mod timeline;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::app::App;
use super::render_cache::{DataVersion, Resource};
use crate::account::{self, View};
use address::Address;
use exporter_toolkit::content_encoding;
pub(super) use layout::security_headers;
use profile::ProfileAddress;

/// How long a request waits for refreshes, which continue after it. The next request shows their results.
const REFRESH_WAIT: Duration = Duration::from_secs(3);

/// Serves the overview, or the list that the query string selects.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let address = Address::parse(query.as_deref().unwrap_or_default());
    let resource = Resource::Page(address.query());
    let render = {
        let app = Arc::clone(&app);
        move |views: &[Arc<View>], now| list::html(views, now, &address, app.options())
    };
    answer(&app, &headers, resource, |_| StatusCode::OK, render).await
}

/// Serves the page of one profile, with status 404 if the account has no such profile.
pub(super) async fn show_profile(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let address = ProfileAddress::parse(query.as_deref().unwrap_or_default());
    let resource = Resource::Profile(address.query());
    let status = {
        let address = address.clone();
        move |views: &[Arc<View>]| address.status(views)
    };
    let render = {
        let app = Arc::clone(&app);
        move |views: &[Arc<View>], now| profile::html(views, now, &address, app.options())
    };
    answer(&app, &headers, resource, status, render).await
}

async fn answer(
    app: &Arc<App>,
    headers: &HeaderMap,
    resource: Resource,
    status: impl FnOnce(&[Arc<View>]) -> StatusCode,
    render: impl FnOnce(&[Arc<View>], DateTime<Utc>) -> String + Send + 'static,
) -> Result<Response, Response> {
    let _request_permit = app.request_permit().map_err(IntoResponse::into_response)?;
    let _render_permit = app.rendered.wait().map_err(IntoResponse::into_response)?;
    let deadline = Instant::now() + REFRESH_WAIT;
    let accounts = app.reloader.accounts();
    let entries = accounts.entries().iter().map(|entry| &entry.account);
    let views = account::views(entries, deadline).await;
    let views: Vec<Arc<View>> = views.into_iter().map(|(view, _)| view).collect();
    let now = app.clock.now();
    let version = DataVersion::new(now.timestamp(), &accounts, &views);
    let status = status(&views);
    let encoding = content_encoding::accepted(headers);
    let render = move || render(&views, now);
    let page = app
        .rendered
        .answer(resource, encoding, version, render)
        .await;
    let page = page.map_err(IntoResponse::into_response)?;
    Ok((status, security_headers(), page).into_response())
}
