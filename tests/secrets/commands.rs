//! The other commands, with secrets in flags, files and environment.

use std::path::Path;
use std::process::Command;

use reqwest::RequestBuilder;

use super::{MARK, Secrets, WEB_PASSWORD, printed, repeating_gateway};
use crate::harness::listener::{Recorder, http_response};
use crate::harness::port::free_port;
use crate::harness::process::{Running, run};
use crate::harness::{eventually, http};

const FORMATS: [&str; 2] = ["logfmt", "json"];
const LEVELS: [&str; 4] = ["debug", "info", "warn", "error"];
/// Each level in each format.
fn logs() -> impl Iterator<Item = [&'static str; 4]> {
    let formats = |level| FORMATS.map(|format| ["--log.level", level, "--log.format", format]);
    LEVELS.into_iter().flat_map(formats)
}

impl Secrets {
    /// The program in an environment in which every value is a secret.
    fn surrounded(&self) -> Command {
        let mut command = self.program();
        command
            .env("QLARA_API_KEY", "mArKeD-key")
            .env("QLARA_API_KEY_FILE", "mArKeD-key")
            .env("QLARA_URL", "https://u:mArKeD@host.example/?mArKeD")
            .env(
                "QLARA_HEALTHCHECK_URL",
                "http://u:mArKeD@127.0.0.1:9/?mArKeD",
            );
        command
    }

    /// Checks head and body of the response; `None` if there is none yet.
    async fn assert_no_secret_in(&self, request: RequestBuilder, what: &str) -> Option<()> {
        let answer = request.send().await.ok()?;
        let head = format!("{:?}", answer.headers());
        self.assert_no_secret(&(head + &answer.text().await.ok()?), what);
        Some(())
    }

    /// The output of a program until the signal that ends it.
    async fn assert_no_secret_until_exit(&self, running: Running, what: &str) {
        running.signal("TERM");
        let (status, output) = tokio::task::spawn_blocking(|| running.wait())
            .await
            .expect("an end");
        assert_eq!(status.code(), Some(0), "{output}");
        self.assert_no_secret(&output, what);
    }
}

#[tokio::test]
async fn demo_prints_no_secret() {
    let secrets = Secrets::new();
    for log in logs() {
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = secrets.surrounded();
        command
            .args(["demo", "--web.listen-address", &address])
            .args(log)
            .arg("--web.config.file")
            .arg(secrets.path("web.yml"));
        let running = Running::start(&mut command);
        for path in [
            "/",
            "/metrics",
            "/probe",
            "/sd",
            "/api/v1/profiles",
            "/calendar.ics",
            "/-/reload",
            "/mArKeD",
        ] {
            for password in [WEB_PASSWORD, "mArKeD-guess"] {
                eventually("an answer", async || {
                    let request = http().get(format!("http://{address}{path}"));
                    let request = request.basic_auth("prometheus", Some(password));
                    secrets.assert_no_secret_in(request, path).await
                })
                .await;
            }
        }
        secrets.assert_no_secret_until_exit(running, "demo").await;
    }
}

#[tokio::test]
async fn simulated_gateway_prints_no_secret() {
    let secrets = Secrets::new();
    for log in logs() {
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = secrets.surrounded();
        command
            .args(["simulate", "--web.listen-address", &address])
            .args(["--api-key", "mArKeD-key"])
            .args(log);
        let running = Running::start(&mut command);
        for path in [
            "/socials",
            "/socials/facebook",
            "/mArKeD",
            "/-/stats",
            "/-/faults",
        ] {
            let prefix = if path.starts_with("/-/") {
                ""
            } else {
                "/api/v1/partner-gateway"
            };
            let ask = || http().get(format!("http://{address}{prefix}{path}"));
            for key in ["mArKeD-key", "mArKeD-guess"] {
                eventually("an answer", async || {
                    secrets
                        .assert_no_secret_in(ask().header("X-Api-Key", key), path)
                        .await
                })
                .await;
                let request = ask().basic_auth("user", Some(key));
                secrets
                    .assert_no_secret_in(request, path)
                    .await
                    .expect("a response");
            }
        }
        secrets
            .assert_no_secret_until_exit(running, "simulate")
            .await;
    }
}

#[test]
fn generated_files_contain_no_secret() {
    let secrets = Secrets::new();
    let folder = secrets.path("generated");
    let mut command = secrets.surrounded();
    let command = command.arg("generate").arg(&folder);
    assert_eq!(printed(&secrets, command, "generate"), 0);
    let files = ["man", "completions"].map(|part| texts(&folder.join(part)));
    assert!(files.concat().len() >= 9, "{} files", files.concat().len());
    for text in files.concat() {
        secrets.assert_no_secret(&text, "a generated file");
    }
    // The error shows only the path that it was given.
    let command = &mut secrets.surrounded();
    let command = command.arg("generate").arg(secrets.path("key").join("x"));
    assert_eq!(printed(&secrets, command, "generate"), 1);
}

fn texts(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).expect("a folder");
    let texts = files.map(|file| std::fs::read_to_string(file.expect("a file").path()));
    texts.map(|text| text.expect("a text")).collect()
}

#[test]
fn help_and_version_contain_no_secret() {
    let secrets = Secrets::new();
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["--version"],
        &["check", "--help"],
        &["demo", "--help"],
        &["simulate", "--help"],
        &["healthcheck", "--help"],
        &["hash-password", "--help"],
        &["generate", "--help"],
    ] {
        let mut command = secrets.surrounded();
        let what = arguments.join(" ");
        assert_eq!(printed(&secrets, command.args(arguments), &what), 0);
    }
}

#[tokio::test]
async fn check_output_file_contains_no_secret() {
    let gateway = repeating_gateway().await;
    let url = format!("http://{}", gateway.address);
    let ran = tokio::task::spawn_blocking(move || {
        let secrets = Secrets::new();
        let file = secrets.path("audit");
        for (form, log) in ["table", "json", "csv", "metrics", "nagios", "html", "junit"]
            .into_iter()
            .cycle()
            .zip(logs())
        {
            let mut command = secrets.program();
            command
                .args(["check", "--qlara.url", &url, "--output", form])
                .args(log)
                .arg("--output-file")
                .arg(&file);
            assert_eq!(printed(&secrets, &mut command, form), 3);
            let text = std::fs::read_to_string(&file).expect("a file");
            assert!(!text.is_empty(), "{form}");
            secrets.assert_no_secret(&text, form);
        }
        let mut command = secrets.program();
        command.args(["check", "--qlara.url", &url, "--output-file"]);
        let command = command.arg(secrets.path("key").join("x"));
        assert_eq!(printed(&secrets, command, "no such folder"), 3);
    });
    ran.await.expect("a run");
}

#[tokio::test]
async fn healthcheck_prints_no_password() {
    for status in [
        "200 OK",
        "302 Found",
        "401 Unauthorized",
        "999 mArKeD",
        "mArKeD",
    ] {
        let exporter = Recorder::start(move |request| {
            let headers = format!("Location: http://u:{MARK}@127.0.0.1:9/?{MARK}\r\n");
            http_response(status, &headers, request)
        })
        .await;
        let url = format!(
            "http://u:mArKeD@{}/-/healthy?mArKeD#mArKeD",
            exporter.address
        );
        let ran = tokio::task::spawn_blocking(move || {
            let secrets = Secrets::new();
            let mut command = secrets.surrounded();
            let (code, output, error) = run(command.args(["healthcheck", "--url", &url]));
            secrets.assert_no_secret(&(output + &error), status);
            code
        });
        assert_eq!(
            ran.await.expect("a run") == 0,
            status == "200 OK",
            "{status}"
        );
        assert!(exporter.requests().concat().contains(MARK));
    }
}
