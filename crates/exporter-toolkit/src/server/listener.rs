//! Listening sockets, opened by the exporter or passed by systemd.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};

use listenfd::ListenFd;
use socket2::{Domain, SockRef, Socket as Socket2, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use super::address::{ListenAddress, TcpAddress};
use super::unix_socket::UnixSocket;

/// Length of the accept queue: the default of `net.core.somaxconn`, which Go programs use.
const BACKLOG: i32 = 4096;

/// An error of opening a listening socket.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is in use, or does not belong to this machine.
    #[error("listen {address}: {source}")]
    Address {
        /// The address as written in the flag.
        address: String,
        /// The error of the system call.
        source: io::Error,
    },
    /// systemd passed no socket (`LISTEN_FDS`).
    #[error("--web.systemd-socket: systemd passed no socket, is there a .socket unit?")]
    NoSystemdSocket,
    /// A file descriptor passed by systemd is not a listening stream socket.
    #[error("--web.systemd-socket: socket {index}: {source}")]
    SystemdSocket {
        /// Its index among the passed file descriptors, from 0.
        index: usize,
        /// The error of the system call.
        source: io::Error,
    },
}

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Listener {
    /// A TCP socket.
    Tcp(TcpListener),
    /// A Unix socket. Dropping the listener removes the file, unless systemd created it.
    Unix(UnixSocket),
}

/// The byte stream of a connection.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Socket for S {}

impl Listener {
    /// Opens a listening socket.
    ///
    /// # Errors
    /// [`ListenError`], which names the address.
    pub(crate) async fn bind(address: &ListenAddress) -> Result<Listener, ListenError> {
        match address {
            ListenAddress::Tcp(address) => bind_tcp(address).await.map(Listener::Tcp),
            ListenAddress::Unix(path) => {
                let bound = UnixSocket::bind(path).await;
                bound.map(Listener::Unix).map_err(listen_error(address))
            }
        }
    }

    /// The sockets passed by systemd (sd_listen_fds(3)), at least one.
    ///
    /// # Errors
    /// [`ListenError`] if there is none, or if one is not a listening stream socket.
    pub(crate) fn from_systemd(mut sockets: ListenFd) -> Result<Vec<Listener>, ListenError> {
        if sockets.len() == 0 {
            return Err(ListenError::NoSystemdSocket);
        }
        (0..sockets.len())
            .map(|index| {
                let wrong = |source| ListenError::SystemdSocket { index, source };
                take(&mut sockets, index).map_err(wrong)
            })
            .collect()
    }

    /// Accepts a connection and returns it with its peer address.
    ///
    /// # Errors
    /// The error of `accept`. The listener can be used further.
    pub(super) async fn accept(&self) -> io::Result<(Box<dyn Socket>, String)> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Responses are written in large chunks, so Nagle's algorithm would only delay the last one.
                let _ = stream.set_nodelay(true);
                Ok((Box::new(stream), peer.to_string()))
            }
            Listener::Unix(socket) => Ok((socket.accept().await?, "unix".to_owned())),
        }
    }

    /// The address as it is logged.
    ///
    /// # Errors
    /// The error of `getsockname`.
    pub(super) fn display_address(&self) -> io::Result<String> {
        match self {
            Listener::Tcp(listener) => Ok(listener.local_addr()?.to_string()),
            Listener::Unix(socket) => socket.display_address(),
        }
    }

    /// The address of a TCP socket; `None` for a Unix socket.
    ///
    /// # Errors
    /// The error of `getsockname`.
    pub(crate) fn tcp_address(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Listener::Tcp(listener) => listener.local_addr().map(Some),
            Listener::Unix(_) => Ok(None),
        }
    }
}

fn listen_error(address: impl ToString) -> impl FnOnce(io::Error) -> ListenError {
    move |source| ListenError::Address {
        address: address.to_string(),
        source,
    }
}

/// Opens a listening TCP socket.
///
/// # Errors
/// [`ListenError`], which names the address.
pub async fn bind_tcp(address: &TcpAddress) -> Result<TcpListener, ListenError> {
    let TcpAddress { host, port } = address;
    let bound = match host.as_str() {
        "" => match bind_dual_stack(*port) {
            // Fallback for machines without IPv6.
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind(format!("0.0.0.0:{port}")).await
            }
            bound => bound,
        },
        "[::]" => bind_dual_stack(*port),
        host => TcpListener::bind(format!("{host}:{port}")).await,
    };
    let bound = bound.and_then(|listener| set_backlog(&listener).map(|()| listener));
    bound.map_err(listen_error(address))
}

/// Listens on every IPv6 and IPv4 address, whatever `net.ipv6.bindv6only` says, as Go's `net.Listen`
/// does.
fn bind_dual_stack(port: u16) -> io::Result<TcpListener> {
    let socket = Socket2::new(Domain::IPV6, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_only_v6(false)?;
    // On Windows, this option would let another process take the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)).into())?;
    set_backlog(&socket)?;
    TcpListener::from_std(socket.into())
}

/// Lengthens the accept queue. When it is full, new clients have to retry, which takes them a second.
pub(super) fn set_backlog<'a>(listener: impl Into<SockRef<'a>>) -> io::Result<()> {
    listener.into().listen(BACKLOG)
}

fn take(sockets: &mut ListenFd, index: usize) -> io::Result<Listener> {
    if let Ok(Some(listener)) = sockets.take_tcp_listener(index) {
        listener.set_nonblocking(true)?;
        return TcpListener::from_std(listener).map(Listener::Tcp);
    }
    match UnixSocket::take(sockets, index)? {
        Some(socket) => Ok(Listener::Unix(socket)),
        None => Err(io::ErrorKind::NotFound.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::join_all;
    use tokio::net::TcpStream;

    use super::bind_tcp;

    /// [accept-queue]
    #[tokio::test]
    async fn accept_queue_holds_hundreds_of_connections() {
        let address = "127.0.0.1:0".parse().expect("an address");
        let listener = bind_tcp(&address).await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").expect("Linux");
        let most: usize = most.trim().parse().expect("a number");
        let clients = (0..most.min(300)).map(|_| TcpStream::connect(address));
        // Nothing calls `accept`: a client that finds the queue full never connects.
        let connected = tokio::time::timeout(Duration::from_secs(60), join_all(clients)).await;
        let connected = connected.expect("room in the queue for every client");
        assert!(connected.into_iter().all(|client| client.is_ok()));
    }
}
