//! The options of the web server.

use std::sync::Arc;

use super::external_url::ExternalUrl;
use crate::zone::Zone;
use exporter_toolkit::server::Timeouts;
use exporter_toolkit::web_config::WebConfigFile;

/// The options of the web server.
#[derive(Debug, Clone)]
pub struct WebOptions {
    /// The path of the metrics. Default: `/metrics`.
    pub telemetry_path: String,
    /// Whether `telemetry_path` serves the metrics of accounts with a name. `/probe` always does.
    pub accounts_on_metrics: bool,
    /// Maximum number of concurrent requests that read accounts; 0 means no limit.
    pub max_requests: usize,
    /// Whether `POST /-/reload` reloads the configuration.
    pub enable_lifecycle: bool,
    /// The URL at which clients reach the exporter, for example through a reverse proxy.
    pub external_url: Option<ExternalUrl>,
    /// The prefix of all routes, without a trailing slash. Default: the path of `external_url`.
    pub route_prefix: Option<String>,
    /// The time zone of the page. Default: UTC.
    pub zone: Zone,
    /// Timeouts for requests and connections.
    pub timeouts: Timeouts,
    /// The web configuration file: TLS, users, headers and rate limit.
    pub config: Arc<WebConfigFile>,
}

impl Default for WebOptions {
    fn default() -> WebOptions {
        WebOptions {
            telemetry_path: "/metrics".to_owned(),
            accounts_on_metrics: true,
            max_requests: 0,
            enable_lifecycle: false,
            external_url: None,
            route_prefix: None,
            zone: Zone::default(),
            timeouts: Timeouts::default(),
            config: Arc::new(WebConfigFile::none()),
        }
    }
}

impl WebOptions {
    /// The prefix of all routes, without a trailing slash.
    pub(super) fn route_prefix(&self) -> &str {
        let external = self.external_url.as_ref().map(ExternalUrl::path);
        let prefix = self.route_prefix.as_deref().or(external);
        prefix.unwrap_or_default()
    }

    /// The path at which clients reach the exporter, without a trailing slash.
    pub(super) fn external_path(&self) -> &str {
        let external = self.external_url.as_ref().map(ExternalUrl::path);
        external.unwrap_or_else(|| self.route_prefix())
    }
}
