//! Listen addresses.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;

use crate::redacted::{shown_path, shown_word};

/// An address to listen on: `host:port`, `[v6]:port` or `:port` as in Go's `net` package, or `unix:///path`.
///
/// ```
/// use exporter_toolkit::server::{ListenAddress, TcpAddress};
///
/// let address: ListenAddress = ":9999".parse()?;
/// assert_eq!(address, ListenAddress::Tcp(TcpAddress { host: String::new(), port: 9999 }));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// A TCP address.
    Tcp(TcpAddress),
    /// The absolute path of a Unix socket.
    Unix(PathBuf),
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpAddress {
    /// A host name, an IPv4 address, an IPv6 address in brackets, or empty for all addresses of the machine. IPv6
    /// addresses are canonical, and IPv4-mapped addresses are converted to IPv4.
    pub host: String,
    /// The port; 0 selects a free port.
    pub port: u16,
}

impl FromStr for ListenAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<ListenAddress, &'static str> {
        let Some(path) = text.strip_prefix("unix://").map(PathBuf::from) else {
            return match text.contains("://") {
                true => Err("expected HOST:PORT, :PORT or unix:///PATH"),
                false => text.parse().map(ListenAddress::Tcp),
            };
        };
        // Not `is_absolute`, which on Windows requires a drive: there, listening says that Unix sockets are not supported.
        match path.has_root() {
            true => Ok(ListenAddress::Unix(path)),
            false => Err("expected an absolute path, unix:///PATH"),
        }
    }
}

impl FromStr for TcpAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<TcpAddress, &'static str> {
        const EXPECTED: &str = "expected HOST:PORT or :PORT";
        let (host, port) = text.rsplit_once(':').ok_or(EXPECTED)?;
        let port = port.parse().map_err(|_| EXPECTED)?;
        let is_v6 = host.starts_with('[') && host.ends_with(']');
        // An IPv6 address without brackets would lose its last group to the port.
        if host.contains(':') && !is_v6 {
            return Err("expected brackets around an IPv6 address, [::1]:PORT");
        }
        let host = canonical(host);
        Ok(TcpAddress { host, port })
    }
}

/// Normalizes IPv6 addresses, so that `[::0]` is recognized as `[::]`. IPv4-mapped addresses become IPv4, because an
/// IPv6-only socket cannot be bound to them.
fn canonical(host: &str) -> String {
    let v6 = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match v6.map(str::parse::<Ipv6Addr>) {
        Some(Ok(address)) => match address.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        },
        _ => host.to_owned(),
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Tcp(address) => address.fmt(out),
            ListenAddress::Unix(path) => write!(out, "unix://{}", shown_path(path)),
        }
    }
}

impl fmt::Display for TcpAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", shown_word(&self.host), self.port)
    }
}
