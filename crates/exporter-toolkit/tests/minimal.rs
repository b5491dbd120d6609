//! Runs the example of the crate documentation with TLS and a password.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Certificate, Client, StatusCode};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse";

/// The running example.
struct Minimal {
    process: Child,
    address: String,
    log: BufReader<std::process::ChildStderr>,
}

impl Minimal {
    /// Starts the example on a free port and waits until it listens.
    fn start(web_config: &std::path::Path) -> Minimal {
        let mut process = Command::new(example())
            .args(["--web.listen-address=127.0.0.1:0", "--log.format=json"])
            .arg("--web.config.file")
            .arg(web_config)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the example");
        let mut log = BufReader::new(process.stderr.take().expect("standard error"));
        let line = next_line(&mut log);
        assert_eq!(line["msg"], "Listening on", "{line}");
        assert_eq!(line["tls"], "true", "{line}");
        let address = line["address"].as_str().expect("an address").to_owned();
        Minimal {
            process,
            address,
            log,
        }
    }

    /// Sends SIGTERM, and returns the exit code and the rest of the log.
    fn stop(&mut self) -> (Option<i32>, String) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("kill").success());
        let log = std::io::read_to_string(&mut self.log).expect("a log");
        let status = self.process.wait().expect("an exit status");
        (status.code(), log)
    }
}

impl Drop for Minimal {
    fn drop(&mut self) {
        let _ = self.process.kill();
    }
}

/// Next to the directory of this test's program.
fn example() -> PathBuf {
    let test = std::env::current_exe().expect("this program");
    let target = test.ancestors().nth(2).expect("the target directory");
    let example = target.join("examples/minimal");
    // `cargo test` builds the examples unless it is told to run only some test binaries.
    assert!(
        example.exists(),
        "{} does not exist; run `cargo build -p exporter-toolkit --example minimal`",
        example.display()
    );
    example
}

fn next_line(log: &mut impl BufRead) -> serde_json::Value {
    let mut line = String::new();
    log.read_line(&mut line).expect("a line");
    serde_json::from_str(&line).expect(&line)
}

/// Writes a web configuration file with a certificate for `localhost` and the user `prometheus`.
fn web_config(directory: &TempDir) -> (PathBuf, Certificate) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let hash = bcrypt::hash(PASSWORD, 4).expect("a hash");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    file("tls.crt", &cert.pem());
    file("tls.key", &signing_key.serialize_pem());
    let yaml = format!(
        "tls_server_config: {{cert_file: tls.crt, key_file: tls.key}}\nbasic_auth_users: {{prometheus: {hash}}}\n"
    );
    let certificate = Certificate::from_pem(cert.pem().as_bytes()).expect("a certificate");
    (file("web.yml", &yaml), certificate)
}

#[tokio::test]
async fn serves_metrics_over_tls_with_a_password_until_sigterm() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let directory = TempDir::new().expect("a directory");
    let (file, certificate) = web_config(&directory);
    let mut minimal = Minimal::start(&file);
    let address = minimal.address.parse().expect("a socket address");
    let client = Client::builder()
        .tls_certs_only([certificate])
        .resolve("localhost", address)
        .build()
        .expect("a client");
    let get = |path: &str| client.get(format!("https://localhost:{}{path}", address.port()));

    let refused = get("/metrics").send().await.expect("a response");
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let challenge = refused.headers()["www-authenticate"].to_str();
    assert_eq!(
        challenge.expect("a challenge"),
        r#"Basic realm="minimal", charset="UTF-8""#
    );

    let login = |request: reqwest::RequestBuilder| request.basic_auth("prometheus", Some(PASSWORD));
    let metrics = login(get("/metrics")).send().await.expect("a response");
    assert_eq!(metrics.status(), StatusCode::OK);
    let metrics = metrics.text().await.expect("metrics");
    assert!(
        metrics.contains("\nprocess_start_time_seconds "),
        "{metrics}"
    );

    let healthy = login(get("/-/healthy")).send().await.expect("a response");
    assert_eq!(
        healthy.text().await.expect("a text"),
        "minimal is Healthy.\n"
    );

    let (code, log) = minimal.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("finishing running requests"), "{log}");
    assert!(!log.contains(PASSWORD) && !log.contains("$2"), "{log}");
}
