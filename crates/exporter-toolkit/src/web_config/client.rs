//! The client of a request, for fair queues and connection limits.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Network key of clients without an IP address, which are connected to a Unix socket.
const NO_ADDRESS: u64 = u64::MAX;

/// The peer of a connection. Every request carries it as an extension.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    network: u64,
    /// Whether a password of this connection was already queued for a check.
    has_attempted: Arc<AtomicBool>,
}

impl Client {
    /// The client with the socket address `peer`. If `peer` is another text, the client has no address.
    pub(crate) fn of(peer: &str) -> Client {
        let address = peer.parse::<SocketAddr>().ok();
        Client {
            network: address.map_or(NO_ADDRESS, |address| network(address.ip())),
            has_attempted: Arc::default(),
        }
    }

    /// A key of the client's network: the IPv4 address or the IPv6 /64.
    pub(crate) fn network(&self) -> u64 {
        self.network
    }

    /// Whether this is the connection's first attempt. Further calls return `false`.
    pub(super) fn is_first_attempt(&self) -> bool {
        !self.has_attempted.swap(true, Ordering::Relaxed)
    }
}

/// An IPv6 client usually has a whole /64 to itself.
fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_is_an_ipv4_address_or_an_ipv6_network() {
        let network = |peer: &str| Client::of(peer).network();
        assert_eq!(network("192.0.2.1:1"), network("192.0.2.1:2"));
        assert_eq!(network("192.0.2.1:1"), network("[::ffff:192.0.2.1]:1"));
        assert_ne!(network("192.0.2.1:1"), network("192.0.2.2:1"));
        assert_ne!(
            network("[::ffff:192.0.2.1]:1"),
            network("[::ffff:192.0.2.2]:1")
        );
        assert_eq!(network("[2001:db8::1]:1"), network("[2001:db8::2:3:4:5]:1"));
        assert_ne!(network("[2001:db8::1]:1"), network("[2001:db8:0:1::1]:1"));
        assert_eq!(network("unix"), NO_ADDRESS);
    }

    #[test]
    fn connection_has_one_first_attempt() {
        let client = Client::of("unix");
        let of_another_stream = client.clone();
        assert!(client.is_first_attempt());
        assert!(!of_another_stream.is_first_attempt());
    }
}
