//! A server with its own web configuration file and a clock that the test controls.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use exporter_toolkit::clock::Clock;
use exporter_toolkit::web_config::WebConfigFile;
use exporter_toolkit::{ServerOptions, Sockets};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificates::Identity;
use crate::harness::clock::ManualClock;
use crate::harness::http;

/// TLS with the files that [`Folder::with`] writes.
pub const TLS: &str = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";

/// The directory of a web configuration file.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(TempDir::new().expect("a folder"))
    }

    /// A directory with this web configuration file and the server's certificate and key.
    pub fn with(yaml: &str, server: &Identity) -> Folder {
        let folder = Folder::new();
        folder.write("server.crt", &server.cert);
        folder.write("server.key", &server.key);
        folder.write("web.yml", yaml);
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    /// Reads `web.yml`. Errors show `DIR` instead of the directory.
    pub fn load(&self) -> Result<WebConfigFile, Vec<String>> {
        let folder = self.0.path().display().to_string();
        WebConfigFile::load(&self.path("web.yml")).map_err(|problems| {
            let texts = problems.0.iter().map(ToString::to_string);
            texts.map(|text| text.replace(&folder, "DIR")).collect()
        })
    }

    /// A server that answers `hello` at `/`.
    pub async fn serve(self) -> Server {
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
            ..ServerOptions::new("qlara-exporter")
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
    pub async fn lets_in(&self, client: ClientConfig) -> bool {
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
