//! The log lines for operators, signals, and the end of the process.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tracing::Level;

use crate::harness::log::Log;
use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter};
use crate::harness::{API_KEY, Gateway, eventually, http};
use crate::prometheus::system_gateway;

/// The real program, with a cache of one second.
struct Program {
    running: Running,
    url: String,
}

impl Program {
    async fn start(gateway: &Gateway, arguments: &[&str]) -> Program {
        let address = format!("127.0.0.1:{}", free_port());
        let running = Running::start(
            exporter()
                .env("QLARA_API_KEY", API_KEY)
                .args([
                    "--qlara.url",
                    &gateway.url(),
                    "--web.listen-address",
                    &address,
                ])
                .args(["--cache.ttl", "1s"])
                .args(arguments),
        );
        let url = format!("http://{address}");
        eventually("readiness", async || {
            http().get(format!("{url}/-/ready")).send().await.ok()
        })
        .await;
        Program { running, url }
    }

    async fn scrape(&self) -> String {
        let answer = http()
            .get(format!("{}/metrics", self.url))
            .send()
            .await
            .expect("a response");
        answer.text().await.expect("a text")
    }

    /// Scrapes until the sample exists.
    async fn scrape_until(&self, sample: &str) {
        eventually(sample, async || {
            self.scrape()
                .await
                .lines()
                .any(|line| line == sample)
                .then_some(())
        })
        .await;
    }

    fn lines(&self, part: &str) -> usize {
        self.running
            .output()
            .lines()
            .filter(|line| line.contains(part))
            .count()
    }
}

/// [one-log-line]
#[tokio::test]
async fn state_change_is_logged_once() {
    let gateway = system_gateway().await;
    let program = Program::start(&gateway, &[]).await;
    program.scrape_until("qlara_up 1").await;
    gateway.faults("status=503").await;
    program
        .scrape_until(
            r#"qlara_gateway_request_failures_total{endpoint="socials",reason="server_error"} 3"#,
        )
        .await;
    assert_eq!(
        program.lines("Cannot read the list of profiles"),
        1,
        "{}",
        program.running.output()
    );
    gateway.faults("details/facebook:status=500").await;
    program
        .scrape_until(r#"qlara_details_up{platform="facebook"} 0"#)
        .await;
    program
        .scrape_until(
            r#"qlara_gateway_request_failures_total{endpoint="platform",reason="server_error"} 3"#,
        )
        .await;
    gateway.faults("").await;
    program
        .scrape_until(r#"qlara_details_up{platform="facebook"} 1"#)
        .await;
    let strange = json!([{"platform": "facebook", "profileId": "a", "name": "n", "status": "ON HOLD \u{202e}\u{9b}", "connectedAt": "2026-01-01T00:00:00Z"}]);
    gateway.profiles(&strange).await;
    program
        .scrape_until(r#"qlara_profile_status{platform="facebook",profile="a",status="UNKNOWN"} 1"#)
        .await;
    let before = gateway.stats().await.list;
    eventually("two more refreshes", async || {
        program.scrape().await;
        (gateway.stats().await.list >= before + 2).then_some(())
    })
    .await;
    let output = program.running.output();
    for line in [
        "level=WARN source=account/transition_log.rs:",
        "msg=\"Cannot read the list of profiles\" reason=server_error err=\"the gateway answers HTTP 503\"",
        "msg=\"Reads the list of profiles again\"",
        "msg=\"Cannot read the details of a platform\" platform=facebook reason=server_error",
        "msg=\"No longer fails to read the details of a platform\" platform=facebook",
        "msg=\"The gateway uses a status that its documentation does not name, shown as UNKNOWN\" status=\"ON HOLD \\u202e\\u009b\"",
    ] {
        assert!(output.contains(line), "{line} is not in\n{output}");
    }
    for once in [
        "Cannot read the list",
        "list of profiles again",
        "Cannot read the details",
        "No longer fails",
        "ON HOLD",
    ] {
        assert_eq!(program.lines(once), 1, "{once} in\n{output}");
    }
}

#[tokio::test]
async fn log_lines_are_logfmt_or_json_with_the_keys_of_prometheus_tools() {
    let gateway = system_gateway().await;
    let logfmt = Program::start(&gateway, &[]).await;
    let first = logfmt
        .running
        .output()
        .lines()
        .next()
        .expect("a line")
        .to_owned();
    let (time, rest) = first.split_once(' ').expect("words");
    let time = time.strip_prefix("time=").expect("the time first");
    chrono::DateTime::parse_from_rfc3339(time).expect("RFC 3339");
    assert!(
        rest.starts_with("level=INFO source=exporter.rs:"),
        "{first}"
    );
    assert!(
        rest.contains(" msg=\"Starting qlara-exporter\" version="),
        "{first}"
    );
    assert!(rest.ends_with(" accounts=1"), "{first}");

    let lines = Program::start(&gateway, &["--log.format", "json"]).await;
    for line in lines.running.output().lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        for key in ["time", "level", "source", "msg"] {
            assert!(line[key].is_string(), "{line}");
        }
    }
}

#[tokio::test]
async fn log_level_filters_lines() {
    let gateway = system_gateway().await;
    let program = Program::start(&gateway, &["--log.level", "warn"]).await;
    program.scrape_until("qlara_up 1").await;
    assert_eq!(program.running.output(), "");
}

#[tokio::test]
async fn debug_log_of_a_full_run_contains_no_key() {
    let gateway = system_gateway().await;
    let program =
        Program::start(&gateway, &["--log.level", "debug", "--qlara.timeout", "1s"]).await;
    let mut seen = String::new();
    // The rejected key comes last, because it starts a backoff of one minute.
    for fault in [
        "",
        "garbage",
        "truncated",
        "redirect=http://127.0.0.1:9/",
        "retry-after=1s",
        "reset",
        "details:stall",
        "status=401",
    ] {
        gateway.faults(fault).await;
        let before = gateway.stats().await.list;
        eventually("a refresh", async || {
            seen.push_str(&program.scrape().await);
            (gateway.stats().await.list > before).then_some(())
        })
        .await;
    }
    for path in ["/", "/-/healthy", "/-/ready", "/nothing"] {
        let answer = http()
            .get(format!("{}{path}", program.url))
            .send()
            .await
            .expect("a response");
        seen.push_str(&answer.text().await.expect("a text"));
    }
    program.running.signal("TERM");
    let (_, log) = program.running.wait();
    assert!(log.contains("level=DEBUG"), "{log}");
    assert!(!log.contains(API_KEY), "{log}");
    assert!(!seen.contains(API_KEY), "{seen}");
}

/// [graceful-shutdown]
#[tokio::test]
async fn sigterm_waits_for_running_scrapes() {
    for signal in ["TERM", "INT"] {
        let gateway = system_gateway().await;
        let program = Program::start(&gateway, &[]).await;
        gateway.faults("latency=1s").await;
        let (text, ()) = tokio::join!(program.scrape(), async {
            eventually("a scrape under way", async || {
                (gateway.stats().await.list == 1).then_some(())
            })
            .await;
            program.running.signal(signal);
        });
        assert!(text.contains("\nqlara_up 1\n"), "{text}");
        let (status, log) = program.running.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(
            http()
                .get(format!("{}/-/ready", program.url))
                .send()
                .await
                .is_err(),
            "the exporter does not listen"
        );
    }
}

/// [graceful-shutdown]
#[tokio::test]
async fn shutdown_waits_at_most_ten_seconds() {
    let gateway = system_gateway().await;
    let program = Program::start(&gateway, &["--qlara.timeout", "1h"]).await;
    gateway.faults("hang").await;
    let scrape = tokio::spawn(http().get(format!("{}/metrics", program.url)).send());
    eventually("a scrape under way", async || {
        (gateway.stats().await.list == 1).then_some(())
    })
    .await;
    program.running.signal("TERM");
    let (status, log) = tokio::task::spawn_blocking(|| program.running.wait())
        .await
        .expect("an end");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("level=WARN"), "{log}");
    let cut = tokio::time::timeout(Duration::from_secs(60), scrape)
        .await
        .expect("its end")
        .expect("a task");
    assert!(cut.is_err());
}

/// [graceful-shutdown]
#[tokio::test]
async fn second_signal_exits_at_once() {
    let gateway = system_gateway().await;
    let program = Program::start(&gateway, &["--qlara.timeout", "1h"]).await;
    gateway.faults("hang").await;
    let _scrape = tokio::spawn(http().get(format!("{}/metrics", program.url)).send());
    eventually("a scrape under way", async || {
        (gateway.stats().await.list == 1).then_some(())
    })
    .await;
    program.running.signal("TERM");
    eventually("the first signal", async || {
        (program.lines("Received a shutdown signal") == 1).then_some(())
    })
    .await;
    program.running.signal("TERM");
    let (status, log) = tokio::task::spawn_blocking(|| program.running.wait())
        .await
        .expect("an end");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("Received another shutdown signal"), "{log}");
}

/// [secret-pipe]
#[tokio::test]
async fn named_pipe_as_secret_file_does_not_delay_shutdown() {
    let gateway = system_gateway().await;
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key");
    std::fs::write(&key, API_KEY).expect("a file");
    let address = format!("127.0.0.1:{}", free_port());
    let running = Running::start(
        exporter()
            .args([
                "--qlara.url",
                &gateway.url(),
                "--web.listen-address",
                &address,
            ])
            .arg("--qlara.api-key-file")
            .arg(&key),
    );
    let url = format!("http://{address}");
    eventually("readiness", async || {
        http().get(format!("{url}/-/ready")).send().await.ok()
    })
    .await;
    // Opening the pipe for reading waits for a writer that never comes.
    std::fs::remove_file(&key).expect("removed");
    let (code, _, error) =
        crate::harness::process::run(std::process::Command::new("mkfifo").arg(&key));
    assert_eq!(code, 0, "{error}");
    let scrape = http()
        .get(format!("{url}/metrics"))
        .header("X-Prometheus-Scrape-Timeout-Seconds", "1");
    assert_eq!(scrape.send().await.expect("a response").status(), 200);
    running.signal("TERM");
    let (status, log) = tokio::task::spawn_blocking(|| running.wait())
        .await
        .expect("an end");
    assert_eq!(status.code(), Some(0), "{log}");
}

/// Debug lines of libraries may contain requests with their headers.
#[test]
fn libraries_log_only_warnings_at_every_level() {
    for level in [Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR] {
        let log = Log::collect(level);
        tracing::debug!(target: "hyper_util::client", "a library, DEBUG");
        tracing::info!(target: "rustls::client", "a library, INFO");
        tracing::warn!(target: "h2::server", "a library, WARN");
        tracing::error!(target: "reqwest", "a library, ERROR");
        tracing::debug!(target: "qlara_exporter::account", "the exporter, DEBUG");
        let log = log.take();
        let logs = |line: &str| log.contains(&format!("msg=\"{line}\""));
        assert!(!logs("a library, DEBUG"), "{level}: {log}");
        assert!(!logs("a library, INFO"), "{level}: {log}");
        assert_eq!(logs("a library, WARN"), level >= Level::WARN, "{log}");
        assert!(logs("a library, ERROR"), "{level}: {log}");
        assert_eq!(logs("the exporter, DEBUG"), level == Level::DEBUG, "{log}");
    }
}

/// The HTTP client does log at debug level.
#[tokio::test]
async fn scrape_at_debug_level_logs_nothing_from_libraries() {
    let gateway = system_gateway().await;
    let program = Program::start(&gateway, &["--log.level", "debug", "--log.format", "json"]).await;
    program.scrape_until("qlara_up 1").await;
    gateway.faults("reset").await;
    program.scrape_until("qlara_up 0").await;
    program.running.signal("TERM");
    let (_, log) = program.running.wait();
    assert!(log.contains("Cannot read the list of profiles"), "{log}");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let source = line["source"].as_str().expect("a source");
        let (file, _) = source.rsplit_once(':').expect("a line number");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders = ["src", "crates/exporter-toolkit/src"].into_iter();
        let is_own = folders.any(|folder| root.join(folder).join(file).exists());
        let severe = line["level"] == "WARN" || line["level"] == "ERROR";
        assert!(is_own || severe, "{line}");
    }
}

/// The exporter is still reading its configuration and does not listen yet.
async fn starting(directory: &Path) -> Running {
    let file = directory.join("qlara.yml");
    let account = |number| format!("- {{name: a{number}, api_key_env: QLARA_API_KEY}}\n");
    let accounts: String = (0..5000).map(account).collect();
    std::fs::write(&file, format!("accounts:\n{accounts}")).expect("a file");
    let running = Running::start(
        exporter()
            .env("QLARA_API_KEY", "x")
            .args(["--web.listen-address", "127.0.0.1:0", "--config.file"])
            .arg(&file),
    );
    let status = format!("/proc/{}/status", running.id());
    eventually("SIGHUP is held back", async || {
        let status = std::fs::read_to_string(&status).ok()?;
        let blocked = status
            .lines()
            .find_map(|line| line.strip_prefix("SigBlk:"))?;
        let blocked = u64::from_str_radix(blocked.trim(), 16).ok()?;
        (blocked & 1 == 1).then_some(())
    })
    .await;
    assert!(!running.output().contains("Listening on"));
    running
}

/// [early-signal]
#[tokio::test]
async fn sighup_during_startup_is_a_reload() {
    let directory = tempfile::tempdir().expect("a folder");
    let running = starting(directory.path()).await;
    running.signal("HUP");
    eventually("a reload", async || {
        running
            .output()
            .contains("Loaded the configuration again")
            .then_some(())
    })
    .await;
    running.signal("TERM");
    assert!(running.wait().0.success());
}

/// [early-signal]
#[tokio::test]
async fn sigterm_during_startup_is_exit_code_0() {
    for signal in ["TERM", "INT"] {
        let directory = tempfile::tempdir().expect("a folder");
        let running = starting(directory.path()).await;
        running.signal(signal);
        let (status, output) = running.wait();
        assert!(status.success(), "{signal}: {status} {output}");
        assert!(output.contains("Received a shutdown signal"), "{output}");
    }
}
