//! Unix sockets: listening, and connecting of the HTTP client.

#[cfg(any(not(unix), test))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::{UnixSocket, connect_to};
#[cfg(unix)]
pub(crate) use unix::{UnixSocket, connect_to};
