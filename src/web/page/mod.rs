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

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};

use super::app::App;
use super::render_cache::Resource;
use crate::account::View;
use address::Address;
use exporter_toolkit::content_encoding;
pub(super) use layout::security_headers;
use profile::ProfileAddress;

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
    let accounts = app.reloader.accounts();
    let cached = app.cached_accounts(&accounts, |_| true).await?;
    let (views, now, version) = (cached.views.clone(), cached.now, cached.version.clone());
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
