//! The flags, in the groups of the help text.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use listenfd::ListenFd;

use super::values::{parse_account, parse_route_prefix, parse_telemetry_path};
use crate::config::{ConfigErrors, DEFAULT_URL, Settings, duration};
use crate::hidden::Hidden;
use crate::lifecycle::Sockets;
use crate::logging;
use crate::server::address::ListenAddress;
use crate::web::{ExternalUrl, WebOptions};
use crate::web_config::WebConfigFile;

pub(super) const CONFIGURATION: &str = "Configuration";
pub(super) const WEB: &str = "Web";
const GATEWAY: &str = "Gateway";
const CACHE: &str = "Cache";
const LOGGING: &str = "Logging";

/// The configuration file.
#[derive(Debug, Args)]
#[command(next_help_heading = CONFIGURATION)]
pub struct ConfigArgs {
    /// Configuration file (YAML). Flags and variables win over it
    #[arg(long = "config.file", env = "QLARA_CONFIG_FILE", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Check the configuration and exit: 0 if it is good, 2 if not
    #[arg(long = "config.check", env = "QLARA_CONFIG_CHECK", value_parser = FalseyValueParser::new())]
    pub check: bool,
}

/// The web server.
#[derive(Debug, Args)]
#[command(next_help_heading = WEB)]
pub struct WebArgs {
    /// Address to listen on; may be given several times
    #[arg(
        long = "web.listen-address",
        env = "QLARA_WEB_LISTEN_ADDRESS",
        value_name = "ADDRESS",
        value_delimiter = ',',
        default_value = ":10017"
    )]
    listen_addresses: Vec<ListenAddress>,
    /// Serve on the sockets that systemd hands over instead
    #[arg(
        long = "web.systemd-socket",
        env = "QLARA_WEB_SYSTEMD_SOCKET",
        value_parser = FalseyValueParser::new()
    )]
    systemd_socket: bool,
    /// Address that serves /-/healthy and /-/ready alone, without TLS and passwords; may be given
    /// several times
    #[arg(
        long = "web.probe-listen-address",
        env = "QLARA_WEB_PROBE_LISTEN_ADDRESS",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    probe_listen_addresses: Vec<ListenAddress>,
    /// File of TLS, users, headers and a limit of requests, in the format of Prometheus' exporters
    #[arg(
        long = "web.config.file",
        env = "QLARA_WEB_CONFIG_FILE",
        value_name = "FILE"
    )]
    config_file: Option<PathBuf>,
    /// Path under which metrics are served
    #[arg(
        long = "web.telemetry-path",
        env = "QLARA_WEB_TELEMETRY_PATH",
        value_name = "PATH",
        default_value = "/metrics",
        value_parser = parse_telemetry_path
    )]
    telemetry_path: String,
    /// Leave the accounts out of these metrics, so that they are only at /probe
    #[arg(
        long = "no-web.accounts-on-metrics",
        env = "QLARA_NO_WEB_ACCOUNTS_ON_METRICS",
        value_parser = FalseyValueParser::new()
    )]
    no_accounts_on_metrics: bool,
    /// Requests for metrics that are answered at once, 503 beyond; 0 is no limit
    #[arg(
        long = "web.max-requests",
        env = "QLARA_WEB_MAX_REQUESTS",
        value_name = "N",
        default_value_t = 0
    )]
    max_requests: usize,
    /// Let POST /-/reload load the configuration again, as SIGHUP does
    #[arg(
        long = "web.enable-lifecycle",
        env = "QLARA_WEB_ENABLE_LIFECYCLE",
        value_parser = FalseyValueParser::new()
    )]
    enable_lifecycle: bool,
    /// URL, or path alone, under which others reach the exporter, for example behind a reverse proxy:
    /// for the links on the page and the targets of /sd
    #[arg(
        long = "web.external-url",
        env = "QLARA_WEB_EXTERNAL_URL",
        value_name = "URL"
    )]
    external_url: Option<ExternalUrl>,
    /// Path in front of every route, health included [default: the path of --web.external-url]
    #[arg(
        long = "web.route-prefix",
        env = "QLARA_WEB_ROUTE_PREFIX",
        value_name = "PATH",
        value_parser = parse_route_prefix
    )]
    route_prefix: Option<String>,
}

/// The gateway.
#[derive(Debug, Args)]
#[command(next_help_heading = GATEWAY)]
pub struct GatewayArgs {
    /// Base address of the API
    #[arg(long = "qlara.url", env = "QLARA_URL", value_name = "URL", help = url_help())]
    pub url: Option<Hidden>,
    /// File that holds the API key of a single account (or set QLARA_API_KEY to the key itself)
    #[arg(
        long = "qlara.api-key-file",
        env = "QLARA_API_KEY_FILE",
        value_name = "FILE"
    )]
    pub api_key_file: Option<PathBuf>,
    /// Name of the single account, the label "account" of its metrics. Accounts of the configuration
    /// file have names of their own
    #[arg(
        id = "single_account",
        long = "qlara.account",
        env = "QLARA_ACCOUNT",
        value_name = "NAME",
        value_parser = parse_account
    )]
    pub account: Option<String>,
    /// Time that a refresh may take in all [default: 10s]
    #[arg(
        long = "qlara.timeout",
        env = "QLARA_TIMEOUT",
        value_name = "DURATION",
        value_parser = duration::parse
    )]
    pub timeout: Option<Duration>,
}

impl GatewayArgs {
    /// What the configuration needs to know of these flags and of `--config.file`.
    pub fn settings(&self, file: Option<&PathBuf>) -> Settings {
        Settings {
            file: file.cloned(),
            url: self.url.clone().map(|Hidden(url)| url),
            api_key_file: self.api_key_file.clone(),
            account: self.account.clone(),
            timeout: self.timeout,
            ..Settings::default()
        }
    }
}

/// The cache.
#[derive(Debug, Args)]
#[command(next_help_heading = CACHE)]
pub struct CacheArgs {
    /// Age below which data is served without asking the gateway [default: 1m]
    #[arg(
        long = "cache.ttl",
        env = "QLARA_CACHE_TTL",
        value_name = "DURATION",
        value_parser = duration::parse
    )]
    pub ttl: Option<Duration>,
    /// Age up to which data is shown while the gateway cannot be read [default: 15m]
    #[arg(
        long = "cache.max-stale",
        env = "QLARA_CACHE_MAX_STALE",
        value_name = "DURATION",
        value_parser = duration::parse
    )]
    pub max_stale: Option<Duration>,
}

/// Logging.
#[derive(Debug, Args)]
#[command(next_help_heading = LOGGING)]
pub struct LogArgs {
    /// Log messages at this level and above
    #[arg(
        long = "log.level",
        env = "QLARA_LOG_LEVEL",
        value_name = "LEVEL",
        value_enum,
        ignore_case = true,
        default_value = "info"
    )]
    pub level: LogLevel,
    /// Format of log lines
    #[arg(
        long = "log.format",
        env = "QLARA_LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        ignore_case = true,
        default_value = "logfmt"
    )]
    pub format: LogFormat,
}

/// `--log.level`.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[allow(missing_docs)]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

/// `--log.format`.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[allow(missing_docs)]
pub enum LogFormat {
    Logfmt,
    Json,
}

impl WebArgs {
    /// What the web server needs to know of the flags.
    pub fn options(&self) -> WebOptions {
        WebOptions {
            telemetry_path: self.telemetry_path.clone(),
            accounts_on_metrics: !self.no_accounts_on_metrics,
            max_requests: self.max_requests,
            enable_lifecycle: self.enable_lifecycle,
            external_url: self.external_url.clone(),
            route_prefix: self.route_prefix.clone(),
            ..WebOptions::default()
        }
    }

    /// Reads `--web.config.file`.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn config_file(&self) -> Result<WebConfigFile, ConfigErrors> {
        let path = self.config_file.as_deref();
        path.map_or_else(|| Ok(WebConfigFile::none()), WebConfigFile::load)
    }

    /// Where to listen; `handed_over` is what systemd gave this process, if anything.
    pub fn sockets(&self, handed_over: ListenFd) -> Sockets {
        Sockets {
            addresses: self.listen_addresses.clone(),
            from_systemd: self.systemd_socket.then_some(handed_over),
            probe_addresses: self.probe_listen_addresses.clone(),
        }
    }
}

impl LogArgs {
    /// The level.
    pub fn level(&self) -> tracing::Level {
        match self.level {
            LogLevel::Debug => tracing::Level::DEBUG,
            LogLevel::Info => tracing::Level::INFO,
            LogLevel::Warn => tracing::Level::WARN,
            LogLevel::Error => tracing::Level::ERROR,
        }
    }

    /// The format.
    pub fn format(&self) -> logging::Format {
        match self.format {
            LogFormat::Logfmt => logging::Format::Logfmt,
            LogFormat::Json => logging::Format::Json,
        }
    }
}

fn url_help() -> String {
    format!("Base address of the API, the whole prefix before /socials [default: {DEFAULT_URL}]")
}
