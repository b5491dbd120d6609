//! An HTTP and SOCKS proxy that connects every request to one server.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{self, AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::listener::read_head;

/// A proxy that records its requests.
pub struct ForwardProxy {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    running: JoinHandle<()>,
}

impl ForwardProxy {
    /// Connects to `server`, whatever host is requested.
    pub async fn start(server: SocketAddr) -> ForwardProxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&asked);
        let running = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(forward(client, server, Arc::clone(&record)));
            }
        });
        ForwardProxy {
            address,
            asked,
            running,
        }
    }

    /// Request heads, or `SOCKS host:port`, since the last call.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock())
    }
}

impl Drop for ForwardProxy {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn forward(
    mut client: TcpStream,
    server: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
) -> io::Result<()> {
    let mut first = [0];
    client.peek(&mut first).await?;
    let mut upstream = TcpStream::connect(server).await?;
    if first == [5] {
        let target = greet_socks(&mut client).await?;
        asked.lock().push(target);
    } else if first == [4] {
        let target = greet_socks_4(&mut client).await?;
        asked.lock().push(target);
    } else {
        let head = read_head(&mut client).await;
        if head.is_empty() {
            // The client opened a connection and did not use it.
            return Ok(());
        }
        asked.lock().push(head.clone());
        match head.starts_with("CONNECT ") {
            true => client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?,
            false => upstream.write_all(head.as_bytes()).await?,
        }
    }
    copy_bidirectional(&mut client, &mut upstream).await?;
    Ok(())
}

/// SOCKS 5 without a password (RFC 1928).
async fn greet_socks(client: &mut TcpStream) -> io::Result<String> {
    let [_, methods] = read(client).await?;
    client.read_exact(&mut vec![0; methods.into()]).await?;
    client.write_all(&[5, 0]).await?;
    let [_, _, _, kind] = read(client).await?;
    let host = match kind {
        1 => std::net::Ipv4Addr::from(read::<4>(client).await?).to_string(),
        4 => std::net::Ipv6Addr::from(read::<16>(client).await?).to_string(),
        _ => {
            let [length] = read(client).await?;
            let mut name = vec![0; length.into()];
            client.read_exact(&mut name).await?;
            String::from_utf8_lossy(&name).into_owned()
        }
    };
    let port = client.read_u16().await?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Ok(format!("SOCKS {host}:{port}"))
}

/// SOCKS 4, and 4a, which sends a host name after an invalid address.
async fn greet_socks_4(client: &mut TcpStream) -> io::Result<String> {
    let [_, _] = read(client).await?;
    let port = client.read_u16().await?;
    let address = read::<4>(client).await?;
    let user = read_text(client).await?;
    assert_eq!(user, "");
    let host = match address {
        [0, 0, 0, 1..=255] => read_text(client).await?,
        address => std::net::Ipv4Addr::from(address).to_string(),
    };
    client.write_all(&[0, 90, 0, 0, 0, 0, 0, 0]).await?;
    Ok(format!("SOCKS4 {host}:{port}"))
}

/// Reads up to the next zero byte.
async fn read_text(client: &mut TcpStream) -> io::Result<String> {
    let mut text = Vec::new();
    loop {
        match client.read_u8().await? {
            0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
            byte => text.push(byte),
        }
    }
}

async fn read<const N: usize>(client: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}
