//! The exporter and the simulated gateway on their own ports, with a clock that the test controls.

pub mod clock;
pub mod fault_proxy;
pub mod listener;
pub mod namespace;
pub mod port;
pub mod process;
pub mod proxy;
pub mod scrape;
pub mod tools;

// The tests of the toolkit need the same tools.
#[allow(dead_code, reason = "the tests of the toolkit use the rest")]
#[path = "../../crates/exporter-toolkit/tests/harness/mod.rs"]
mod toolkit;

pub use toolkit::{certificates, eventually, http, log, make_too_long, openssl, web_config};

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use exporter_toolkit::Sockets;
use exporter_toolkit::clock::Clock;
use gateway_simulator::{Options, PREFIX, Simulator};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use qlara_exporter::config::{Config, Settings};
use qlara_exporter::exporter::{Exporter, Load};
use qlara_exporter::web::WebOptions;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use clock::{ManualClock, SimulatedTime};
use scrape::Scrape;

/// The key that the simulated gateway accepts.
pub const API_KEY: &str = "simulated";

const CONFIGURATION: &str = "qlara.yml";

/// A running exporter and its gateway.
pub struct Stack {
    pub clock: Arc<ManualClock>,
    pub exporter: SocketAddr,
    /// The address that serves only health.
    pub probe_address: SocketAddr,
    pub gateway: Gateway,
    directory: TempDir,
    http: reqwest::Client,
    running: JoinHandle<()>,
}

/// The differences to an exporter with the default account and a default gateway.
pub struct Setup {
    pub settings: Settings,
    pub yaml: Option<String>,
    /// Files beside the configuration file: name and content.
    pub files: Vec<(&'static str, &'static str)>,
    pub web: WebOptions,
    /// `QLARA_API_KEY`.
    pub api_key: Option<String>,
    /// Other environment variables.
    pub variables: Vec<(&'static str, String)>,
    pub simulator: Options,
    /// Another gateway instead of the simulated one.
    pub url: Option<String>,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            settings: Settings::default(),
            yaml: None,
            files: Vec::new(),
            web: WebOptions::default(),
            api_key: Some(API_KEY.to_owned()),
            variables: Vec::new(),
            simulator: Options::default(),
            url: None,
        }
    }
}

impl Setup {
    /// An exporter with this configuration file.
    pub fn yaml(text: &str) -> Setup {
        Setup {
            yaml: Some(text.to_owned()),
            ..Setup::default()
        }
    }

    /// A gateway with only these profiles.
    pub async fn with_profiles(self, profiles: Value) -> Stack {
        let stack = self.start().await;
        stack.gateway.profiles(&profiles).await;
        stack
    }

    pub async fn start(self) -> Stack {
        log::enable_every_callsite();
        let clock = Arc::new(ManualClock::at("2026-04-10T12:00:00Z"));
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let gateway = Gateway::start(self.simulator.clone(), Arc::clone(&shared)).await;
        let url = self.url.clone().unwrap_or_else(|| gateway.url());
        let directory = TempDir::new().expect("a folder");
        let load = self.load(&url, directory.path());
        let any_port = || vec!["127.0.0.1:0".parse().expect("an address")];
        let sockets = Sockets {
            addresses: any_port(),
            probe_addresses: any_port(),
            ..Sockets::default()
        };
        let exporter = Exporter::bind(sockets, load, self.web, shared)
            .await
            .expect("a good configuration and a free port");
        let address = exporter.addresses().expect("an address")[0];
        let probe_address = exporter.probe_addresses().expect("an address")[0];
        let running = tokio::spawn(async {
            exporter
                .run(std::future::pending::<()>)
                .await
                .expect("an exporter");
        });
        Stack {
            clock,
            exporter: address,
            probe_address,
            gateway,
            directory,
            http: http(),
            running,
        }
    }

    fn load(&self, url: &str, directory: &Path) -> Load {
        let mut settings = self.settings.clone();
        settings.url = settings.url.or_else(|| Some(url.to_owned()));
        for (name, content) in &self.files {
            std::fs::write(directory.join(name), content).expect("a file");
        }
        if let Some(yaml) = &self.yaml {
            let file = directory.join(CONFIGURATION);
            std::fs::write(&file, yaml).expect("a file");
            settings.file = Some(file);
        }
        let api_key = self.api_key.iter().cloned();
        let api_key = api_key.map(|key| ("QLARA_API_KEY", key));
        let variables: HashMap<_, _> = api_key.chain(self.variables.clone()).collect();
        Box::new(move |files| {
            let variable = |name: &str| variables.get(name).cloned();
            Config::load_through(files, &settings, &variable)
        })
    }
}

impl Stack {
    /// An exporter with the default account and the documented profiles.
    pub async fn start() -> Stack {
        Setup::default().start().await
    }

    /// One scrape of `/metrics`, which must answer 200.
    pub async fn scrape(&self) -> Scrape {
        Scrape::read(self.get("/metrics").send().await.expect("a response")).await
    }

    /// The first scrape after this much time.
    pub async fn scrape_after(&self, seconds: u64) -> Scrape {
        self.clock.advance(Duration::from_secs(seconds));
        self.scrape().await
    }

    /// Replaces the configuration file. The exporter does not reload by itself.
    pub fn write_configuration(&self, yaml: &str) {
        std::fs::write(self.file(CONFIGURATION), yaml).expect("a file");
    }

    /// Writes a file next to the configuration file.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.request(reqwest::Method::GET, path)
    }

    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("http://{}{path}", self.exporter))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// A simulated gateway.
pub struct Gateway {
    pub address: SocketAddr,
    http: reqwest::Client,
    running: JoinHandle<()>,
}

impl Gateway {
    pub async fn start(options: Options, clock: Arc<dyn Clock>) -> Gateway {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let simulator = Arc::new(Simulator::new(options, Arc::new(SimulatedTime(clock))));
        let running = tokio::spawn(async {
            gateway_simulator::serve(simulator, listener)
                .await
                .expect("a gateway");
        });
        Gateway {
            address,
            http: http(),
            running,
        }
    }

    /// The base address of its API.
    pub fn url(&self) -> String {
        format!("http://{}{PREFIX}", self.address)
    }

    /// An API request with the right key.
    pub fn api(&self, path: &str) -> reqwest::RequestBuilder {
        self.http
            .get(format!("{}{path}", self.url()))
            .header("X-Api-Key", API_KEY)
    }

    /// Sets faults in the notation of the control endpoint; an empty list removes all faults.
    pub async fn faults(&self, faults: &str) {
        self.put("faults", faults.to_owned()).await;
    }

    /// Replaces the connected profiles.
    pub async fn profiles(&self, profiles: &Value) {
        self.put("profiles", profiles.to_string()).await;
    }

    /// Makes the list return exactly these bytes.
    pub async fn set_list_response(&self, body: impl Into<Vec<u8>>) {
        self.put("answers/list", body.into()).await;
    }

    /// Makes the details of a platform return exactly these bytes.
    pub async fn set_details_response(&self, platform: &str, body: impl Into<Vec<u8>>) {
        let platform = utf8_percent_encode(platform, NON_ALPHANUMERIC);
        self.put(&format!("answers/{platform}"), body.into()).await;
    }

    /// Restores the built-in responses.
    pub async fn reset_responses(&self) {
        let request = self.http.delete(self.control("answers"));
        let answer = request.send().await.expect("a response");
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Numbers of API requests and connections so far.
    pub async fn stats(&self) -> Stats {
        let answer = self
            .http
            .get(self.control("stats"))
            .send()
            .await
            .expect("a response");
        let stats: Value =
            serde_json::from_str(&answer.text().await.expect("a text")).expect("JSON");
        let number = |name: &str| stats[name].as_u64().expect("a number");
        Stats {
            list: number("list"),
            details: number("details"),
            // The request for the statistics is a connection too.
            connections: number("connections"),
        }
    }

    async fn put(&self, what: &str, body: impl Into<reqwest::Body>) {
        let answer = self
            .http
            .put(self.control(what))
            .body(body)
            .send()
            .await
            .expect("a response");
        let status = answer.status();
        assert!(
            status.is_success(),
            "{}",
            answer.text().await.unwrap_or_default()
        );
    }

    fn control(&self, what: &str) -> String {
        format!("http://{}/-/{what}", self.address)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// The statistics of the gateway.
#[derive(Debug, PartialEq, Eq)]
pub struct Stats {
    pub list: u64,
    pub details: u64,
    pub connections: u64,
}
