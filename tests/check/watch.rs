//! `--watch`: rounds, their output, pauses, and the end by a signal.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{gateway, page, with};
use crate::harness::API_KEY;
use crate::harness::Gateway;
use crate::harness::process::{Running, exporter, run};
use crate::harness::tools::needs;

fn watch(gateway: &Gateway, arguments: &[&str]) -> Command {
    let mut command = exporter();
    command.args(["check", "--watch", "10s"]).args(arguments);
    command
        .env("QLARA_URL", gateway.url())
        .env("QLARA_API_KEY", API_KEY);
    command
}

/// Waits until the output satisfies the condition.
async fn until(running: &Running, condition: impl Fn(&str) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition(&running.output()) {
        assert!(Instant::now() < deadline, "{}", running.output());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn wait(running: Running) -> (Option<i32>, String) {
    let (status, output) = tokio::task::spawn_blocking(|| running.wait())
        .await
        .expect("an end");
    (status.code(), output)
}

#[tokio::test]
async fn rounds_follow_each_other_and_the_last_one_gives_the_exit_code() {
    for (signal, status, code) in [("TERM", "TOKEN_EXPIRED", 2), ("INT", "CONNECTED", 0)] {
        let gateway = gateway(&json!([page("p")])).await;
        let running = Running::start(&mut watch(&gateway, &[]));
        until(&running, |output| output.contains("\n----\n")).await;
        gateway
            .profiles(&json!([with(page("p"), json!({"status": status}))]))
            .await;
        until(&running, |output| output.matches("----\n").count() == 2).await;
        running.signal(signal);
        let (found, output) = wait(running).await;
        assert_eq!(found, Some(code), "{signal}\n{output}");
        let blocks: Vec<&str> = output.split("----\n").collect();
        assert_eq!(blocks.len(), 3, "{output}");
        assert!(blocks[0].starts_with("Checked at ") && blocks[1].starts_with("Checked at "));
        assert!(blocks[0].contains("Nothing to do"), "{output}");
        assert_eq!(blocks[1].contains("reconnect"), code == 2, "{output}");
        assert_eq!(gateway.stats().await.list, 2);
    }
}

#[tokio::test]
async fn a_signal_during_the_first_round_ends_as_unknown() {
    let gateway = gateway(&json!([page("p")])).await;
    gateway.faults("latency=60s").await;
    let running = Running::start(&mut watch(&gateway, &["--timeout", "60"]));
    let deadline = Instant::now() + Duration::from_secs(30);
    while gateway.stats().await.list == 0 {
        assert!(Instant::now() < deadline, "no request");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    running.signal("TERM");
    let (code, output) = wait(running).await;
    assert_eq!((code, output.as_str()), (Some(3), ""));
}

#[tokio::test]
async fn rate_limit_of_the_gateway_prolongs_the_pause() {
    let gateway = gateway(&json!([page("p")])).await;
    gateway.faults("retry-after=15s").await;
    let running = Running::start(&mut watch(&gateway, &[]));
    until(&running, |output| output.contains("HTTP 429")).await;
    let started = Instant::now();
    gateway.faults("").await;
    until(&running, |output| output.contains("Nothing to do")).await;
    let waited = started.elapsed();
    assert!(waited >= Duration::from_secs(14), "{waited:?}");
    running.signal("INT");
    assert_eq!(wait(running).await.0, Some(0));
}

#[tokio::test]
async fn json_documents_follow_each_other() {
    let gateway = gateway(&json!([page("p")])).await;
    let running = Running::start(&mut watch(&gateway, &["--output", "json"]));
    until(&running, |output| {
        output.matches("\"version\"").count() == 2
    })
    .await;
    running.signal("TERM");
    let (code, output) = wait(running).await;
    assert_eq!(code, Some(0));
    let documents = serde_json::Deserializer::from_str(&output).into_iter::<Value>();
    assert_eq!(documents.map(Result::unwrap).count(), 2);
}

#[tokio::test]
async fn a_file_is_replaced_by_each_round() {
    let gateway = gateway(&json!([page("p")])).await;
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("qlara.csv");
    let path = file.display().to_string();
    let arguments = ["--output", "csv", "--output-file", path.as_str()];
    let running = Running::start(&mut watch(&gateway, &arguments));
    let has = |words: &str| std::fs::read_to_string(&file).is_ok_and(|text| text.contains(words));
    let deadline = Instant::now() + Duration::from_secs(60);
    while !has("CONNECTED") {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    gateway
        .profiles(&json!([with(page("p"), json!({"status": "DISCONNECTED"}))]))
        .await;
    while !has("DISCONNECTED") {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    running.signal("TERM");
    assert_eq!(wait(running).await, (Some(2), String::new()));
}

#[tokio::test]
async fn a_terminal_is_redrawn_and_a_closed_pipe_ends_the_rounds() {
    needs!("script", "bash", "timeout");
    let gateway = gateway(&json!([page("p")])).await;
    let program = format!(
        "env QLARA_URL={} QLARA_API_KEY={API_KEY} timeout -s INT 14 {} check --watch 10s",
        gateway.url(),
        env!("CARGO_BIN_EXE_qlara-exporter")
    );
    let piped = format!("{program} | head -1; exit ${{PIPESTATUS[0]}}");
    let terminal = tokio::task::spawn_blocking(move || {
        run(Command::new("script").args(["-qec", &program, "/dev/null"])).1
    });
    let output = terminal.await.expect("an output");
    assert_eq!(
        output.matches("\u{1b}[H\u{1b}[2JChecked at").count(),
        2,
        "{output:?}"
    );
    assert!(!output.contains("----"), "{output:?}");
    let ended = tokio::task::spawn_blocking(move || run(Command::new("bash").args(["-c", &piped])));
    let (code, output, error) = ended.await.expect("an output");
    assert_eq!((code, error.as_str()), (0, ""), "{output}");
    assert!(output.starts_with("Checked at"), "{output}");
}

#[test]
fn wrong_use_is_told() {
    for (arguments, line) in [
        (
            &["--watch", "9s"][..],
            "error: --watch <DURATION>: expected at least 10s: every round costs requests of the account's quota, try --help",
        ),
        (
            &["--watch", "soon"],
            "error: --watch <DURATION>: expected a duration such as 30s, 15m or 1h30m, try --help",
        ),
        (
            &["--watch", "10s", "--output", "csv"],
            "error: --watch with this --output needs --output-file",
        ),
        (
            &["--watch", "10s", "--write-expected"],
            "error: --watch <DURATION> cannot be used with --write-expected, try --help",
        ),
    ] {
        let (code, output, error) = run(exporter()
            .arg("check")
            .args(arguments)
            .env("QLARA_API_KEY", "s3cret"));
        assert_eq!((code, output.as_str()), (3, ""), "{arguments:?}");
        assert_eq!(error, format!("qlara-exporter: {line}\n"));
    }
}
