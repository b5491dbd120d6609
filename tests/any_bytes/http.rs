//! Any bytes from a client: the exporter keeps running, and its response is HTTP.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use exporter_toolkit::Sockets;
use exporter_toolkit::clock::SystemClock;
use exporter_toolkit::reloader::Fingerprint;
use exporter_toolkit::server::ListenAddress;
use exporter_toolkit::web_config::WebConfigFile;
use gateway_simulator::{Options, PREFIX, Simulator};
use qlara_exporter::config::{Config, Settings};
use qlara_exporter::exporter::Exporter;
use qlara_exporter::web::WebOptions;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::time::timeout;

use super::parser::parse;

/// A request by the user `user` with the password `password`.
const WITH_PASSWORD: &[u8] =
    b"GET /metrics HTTP/1.0\r\nAuthorization: Basic dXNlcjpwYXNzd29yZA==\r\n\r\n";
/// The bcrypt cost of the exporter with a password.
const PATIENCE: Duration = Duration::from_millis(5);
/// A deadline that no request comes near.
const LONGEST: Duration = Duration::from_secs(5);

/// Two exporters with the same accounts: one without and one with a password.
#[derive(Debug)]
pub struct Served {
    folder: TempDir,
}

impl Served {
    /// Starts both exporters, and lets one read its accounts.
    pub async fn start() -> Served {
        let served = Served {
            folder: TempDir::new().expect("a folder"),
        };
        let gateway = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!(
            "http://{}{PREFIX}",
            gateway.local_addr().expect("an address")
        );
        let simulator = Arc::new(Simulator::new(
            Options::default(),
            Arc::new(gateway_simulator::SystemClock),
        ));
        tokio::spawn(gateway_simulator::serve(simulator, gateway));
        let file = served.folder.path().join("web.yml");
        std::fs::write(&file, web_configuration()).expect("a file");
        let guarded = WebConfigFile::load(&file).expect("a good file");
        served.exporter("open", &url, WebConfigFile::none()).await;
        served.exporter("guarded", &url, guarded).await;
        served
    }

    /// Any bytes from a client.
    pub async fn request(&self, bytes: &[u8]) {
        for (socket, patience) in [("open", Duration::ZERO), ("guarded", PATIENCE)] {
            let answer = self.send(socket, bytes, patience).await;
            assert!(
                answer.is_empty() || answer.starts_with(b"HTTP/1."),
                "{answer:?}"
            );
            if let Some(text) = exposition(&answer) {
                parse(&text).unwrap_or_else(|error| panic!("{error}"));
            }
        }
        let healthy = b"GET /-/healthy HTTP/1.0\r\n\r\n";
        let healthy = self.send("open", healthy, LONGEST).await;
        assert!(healthy.starts_with(b"HTTP/1.0 200 "), "{healthy:?}");
    }

    /// Sends everything, and reads everything until the exporter closes the connection.
    async fn send(&self, socket: &str, bytes: &[u8], patience: Duration) -> Vec<u8> {
        let talk = async {
            let stream = UnixStream::connect(self.socket(socket)).await;
            let (mut read, mut write) = stream.expect("a connection").into_split();
            // The exporter may close the connection at any byte.
            let _ = write.write_all(bytes).await;
            // The exporter may take the end of the input for the end of the connection.
            let _ = timeout(patience, read.readable()).await;
            let _ = write.shutdown().await;
            let mut answer = Vec::new();
            // A reset arrives after the bytes that were sent before it.
            let _ = read.read_to_end(&mut answer).await;
            answer
        };
        let talk = timeout(LONGEST, talk).await;
        talk.expect("an end of the connection")
    }

    fn socket(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn exporter(&self, name: &str, url: &str, config: WebConfigFile) {
        let yaml = "cache: {ttl: 1y}\naccounts: [{name: a, api_key_env: KEY}, {name: b, api_key_env: KEY}]";
        let file = self.folder.path().join("qlara.yml");
        std::fs::write(&file, yaml).expect("a file");
        let settings = Settings {
            file: Some(file),
            url: Some(url.to_owned()),
            ..Settings::default()
        };
        let environment = |name: &str| (name == "KEY").then(|| "simulated".to_owned());
        let sockets = Sockets {
            addresses: vec![ListenAddress::Unix(self.socket(name))],
            ..Sockets::default()
        };
        let options = WebOptions {
            config: Arc::new(config),
            ..WebOptions::default()
        };
        let load = Box::new(move |files: &mut Fingerprint| {
            Config::load_through(files, &settings, &environment)
        });
        let exporter = Exporter::bind(sockets, load, options, Arc::new(SystemClock)).await;
        let exporter = exporter.expect("a good configuration");
        tokio::spawn(async { exporter.run(std::future::pending::<()>).await });
        // Later responses come from the cache.
        let answer = self.send(name, WITH_PASSWORD, LONGEST).await;
        assert!(answer.starts_with(b"HTTP/1.0 200 "), "{answer:?}");
    }
}

fn web_configuration() -> String {
    let hash = bcrypt::hash_with_salt("password", 4, [7; 16]).expect("a hash");
    let hash = hash.format_for_version(bcrypt::Version::TwoB);
    format!(
        "basic_auth_users: {{user: {hash}}}\nhttp_server_config: {{headers: {{X-Frame-Options: deny}}}}\n"
    )
}

/// The metrics, if the response contains nothing else and is not compressed.
fn exposition(answer: &[u8]) -> Option<String> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(answer[..end].to_ascii_lowercase()).expect("a head");
    let length = head
        .split("content-length: ")
        .nth(1)?
        .split("\r\n")
        .next()?;
    let length: usize = length.parse().expect("a length");
    let whole = answer.len() - end == length && length > 0;
    let metrics = head.contains("text/plain; version=0.0.4") && !head.contains("gzip");
    let body = (whole && metrics).then(|| answer[end..].to_vec())?;
    Some(String::from_utf8(body).expect("UTF-8"))
}
