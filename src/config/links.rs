//! `links`: where people find more about profiles. The status page links there.

use reqwest::Url;

/// Where people find more about the profiles of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// The account in the Qlara dashboard, where profiles are reconnected (`links.dashboard`).
    pub dashboard: Option<Url>,
    /// The dashboard of profiles in Grafana (`links.grafana`).
    pub grafana: Option<Url>,
    /// The folder of the runbooks (`links.runbooks`).
    pub runbooks: Option<Url>,
}

impl Links {
    /// The dashboard in Grafana with the values of its variables for one profile.
    pub fn grafana_of(&self, account: Option<&str>, platform: &str, id: &str) -> Option<Url> {
        let mut url = self.grafana.clone()?;
        let variables = [("var-platform", platform), ("var-profile", id)];
        url.query_pairs_mut()
            .extend_pairs(account.map(|account| ("var-account", account)))
            .extend_pairs(variables);
        Some(url)
    }

    /// The runbook of an alert.
    pub fn runbook(&self, alert: &str) -> Option<Url> {
        let mut url = self.runbooks.clone()?;
        let mut path = url.path().trim_end_matches('/').to_owned();
        path.push_str(&format!("/{alert}.md"));
        url.set_path(&path);
        Some(url)
    }
}

/// Parses a link.
///
/// # Errors
/// What is wrong with the text, without the text: it may contain a password.
pub(super) fn parse(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "expected an absolute URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("expected http:// or https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL must not contain credentials: everybody who reads the page sees it");
    }
    Ok(url)
}
