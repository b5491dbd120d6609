//! Everything that is neither a scrape nor the page for people.

use std::future;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};

use super::render_cache::{Basis, NotRendered, Rendering};
use super::{App, encoding};

const README: &str = include_str!("../../README.md");

pub(super) async fn healthy() -> &'static str {
    "qlara-exporter is Healthy.\n"
}

pub(super) async fn ready() -> &'static str {
    "qlara-exporter is Ready.\n"
}

/// The documentation of this very version, also where there is no way to the outside.
pub(super) async fn documentation(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, NotRendered> {
    let _waiting = app.rendered.wait()?;
    let roster = app.reloader.roster();
    let basis = Basis::of(app.clock.now().timestamp(), &roster, &[]);
    let (what, encoding) = (Rendering::Documentation, encoding::accepted(&headers));
    let text = || README.to_owned();
    let answer = app.rendered.answer(what, encoding, basis, text).await?;
    let text_plain = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((text_plain, answer).into_response())
}

/// A redirect to another path of this exporter, with the query of the request.
pub(super) fn redirect(path: String) -> MethodRouter<Arc<App>> {
    get(move |RawQuery(query): RawQuery| {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        future::ready((StatusCode::FOUND, [(LOCATION, format!("{path}{query}"))]))
    })
}
