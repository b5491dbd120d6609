//! Listening: `:10017` is every address of the machine, as in Go's `net` package.

use std::io;

use tokio::net::TcpListener;

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("listen {address}: {source}")]
pub struct ListenError {
    address: String,
    source: io::Error,
}

/// Binds `host:port`, `[v6]:port` or `:port`.
///
/// # Errors
/// [`ListenError`], which names the address.
pub async fn listen(address: &str) -> Result<TcpListener, ListenError> {
    let bound = match address.strip_prefix(':') {
        Some(port) => match TcpListener::bind(format!("[::]:{port}")).await {
            // A machine without IPv6.
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind(format!("0.0.0.0:{port}")).await
            }
            bound => bound,
        },
        None => TcpListener::bind(address).await,
    };
    bound.map_err(|source| ListenError {
        address: address.to_owned(),
        source,
    })
}

/// The two parts of `host:port`, `[v6]:port` or `:port`.
///
/// # Errors
/// What is expected instead.
pub fn host_and_port(text: &str) -> Result<(&str, u16), &'static str> {
    const EXPECTED: &str = "expected HOST:PORT or :PORT";
    let (host, port) = text.rsplit_once(':').ok_or(EXPECTED)?;
    let port = port.parse().map_err(|_| EXPECTED)?;
    let is_v6 = host.starts_with('[') && host.ends_with(']');
    // An IPv6 address without brackets would lose its last group to the port.
    if host.contains(':') && !is_v6 {
        return Err("expected brackets around an IPv6 address, [::1]:PORT");
    }
    Ok((host, port))
}
