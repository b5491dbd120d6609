//! `/profile`: everything that the gateway states about one profile, and what to do about each finding.

use std::sync::Arc;

use axum::http::StatusCode;
use form_urlencoded::{Serializer, parse};
use maud::{Markup, html};

use super::accounts::{about, data_age};
use super::address::Address;
use super::changes;
use super::elements::{account_name, advice, badge, foreign, name, short};
use super::facts::facts;
use super::layout::Document;
use super::overview::{AccountOverview, Overview};
use super::site::Site;
use super::troubles::of_account;
use super::vanished::lists_or_expects;
use crate::account::View;
use crate::account::history::{Change, ChangeKind};
use crate::config::Links;
use crate::record::ProfileRow;
use crate::verdict::{Finding, Severity};
use crate::web::api::BadQuery;
use crate::web::filter::PageFilter;
use exporter_toolkit::printable::is_blank;

/// The parameters of the page.
const PARAMETERS: [&str; 3] = ["account", "platform", "id"];

/// The query string of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ProfileAddress {
    /// `None` for the default account.
    account: Option<String>,
    platform: String,
    id: String,
}

impl ProfileAddress {
    /// Parses a query string.
    ///
    /// # Errors
    /// [`BadQuery`] for a missing or an unknown parameter: the page of another profile, or none, would be a false answer.
    pub(super) fn parse(query: &str) -> Result<ProfileAddress, BadQuery> {
        let mut address = ProfileAddress::default();
        let mut unknown = None;
        for (key, value) in parse(query.as_bytes()) {
            match &*key {
                "account" => address.account = Some(value.into_owned()),
                "platform" => address.platform = value.into_owned(),
                "id" => address.id = value.into_owned(),
                _ => unknown = Some(key),
            }
        }
        for (name, value) in [("platform", &address.platform), ("id", &address.id)] {
            if value.is_empty() {
                return Err(BadQuery::missing(name));
            }
        }
        match unknown {
            Some(key) => Err(BadQuery::unknown("parameter", &key, &PARAMETERS)),
            None => Ok(address),
        }
    }

    /// The query string. Equal addresses have the same one.
    pub(super) fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(self.account.iter().map(|account| ("account", account)));
        query
            .append_pair("platform", &self.platform)
            .append_pair("id", &self.id);
        query.finish()
    }

    /// The profiles of its platform and account.
    fn others(&self) -> Address {
        Address {
            filter: PageFilter {
                account: self.account.clone(),
                platform: Some(self.platform.clone()),
                ..PageFilter::default()
            },
            ..Address::default()
        }
    }

    /// Whether the profile is in this account.
    pub(super) fn is_in(&self, account: Option<&str>) -> bool {
        self.account.as_deref() == account
    }

    /// 404 if the account is unknown, or its data holds no such profile. Without data, the profile may exist.
    pub(super) fn status(&self, views: &[Arc<View>]) -> StatusCode {
        let mut views = views.iter();
        let view = views.find(|view| self.is_in(view.exposed.account.as_deref()));
        let may_exist = |view: &Arc<View>| match &view.snapshot {
            None => true,
            Some(snapshot) => lists_or_expects(snapshot, &self.platform, &self.id),
        };
        match view.is_some_and(may_exist) {
            true => StatusCode::OK,
            false => StatusCode::NOT_FOUND,
        }
    }

    fn is_of(&self, row: &ProfileRow) -> bool {
        self.is_in(row.account) && row.judged.platform == self.platform && row.judged.id == self.id
    }
}

/// Renders the page.
pub(super) fn html(views: &[Arc<View>], site: Site, address: &ProfileAddress) -> String {
    let overview = Overview::new(views, site);
    let row = overview.rows.iter().find(|row| address.is_of(row));
    let account = overview
        .accounts
        .iter()
        .find(|account| address.is_in(account.name));
    let (title, severity, content) = match (row, account) {
        (Some(row), Some(account)) => (
            title(row),
            row.judged.verdict.severity,
            known(row, account, &overview),
        ),
        (None, Some(account)) => (
            "Profile not known".to_owned(),
            Severity::NotChecked,
            not_known(address, account, &overview),
        ),
        (_, None) => (
            "Account not known".to_owned(),
            Severity::NotChecked,
            html! {
                h1 { "There is no such account" }
                p { "The configuration does not name the account " (foreign(address.account.as_deref().unwrap_or_default())) "." }
            },
        ),
    };
    let main = html! {
        nav.path aria-label="Path" { a href=(site.url("/")) { "All profiles" } }
        article #profile tabindex="-1" { (content) }
    };
    let document = Document {
        title,
        severity,
        skip_to: ("profile", "the profile"),
        main,
        footer: html! {},
    };
    document.render(&site)
}

fn title(row: &ProfileRow) -> String {
    match is_blank(row.name()) {
        true => short(row.judged.id),
        false => short(row.name().trim()),
    }
}

fn known(row: &ProfileRow, account: &AccountOverview, overview: &Overview) -> Markup {
    let verdict = &row.judged.verdict;
    html! {
        h1 {
            @if row.judged.profile.is_some() { (name(row.name())) } @else { (foreign(row.judged.id)) }
            " " (badge(verdict.severity))
        }
        p.quiet { (data_age(account, overview)) }
        section aria-labelledby="todo-title" {
            h2 #todo-title { "What to do" }
            @if verdict.findings.is_empty() { p { "Nothing. All that the gateway states was read, and nothing was found." } }
            @else { ol.todo { @for finding in &verdict.findings { li { (todo(finding, overview.site.links(row.account))) } } } }
        }
        (more_about(row, overview))
        section aria-labelledby="facts-title" {
            h2 #facts-title { "What the gateway states" }
            (facts(row, account, overview))
        }
        (changes(row.judged.platform, row.judged.id, account, overview))
        @if !account.problems.is_empty() { (about(account, overview)) }
    }
}

fn changes(platform: &str, id: &str, account: &AccountOverview, overview: &Overview) -> Markup {
    html! {
        section aria-labelledby="changes-title" {
            h2 #changes-title { "Changes" }
            (changes::of_profile(platform, id, account, &overview.site))
        }
    }
}

/// Links of the configuration.
fn more_about(row: &ProfileRow, overview: &Overview) -> Markup {
    let links = overview.site.links(row.account);
    let dashboard = links.and_then(|links| links.dashboard.as_ref());
    let grafana =
        links.and_then(|links| links.grafana_of(row.account, row.judged.platform, row.judged.id));
    html! {
        @if dashboard.is_some() || grafana.is_some() {
            ul.more {
                @if let Some(url) = dashboard { li { a href=(url) { "Qlara dashboard" } } }
                @if let Some(url) = grafana { li { a href=(url) { "Grafana: this profile over time" } } }
            }
        }
    }
}

fn todo(finding: &Finding, links: Option<&Links>) -> Markup {
    html! {
        p { (badge(finding.severity())) " " strong { (foreign(&finding.to_string())) } }
        p { (advice(finding.advice(), links)) }
        @if let Some(url) = finding.alert().and_then(|alert| links?.runbook(alert)) {
            p { a href=(url) { "Runbook: what it means, and how to find the cause" } }
        }
    }
}

/// The account has no data, or its data does not hold the profile. Links of alerts lead here after the profile has vanished:
/// the page says when that was, and leads to the profiles among which it may have come back with another id.
fn not_known(address: &ProfileAddress, account: &AccountOverview, overview: &Overview) -> Markup {
    let others = overview.site.page_url(&address.others());
    let (platform, id) = (&*address.platform, &*address.id);
    let latest = changes::recorded(account, platform, id).next();
    let is_gone = |change: &&Change| account.has_data() && change.kind == ChangeKind::Disappeared;
    html! {
        h1 { @if account.has_data() { "The gateway does not list this profile" } @else { "This profile is not known now" } }
        p {
            @if let Some(change) = latest { (name(&change.name)) " · " }
            (foreign(platform)) " · " (foreign(id)) " · " (account_name(account.name))
        }
        @if let Some(change) = latest.filter(is_gone) {
            p { "The gateway has not listed it since " (overview.site.time(change.at)) "." }
        }
        p.quiet { (data_age(account, overview)) }
        (of_account(account, overview))
        p.more { a href={ (others) "#profiles" } { "Profiles of the same platform and account" } }
        @if latest.is_some() { (changes(platform, id, account, overview)) }
    }
}
