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
