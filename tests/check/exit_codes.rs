//! One exit code for each kind of problem, the same in every output format.

use std::process::Command;

use serde_json::{Value, json};

use super::{CommandOutput, check, check_yaml, gateway, in_days, page, with};
use crate::harness::process::{exporter, run, run_beside};
use crate::harness::tools::{is_root, needs};

const PROGRAM: &str = env!("CARGO_BIN_EXE_qlara-exporter");

const FORMS: [&str; 7] = ["table", "json", "csv", "metrics", "nagios", "html", "junit"];

/// Every output format of the same audit.
async fn all_forms(profiles: &Value, faults: &str, code: i32) -> Vec<CommandOutput> {
    let gateway = gateway(profiles).await;
    gateway.faults(faults).await;
    let mut all = Vec::new();
    for form in FORMS {
        let ran = check(&gateway, &["--output", form]).await;
        assert_eq!(
            ran.code, code,
            "{form} {faults}\n{}{}",
            ran.output, ran.error
        );
        assert_eq!(ran.error, "", "{form} {faults}");
        all.push(ran);
    }
    all
}

/// [empty-list]
#[tokio::test]
async fn all_output_formats_have_the_same_exit_codes() {
    let expiring = with(page("b"), json!({"status": "TOKEN_EXPIRING"}));
    let expired = with(page("c"), json!({"status": "TOKEN_EXPIRED"}));
    all_forms(&json!([page("a")]), "", 0).await;
    all_forms(&json!([page("a"), expiring]), "", 1).await;
    all_forms(&json!([page("a"), expiring, expired]), "", 2).await;
    all_forms(&json!([]), "", 1).await;
}

#[tokio::test]
async fn unreadable_account_is_unknown_in_all_output_formats() {
    for (fault, words) in [
        ("status=401", "HTTP 401"),
        ("status=403", "HTTP 403"),
        ("status=404", "HTTP 404"),
        ("status=429", "HTTP 429"),
        ("status=503", "HTTP 503"),
        ("garbage", "not as documented"),
        ("reset", "cannot reach the gateway"),
        (
            "details:status=503",
            "details of facebook: the gateway answers HTTP 503",
        ),
    ] {
        let all = all_forms(&json!([page("a")]), fault, 3).await;
        let output_of = |form: usize| {
            all[form]
                .output
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        for form in [0, 1, 4, 5, 6] {
            assert!(
                output_of(form).contains(words),
                "{fault}\n{}",
                output_of(form)
            );
        }
        let up = if fault.starts_with("details") { 1 } else { 0 };
        assert!(
            all[3].output.contains(&format!("\nqlara_up {up}\n")),
            "{}",
            all[3].output
        );
    }
}

#[tokio::test]
async fn critical_outweighs_unknown_outweighs_warning() {
    let accounts =
        "accounts: [{name: good, api_key_env: QLARA_API_KEY}, {name: bad, api_key_file: bad}]";
    for (status, code) in [
        ("CONNECTED", 3),
        ("TOKEN_EXPIRING", 3),
        ("TOKEN_EXPIRED", 2),
    ] {
        let gateway = gateway(&json!([with(page("p"), json!({"status": status}))])).await;
        let ran = check_yaml(&gateway, accounts, &[]).await;
        assert_eq!(ran.code, code, "{status}\n{}", ran.output);
        assert!(
            ran.output
                .contains("account bad: the gateway refuses the credentials"),
            "{}",
            ran.output
        );
        assert!(
            ran.output.contains("1 of 2 accounts not read"),
            "{}",
            ran.output
        );
    }
    let gateway = gateway(&json!([page("p")])).await;
    let ran = check_yaml(&gateway, accounts, &["--account", "good"]).await;
    assert_eq!(ran.code, 0, "{}", ran.output);
    assert_eq!(
        gateway.stats().await.list,
        1,
        "the other account is not asked"
    );
}

#[tokio::test]
async fn accounts_are_read_concurrently_and_once() {
    let gateway = gateway(&json!([page("p")])).await;
    gateway.faults("latency=1s").await;
    let account = |number| format!("- {{name: a{number}, api_key_env: QLARA_API_KEY}}\n");
    let accounts: String = (0..12).map(account).collect();
    let started = std::time::Instant::now();
    let ran = check_yaml(&gateway, &format!("accounts:\n{accounts}"), &[]).await;
    assert_eq!(ran.code, 0, "{}", ran.output);
    let took = started.elapsed();
    assert!(
        took.as_secs() < 12,
        "one after the other takes 24 s, this took {took:?}"
    );
    let stats = gateway.stats().await;
    assert_eq!((stats.list, stats.details), (12, 12));
    let unknown = check_yaml(
        &gateway,
        &format!("accounts:\n{accounts}"),
        &["--account", "b"],
    )
    .await;
    let (code, error) = (unknown.code, unknown.error);
    assert_eq!(code, 3);
    assert!(
        error.contains("unknown account \"b\", expected one of a0, a1, "),
        "{error}"
    );
}

#[tokio::test]
async fn write_error_is_unknown_but_a_closed_pipe_is_not() {
    needs!("bash");
    let gateway = gateway(&json!([page("p")])).await;
    let program = env!("CARGO_BIN_EXE_qlara-exporter");
    for (redirection, code) in [("> /dev/full", 3), ("| true; exit ${PIPESTATUS[0]}", 0)] {
        let mut command = std::process::Command::new("bash");
        command.args(["-c", &format!("{program} check {redirection}")]);
        command
            .env("QLARA_URL", gateway.url())
            .env("QLARA_API_KEY", crate::harness::API_KEY);
        let ran = tokio::task::spawn_blocking(move || run(&mut command)).await;
        assert_eq!(ran.expect("a program that ran").0, code, "{redirection}");
    }
}

#[test]
fn usage_and_configuration_errors_are_unknown() {
    for (arguments, line) in [
        (&["--nope"][..], "error: unknown flag --nope, try --help"),
        (
            &["--output", "xml"],
            "error: --output <FORM>: expected one of table, json, csv, html, junit, metrics, nagios, try --help",
        ),
        (
            &["--warning", "soon"],
            "error: --warning <DURATION>: expected a duration such as 30s, 15m or 1h30m, or a range in seconds such as 604800:, try --help",
        ),
        (
            &["--status", "fine"],
            "error: --status <STATUS>: expected one of CONNECTED, TOKEN_EXPIRING, TOKEN_EXPIRED, DISCONNECTED, UNKNOWN, MISSING, try --help",
        ),
        (
            &["--status", "expired"],
            "error: --status <STATUS>: expected one of CONNECTED, TOKEN_EXPIRING, TOKEN_EXPIRED, DISCONNECTED, UNKNOWN, MISSING, try --help",
        ),
        (
            &["--status", "disconected"],
            "error: --status <STATUS>: expected one of CONNECTED, TOKEN_EXPIRING, TOKEN_EXPIRED, DISCONNECTED, UNKNOWN, MISSING; did you mean DISCONNECTED?",
        ),
        (
            &["--verdict", "critcal"],
            "error: --verdict <VERDICT>: expected one of critical, warning, not_checked, fine; did you mean critical?",
        ),
        (
            &["--verdict", "OK"],
            "error: --verdict <VERDICT>: expected one of critical, warning, not_checked, fine, try --help",
        ),
        (
            &["--account", "x"],
            "--account: unknown account \"x\": the configuration names no accounts",
        ),
        (
            &["--critical", "8d"],
            "--critical must not be longer than --warning",
        ),
        (
            &["--config.file", "/nowhere"],
            "/nowhere: No such file or directory (os error 2)",
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

/// Monitoring systems read only the line on standard output.
#[test]
fn errors_before_the_verdict_are_one_line_for_nagios() {
    let unusable: [(&[&str], &str); 11] = [
        (&[], "no API key: "),
        (&["--nope"], "error: unknown flag --nope"),
        (
            &["--warning", "soon"],
            "error: --warning <DURATION>: expected",
        ),
        (
            &["--critical"],
            "error: --critical <DURATION>: a value is missing",
        ),
        (&["--output", "nagios"], "error: --output <FORM>"),
        (
            &["--qlara.timeout", "0s"],
            "--qlara.timeout (QLARA_TIMEOUT): must be",
        ),
        (
            &["-t", "0"],
            "error: --timeout <SECONDS>: must be longer than 0",
        ),
        (
            &["-t", "100000"],
            "error: --timeout <SECONDS>: must be longer than 0",
        ),
        (&["--config.file", "/nowhere"], "/nowhere: No such file"),
        (
            &["--config.file", env!("CARGO_MANIFEST_DIR")],
            env!("CARGO_MANIFEST_DIR"),
        ),
        (
            &["--log.format", "json", "--nope"],
            "error: unknown flag --nope",
        ),
    ];
    for form in [&["--output", "nagios"][..], &["--output=nagios"]] {
        for (arguments, reason) in unusable {
            let (code, output, error) = run(exporter().arg("check").args(form).args(arguments));
            assert_eq!((code, error.as_str()), (3, ""), "{arguments:?}: {output}");
            let start = format!("QLARA UNKNOWN - {reason}");
            assert!(output.starts_with(&start), "{arguments:?}: {output}");
            assert_eq!(output.lines().count(), 1, "{output}");
        }
    }
    // A variable can be invalid too, and several errors are joined to one line.
    let mut command = exporter();
    command
        .args(["check", "--output", "nagios"])
        .env("QLARA_TIMEOUT", "soon");
    let (code, output, error) = run(&mut command);
    assert_eq!((code, error.as_str()), (3, ""));
    assert!(
        output.starts_with("QLARA UNKNOWN - error: --qlara.timeout <DURATION>: expected"),
        "{output}"
    );
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&file, "cache: {ttl: 0s}\naccounts: [{name: a}, {name: a}]").expect("written");
    let mut command = exporter();
    command
        .args(["check", "--output", "nagios", "--config.file"])
        .arg(file.path());
    let (code, output, error) = run(&mut command);
    assert_eq!((code, error.as_str()), (3, ""));
    assert_eq!(output.lines().count(), 1, "{output}");
    assert!(
        output.contains("; ") && !output.contains('\u{fffd}'),
        "{output}"
    );
}

#[test]
fn invalid_flags_before_check_are_unknown() {
    let unusable: [&[&str]; 7] = [
        &["--config.file", "/nope", "check", "--output", "nagios"],
        &["--config.file=check", "check", "--output", "nagios"],
        &["--log.level", "debug", "check", "--output", "nagios"],
        &["--nope", "check", "--output", "nagios"],
        &["--nope", "value", "check", "--output=nagios"],
        &["--output", "nagios", "check"],
        &["-t", "5", "check", "--output", "nagios"],
    ];
    for arguments in unusable {
        let (code, output, error) = run(exporter().args(arguments));
        assert_eq!((code, error.as_str()), (3, ""), "{arguments:?}: {output}");
        let start = "QLARA UNKNOWN - error: ";
        assert!(output.starts_with(start), "{arguments:?}: {output}");
        assert_eq!(output.lines().count(), 1, "{arguments:?}: {output}");
    }
    let (code, output, error) = run(exporter().args(["--nope", "check"]));
    assert_eq!((code, output.as_str()), (3, ""), "{error}");
    // The value of a flag, and an argument of another command.
    for arguments in [
        &["--config.file", "check"][..],
        &["demo", "--nope", "check"],
    ] {
        let (code, output, error) = run(exporter().args(arguments).args(["--output", "nagios"]));
        assert_eq!((code, output.as_str()), (2, ""), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn conflicting_flags_are_named() {
    let (code, output, error) =
        run(exporter().args(["check", "--output", "nagios", "--write-expected"]));
    let line = "error: --output <FORM> cannot be used with --write-expected, try --help";
    assert_eq!((code, error.as_str()), (3, ""));
    assert_eq!(output, format!("QLARA UNKNOWN - {line}\n"));
}

/// With fewer than ten descriptors, tokio and the TLS library fail in different places, and some of them panic.
#[test]
fn lack_of_file_descriptors_is_one_line_for_nagios() {
    needs!("prlimit");
    for limit in 4..10 {
        let mut command = Command::new("prlimit");
        command
            .args([&format!("--nofile={limit}"), PROGRAM])
            .args(["check", "--output", "nagios"])
            .args(["--qlara.url", "http://127.0.0.1:9"])
            .env("QLARA_API_KEY", "x");
        let (code, output, error) = run(&mut command);
        assert_eq!(code, 3, "{limit}: {output}{error}");
        assert!(output.starts_with("QLARA UNKNOWN - "), "{limit}: {output}");
        assert_eq!(output.lines().count(), 1, "{limit}: {output}");
    }
}

/// The limit does not apply to root; every user can read the open file.
#[tokio::test]
async fn verdict_needs_no_additional_thread() {
    needs!("prlimit", "setpriv");
    let gateway = gateway(&json!([page("p")])).await;
    for (url, verdict) in [
        (gateway.url(), "QLARA OK - "),
        // A DNS lookup needs a thread.
        ("http://localhost:9".to_owned(), "QLARA UNKNOWN - "),
    ] {
        let mut command = Command::new("sh");
        command
            .args(["-c", "exec 3< \"$0\"; exec \"$@\"", PROGRAM])
            .args(["timeout", "30"]);
        if is_root() {
            command.args(["setpriv", "--reuid=65534", "--clear-groups"]);
        }
        command
            .args(["prlimit", "--nproc=1", "/proc/self/fd/3"])
            .args(["check", "--output", "nagios", "--qlara.url", &url])
            .env("QLARA_API_KEY", crate::harness::API_KEY);
        let ran = run_beside(command).await;
        assert!(
            ran.output.starts_with(verdict),
            "{}{}",
            ran.output,
            ran.error
        );
        assert_eq!(ran.output.lines().count(), 1, "{}", ran.output);
    }
}

#[tokio::test]
async fn flags_of_monitoring_plugins_are_accepted() {
    let soon = with(page("a"), json!({"tokenExpiresAt": in_days(5.5)}));
    let gateway = gateway(&json!([
        soon,
        with(page("b"), json!({"tokenExpiresAt": in_days(5.5)}))
    ]))
    .await;
    for (arguments, code) in [
        (&["-w", "7d", "-c", "2d"][..], 1),
        (&["-w", "604800:", "-c", "172800:"], 1),
        (&["-w", "5d", "-c", "1d"], 0),
        (&["-w", "7d", "-c", "6d", "-t", "10"], 2),
        (&["-w", "5d", "-t", "1m", "-v"], 0),
    ] {
        let arguments = [&["--output", "nagios"], arguments].concat();
        assert_eq!(
            check(&gateway, &arguments).await.code,
            code,
            "{arguments:?}"
        );
    }
    let ran = check(&gateway, &["--output", "nagios", "-vv"]).await;
    let lines: Vec<&str> = ran.output.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.output);
    assert!(
        lines[0].starts_with("QLARA WARNING - ") && lines[0].contains(" | profiles=2"),
        "{}",
        lines[0]
    );
    assert!(
        lines[1].starts_with("facebook/a ") && lines[2].starts_with("facebook/b "),
        "{}",
        ran.output
    );
    gateway.faults("hang").await;
    let ran = check(&gateway, &["--output", "nagios", "-t", "1"]).await;
    assert_eq!(ran.code, 3, "{}", ran.output);
    // The variable may come from a file that is shared with the exporter.
    let url = gateway.url();
    let mut command = exporter();
    command
        .args([
            "check",
            "--output",
            "nagios",
            "-t",
            "1",
            "--qlara.url",
            &url,
        ])
        .env("QLARA_API_KEY", "x")
        .env("QLARA_TIMEOUT", "1h");
    let ran = run_beside(command).await;
    assert!(
        ran.output.contains("no answer within the gateway timeout"),
        "{}",
        ran.output
    );
    for (flag, start) in [
        ("-V", "qlara-exporter, version "),
        ("--version", "qlara-exporter, version "),
        ("-h", "Read all accounts once"),
    ] {
        let (code, output, error) = run(exporter().args(["check", flag]));
        assert_eq!((code, error.as_str()), (0, ""));
        assert!(output.starts_with(start), "{output}");
    }
}

#[tokio::test]
async fn no_output_format_contains_a_secret() {
    let gateway = gateway(&json!([page("a")])).await;
    for arguments in [
        &["--output", "table"][..],
        &["--output", "json"],
        &["--output", "nagios"],
        &["--output", "metrics"],
        &["--write-expected"],
    ] {
        for fault in ["", "status=401"] {
            gateway.faults(fault).await;
            let arguments = [&["--log.level", "debug"], arguments].concat();
            let ran = check(&gateway, &arguments).await;
            assert!(
                !ran.output.contains("simulated") && !ran.error.contains("simulated"),
                "{}{}",
                ran.output,
                ran.error
            );
        }
    }
}
