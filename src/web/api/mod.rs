//! `/api/v1/profiles` and `/api/v1/accounts`: what `check` says in JSON and CSV, of the cached accounts.

mod conditional;
mod query;

use std::io;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::cached::CachedAccounts;
use super::filter::PageFilter;
use super::render_cache::{Rendered, Resource};
use crate::record::{AccountRecord, ProfileRow, RecordFilter, Report, csv, json};
use crate::verdict::Thresholds;
pub(super) use conditional::{answer_if_changed, weak_tag};
use exporter_toolkit::content_encoding;
pub(super) use query::{BadQuery, check_values, checked_filter};
use query::{Format, Query};

/// What an answer lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Listing {
    /// Profiles, with their accounts and notes.
    Profiles,
    /// Accounts and notes.
    Accounts,
}

impl Listing {
    fn name(self) -> &'static str {
        match self {
            Listing::Profiles => "profiles",
            Listing::Accounts => "accounts",
        }
    }
}

/// Serves the profiles.
pub(super) async fn profiles(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    answer(Listing::Profiles, &app, query, &headers).await
}

/// Serves the accounts.
pub(super) async fn accounts(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    answer(Listing::Accounts, &app, query, &headers).await
}

async fn answer(
    listing: Listing,
    app: &Arc<App>,
    query: Option<String>,
    headers: &HeaderMap,
) -> Result<Response, Response> {
    let accounts = app.reloader.accounts();
    let query = Query::parse(query.as_deref().unwrap_or_default(), &accounts);
    let query = query.map_err(IntoResponse::into_response)?;
    let matches = |name: Option<&str>| query.filter.matches_account(name);
    let (cached, _permits) = app.cached_accounts(&accounts, matches).await?;
    let resource = Resource::Record(listing, query.canonical());
    let (now, version, format) = (cached.now, cached.version.clone(), query.format);
    let render = move || rendered(listing, format, &cached.report(&query.filter));
    let encoding = content_encoding::accepted(headers);
    let answer = app
        .rendered
        .tagged_answer(resource, encoding, version, render);
    let answer = answer.await.map_err(IntoResponse::into_response)?;
    let kind = [(
        CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    )];
    let name = format!("qlara-{}-{}.csv", listing.name(), now.format("%Y-%m-%d"));
    let answer = match format {
        Format::Json => (kind, answer).into_response(),
        Format::Csv { .. } => (kind, attachment(&name), answer).into_response(),
    };
    Ok(answer_if_changed(headers, answer))
}

fn rendered(listing: Listing, format: Format, report: &Report) -> io::Result<Rendered> {
    let mut text = Vec::new();
    match (listing, format) {
        (Listing::Profiles, Format::Json) => json::write_profiles(report, &mut text),
        (Listing::Accounts, Format::Json) => json::write_accounts(report, &mut text),
        (Listing::Profiles, Format::Csv { bom }) => csv::write_profiles(report, bom, &mut text),
        (Listing::Accounts, Format::Csv { bom }) => csv::write_accounts(report, bom, &mut text),
    }?;
    let tag = match listing {
        Listing::Profiles => weak_tag(json::fingerprint_of_profiles(report)?),
        Listing::Accounts => weak_tag(json::fingerprint_of_accounts(report)?),
    };
    Ok(Rendered {
        text,
        tag: Some(tag),
    })
}

/// The header by which a browser saves the answer under this name.
pub(super) fn attachment(file_name: &str) -> [(HeaderName, String); 1] {
    let disposition = format!("attachment; filename=\"{file_name}\"");
    [(CONTENT_DISPOSITION, disposition)]
}

impl CachedAccounts {
    /// The record of the profiles that match.
    pub(super) fn report(&self, filter: &PageFilter) -> Report<'_> {
        let accounts = self.views.iter();
        let accounts = accounts.map(|view| AccountRecord::of_view(view));
        Report::new(accounts, self.now, Thresholds::default(), filter)
    }
}

impl RecordFilter for PageFilter {
    fn matches_account(&self, name: Option<&str>) -> bool {
        PageFilter::matches_account(self, name)
    }

    fn platforms(&self) -> Vec<&str> {
        self.platform.as_deref().into_iter().collect()
    }

    fn matches(&self, row: &ProfileRow) -> bool {
        PageFilter::matches(self, row) && self.matches_severity(row.judged.verdict.severity)
    }
}
