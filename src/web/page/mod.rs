//! `/`: the status page, one HTML document without scripts. It shows the cached accounts.

mod elements;
mod overview;
mod problems;
mod render;
mod rows;

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use ring::digest::{SHA256, digest};

use super::app::App;
use super::filter::PageFilter;
use super::options::WebOptions;
use super::render_cache::Resource;
use crate::account::View;
use exporter_toolkit::content_encoding;
use overview::Overview;
use render::STYLE;

/// Serves the page.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let accounts = app.reloader.accounts();
    let (cached, _permits) = app.cached_accounts(&accounts, |_| true).await?;
    let filter = PageFilter::parse(query.as_deref().unwrap_or_default());
    let resource = Resource::Page(filter.query());
    let encoding = content_encoding::accepted(&headers);
    let version = cached.version.clone();
    let render = {
        let app = Arc::clone(&app);
        move || html(&cached.views, cached.now, &filter, app.options())
    };
    let page = app
        .rendered
        .answer(resource, encoding, version, render)
        .await;
    let page = page.map_err(IntoResponse::into_response)?;
    Ok((security_headers(), page).into_response())
}

fn html(
    views: &[Arc<View>],
    now: DateTime<Utc>,
    filter: &PageFilter,
    options: &WebOptions,
) -> String {
    let overview = Overview::new(views, now, filter, options.zone);
    render::page(&overview, filter, options).into_string()
}

/// Headers that forbid the page to load anything, to run scripts, and to be framed.
fn security_headers() -> [(HeaderName, String); 5] {
    let style = BASE64_STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    );
    [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (REFERRER_POLICY, "no-referrer".to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
    ]
}
