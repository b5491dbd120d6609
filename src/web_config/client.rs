//! Where a request comes from.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The key of clients without an IP address: those of Unix sockets.
const NO_ADDRESS: u64 = u64::MAX;

/// The client at the other end of a connection; a request extension.
#[derive(Debug, Clone)]
pub struct Client {
    network: u64,
    /// Whether a password from this connection has already been queued for a check.
    has_attempted: Arc<AtomicBool>,
}

impl Client {
    /// `peer` is a socket address; anything else counts as a client without an address.
    pub fn of(peer: &str) -> Client {
        let address = peer.parse::<SocketAddr>().ok();
        Client {
            network: address.map_or(NO_ADDRESS, |address| network(address.ip())),
            has_attempted: Arc::default(),
        }
    }

    /// A key of the client's address.
    pub(crate) fn network(&self) -> u64 {
        self.network
    }

    /// Whether this is the first attempt of the connection; from then on it is not.
    pub(super) fn is_first_attempt(&self) -> bool {
        !self.has_attempted.swap(true, Ordering::Relaxed)
    }
}

/// An IPv6 client usually owns a whole /64.
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
    fn a_client_is_an_ipv4_address_or_an_ipv6_network() {
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
    fn a_connection_has_one_first_attempt() {
        let client = Client::of("unix");
        let of_another_stream = client.clone();
        assert!(client.is_first_attempt());
        assert!(!of_another_stream.is_first_attempt());
    }
}
