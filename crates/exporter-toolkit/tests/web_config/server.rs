//! A server with a web configuration file and a clock that the test controls.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use exporter_toolkit::clock::Clock;
use exporter_toolkit::server::Timeouts;
use exporter_toolkit::web_config::WebConfigFile;
use exporter_toolkit::{ServerOptions, Sockets};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::clock::ManualClock;
use crate::harness::http;
use crate::harness::web_config::Folder;

impl Folder {
    /// A server that answers `hello` at `/`.
    pub async fn serve(self) -> Server {
        self.serve_with(Timeouts::default()).await
    }

    /// The same, with these deadlines for clients.
    pub async fn serve_with(self, timeouts: Timeouts) -> Server {
        let file = Arc::new(self.load().expect("a good web configuration"));
        let clock = Arc::new(ManualClock::at("2026-04-10T12:00:00Z"));
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let routes = Router::new().route("/", get(async || "hello\n"));
        let sockets = Sockets {
            addresses: vec!["127.0.0.1:0".parse().expect("an address")],
            ..Sockets::default()
        };
        let options = ServerOptions {
            clock: shared,
            timeouts,
            ..ServerOptions::new("example")
        };
        let server = exporter_toolkit::Server::bind(sockets, Arc::clone(&file));
        let server = server.await.expect("a server");
        let addresses = server.addresses().expect("an address");
        let mut running = JoinSet::new();
        running.spawn(server.serve(routes, options, std::future::pending));
        Server {
            folder: self,
            clock,
            address: addresses[0],
            http: http(),
            _running: running,
            file,
        }
    }
}

/// A running server.
pub struct Server {
    pub folder: Folder,
    pub file: Arc<WebConfigFile>,
    pub clock: Arc<ManualClock>,
    pub address: SocketAddr,
    http: reqwest::Client,
    _running: JoinSet<std::io::Result<()>>,
}

impl Server {
    /// A new connection over TLS.
    pub async fn connect(&self, client: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("localhost").expect("a name");
        TlsConnector::from(Arc::new(client))
            .connect(name, stream)
            .await
    }

    /// The response to a request on a new TLS connection. In TLS 1.3, the server rejects a certificate only after
    /// the client has sent data.
    pub async fn ask(&self, client: ClientConfig) -> std::io::Result<String> {
        let mut stream = self.connect(client).await?;
        let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// Whether a client over TLS gets a complete response. Anything else must be a rejection.
    pub async fn accepts(&self, client: ClientConfig) -> bool {
        match self.ask(client).await {
            Ok(answer) => {
                assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
                true
            }
            Err(_) => false,
        }
    }

    /// A request over plain HTTP.
    pub fn get(&self) -> reqwest::RequestBuilder {
        self.http.get(format!("http://{}/", self.address))
    }
}
