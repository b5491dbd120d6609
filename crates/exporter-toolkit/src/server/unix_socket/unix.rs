//! Unix sockets of tokio.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use reqwest::ClientBuilder;
use tokio::net::{UnixListener, UnixStream};

use crate::server::listener::{Socket, set_backlog};

/// Makes a client connect to the socket at `path`.
pub(crate) fn connect_to(client: ClientBuilder, path: &Path) -> Option<ClientBuilder> {
    Some(client.unix_socket(path))
}

/// A listening Unix socket. Dropping it removes its file, unless systemd created it.
#[derive(Debug)]
pub(crate) struct UnixSocket {
    listener: UnixListener,
    _file: Option<SocketFile>,
}

impl UnixSocket {
    pub(in crate::server) async fn bind(path: &Path) -> io::Result<UnixSocket> {
        if is_stale_socket(path).await {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        set_backlog(&listener)?;
        Ok(UnixSocket {
            listener,
            _file: Some(SocketFile::at(path)?),
        })
    }

    /// A socket passed by systemd. `None` if it has been taken already.
    pub(in crate::server) fn take(
        sockets: &mut ListenFd,
        index: usize,
    ) -> io::Result<Option<UnixSocket>> {
        let Some(listener) = sockets.take_unix_listener(index)? else {
            return Ok(None);
        };
        listener.set_nonblocking(true)?;
        Ok(Some(UnixSocket {
            listener: UnixListener::from_std(listener)?,
            _file: None,
        }))
    }

    pub(in crate::server) async fn accept(&self) -> io::Result<Box<dyn Socket>> {
        let (stream, _) = self.listener.accept().await?;
        Ok(Box::new(stream))
    }

    pub(in crate::server) fn display_address(&self) -> io::Result<String> {
        let address = self.listener.local_addr()?;
        let path = address.as_pathname().unwrap_or(Path::new(""));
        Ok(format!("unix://{}", path.display()))
    }
}

/// The file of a Unix socket, which is removed on drop.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Device and inode, because another process may have replaced the file.
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
            // The file may already be gone.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Whether the file is a Unix socket without a listener, as a killed process leaves it.
async fn is_stale_socket(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    is_socket
        && UnixStream::connect(path)
            .await
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}
