//! Options of the server.

use std::path::Path;
use std::sync::Arc;

use listenfd::ListenFd;
use prometheus::IntCounter;

use super::address::ListenAddress;
use super::deadlines::Timeouts;
use crate::clock::{Clock, SystemClock};
use crate::shared_text::SharedTexts;

/// The sockets that a [`Server`](crate::Server) listens on.
#[derive(Default)]
#[allow(missing_debug_implementations)] // ListenFd has none
pub struct Sockets {
    /// Addresses of the main listeners.
    pub addresses: Vec<ListenAddress>,
    /// Sockets passed by systemd. If present, they replace `addresses`.
    pub from_systemd: Option<ListenFd>,
    /// Addresses of the probe listeners, which serve the health endpoints only.
    pub probe_addresses: Vec<ListenAddress>,
}

/// Options of a [`Server`](crate::Server).
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The exporter's name: the realm of HTTP Basic authentication, and part of the health endpoints' responses on the
    /// probe listeners. Default: the file name of the program.
    pub name: String,
    /// Deadlines for slow clients.
    pub timeouts: Timeouts,
    /// The clock of the rate limit.
    pub clock: Arc<dyn Clock>,
    /// Counts failed TLS handshakes.
    pub failed_handshakes: Option<IntCounter>,
    /// The texts that responses share. When outdated texts exceed their limit, the server closes the connections
    /// that have been reading for the longest.
    pub texts: SharedTexts,
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions::new(&program_name())
    }
}

impl ServerOptions {
    /// Default options of the exporter `name`.
    pub fn new(name: &str) -> ServerOptions {
        ServerOptions {
            name: name.to_owned(),
            timeouts: Timeouts::default(),
            clock: Arc::new(SystemClock),
            failed_handshakes: None,
            texts: SharedTexts::default(),
        }
    }
}

/// The file name of the program as it was called. A name that needs escapes in an HTTP header is replaced.
fn program_name() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&called).file_name();
    let of_names = |char: char| char.is_ascii_alphanumeric() || "_-.".contains(char);
    name.and_then(|name| name.to_str())
        .filter(|name| name.chars().all(of_names))
        .unwrap_or("exporter")
        .to_owned()
}
