//! The flags of `healthcheck`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::{parse_route_prefix, parse_target};
use crate::web::ExternalUrl;
use exporter_toolkit::duration;
use exporter_toolkit::exporter_client::Target;

/// Flags of `healthcheck`.
#[derive(Debug, Args)]
pub struct HealthcheckArgs {
    /// Check the exporter that listens on this address; of several addresses, separated by commas, the first
    #[arg(
        long = "web.listen-address",
        env = "QLARA_WEB_LISTEN_ADDRESS",
        value_name = "ADDRESS",
        default_value = ":10017",
        value_parser = Target::from_listen_addresses
    )]
    listener: Target,
    /// Check this address instead, which serves only health
    #[arg(
        long = "web.probe-listen-address",
        env = "QLARA_WEB_PROBE_LISTEN_ADDRESS",
        value_name = "ADDRESS",
        value_parser = Target::from_listen_addresses
    )]
    probe_listener: Option<Target>,
    /// Prefix the path, except at a probe address [default: the path of --web.external-url]
    #[arg(
        long = "web.route-prefix",
        env = "QLARA_WEB_ROUTE_PREFIX",
        value_name = "PATH",
        value_parser = parse_route_prefix
    )]
    route_prefix: Option<String>,
    /// Take the default of --web.route-prefix from this URL or path, at which clients reach the exporter
    #[arg(
        long = "web.external-url",
        env = "QLARA_WEB_EXTERNAL_URL",
        value_name = "URL"
    )]
    external_url: Option<ExternalUrl>,
    /// Check this URL instead of an address
    #[arg(long, env = "QLARA_HEALTHCHECK_URL", value_name = "URL", value_parser = parse_target)]
    url: Option<Target>,
    /// Trust the certificates in this PEM file in addition to the system's; it can contain a self-signed
    /// certificate of the exporter
    #[arg(long, env = "QLARA_HEALTHCHECK_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Give up after this time
    #[arg(
        long,
        env = "QLARA_HEALTHCHECK_TIMEOUT",
        value_name = "DURATION",
        default_value = "3s",
        value_parser = duration::parse
    )]
    pub timeout: Duration,
}

impl HealthcheckArgs {
    /// The URL to check: `--url`, else the probe address, else the listen address.
    pub fn target(self) -> Target {
        let external = self.external_url.as_ref().map(ExternalUrl::path);
        let prefix = self.route_prefix.as_deref().or(external);
        let chosen = self.url.or(self.probe_listener);
        chosen.unwrap_or_else(|| self.listener.below(prefix.unwrap_or_default()))
    }
}
