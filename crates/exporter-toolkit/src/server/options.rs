//! Options of the server.

use std::sync::Arc;

use listenfd::ListenFd;
use prometheus::IntCounter;

use super::address::ListenAddress;
use super::deadlines::Timeouts;
use crate::clock::{Clock, SystemClock};
use crate::shared_text::SharedTexts;

/// The sockets that a [`Server`](crate::Server) listens on.
#[derive(Default)]
#[allow(missing_debug_implementations)]
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
    /// The exporter's name: the realm of HTTP Basic, and part of the health endpoints' responses.
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
