//! A panic while all secrets are in scope, through the panic hook of the real program.

use std::fmt::Debug;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use exporter_toolkit::Sockets;
use exporter_toolkit::clock::{Clock, SystemClock};
use exporter_toolkit::logging::{self, Format};
use exporter_toolkit::reloader::Fingerprint;
use exporter_toolkit::web_config::WebConfigFile;
use gateway_simulator::Simulator;
use qlara_exporter::config::{Config, Settings};
use qlara_exporter::exporter::Exporter;
use qlara_exporter::web::WebOptions;
use tracing::Level;

use super::{MARK, Secrets, URL, WEB_PASSWORD};
use crate::harness::http;
use crate::harness::listener::{Recorder, http_response};
use crate::harness::process::run;

/// Variables that tell the child process to panic, and the directory with the secret files.
const FOLDER: &str = "PANIC_WITH_SECRETS";
const BROKEN: &str = "the clock is broken";

#[tokio::test]
async fn panics_print_no_secret() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        panic_in_every_way(Path::new(&folder)).await;
    }
    let secrets = Secrets::new();
    let folder = secrets.directory.path().to_owned();
    let ran = tokio::task::spawn_blocking(move || {
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        let test = "secrets::panics::panics_print_no_secret";
        command.args(["--exact", test, "--nocapture"]);
        command.env(FOLDER, folder).env("RUST_BACKTRACE", "full");
        run(&mut command)
    });
    let (code, output, error) = ran.await.expect("a run");
    assert_eq!(code, 101, "{error}");
    let text = output + &error;
    for part in [
        BROKEN,
        "src/refresh",
        "Config {",
        "WebOptions {",
        "Listening on",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    secrets.assert_no_secret(&text, "a panic");
}

async fn panic_in_every_way(folder: &Path) {
    logging::start(Level::DEBUG, Format::Logfmt, "qlara_exporter").expect("the first log");
    panic_in_a_refresh(folder).await;
    let web = WebConfigFile::load(&folder.join("tls.yml")).expect("a good file");
    panic_with(web.current().await).await;
    panic_with(WebOptions {
        config: Arc::new(web),
        external_url: Some("/mArKeD".parse().expect("a path")),
        ..WebOptions::default()
    })
    .await;
    let options = gateway_simulator::Options {
        api_key: MARK.into(),
        ..gateway_simulator::Options::default()
    };
    panic_with(options.clone()).await;
    panic_with(Simulator::new(
        options,
        Arc::new(gateway_simulator::SystemClock),
    ))
    .await;
    panic_with(load(folder, URL).expect_err("a URL with a password")).await;
    let config = load(folder, "https://host.example/").expect("a good configuration");
    panic!("{config:?}");
}

/// Panics in a separate task.
async fn panic_with(value: impl Debug + Send + 'static) {
    let task = tokio::spawn(async move { panic!("nothing like this: {value:?}") });
    let error = task.await.expect_err("a panic");
    tracing::error!(%error, ?error, "A task has ended");
}

/// Panics during a refresh, and in every later call that reads the clock.
async fn panic_in_a_refresh(folder: &Path) {
    let clock = Arc::new(BreakableClock::default());
    let breaks = Arc::clone(&clock);
    let gateway = Recorder::start(move |request| {
        breaks.is_broken.store(true, Ordering::Relaxed);
        http_response("200 OK", "", request)
    })
    .await;
    let web = WebConfigFile::load(&folder.join("web.yml")).expect("a good file");
    let options = WebOptions {
        config: Arc::new(web),
        ..WebOptions::default()
    };
    let sockets = Sockets {
        addresses: vec!["127.0.0.1:0".parse().expect("an address")],
        ..Sockets::default()
    };
    let (folder, url) = (folder.to_owned(), format!("http://{}", gateway.address));
    let load = Box::new(move |_: &mut Fingerprint| load(&folder, &url));
    let exporter = Exporter::bind(sockets, load, options, clock).await;
    let exporter = exporter.expect("an exporter");
    let address = exporter.addresses().expect("an address")[0];
    let running = tokio::spawn(exporter.run(std::future::pending::<()>));
    for path in ["/metrics", "/", "/probe?account=file"] {
        let request = http().get(format!("http://{address}{path}"));
        let request = request.basic_auth("prometheus", Some(WEB_PASSWORD));
        let answer = request.timeout(Duration::from_secs(5)).send().await;
        println!("{path}: {answer:?}");
        if let Ok(answer) = answer {
            println!("{:?}", answer.text().await);
        }
    }
    running.abort();
}

fn load(folder: &Path, url: &str) -> Result<Config, qlara_exporter::config::ConfigErrors> {
    let settings = Settings {
        file: Some(folder.join("qlara.yml")),
        url: Some(url.to_owned()),
        ..Settings::default()
    };
    let environment = |name: &str| (name == "VARIABLE").then(|| "mArKeD-variable".to_owned());
    Config::load(&settings, &environment)
}

/// A clock whose readers panic once it is broken.
#[derive(Debug, Default)]
struct BreakableClock {
    is_broken: AtomicBool,
}

impl Clock for BreakableClock {
    fn now(&self) -> DateTime<Utc> {
        assert!(!self.is_broken.load(Ordering::Relaxed), "{BROKEN}");
        SystemClock.now()
    }

    fn monotonic(&self) -> Instant {
        assert!(!self.is_broken.load(Ordering::Relaxed), "{BROKEN}");
        SystemClock.monotonic()
    }
}
