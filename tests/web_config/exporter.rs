//! The web configuration file in the real program, with its metrics and Prometheus' tools.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use qlara_exporter::web::WebOptions;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::harness::certificates::Identity;
use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter, run, run_with_input};
use crate::harness::tools::needs;
use crate::harness::web_config::{Folder, TLS, hash};
use crate::harness::{API_KEY, Setup, eventually, http};
use crate::prometheus::{Prometheus, system_gateway};

const DOCUMENTATION: &str = include_str!("../../docs/web-configuration.md");

/// The code blocks of this language in the documentation that start with this text.
fn blocks(language: &str, begin: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let blocks = DOCUMENTATION.split(&fence).skip(1);
    let blocks = blocks.map(|block| block.split("```").next().expect("an end"));
    blocks.filter(|block| block.starts_with(begin)).collect()
}

/// A directory in which the certificate commands of the documentation have run.
fn documented_folder() -> Folder {
    let folder = Folder::new();
    for block in blocks("sh", "openssl") {
        let mut shell = Command::new("sh");
        let (code, _, error) = run(shell.args(["-ec", block]).current_dir(folder.path("")));
        assert_eq!(code, 0, "{error}");
    }
    folder
}

fn check(web: &Path) -> (i32, String, String) {
    let mut exporter = exporter();
    exporter.arg("--config.check").env("QLARA_API_KEY", "x");
    run(exporter.arg("--web.config.file").arg(web))
}

#[test]
fn documented_files_are_valid_here_and_for_promtool() {
    needs!("openssl", "promtool");
    let folder = documented_folder();
    let files = blocks("yaml", "# web.yml");
    assert_eq!(files.len(), 3);
    for text in files {
        folder.write("web.yml", text);
        let web = folder.path("web.yml");
        let good = "The configuration is good: 1 account\n".to_owned();
        assert_eq!(check(&web), (0, good, String::new()), "{text}");
        // Debian's promtool does not know these keys yet.
        let text = text.split("rate_limit:").next().expect("a text");
        folder.write(
            "web.yml",
            &text.replace("client_allowed_sans: [prometheus]", ""),
        );
        let (code, output, error) = run(Command::new("promtool")
            .args(["check", "web-config"])
            .arg(&web));
        assert_eq!(code, 0, "{output}{error}");
    }
}

/// [web-configuration-mistakes]
#[test]
fn config_check_lists_all_errors_of_both_files() {
    let folder = Folder::with(
        "tls_server_config: {cert_file: none, key_file: server.key, client_auth_type: x}\nbasic_auth_users: {bob: s3cret}\n",
        &Identity::server(),
    );
    folder.write("qlara.yml", "cache: {ttl: 1m}\naccounts: [{name: a}]\n");
    let file = |name: &str| folder.path(name).display().to_string();
    for check in [&[][..], &["--config.check"]] {
        let (code, output, error) = run(exporter()
            .args(check)
            .args(["--config.file", &file("qlara.yml")])
            .env("QLARA_WEB_CONFIG_FILE", file("web.yml")));
        assert_eq!((code, output.as_str()), (2, ""));
        let lines: Vec<_> = error.lines().collect();
        assert_eq!(lines.len(), 4, "{error}");
        assert!(lines[0].contains(&file("qlara.yml")), "{error}");
        for (line, part) in
            lines[1..]
                .iter()
                .zip(["invalid ClientAuth", "cannot read", "basic_auth_users.bob"])
        {
            assert!(
                line.contains(&file("web.yml")) && line.contains(part),
                "{error}"
            );
        }
        assert!(!error.contains("s3cret"), "{error}");
    }
    let (code, _, error) = check(&folder.path("missing.yml"));
    assert_eq!(code, 2);
    assert_eq!(
        error,
        format!(
            "qlara-exporter: {}: No such file or directory (os error 2)\n",
            file("missing.yml")
        )
    );
}

#[test]
fn config_check_warns_of_unsupported_tls_settings() {
    let tls = TLS.replace(
        '}',
        ", cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_RSA_WITH_AES_128_CBC_SHA]}",
    );
    let folder = Folder::with(&tls, &Identity::server());
    for level in ["debug", "info", "warn"] {
        let mut exporter = exporter();
        exporter.args(["--config.check", "--log.level", level]);
        exporter.env("QLARA_API_KEY", "x").arg("--web.config.file");
        let (code, output, error) = run(exporter.arg(folder.path("web.yml")));
        let good = "The configuration is good: 1 account\n";
        assert_eq!((code, output.as_str()), (0, good), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains("level=WARN"), "{error}");
        assert!(error.contains("TLS_RSA_WITH_AES_128_CBC_SHA"), "{error}");
    }
}

/// A pipe is empty when it is read a second time.
/// [web-configuration-pipe]
#[test]
fn named_pipe_is_rejected_at_startup() {
    let mut exporter = exporter();
    exporter.args(["--config.check", "--web.config.file", "/dev/stdin"]);
    let result = run_with_input(exporter.env("QLARA_API_KEY", "x"), "rate_limit: {}");
    let error = "qlara-exporter: /dev/stdin: not a regular file\n".to_owned();
    assert_eq!(result, (2, error));
}

// The gateway runs on other threads while this one waits for curl.
#[tokio::test(flavor = "multi_thread")]
async fn prometheus_and_curl_scrape_as_documented() {
    needs!("openssl", "curl", "prometheus");
    let folder = documented_folder();
    let gateway = system_gateway().await;
    folder.write("password", "secret");
    let at = |name: &str| folder.path(name).display().to_string();
    let webs = blocks("yaml", "# web.yml");
    let scrapers = blocks("yaml", "# prometheus.yml");
    let curls = DOCUMENTATION
        .lines()
        .filter_map(|line| line.strip_prefix("$ curl "));
    for ((web, scraper), curl) in webs.iter().zip(&scrapers).zip(curls) {
        folder.write("web.yml", web);
        let port = free_port();
        let _exporter = Running::start(exporter().env("QLARA_API_KEY", API_KEY).args([
            "--qlara.url",
            &gateway.url(),
            "--web.listen-address",
            &format!("127.0.0.1:{port}"),
            "--web.config.file",
            &at("web.yml"),
        ]));
        let command = format!("curl --silent --fail --write-out %{{http_version}} {curl}");
        let command = command.replace(":10017", &format!(":{port}"));
        let text = eventually(&command, async || {
            let mut shell = Command::new("sh");
            let (code, output, _) = run(shell.args(["-c", &command]).current_dir(folder.path("")));
            (code == 0).then_some(output)
        })
        .await;
        assert!(text.contains("\nqlara_up 1\n"), "{text}");
        assert!(text.ends_with("\n2"), "over HTTP/2: {text}");

        let scraper = scraper.replace("/etc/prometheus/", &at("")).replace(
            "qlara-exporter.example.com:10017",
            &format!("127.0.0.1:{port}"),
        );
        let scraper: Value = serde_saphyr::from_str(&scraper).expect("YAML");
        let prometheus = Prometheus::with_scrape_configs(&scraper["scrape_configs"]);
        prometheus.until("qlara_up", 1.0).await;

        // No other user may.
        let without_certificate =
            format!("curl --silent --fail --cacert server.crt https://localhost:{port}/-/healthy");
        let mut shell = Command::new("sh");
        let (code, output, _) = run(shell
            .args(["-c", &without_certificate])
            .current_dir(folder.path("")));
        assert!(code != 0 && output.is_empty(), "{output}");
    }
}

/// [broken-web-configuration]
#[tokio::test]
async fn rejected_file_shows_in_a_metric() {
    let folder = Folder::with(
        "http_server_config: {headers: {X-Frame-Options: deny}}",
        &Identity::server(),
    );
    let file = Arc::new(folder.load().expect("a good web configuration"));
    let setup = Setup {
        web: WebOptions {
            config: file,
            ..WebOptions::default()
        },
        ..Setup::default()
    };
    let stack = setup.start().await;
    let is_good = async || {
        let scrape = stack.scrape_after(1).await;
        scrape.value("qlara_exporter_config_last_reload_successful")
    };
    assert_eq!(is_good().await, 1.0);
    folder.write("web.yml", "x");
    assert_eq!(is_good().await, 0.0);
    folder.write("web.yml", "");
    assert_eq!(is_good().await, 0.0);
    folder.write("web.yml", "{}");
    assert_eq!(is_good().await, 1.0);
}

/// [probes-without-password]
#[tokio::test]
async fn file_protects_everything_but_the_probes() {
    let users = format!("basic_auth_users: {{alice: {}}}", hash("secret", 4));
    // Without TLS, a 401 asks for the password; with TLS, a 400 asks for TLS.
    for (web, refusal) in [(users, 401), (TLS.to_owned(), 400)] {
        let folder = Folder::with(&web, &Identity::server());
        let file = Arc::new(folder.load().expect("a good web configuration"));
        let setup = Setup {
            web: WebOptions {
                config: file,
                ..WebOptions::default()
            },
            ..Setup::default()
        };
        let stack = setup.start().await;
        for path in [
            "/",
            "/metrics",
            "/-/healthy",
            "/-/ready",
            "/-/documentation",
            "/probe",
            "/sd",
            "/api/v1/profiles",
            "/api/v1/accounts",
            "/calendar.ics",
            "/nowhere",
        ] {
            let answer = stack.get(path).send().await.expect("a response");
            assert_eq!(answer.status(), refusal, "{path}");
        }
        for path in ["/-/healthy", "/-/ready"] {
            let url = format!("http://{}{path}", stack.probe_address);
            assert_eq!(
                http().get(url).send().await.expect("a response").status(),
                200
            );
        }
    }
}

#[tokio::test]
async fn demo_can_be_protected() {
    let folder = Folder::with(TLS, &Identity::server());
    let address = format!("127.0.0.1:{}", free_port());
    let demo = Running::start(
        exporter()
            .args([
                "demo",
                "--web.listen-address",
                &address,
                "--web.config.file",
            ])
            .arg(folder.path("web.yml")),
    );
    let url = format!("https://{address}/metrics");
    eventually("the addresses to open", async || {
        demo.output().contains(&url).then_some(())
    })
    .await;
}

#[test]
fn cost_above_one_second_is_a_warning() {
    let dummy = |cost: u32| format!("$2b${cost}${}", ".".repeat(53));
    let yaml = format!(
        "basic_auth_users: {{good: {}, slow: {}}}",
        dummy(14),
        dummy(15)
    );
    let folder = Folder::with(&yaml, &Identity::server());
    let mut exporter = exporter();
    exporter.arg("--config.check").env("QLARA_API_KEY", "x");
    let (code, _, error) = run(exporter
        .arg("--web.config.file")
        .arg(folder.path("web.yml")));
    assert_eq!((code, error.lines().count()), (0, 1), "{error}");
    for part in [
        "level=WARN",
        "basic_auth_users.slow",
        "cost=15",
        "more than a second",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains("$2b$"), "{error}");
}

/// Until the restart, the metric reports that the file is not completely in force.
/// [reload-beside-tls-change]
#[tokio::test]
async fn pending_tls_change_does_not_block_a_reload_of_accounts() {
    const PLAIN: &str = "http_server_config: {http2: true}";
    const GOOD: &str = "qlara_exporter_config_last_reload_successful";
    let folder = Folder::with(PLAIN, &Identity::server());
    let account = |name: &str| format!("accounts: [{{name: {name}, api_key_env: QLARA_API_KEY}}]");
    let mut setup = Setup::yaml(&account("a"));
    setup.web.enable_lifecycle = true;
    setup.web.config = Arc::new(folder.load().expect("a good file"));
    let stack = setup.start().await;
    let reload = async || {
        let answer = stack.request(Method::POST, "/-/reload").send().await;
        answer.expect("a response").status()
    };
    folder.write("web.yml", TLS);
    for name in ["b", "c"] {
        stack.write_configuration(&account(name));
        assert_eq!(reload().await, StatusCode::OK);
        let scrape = stack.scrape().await;
        let up = format!(r#"{{account="{name}"}}"#);
        assert_eq!(scrape.family("qlara_up"), [(up.as_str(), 1.0)]);
        assert_eq!(scrape.value(GOOD), 0.0);
    }
    folder.write("web.yml", "http_server_confi: {}");
    assert_eq!(reload().await, StatusCode::INTERNAL_SERVER_ERROR);
    folder.write("web.yml", PLAIN);
    assert_eq!(reload().await, StatusCode::OK);
    assert_eq!(stack.scrape().await.value(GOOD), 1.0);
}
