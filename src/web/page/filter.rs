//! Which profiles the page shows: the query string of its address.

use form_urlencoded::{Serializer, parse};

use super::words::LONGEST;
use crate::verdict::{Judged, Severity};

/// The word for an expected profile that is not connected, as `check --status` has it.
pub(super) const MISSING: &str = "MISSING";

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

    /// The query string of this filter: the same for filters that show the same.
    pub(super) fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        for (key, value) in [
            ("verdict", &self.verdict),
            ("platform", &self.platform),
            ("status", &self.status),
            ("account", &self.account),
        ] {
            if let Some(value) = value {
                query.append_pair(key, value);
            }
        }
        format!("?{}", query.finish())
    }

    /// The query string of this filter with another verdict.
    pub(super) fn query_with(&self, verdict: Option<Severity>) -> String {
        let verdict = verdict.map(|verdict| verdict.as_str().to_owned());
        let filter = Filter {
            verdict,
            ..self.clone()
        };
        filter.query()
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

    /// Whether platform and status are those that are asked for.
    pub(super) fn lets_profile_through(&self, judged: &Judged) -> bool {
        let status = judged
            .profile
            .map_or(MISSING, |profile| profile.status.as_str());
        let platform = self.platform.as_deref();
        let asked = self.status.as_deref();
        platform.is_none_or(|platform| platform == judged.platform)
            && asked.is_none_or(|asked| asked.eq_ignore_ascii_case(status))
    }

    pub(super) fn lets_verdict_through(&self, severity: Severity) -> bool {
        let asked = self.verdict.as_deref();
        asked.is_none_or(|asked| asked.eq_ignore_ascii_case(severity.as_str()))
    }
}
