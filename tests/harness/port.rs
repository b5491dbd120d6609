//! Ports for the programs that tests start.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// The first port, and how many follow. Linux takes ports of outgoing connections, and those of listeners at port 0,
/// from 32768 upward, so neither can take one of these before the program listens.
const FIRST: u32 = 12_000;
const COUNT: u32 = 20_000;

/// A port without a listener. No other test of this process gets it.
pub fn free_port() -> u16 {
    static HANDED_OUT: AtomicU32 = AtomicU32::new(0);
    // Processes that run at the same time begin at different ports.
    let start = std::process::id().wrapping_mul(97);
    (0..COUNT)
        .map(|_| {
            let number = start.wrapping_add(HANDED_OUT.fetch_add(1, Ordering::Relaxed));
            u16::try_from(FIRST + number % COUNT).expect("a port")
        })
        .find(|port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok())
        .expect("a free port")
}
