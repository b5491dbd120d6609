//! The filter of profiles, which is the query string of the page and of other answers about profiles.

use form_urlencoded::{Serializer, parse};

use crate::verdict::{JudgedProfile, Severity};

/// Maximum length in characters of a value. The page truncates the values that it offers to this length.
pub(super) const MAX_VALUE_CHARS: usize = 120;

/// The status of an expected profile that is not connected, as in `check --status`.
pub(super) const MISSING: &str = "MISSING";

/// Which profiles an answer shows. `None` matches everything.
#[derive(Debug, Clone, Default)]
pub(super) struct PageFilter {
    pub(super) platform: Option<String>,
    /// A status of the API.
    pub(super) status: Option<String>,
    pub(super) account: Option<String>,
    /// A severity.
    pub(super) verdict: Option<String>,
}

impl PageFilter {
    /// Parses a query string. Unknown keys are ignored, the last of repeated keys counts, and an empty
    /// value, which the form sends for "all", matches everything.
    pub(super) fn parse(query: &str) -> PageFilter {
        let mut filter = PageFilter::default();
        for (key, value) in parse(query.as_bytes()) {
            let field = match &*key {
                "platform" => &mut filter.platform,
                "status" => &mut filter.status,
                "account" => &mut filter.account,
                "verdict" => &mut filter.verdict,
                _ => continue,
            };
            // Every link of the page repeats the value. No value that the page offers is longer.
            let value: String = value.chars().take(MAX_VALUE_CHARS).collect();
            *field = Some(value).filter(|value| !value.is_empty());
        }
        filter
    }

    /// The query string of this filter. Equal filters have the same one.
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

    /// The query string of this filter with another severity.
    pub(super) fn query_with(&self, severity: Option<Severity>) -> String {
        let verdict = severity.map(|severity| severity.as_str().to_owned());
        let filter = PageFilter {
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

    /// Whether the account matches. The default account matches only if no account is chosen.
    pub(super) fn matches_account(&self, account: Option<&str>) -> bool {
        self.account.is_none() || self.account.as_deref() == account
    }

    /// Whether platform and status match.
    pub(super) fn matches_profile(&self, judged: &JudgedProfile) -> bool {
        let status = judged
            .profile
            .map_or(MISSING, |profile| profile.status.as_str());
        let platform = self.platform.as_deref();
        let wanted = self.status.as_deref();
        platform.is_none_or(|platform| platform == judged.platform)
            && wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(status))
    }

    pub(super) fn matches_severity(&self, severity: Severity) -> bool {
        let wanted = self.verdict.as_deref();
        wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(severity.as_str()))
    }
}
