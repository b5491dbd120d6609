//! The process' limit of file descriptors.

#[cfg(any(not(unix), test))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(super) use other::raise;
#[cfg(unix)]
pub(super) use unix::raise;
