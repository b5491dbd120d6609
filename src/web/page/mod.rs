//! `/`: the page for people. It is served from the cache like a scrape, whole and without a script.

mod audit;
mod filter;
mod render;
mod rows;
mod trouble;
mod words;

use std::sync::Arc;
use std::time::Duration;

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
use tokio::time::Instant;

use super::render_cache::{Basis, Rendering};
use super::{App, WebOptions, encoding};
use crate::account::{self, View};
use audit::Audit;
use filter::Filter;

/// How long a person waits for the gateway. The refresh goes on, and the next look shows it.
const PATIENCE: Duration = Duration::from_secs(3);

/// The one stylesheet, part of the page.
const STYLE: &str = include_str!("style.css");

pub(super) async fn show(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let _place = app.place().map_err(IntoResponse::into_response)?;
    let _waiting = app.rendered.wait().map_err(IntoResponse::into_response)?;
    let deadline = Instant::now() + PATIENCE;
    let roster = app.reloader.roster();
    let accounts = roster.entries().iter().map(|entry| &entry.account);
    let views = account::views(accounts, deadline).await;
    let views: Vec<Arc<View>> = views.into_iter().map(|(view, _)| view).collect();
    let now = app.clock.now();
    let basis = Basis::of(now.timestamp(), &roster, &views);
    let filter = Filter::parse(query.as_deref().unwrap_or_default());
    let what = Rendering::Page(filter.query());
    let encoding = encoding::accepted(&headers);
    let render = {
        let app = Arc::clone(&app);
        move || write(&views, now, &filter, app.options())
    };
    let page = app.rendered.answer(what, encoding, basis, render).await;
    let page = page.map_err(IntoResponse::into_response)?;
    Ok((security_headers(), page).into_response())
}

fn write(views: &[Arc<View>], now: DateTime<Utc>, filter: &Filter, options: &WebOptions) -> String {
    let audit = Audit::new(views, now, filter);
    render::page(&audit, filter, options).into_string()
}

/// The page may load nothing, run nothing and be framed by nobody.
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
