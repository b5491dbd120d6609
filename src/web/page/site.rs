//! What all pages share: the addresses of links, the time and its zone.

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use form_urlencoded::Serializer;
use maud::{Markup, html};

use super::address::Address;
use crate::account::Accounts;
use crate::config::Links;
use crate::plural::span;
use crate::record::rfc3339;
use crate::web::options::WebOptions;
use crate::web::paths::PROFILE;
use crate::zone::Zone;

/// The server and the time for which a page is rendered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) options: &'a WebOptions,
    pub(super) accounts: &'a Accounts,
    pub(super) now: DateTime<Utc>,
}

impl<'a> Site<'a> {
    pub(super) fn zone(&self) -> Zone {
        self.options.zone
    }

    /// Where people find more about the profiles of an account; `None` for an unknown account.
    pub(super) fn links(&self, account: Option<&str>) -> Option<&'a Links> {
        self.accounts.entry(account).map(|entry| &entry.links)
    }

    /// The URL of a route.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.options.external_path())
    }

    /// The URL of the overview or of a list of profiles.
    pub(super) fn page_url(&self, address: &Address) -> String {
        match &*address.query() {
            "?" => self.url("/"),
            query => self.url(&format!("/{query}")),
        }
    }

    /// The URL of the page of one profile.
    pub(super) fn profile_url(&self, account: Option<&str>, platform: &str, id: &str) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(account.map(|account| ("account", account)));
        query
            .append_pair("platform", platform)
            .append_pair("id", id);
        self.url(&format!("{PROFILE}?{}", query.finish()))
    }

    /// A time to the minute for people, and to the second in its attribute for programs.
    pub(super) fn time(&self, time: DateTime<Utc>) -> Markup {
        html! { time datetime=(rfc3339(time)) { (self.zone().minute(time)) } }
    }

    /// The first full minute that is not before the time.
    pub(super) fn time_not_before(&self, time: DateTime<Utc>) -> Markup {
        let almost_a_minute = TimeDelta::minutes(1) - TimeDelta::nanoseconds(1);
        html! { time datetime=(rfc3339(time)) { (self.zone().minute(time + almost_a_minute)) } }
    }

    /// A time that the gateway states, with the stated day.
    pub(super) fn stated_time(&self, time: DateTime<FixedOffset>) -> Markup {
        html! { time datetime=(rfc3339(time.to_utc())) { (self.zone().stated_minute(time)) } }
    }

    /// The age of `time`, `5m`. A time in the future, from a wrong clock, counts as now.
    pub(super) fn age(&self, time: DateTime<Utc>) -> String {
        match (self.now - time).max(TimeDelta::zero()) {
            age if age < TimeDelta::minutes(1) => format!("{} s", age.num_seconds()),
            age => span(age),
        }
    }

    /// The age of `time`, `5m ago`.
    pub(super) fn ago(&self, time: DateTime<Utc>) -> String {
        format!("{} ago", self.age(time))
    }
}
