//! `/`, `/profile` and `/-/documentation`: HTML pages without scripts. The first two show the cached accounts.

mod accounts;
mod address;
mod bad_address;
mod changes;
mod controls;
mod counts;
mod details_problems;
mod documentation;
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
mod troubles;
mod vanished;

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header::REFRESH;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::api::{BadQuery, check_values};
use super::app::App;
use super::cached::CachedAccounts;
use super::render_cache::{DataVersion, RenderError, Resource};
use crate::account::View;
use address::Address;
use exporter_toolkit::content_encoding;
pub(super) use layout::security_headers;
use profile::ProfileAddress;
use site::Site;

/// The header by which a browser loads the page again each minute, if the reader chose that.
const RELOAD: (HeaderName, HeaderValue) = (REFRESH, HeaderValue::from_static("60"));

/// Serves the overview, or the list that the query string selects.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let address = Address::parse(query.as_deref().unwrap_or_default());
    let checked = check_values(&address.filter, &app.reloader.accounts());
    checked.map_err(|error| refused(&app, &error))?;
    let resource = Resource::Page(address.query());
    let reload = address.reloads.then_some(RELOAD);
    let render = move |views: &[Arc<View>], site: Site| list::html(views, site, &address);
    let page = answer(
        &app,
        &headers,
        resource,
        |_| true,
        |_| StatusCode::OK,
        render,
    )
    .await?;
    Ok((reload.into_iter().collect::<HeaderMap>(), page).into_response())
}

/// Serves the page of one profile, with status 404 if the account has no such profile.
pub(super) async fn show_profile(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let address = ProfileAddress::parse(query.as_deref().unwrap_or_default());
    let address = address.map_err(|error| refused(&app, &error))?;
    let resource = Resource::Profile(address.query());
    let asked = address.clone();
    let render = move |views: &[Arc<View>], site: Site| profile::html(views, site, &address);
    let is_in = |account: Option<&str>| asked.is_in(account);
    let status = |views: &[Arc<View>]| asked.status(views);
    answer(&app, &headers, resource, is_in, status, render).await
}

/// An address that names what cannot exist gets no page that looks like an answer.
fn refused(app: &App, error: &BadQuery) -> Response {
    let site = Site {
        options: app.options(),
        accounts: &app.reloader.accounts(),
        now: app.clock.now(),
    };
    let page = bad_address::html(error, site);
    (StatusCode::BAD_REQUEST, security_headers(), page).into_response()
}

/// Renders a page about the accounts that match.
async fn answer(
    app: &Arc<App>,
    headers: &HeaderMap,
    resource: Resource,
    matches: impl Fn(Option<&str>) -> bool,
    status: impl FnOnce(&[Arc<View>]) -> StatusCode,
    render: impl FnOnce(&[Arc<View>], Site) -> String + Send + 'static,
) -> Result<Response, Response> {
    let accounts = app.reloader.accounts();
    let (cached, _permits) = app.cached_accounts(&accounts, matches).await?;
    let CachedAccounts {
        now,
        views,
        version,
    } = cached;
    let status = status(&views);
    let encoding = content_encoding::accepted(headers);
    let render = {
        let app = Arc::clone(app);
        move || {
            let options = app.options();
            render(
                &views,
                Site {
                    options,
                    accounts: &accounts,
                    now,
                },
            )
        }
    };
    let page = app
        .rendered
        .answer(resource, encoding, version, render)
        .await;
    let page = page.map_err(IntoResponse::into_response)?;
    Ok((status, security_headers(), page).into_response())
}

/// Serves the README.
pub(super) async fn show_documentation(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, RenderError> {
    let _permit = app.rendered.wait()?;
    let (accounts, now) = (app.reloader.accounts(), app.clock.now());
    let version = DataVersion::new(now.timestamp(), &accounts, &[]);
    let encoding = content_encoding::accepted(&headers);
    let render = {
        let app = Arc::clone(&app);
        move || {
            let options = app.options();
            documentation::html(Site {
                options,
                accounts: &accounts,
                now,
            })
        }
    };
    let page = app
        .rendered
        .answer(Resource::Documentation, encoding, version, render)
        .await?;
    Ok((security_headers(), page).into_response())
}
