//! Listening sockets: opened here, or handed over by systemd.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use socket2::{Domain, SockRef, Socket as Socket2, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::address::{ListenAddress, TcpAddress};

/// Connections that may wait to be let in, as far as the system allows: as many as Linux does by itself,
/// and programs in Go with it.
const QUEUE: i32 = 4096;

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// It is taken, or not ours.
    #[error("listen {address}: {source}")]
    Address {
        /// The address as it was given.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// There is no `LISTEN_FDS` for this process.
    #[error("--web.systemd-socket: systemd handed over no socket, is there a .socket unit?")]
    NoSystemdSocket,
    /// What systemd handed over is no listening stream socket.
    #[error("--web.systemd-socket: socket {index}: {source}")]
    SystemdSocket {
        /// Its place among those handed over.
        index: usize,
        /// What the operating system says.
        source: io::Error,
    },
}

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// In the file system. Its file is removed when the listener is dropped, if it was made here.
    Unix(UnixListener, Option<SocketFile>),
}

/// The file of a socket, removed when this is dropped.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode: another process may have put its own in the same place.
    identity: (u64, u64),
}

impl SocketFile {
    fn at(path: &Path) -> io::Result<SocketFile> {
        Ok(SocketFile {
            path: path.to_owned(),
            identity: identity(path)?,
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            // Somebody may have removed it in this very moment.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// A stream of bytes from a client.
pub trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

impl Listener {
    /// Opens a socket.
    ///
    /// # Errors
    /// [`ListenError`], which names the address.
    pub async fn bind(address: &ListenAddress) -> Result<Listener, ListenError> {
        match address {
            ListenAddress::Tcp(address) => bind(address).await.map(Listener::Tcp),
            ListenAddress::Unix(path) => bind_unix(path).await.map_err(not_at(address)),
        }
    }

    /// The sockets that systemd handed over (sd_listen_fds(3)), at least one.
    ///
    /// # Errors
    /// [`ListenError`] when there is none, or one that is of no use.
    pub fn from_systemd(mut sockets: ListenFd) -> Result<Vec<Listener>, ListenError> {
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

    /// The next client, and where it comes from.
    ///
    /// # Errors
    /// What the operating system says; the listener goes on.
    pub async fn accept(&self) -> io::Result<(Box<dyn Socket>, String)> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // An answer is written whole: waiting for more would only delay its end.
                let _ = stream.set_nodelay(true);
                Ok((Box::new(stream), peer.to_string()))
            }
            Listener::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), "unix".to_owned()))
            }
        }
    }

    /// Its address, as a person would write it.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn shown(&self) -> io::Result<String> {
        match self {
            Listener::Tcp(listener) => Ok(listener.local_addr()?.to_string()),
            Listener::Unix(listener, _) => {
                let address = listener.local_addr()?;
                let path = address.as_pathname().unwrap_or(Path::new(""));
                Ok(format!("unix://{}", path.display()))
            }
        }
    }

    /// Its address, if it is TCP.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn tcp_address(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Listener::Tcp(listener) => listener.local_addr().map(Some),
            Listener::Unix(..) => Ok(None),
        }
    }
}

fn not_at(address: impl ToString) -> impl FnOnce(io::Error) -> ListenError {
    move |source| ListenError::Address {
        address: address.to_string(),
        source,
    }
}

/// Opens a TCP socket.
///
/// # Errors
/// [`ListenError`], which names the address.
pub async fn bind(address: &TcpAddress) -> Result<TcpListener, ListenError> {
    let TcpAddress { host, port } = address;
    let bound = match host.as_str() {
        "" => match bind_dual_stack(*port) {
            // A machine without IPv6.
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind(format!("0.0.0.0:{port}")).await
            }
            bound => bound,
        },
        "[::]" => bind_dual_stack(*port),
        host => TcpListener::bind(format!("{host}:{port}")).await,
    };
    let bound = bound.and_then(|listener| let_many_wait(&listener).map(|()| listener));
    bound.map_err(not_at(address))
}

/// Listens on every IPv6 and IPv4 address, whatever `net.ipv6.bindv6only` says, as Go's `net.Listen`
/// does.
fn bind_dual_stack(port: u16) -> io::Result<TcpListener> {
    let socket = Socket2::new(Domain::IPV6, Type::STREAM.nonblocking(), None)?;
    socket.set_only_v6(false)?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)).into())?;
    let_many_wait(&socket)?;
    TcpListener::from_std(socket.into())
}

/// What asks for a connection beyond the queue has to ask again, a second later.
fn let_many_wait<'a>(listener: impl Into<SockRef<'a>>) -> io::Result<()> {
    listener.into().listen(QUEUE)
}

async fn bind_unix(path: &Path) -> io::Result<Listener> {
    if is_left_over(path).await {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    let_many_wait(&listener)?;
    Ok(Listener::Unix(listener, Some(SocketFile::at(path)?)))
}

/// A socket that nobody listens on, as a killed process leaves it.
async fn is_left_over(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    is_socket
        && UnixStream::connect(path)
            .await
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

fn take(sockets: &mut ListenFd, index: usize) -> io::Result<Listener> {
    if let Ok(Some(listener)) = sockets.take_tcp_listener(index) {
        listener.set_nonblocking(true)?;
        return TcpListener::from_std(listener).map(Listener::Tcp);
    }
    let Some(listener) = sockets.take_unix_listener(index)? else {
        return Err(io::ErrorKind::NotFound.into());
    };
    listener.set_nonblocking(true)?;
    Ok(Listener::Unix(UnixListener::from_std(listener)?, None))
}
