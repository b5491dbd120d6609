//! `/calendar.ics`: the end of each token as an event, for calendars that subscribe to it.

mod events;

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use ring::digest::{SHA256, digest};

use super::api::{answer_if_changed, checked_filter, weak_tag};
use super::app::App;
use super::cached::CachedAccounts;
use super::render_cache::{Rendered, Resource};
use crate::plural::count;
use crate::record::AccountRecord;
use exporter_toolkit::content_encoding;
use exporter_toolkit::printable::neutral;

/// When a calendar should ask again after an account could not be read, in seconds.
const RETRY_SECONDS: &str = "60";

/// Serves the calendar.
pub(super) async fn serve(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let accounts = app.reloader.accounts();
    let filter = checked_filter(query.as_deref().unwrap_or_default(), &[], &accounts);
    let filter = filter.map_err(IntoResponse::into_response)?;
    let matches = |name: Option<&str>| filter.matches_account(name);
    let (cached, _permits) = app.cached_accounts(&accounts, matches).await?;
    all_are_known(&cached).map_err(IntoResponse::into_response)?;
    let resource = Resource::Calendar(filter.query());
    let version = cached.version.clone();
    let render = move || {
        let report = cached.report(&filter);
        let text = events::calendar(&report, &filter, events::Stamp::ReadAt);
        let without_stamps = events::calendar(&report, &filter, events::Stamp::Omitted);
        Ok(Rendered {
            text: text.into_bytes(),
            tag: Some(weak_tag(digest(&SHA256, without_stamps.as_bytes()))),
        })
    };
    let encoding = content_encoding::accepted(&headers);
    let answer = app
        .rendered
        .tagged_answer(resource, encoding, version, render);
    let answer = answer.await.map_err(IntoResponse::into_response)?;
    let kind = [
        (CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (CONTENT_DISPOSITION, "inline; filename=\"qlara.ics\""),
    ];
    Ok(answer_if_changed(&headers, (kind, answer).into_response()))
}

/// Accounts of which no data is known. Answered with 503: a calendar without their events would make clients delete them.
#[derive(Debug)]
struct Unread {
    accounts: usize,
    /// The first of them, and why it is not known.
    first: (Option<String>, String),
}

fn all_are_known(cached: &CachedAccounts) -> Result<(), Unread> {
    let accounts = cached.views.iter().map(|view| AccountRecord::of_view(view));
    let unread = accounts.filter_map(|account| Some((account.name, account.why_unread()?)));
    let unread: Vec<_> = unread.collect();
    match unread.first() {
        None => Ok(()),
        Some((name, why)) => Err(Unread {
            accounts: unread.len(),
            first: (name.map(str::to_owned), why.clone()),
        }),
    }
}

impl IntoResponse for Unread {
    fn into_response(self) -> Response {
        let (name, why) = self.first;
        let name = name
            .map(|name| format!("account {name}: "))
            .unwrap_or_default();
        let others = match self.accounts - 1 {
            0 => String::new(),
            others => format!("; and {} more not known", count(others, "account")),
        };
        let text = neutral(&format!("No calendar: {name}{why}{others}")) + "\n";
        let retry = [(RETRY_AFTER, RETRY_SECONDS)];
        (StatusCode::SERVICE_UNAVAILABLE, retry, text).into_response()
    }
}
