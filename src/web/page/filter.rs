//! Which profiles the page shows: the query string of its address.

use form_urlencoded::{Serializer, parse};

use super::words::LONGEST;
use crate::gateway::model::Status;
use crate::verdict::{Judged, Severity};

/// What the address asks for; `None` lets everything through.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub(super) platform: Option<String>,
    /// A status of the API.
    pub(super) status: Option<String>,
    pub(super) account: Option<String>,
    pub(super) verdict: Option<String>,
}

impl Filter {
    /// Reads a query string. Whatever it does not know it leaves aside, and of doubled keys the last
    /// counts; an empty value, as a form sends it, filters nothing.
    pub(super) fn parse(query: &str) -> Filter {
        let mut filter = Filter::default();
        for (key, value) in parse(query.as_bytes()) {
            let field = match &*key {
                "platform" => &mut filter.platform,
                "status" => &mut filter.status,
                "account" => &mut filter.account,
                "verdict" => &mut filter.verdict,
                _ => continue,
            };
            // What is longer is no choice of the page, and would only come back in every link.
            let value: String = value.chars().take(LONGEST).collect();
            *field = Some(value).filter(|value| !value.is_empty());
        }
        filter
    }

    /// The query string that asks for the same, but for this verdict.
    pub(super) fn query_with(&self, verdict: Option<Severity>) -> String {
        let mut query = Serializer::new(String::new());
        for (key, value) in [
            ("verdict", verdict.map(Severity::as_str)),
            ("platform", self.platform.as_deref()),
            ("status", self.status.as_deref()),
            ("account", self.account.as_deref()),
        ] {
            if let Some(value) = value {
                query.append_pair(key, value);
            }
        }
        format!("?{}", query.finish())
    }

    pub(super) fn is_empty(&self) -> bool {
        [&self.platform, &self.status, &self.account, &self.verdict]
            .iter()
            .all(|field| field.is_none())
    }

    /// An account without a name has no name to ask for.
    pub(super) fn lets_account_through(&self, account: Option<&str>) -> bool {
        self.account.is_none() || self.account.as_deref() == account
    }

    /// Whether platform and status are those that are asked for. An expected profile that is not
    /// connected has no status.
    pub(super) fn lets_profile_through(&self, judged: &Judged) -> bool {
        let status = judged.profile.map(|profile| profile.status);
        let is = |asked: &Option<String>, word: Option<&str>| {
            asked.is_none() || asked.as_deref() == word
        };
        is(&self.platform, Some(judged.platform)) && is(&self.status, status.map(Status::as_str))
    }

    pub(super) fn lets_verdict_through(&self, severity: Severity) -> bool {
        let asked = self.verdict.as_deref();
        asked.is_none_or(|asked| asked == severity.as_str())
    }
}
