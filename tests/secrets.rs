//! No key, password or hash appears in any output: every secret contains a mark, and no output contains a mark.

mod commands;
mod echoes;
mod gateway;
mod misplaced;
mod panics;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use exporter_toolkit::Sockets;
use exporter_toolkit::clock::SystemClock;
use exporter_toolkit::exporter_client::Target;
use exporter_toolkit::reloader::Fingerprint;
use exporter_toolkit::web_config::WebConfigFile;
use gateway_simulator::Simulator;
use qlara_exporter::cli::Cli;
use qlara_exporter::config::{Config, Settings};
use qlara_exporter::exporter::Exporter;
use qlara_exporter::web::WebOptions;
use reqwest::Url;
use tempfile::TempDir;

use crate::harness::listener::{Recorder, http_response};
use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter, run};
use crate::harness::{eventually, http};

/// Part of every secret.
const MARK: &str = "mArKeD";
const WEB_PASSWORD: &str = "mArKeD-web-password";
/// A URL in which everything except host and path is secret.
const URL: &str = "https://mArKeD-user:mArKeD-password@host.example/path?key=mArKeD#mArKeD";

/// Files with secrets, and the texts that no output may contain.
struct Secrets {
    directory: TempDir,
    marks: Vec<String>,
}

impl Secrets {
    fn new() -> Secrets {
        let directory = TempDir::new().expect("a folder");
        // Salt and hash are random, so the complete text is a mark of its own.
        let hash = bcrypt::hash(WEB_PASSWORD, 4).expect("a hash");
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
        let certified = certified.expect("a certificate");
        let private = certified.signing_key.serialize_pem();
        let encoded = |text: &str| BASE64_STANDARD.encode(text);
        let mut marks = vec![
            MARK.to_owned(),
            hash.clone(),
            hash[29..].to_owned(),
            encoded(&format!("prometheus:{WEB_PASSWORD}")),
            encoded("user:mArKeD-password"),
            encoded("proxy:mArKeD-proxy"),
        ];
        marks.extend(
            private
                .lines()
                .filter(|line| !line.starts_with("-----"))
                .map(str::to_owned),
        );
        let secrets = Secrets { directory, marks };
        secrets.write("key", "mArKeD-key");
        secrets.write("password", "mArKeD-password");
        secrets.write("server.key", &private);
        secrets.write("server.crt", &certified.cert.pem());
        secrets.write(
            "web.yml",
            &format!("basic_auth_users: {{prometheus: '{hash}'}}\n"),
        );
        secrets.write(
            "tls.yml",
            &format!(
                "tls_server_config: {{cert_file: server.crt, key_file: server.key}}\n\
                 basic_auth_users: {{prometheus: '{hash}'}}\n"
            ),
        );
        secrets.write("qlara.yml", &Secrets::configuration(""));
        secrets
    }

    fn configuration(gateway: &str) -> String {
        format!(
            "gateway: {{{gateway}}}\naccounts:\n- {{name: file, api_key_file: key}}\n\
             - {{name: variable, api_key_env: VARIABLE}}\n\
             - {{name: basic, basic_auth: {{username: user, password_file: password}}}}\n"
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes `key_file` where `key` is meant.
    fn key_as_a_path(&self) -> String {
        let key = std::fs::read_to_string(self.path("server.key")).expect("a key");
        let key = key.replace('\n', "\n    ");
        format!("tls_server_config:\n  cert_file: server.crt\n  key_file: |\n    {key}\n")
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    /// No mark is in the text, in any encoding.
    fn assert_no_secret(&self, text: &str, what: &str) {
        for mark in &self.marks {
            assert!(!text.contains(mark.as_str()), "{what}: {mark:?} in {text}");
        }
    }

    /// The program with variables that contain a secret.
    fn program(&self) -> Command {
        let mut command = exporter();
        command.env("VARIABLE", "mArKeD-variable");
        command.env("QLARA_CONFIG_FILE", self.path("qlara.yml"));
        command
    }
}

/// A gateway that repeats everything that it is sent, in headers and body, in each kind of response.
async fn repeating_gateway() -> Recorder {
    let statuses = [
        "200 OK",
        "302 Found",
        "400 Bad Request",
        "401 Unauthorized",
        "429 Too Many Requests",
        "500 Internal Server Error",
        "999 mArKeD",
    ];
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    Recorder::start(move |request| {
        let place = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let repeated = request.replace("\r\n", " ");
        let headers = format!("Location: http://127.0.0.1:9/?{MARK}\r\nX-Repeated: {repeated}\r\n");
        http_response(statuses[place % statuses.len()], &headers, request)
    })
    .await
}

/// The log lines of some of the errors, unless the log contains errors only.
const WARNINGS: [&str; 3] = [
    "web configuration file cannot be used",
    "expected the path of a file, not its content",
    "Secret file",
];

/// [repeated-key]
#[tokio::test]
async fn running_exporter_prints_no_secret() {
    let runs = ["debug", "info", "warn", "error"]
        .into_iter()
        .flat_map(|level| ["logfmt", "json"].map(|format| serve_and_reload(level, format)));
    futures_util::future::join_all(runs).await;
}

/// The exporter at a gateway that changes its behaviour, with one invalid file after another.
async fn serve_and_reload(level: &str, format: &str) {
    let secrets = Secrets::new();
    let gateway = repeating_gateway().await;
    let block = |round: usize| format!("url: 'http://{}/{round}'", gateway.address);
    secrets.write("qlara.yml", &Secrets::configuration(&block(0)));
    let address = format!("127.0.0.1:{}", free_port());
    let mut command = secrets.program();
    command
        .args(["--cache.ttl", "0s", "--web.enable-lifecycle"])
        .args(["--log.level", level, "--log.format", format])
        .args(["--web.listen-address", &address, "--web.config.file"])
        .arg(secrets.path("web.yml"));
    let running = Running::start(&mut command);
    let ask = async |path: &str, password: &str| {
        let request = http().get(format!("http://{address}{path}"));
        let answer = request
            .basic_auth("prometheus", Some(password))
            .send()
            .await
            .ok()?;
        let head = format!("{:?}", answer.headers());
        Some(head + &answer.text().await.ok()?)
    };
    eventually("readiness", async || ask("/-/ready", WEB_PASSWORD).await).await;
    // The gateway behaves differently in each round.
    for round in 0..9 {
        for path in [
            "/",
            "/?account=mArKeD",
            "/metrics",
            "/probe?account=file",
            "/probe?account=mArKeD",
            "/sd",
            "/api/v1/profiles",
            "/api/v1/accounts",
            "/calendar.ics",
            "/-/healthy",
            "/-/documentation",
            "/-/reload",
            "/mArKeD",
        ] {
            for password in [WEB_PASSWORD, "mArKeD-guess"] {
                let answer = ask(path, password).await.expect("a response");
                // The page repeats the parameters of the request.
                if path != "/?account=mArKeD" {
                    secrets.assert_no_secret(&answer, &format!("{path}, round {round}"));
                }
            }
        }
        if round < 7 {
            // Another address ends the backoffs, so that the next scrape sends requests.
            let block = block(round + 1);
            secrets.write("qlara.yml", &Secrets::configuration(&block));
        }
        let reload = http().post(format!("http://{address}/-/reload"));
        let reload = reload.basic_auth("prometheus", Some(WEB_PASSWORD)).send();
        let text = reload
            .await
            .expect("a response")
            .text()
            .await
            .expect("a text");
        secrets.assert_no_secret(&text, "a reload");
        // From here on, requests meet the invalid files before the next reload does.
        match round {
            0 => secrets.write("key", "mArKeD-rotated"),
            // No backoff is active, so the next refresh reads the files.
            1 => secrets.write("key", "mArKeD \u{1} control"),
            2 => secrets.write("key", "mArKeD-key"),
            // From here on, no reload succeeds, and backoffs stay active.
            4 => secrets.write("web.yml", &secrets.key_as_a_path()),
            5 => secrets.write("web.yml", "basic_auth_users: {prometheus: mArKeD-no-hash}"),
            6 => std::fs::remove_file(secrets.path("password")).expect("removed"),
            7 => secrets.write("qlara.yml", "accounts: [{name: a, api_key: mArKeD}]"),
            _ => {}
        }
    }
    running.signal("TERM");
    let (_, log) = tokio::task::spawn_blocking(|| running.wait())
        .await
        .expect("an end");
    secrets.assert_no_secret(&log, "the log");
    assert!(log.contains("Cannot load the configuration"), "{log}");
    let warnings = match level {
        "error" => &[][..],
        _ => &WARNINGS,
    };
    for line in warnings {
        assert!(log.contains(line), "{line}: {log}");
    }
}

/// The exit code and all output.
fn printed(secrets: &Secrets, command: &mut Command, what: &str) -> i32 {
    let (code, output, error) = run(command);
    secrets.assert_no_secret(&(output + &error), what);
    code
}

#[tokio::test]
async fn check_prints_no_secret() {
    let secrets = Arc::new(Secrets::new());
    let gateway = repeating_gateway().await;
    let url = format!("http://{}", gateway.address);
    for form in ["table", "json", "csv", "metrics", "nagios"] {
        for _ in 0..3 {
            let mut command = secrets.program();
            command.args([
                "check",
                "--log.level",
                "debug",
                "--qlara.url",
                &url,
                "--output",
                form,
            ]);
            let secrets = Arc::clone(&secrets);
            let ran = tokio::task::spawn_blocking(move || printed(&secrets, &mut command, form));
            assert_eq!(ran.await.expect("a run"), 3, "{form}");
        }
    }
}

/// [secret-in-mistake]
#[test]
fn configuration_errors_print_no_secret() {
    let secrets = Secrets::new();
    let check = |what: &str| {
        let mut command = secrets.program();
        command.arg("--config.check").arg("--web.config.file");
        printed(&secrets, command.arg(secrets.path("web.yml")), what)
    };
    assert_eq!(check("no mistake"), 0);
    for yaml in [
        "mArKeD",
        "accounts: mArKeD",
        "accounts: [mArKeD]",
        "accounts: [{name: a, api_key: mArKeD}]",
        "accounts: [{name: a, api_key_file: [mArKeD]}]",
        "accounts: [{name: a, api_key_file: mArKeD4f7cc6fceea167a5a36d}]",
        "accounts: [{name: a, api_key_file: \"mArKeD\\n\"}]",
        "accounts: [{name: a, basic_auth: {username: u, password_file: mArKeD4f7cc6fceea167a5a36d}}]",
        "accounts: [{name: a, basic_auth: {username: u, password_file: mArKeD-password}}]",
        "gateway: {tls_config: {ca_file: '-----BEGIN CERTIFICATE----- mArKeD'}}",
        "accounts: [{name: a, basic_auth: mArKeD}]",
        "accounts: [{name: a, basic_auth: {username: u, password: mArKeD}}]",
        "accounts: [{name: a, basic_auth: {username: u, mArKeD4f7cc6fceea167a5a36d: x}}]",
        "accounts: [{name: a, basic_auth: {username: u, mArKeD: x}}]",
        "accounts: [{name: a, mArKeD4f7cc6fceea167a5a36d: key}]",
        "gateway: {mArKeD4f7cc6fceea167a5a36d: x}",
        "mArKeD4f7cc6fceea167a5a36d: {}",
        "accounts: [{name: a, basic_auth: {username: 'mArKeD:x', password_file: password}}]",
        "gateway: {proxy_url: 'mArKeD'}",
        "gateway: {proxy_url: 'ftp://u:mArKeD@x'}",
        "gateway: {url: 'https://u:mArKeD@x'}",
        "gateway: {url: 'https://x/?key=mArKeD'}",
        "gateway: {timeout: mArKeD}",
        "$2y$10$mArKeD.mArKeD: {}",
        "accounts: [{name: a, $2y$10$mArKeD.mArKeD: key}]",
        "permissions: {$2y$10$mArKeD.mArKeD: x}",
        "permissions: {$2y$10$mArKeD: [], $2y$10$mArKeD: []}",
        "limits: {profiles: mArKeD}",
        "phone_number: mArKeD",
        "accounts: [{name: a, api_key_file: key}]\n  mArKeD: [",
        "accounts: [{name: a, api_key_file: key}\n# mArKeD",
    ] {
        secrets.write("qlara.yml", yaml);
        assert_eq!(check(yaml), 2, "{yaml}");
    }
    secrets.write("qlara.yml", &Secrets::configuration(""));
    for yaml in [
        "mArKeD",
        "basic_auth_users: mArKeD",
        "basic_auth_users: {u: mArKeD}",
        "mArKeD4f7cc6fceea167a5a36d: {}",
        "tls_server_config: {mArKeD4f7cc6fceea167a5a36d: a}",
        "http_server_config: {headers: {mArKeD4f7cc6fceea167a5a36d: a}}",
        "basic_auth_users: {u: $2y$10$mArKeD}",
        "basic_auth_users: {u: [mArKeD]}",
        "$2y$10$mArKeD.mArKeD: u",
        "basic_auth_users: {$2y$10$mArKeD.mArKeD: u}",
        "basic_auth_users: {$2y$10$mArKeD.mArKeD: [u]}",
        "basic_auth_users: {$2y$10$mArKeD: u, $2y$10$mArKeD: u}",
        "tls_server_config: {'-----BEGIN PRIVATE KEY----- mArKeD': a}",
        "tls_server_config: {cipher_suites: [$2y$10$mArKeD]}",
        "tls_server_config: {curve_preferences: [$2y$10$mArKeD]}",
        "tls_server_config: {min_version: $2y$10$mArKeD}",
        "tls_server_config: {client_auth_type: $2y$10$mArKeD}",
        "tls_server_config: {cipher_suites: [mArKeD]}",
        "tls_server_config: {curve_preferences: [mArKeD]}",
        "tls_server_config: {min_version: mArKeD}",
        "tls_server_config: {client_auth_type: mArKeD}",
        "http_server_config: {headers: {$2y$10$mArKeD.mArKeD: a}}",
        "tls_server_config: {cert: mArKeD, key: mArKeD}",
        "tls_server_config: {cert_file: server.crt, key: mArKeD}",
        "tls_server_config: {cert_file: key, key_file: key}",
        "tls_server_config: {cert_file: server.crt, key_file: key}",
        "tls_server_config: {cert_file: '-----BEGIN CERTIFICATE----- mArKeD', key_file: \"mArKeD\\n\"}",
        &secrets.key_as_a_path(),
        "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca: mArKeD}",
    ] {
        secrets.write("web.yml", yaml);
        assert_eq!(check(yaml), 2, "{yaml}");
    }
}

/// [secret-in-mistake]
#[test]
fn usage_errors_print_no_secret() {
    let secrets = Secrets::new();
    for arguments in [
        &["mArKeD"][..],
        &["--", "mArKeD"],
        &["--mArKeD4f7cc6fceea167a5a36d"],
        &["--unknown=mArKeD"],
        &["-mArKeD"],
        &["check", "--mArKeD4f7cc6fceea167a5a36d", "x"],
        &["demo", "--mArKeD4f7cc6fceea167a5a36d"],
        &["check", "mArKeD"],
        &["hash-password", "mArKeD"],
        &["hash-password", "--mArKeD"],
        &["--qlara.timeout", "mArKeD"],
        &["--cache.ttl=mArKeD"],
        &["--web.listen-address", "mArKeD"],
        &["--web.external-url", "mArKeD"],
        &["--web.max-requests", "mArKeD"],
        &["--log.level", "mArKeD"],
        &["--config.check=mArKeD"],
        &["--qlara.url", "https://user:mArKeD@host/"],
        &["check", "--output", "mArKeD"],
        &[
            "healthcheck",
            "--url",
            "http://u:mArKeD@127.0.0.1:9/?mArKeD",
        ],
    ] {
        let what = arguments.join(" ");
        let code = printed(&secrets, secrets.program().args(arguments), &what);
        assert_ne!(code, 0, "{what}");
    }
    for arguments in [
        &["--help"][..],
        &["check", "--help"],
        &["healthcheck", "--help"],
    ] {
        let mut command = secrets.program();
        command
            .env("QLARA_API_KEY", "mArKeD")
            .env("QLARA_URL", "https://mArKeD@x");
        command.env("QLARA_HEALTHCHECK_URL", "https://mArKeD@x");
        assert_eq!(printed(&secrets, command.args(arguments), "help"), 0);
    }
}

fn settings(file: &Path) -> Settings {
    Settings {
        file: Some(file.to_owned()),
        ..Settings::default()
    }
}

/// The `Debug` output, which a panic or a careless log line would show.
#[tokio::test]
async fn debug_output_contains_no_secret() {
    let secrets = Secrets::new();
    let proxy = "proxy_url: 'http://proxy:mArKeD-proxy@127.0.0.1:9'";
    secrets.write("qlara.yml", &Secrets::configuration(proxy));
    let settings = settings(&secrets.path("qlara.yml"));
    let load = move |_: &mut Fingerprint| {
        Config::load(&settings, &|name| {
            (name == "VARIABLE").then(|| "mArKeD-variable".to_owned())
        })
    };
    let config = load(&mut Fingerprint::default()).expect("a good configuration");
    secrets.assert_no_secret(&format!("{config:#?}"), "the configuration");
    let web_config = WebConfigFile::load(&secrets.path("tls.yml")).expect("a good file");
    let current = web_config.current().await;
    secrets.assert_no_secret(&format!("{current:?}"), "the web configuration");
    let options = WebOptions {
        config: Arc::new(web_config),
        external_url: Some("/mArKeD".parse().expect("a path")),
        ..WebOptions::default()
    };
    let sockets = Sockets {
        addresses: vec!["127.0.0.1:0".parse().expect("an address")],
        ..Sockets::default()
    };
    let clock = Arc::new(SystemClock);
    let exporter = Exporter::bind(sockets, Box::new(load), options, clock).await;
    let exporter = format!("{:?}", exporter.expect("an exporter"));
    assert!(
        exporter.contains("prometheus"),
        "it has its users: {exporter}"
    );
    secrets.assert_no_secret(&exporter, "the exporter");
}

/// The `Debug` output of the command line and of the settings made from it before validation.
#[test]
fn debug_output_of_flags_contains_no_secret() {
    let secrets = Secrets::new();
    let api_key = || gateway_simulator::Options {
        api_key: "mArKeD".into(),
        ..gateway_simulator::Options::default()
    };
    let settings = Settings {
        url: Some(URL.to_owned()),
        ..Settings::default()
    };
    let mut outputs = vec![
        format!("{settings:?}"),
        format!("{:?}", api_key()),
        format!(
            "{:?}",
            Simulator::new(api_key(), Arc::new(gateway_simulator::SystemClock))
        ),
        format!("{:?}", Target::from(URL.parse::<Url>().expect("a URL"))),
    ];
    for arguments in [
        &["--qlara.url", URL][..],
        &["check", "--qlara.url", URL],
        &["simulate", "--api-key", MARK],
        &["healthcheck", "--url", URL],
    ] {
        let words = [&["qlara-exporter"][..], arguments].concat();
        let cli = Cli::read(words.into_iter().map(OsString::from));
        outputs.push(format!("{:#?}", cli.expect("good flags")));
    }
    for output in outputs {
        secrets.assert_no_secret(&output, "a flag");
        // Values that are not secret still appear.
        let shown = ["[hidden]", "[REDACTED]", "https://host.example/path"];
        let shows = shown.iter().any(|shown| output.contains(shown));
        assert!(shows, "{output}");
    }
}
