//! Fallback without Unix sockets: `unix:///PATH` is refused, and systemd passes none.

use std::convert::Infallible;
use std::io;
use std::path::Path;

use listenfd::ListenFd;
use reqwest::ClientBuilder;

use crate::server::listener::Socket;

/// `None`: a client cannot connect to a socket either.
pub(crate) fn connect_to(_: ClientBuilder, _: &Path) -> Option<ClientBuilder> {
    None
}

/// A socket that cannot exist, because [`UnixSocket::bind`] always fails.
#[derive(Debug)]
pub(crate) struct UnixSocket(Infallible);

impl UnixSocket {
    pub(in crate::server) async fn bind(_: &Path) -> io::Result<UnixSocket> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this system has no Unix sockets; listen on HOST:PORT",
        ))
    }

    pub(in crate::server) fn take(_: &mut ListenFd, _: usize) -> io::Result<Option<UnixSocket>> {
        Ok(None)
    }

    pub(in crate::server) async fn accept(&self) -> io::Result<Box<dyn Socket>> {
        match self.0 {}
    }

    pub(in crate::server) fn display_address(&self) -> io::Result<String> {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn path_is_refused() {
        match UnixSocket::bind(Path::new("/run/socket")).await {
            Err(error) => assert_eq!(
                error.to_string(),
                "this system has no Unix sockets; listen on HOST:PORT"
            ),
            Ok(socket) => {
                let accepted = socket.accept().await.map(drop);
                panic!("{accepted:?} at {:?}", socket.display_address());
            }
        }
        let passed = UnixSocket::take(&mut ListenFd::empty(), 0).expect("no error");
        assert!(passed.is_none());
        assert!(connect_to(ClientBuilder::new(), Path::new("/run/socket")).is_none());
    }
}
