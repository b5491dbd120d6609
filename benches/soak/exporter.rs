//! The exporter as a process of its own, and samples of its memory, files and tasks.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use exporter_toolkit::Sockets;
use exporter_toolkit::clock::SystemClock;
use exporter_toolkit::reloader::Fingerprint;
use exporter_toolkit::server::Timeouts;
use procfs::net::TcpState;
use qlara_exporter::config::{Config, Settings};

use qlara_exporter::exporter;
use qlara_exporter::web::WebOptions;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

/// The argument that selects the role of the exporter.
pub const ROLE: &str = "--exporter";

/// Serves, and returns the number of tasks of the runtime at a second port.
pub async fn serve(configuration: PathBuf) {
    let settings = Settings {
        file: Some(configuration),
        ttl: Some(Duration::from_millis(500)),
        max_stale: Some(Duration::from_secs(5)),
        ..Settings::default()
    };
    let load = move |files: &mut Fingerprint| {
        Config::load_through(files, &settings, &|name| {
            (name == "QLARA_API_KEY").then(|| "simulated".to_owned())
        })
    };
    let any_port = || vec!["127.0.0.1:0".parse().expect("an address")];
    let sockets = Sockets {
        addresses: any_port(),
        ..Sockets::default()
    };
    let options = WebOptions {
        enable_lifecycle: true,
        timeouts: Timeouts {
            head: Duration::from_secs(2),
            idle: Duration::from_secs(5),
            response: Duration::from_secs(10),
        },
        ..WebOptions::default()
    };
    let exporter =
        exporter::Exporter::bind(sockets, Box::new(load), options, Arc::new(SystemClock));
    let exporter = exporter.await.expect("an exporter");
    let tasks = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = exporter.addresses().expect("an address")[0];
    println!("{address} {}", tasks.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tasks.accept().await {
            let alive = Handle::current().metrics().num_alive_tasks().to_string();
            let _ = stream.write_all(alive.as_bytes()).await;
        }
    });
    let _ = exporter.run(std::future::pending::<()>).await;
}

/// The resources of the process at one time. Files and tasks of keep-alive connections to the gateway do
/// not count.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Time since the start of the process.
    pub at: Duration,
    /// Resident memory in bytes.
    pub memory: u64,
    /// Open file descriptors.
    pub files: u64,
    /// Tasks of the runtime.
    pub tasks: u64,
}

/// The running process.
pub struct Exporter {
    child: Child,
    started: Instant,
    pub address: SocketAddr,
    tasks: SocketAddr,
    gateway: SocketAddr,
    directory: TempDir,
}

impl Exporter {
    /// Starts an exporter of the gateway at this base URL.
    pub async fn start(gateway: &str) -> Exporter {
        let directory = TempDir::new().expect("a folder");
        let file = directory.path().join("qlara.yml");
        write_configuration(&file, gateway, 5);
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .arg(ROLE)
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the exporter");
        let output = child.stdout.take().expect("an output");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("a line");
        let mut addresses = line
            .split_whitespace()
            .map(|text| text.parse().expect("an address"));
        let mut next = || addresses.next().expect("an address");
        Exporter {
            child,
            started: Instant::now(),
            address: next(),
            tasks: next(),
            gateway: address_of(gateway).parse().expect("an address"),
            directory,
        }
    }

    /// The path of the configuration file.
    pub fn file(&self) -> PathBuf {
        self.directory.path().join("qlara.yml")
    }

    pub async fn read(&self) -> Sample {
        let process = procfs::process::Process::new(self.child.id() as i32).expect("a process");
        let pages = process.stat().expect("its state").rss;
        let kept = self.connections_to_gateway(&process);
        let mut tasks = String::new();
        let mut stream = TcpStream::connect(self.tasks).await.expect("a connection");
        stream.read_to_string(&mut tasks).await.expect("a number");
        Sample {
            at: self.started.elapsed(),
            memory: pages * procfs::page_size(),
            files: (process.fd_count().expect("its files") as u64).saturating_sub(kept),
            tasks: tasks.parse::<u64>().expect("a number").saturating_sub(kept),
        }
    }

    fn connections_to_gateway(&self, process: &procfs::process::Process) -> u64 {
        let sockets = process.tcp().expect("its network");
        let kept = sockets.iter().filter(|socket| {
            socket.remote_address == self.gateway && socket.state == TcpState::Established
        });
        kept.count() as u64
    }

    /// Waits up to a minute until there are no more files and tasks than `before`; `None` if there still are.
    pub async fn until_quiet(&self, before: &Sample) -> Option<Sample> {
        for _ in 0..120 {
            let now = self.read().await;
            if now.files <= before.files && now.tasks <= before.tasks {
                return Some(now);
            }
            sleep(Duration::from_millis(500)).await;
        }
        None
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a valid configuration with this number of accounts.
pub fn write_configuration(file: &std::path::Path, gateway: &str, accounts: usize) {
    let account = |number| format!("- {{name: brand-{number}, api_key_env: KEY}}\n");
    let accounts: String = (0..accounts).map(account).collect();
    let text = format!("gateway: {{url: '{gateway}', timeout: 1s}}\naccounts:\n{accounts}");
    std::fs::write(file, text).expect("a file");
}

/// Host and port of a base URL.
pub fn address_of(gateway: &str) -> &str {
    let authority = gateway.trim_start_matches("http://");
    authority.split('/').next().unwrap_or(authority)
}
