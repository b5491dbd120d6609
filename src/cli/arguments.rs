//! Flags that several commands share, in the groups of the help text.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::values::{parse_account, parse_route_prefix, parse_telemetry_path};
use crate::config::{DEFAULT_URL, Settings};
use crate::web::{ExternalUrl, WebOptions};
use crate::zone::Zone;
use exporter_toolkit::duration;
use exporter_toolkit::flags::WebFlags;
use exporter_toolkit::redacted::Redacted;

pub(super) const CONFIGURATION: &str = "Configuration";
pub(super) const WEB: &str = "Web";
const GATEWAY: &str = "Gateway";
const CACHE: &str = "Cache";

/// Flags of the configuration file.
#[derive(Debug, Args)]
#[command(next_help_heading = CONFIGURATION)]
pub struct ConfigArgs {
    /// Read the configuration from this YAML file; flags and environment variables override it
    #[arg(long = "config.file", env = "QLARA_CONFIG_FILE", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Check the configuration and exit with 0 if it is valid, 2 if not
    #[arg(long = "config.check", env = "QLARA_CONFIG_CHECK", value_parser = FalseyValueParser::new())]
    pub check: bool,
}

/// Flags of the web server.
#[derive(Debug, Args)]
#[command(next_help_heading = WEB)]
pub struct WebArgs {
    /// Flags that all exporters share.
    #[command(flatten)]
    pub server: WebFlags,
    /// Serve metrics at this path
    #[arg(
        long = "web.telemetry-path",
        env = "QLARA_WEB_TELEMETRY_PATH",
        value_name = "PATH",
        default_value = "/metrics",
        value_parser = parse_telemetry_path
    )]
    telemetry_path: String,
    /// Omit the metrics of accounts with a name from --web.telemetry-path; /probe still serves them
    #[arg(
        long = "no-web.accounts-on-metrics",
        env = "QLARA_NO_WEB_ACCOUNTS_ON_METRICS",
        value_parser = FalseyValueParser::new()
    )]
    no_accounts_on_metrics: bool,
    /// Answer at most this many concurrent requests for metrics or the page, and others with 503; 0 means
    /// no limit
    #[arg(
        long = "web.max-requests",
        env = "QLARA_WEB_MAX_REQUESTS",
        value_name = "N",
        default_value_t = 0
    )]
    max_requests: usize,
    /// Reload the configuration on POST /-/reload, as on SIGHUP
    #[arg(
        long = "web.enable-lifecycle",
        env = "QLARA_WEB_ENABLE_LIFECYCLE",
        value_parser = FalseyValueParser::new()
    )]
    enable_lifecycle: bool,
    /// Build links on the page and targets of /sd from this URL or path, at which clients reach the
    /// exporter, for example through a reverse proxy
    #[arg(
        long = "web.external-url",
        env = "QLARA_WEB_EXTERNAL_URL",
        value_name = "URL"
    )]
    external_url: Option<ExternalUrl>,
    /// Serve all endpoints below this path prefix [default: the path of --web.external-url]
    #[arg(
        long = "web.route-prefix",
        env = "QLARA_WEB_ROUTE_PREFIX",
        value_name = "PATH",
        value_parser = parse_route_prefix
    )]
    route_prefix: Option<String>,
    /// Show times on the page in this IANA time zone [default: TZ, or else UTC]
    #[arg(long = "web.timezone", env = "QLARA_WEB_TIMEZONE", value_name = "ZONE")]
    timezone: Option<Zone>,
}

/// Flags of the gateway.
#[derive(Debug, Args)]
#[command(next_help_heading = GATEWAY)]
pub struct GatewayArgs {
    /// The base URL of the API.
    #[arg(long = "qlara.url", env = "QLARA_URL", value_name = "URL", help = url_help())]
    pub url: Option<Redacted>,
    /// Read the API key of a single account from this file (or set QLARA_API_KEY to the key itself)
    #[arg(
        long = "qlara.api-key-file",
        env = "QLARA_API_KEY_FILE",
        value_name = "FILE"
    )]
    pub api_key_file: Option<PathBuf>,
    /// Name the single account, as in the label "account" of its metrics; accounts of the configuration
    /// file have their own names
    #[arg(
        id = "single_account",
        long = "qlara.account",
        env = "QLARA_ACCOUNT",
        value_name = "NAME",
        value_parser = parse_account
    )]
    pub account: Option<String>,
    /// Give up on a refresh after this time [default: 10s]
    #[arg(
        long = "qlara.timeout",
        env = "QLARA_TIMEOUT",
        value_name = "DURATION",
        value_parser = duration::parse
    )]
    pub timeout: Option<Duration>,
}

impl GatewayArgs {
    /// The settings that these flags and `--config.file` give for the configuration.
    pub fn settings(&self, file: Option<&PathBuf>) -> Settings {
        Settings {
            file: file.cloned(),
            url: self.url.clone().map(|Redacted(url)| url),
            api_key_file: self.api_key_file.clone(),
            account: self.account.clone(),
            timeout: self.timeout,
            ..Settings::default()
        }
    }
}

/// Flags of the cache.
#[derive(Debug, Args)]
#[command(next_help_heading = CACHE)]
pub struct CacheArgs {
    /// Serve cached data younger than this without a request to the gateway [default: 1m]
    #[arg(
        long = "cache.ttl",
        env = "QLARA_CACHE_TTL",
        value_name = "DURATION",
        value_parser = duration::parse
    )]
    pub ttl: Option<Duration>,
    /// Serve cached data up to this age while the gateway cannot be read [default: 15m]
    #[arg(
        long = "cache.max-stale",
        env = "QLARA_CACHE_MAX_STALE",
        value_name = "DURATION",
        value_parser = duration::parse
    )]
    pub max_stale: Option<Duration>,
}

impl WebArgs {
    /// The options that these flags give for the web server. The web configuration file is not loaded.
    pub fn options(&self) -> WebOptions {
        WebOptions {
            telemetry_path: self.telemetry_path.clone(),
            accounts_on_metrics: !self.no_accounts_on_metrics,
            max_requests: self.max_requests,
            enable_lifecycle: self.enable_lifecycle,
            external_url: self.external_url.clone(),
            route_prefix: self.route_prefix.clone(),
            zone: self.timezone.unwrap_or_else(zone_of_environment),
            ..WebOptions::default()
        }
    }
}

/// The time zone of the environment variable `TZ`, or UTC.
pub(super) fn zone_of_environment() -> Zone {
    Zone::of_environment(std::env::var("TZ").ok().as_deref())
}

fn url_help() -> String {
    format!("Send requests to this base URL, to which /socials is added [default: {DEFAULT_URL}]")
}
