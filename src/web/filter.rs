//! The filter of profiles, which is the query string of the page and of other answers about profiles.

use form_urlencoded::{Serializer, parse};

use crate::account::history::Change;
use crate::record::ProfileRow;
use crate::verdict::Severity;

/// Maximum length in characters of a value apart from the account, because every link of the page repeats the values. The
/// page offers no longer ones.
pub(super) const MAX_VALUE_CHARS: usize = 120;

/// Which profiles an answer shows. `None` matches everything.
#[derive(Debug, Clone, Default)]
pub(super) struct PageFilter {
    pub(super) platform: Option<String>,
    /// A status of the API.
    pub(super) status: Option<String>,
    pub(super) account: Option<String>,
    /// A severity, in any case.
    pub(super) verdict: Option<String>,
    /// A part of the name, the username, the identifier or the account, in any case.
    pub(super) search: Option<String>,
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
                "q" => &mut filter.search,
                _ => continue,
            };
            *field = Some(value.into_owned()).filter(|value| !value.is_empty());
        }
        filter
    }

    /// The query string of this filter. Equal filters have the same one.
    pub(super) fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        self.append_to(&mut query);
        format!("?{}", query.finish())
    }

    /// Appends the chosen values to a query string, always in the same order.
    pub(super) fn append_to(&self, query: &mut Serializer<String>) {
        for (key, value) in [
            ("verdict", &self.verdict),
            ("platform", &self.platform),
            ("status", &self.status),
            ("account", &self.account),
            ("q", &self.search),
        ] {
            if let Some(value) = value {
                query.append_pair(key, value);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let fields = [
            &self.platform,
            &self.status,
            &self.account,
            &self.verdict,
            &self.search,
        ];
        fields.iter().all(|field| field.is_none())
    }

    /// Whether the profile matches, whatever its severity.
    pub(super) fn matches(&self, row: &ProfileRow) -> bool {
        let judged = &row.judged;
        let username = judged
            .profile
            .and_then(|profile| profile.username.as_deref());
        self.matches_account(row.account)
            && self.matches_platform_and_status(row)
            && self.matches_search([Some(judged.id), row.account, Some(row.name()), username])
    }

    /// Whether the account matches. The default account matches only if no account is chosen.
    pub(super) fn matches_account(&self, account: Option<&str>) -> bool {
        self.account.is_none() || self.account.as_deref() == account
    }

    /// Whether a profile that is no longer listed matches. It has no verdict and no status.
    pub(super) fn matches_vanished(&self, account: Option<&str>, profile: &Change) -> bool {
        let platform = self.platform.as_deref();
        self.verdict.is_none()
            && self.status.is_none()
            && self.matches_account(account)
            && platform.is_none_or(|wanted| wanted == profile.platform)
            && self.matches_search([Some(&*profile.id), account, Some(&*profile.name)])
    }

    fn matches_search<'a>(&self, texts: impl IntoIterator<Item = Option<&'a str>>) -> bool {
        let Some(wanted) = self.search.as_deref().map(str::to_lowercase) else {
            return true;
        };
        let mut texts = texts.into_iter().flatten();
        texts.any(|text| text.to_lowercase().contains(wanted.trim()))
    }

    fn matches_platform_and_status(&self, row: &ProfileRow) -> bool {
        let platform = self.platform.as_deref();
        let status = self.status.as_deref();
        platform.is_none_or(|wanted| wanted == row.judged.platform)
            && status.is_none_or(|wanted| wanted.eq_ignore_ascii_case(row.status_text()))
    }

    pub(super) fn matches_severity(&self, severity: Severity) -> bool {
        let wanted = self.verdict.as_deref();
        wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(severity.as_str()))
    }
}
