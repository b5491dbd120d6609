//! `check` writes a file for the node exporter's textfile collector: `docs/check.md`.

use std::process::Command;

use serde_json::json;

use crate::harness::API_KEY;
use crate::harness::process::{exporter, run, run_beside};
use crate::harness::tools::needs;
use crate::prometheus::system_gateway;

const TEXT: &str = include_str!("../docs/check.md");
const SERVICE: &str = include_str!("../deploy/systemd/qlara-exporter-check.service");
const FOLDER: &str = "/var/lib/node_exporter/textfile_collector";

/// The code block of the documentation that starts with this text.
fn block(start: &str) -> &'static str {
    let (_, rest) = TEXT.split_once(start).expect("a block");
    rest.split_once("```").expect("an end").0
}

/// The arguments of the service's command.
fn service_arguments() -> Vec<&'static str> {
    let mut lines = SERVICE.lines();
    let command = lines.find_map(|line| line.strip_prefix("ExecStart=/usr/bin/qlara-exporter "));
    command.expect("a command").split(' ').collect()
}

#[tokio::test]
async fn service_writes_the_file_for_profiles_in_any_state() {
    let gateway = system_gateway().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("qlara.prom");
    let (_, codes) = SERVICE
        .split_once("SuccessExitStatus=")
        .expect("exit codes");
    let codes = codes.lines().next().expect("a line").split(' ');
    let accepted: Vec<i32> = codes.map(|code| code.parse().expect("a code")).collect();
    for (status, expected) in [("TOKEN_EXPIRING", 1), ("DISCONNECTED", 2)] {
        let profile = json!({"platform": "facebook", "profileId": "p", "status": status,
            "tokenExpiresAt": "2099-01-01T00:00:00Z", "connectedAt": "2026-01-01T00:00:00Z"});
        gateway.profiles(&json!([profile])).await;
        let mut check = exporter();
        let arguments = service_arguments().into_iter();
        check
            .args(arguments.map(|word| word.replace(FOLDER, &folder.path().display().to_string())))
            .env("QLARA_URL", gateway.url())
            .env("QLARA_API_KEY", API_KEY);
        let ran = run_beside(check).await;
        assert_eq!(ran.code, expected, "{}", ran.error);
        assert!(accepted.contains(&ran.code), "{accepted:?}");
        assert_eq!(ran.output, "");
        let written = std::fs::read_to_string(&file).expect("a file");
        let sample = format!("status=\"{status}\"}} 1\n");
        assert!(written.contains(&sample), "{written}");
    }
}

#[test]
fn cron_job_matches_the_service() {
    let line = block("# /etc/cron.d/qlara-exporter\n").trim();
    let (_, command) = line
        .split_once("* * * * qlara-exporter ")
        .expect("a user and a command");
    let (settings, audit) = command.rsplit_once("; qlara-exporter ").expect("a command");
    assert_eq!(audit, service_arguments().join(" "));
    // cron takes a percent sign for a line break.
    assert!(!command.contains('%'));

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("settings");
    std::fs::write(&file, "QLARA_URL=https://example.com\n").expect("a file");
    let settings = settings.replace("/etc/default/qlara-exporter", &file.display().to_string());
    let shown = run(Command::new("sh").args(["-e", "-c", &format!("{settings}; env")]));
    assert!(
        shown.1.contains("QLARA_URL=https://example.com\n"),
        "{shown:?}"
    );
}

#[test]
fn rules_alert_on_an_old_missing_or_unreadable_file() {
    needs!("promtool");
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("qlara-textfile.rules.yml");
    std::fs::write(&rules, block("```yaml\n# qlara-textfile.rules.yml\n")).expect("a file");
    let check = ["check", "rules", "--lint=all", "--lint-fatal"];
    let (code, output, error) = run(Command::new("promtool").args(check).arg(&rules));
    assert_eq!(code, 0, "{output}{error}");

    let file = format!("{FOLDER}/qlara.prom");
    let mtime = |file: &str, values: &str| {
        let series =
            format!("node_textfile_mtime_seconds{{job=\"node\",instance=\"a\",file=\"{file}\"}}");
        json!({"series": series, "values": values})
    };
    let failed = |values: &str| json!({"series": "node_textfile_scrape_error{job=\"node\",instance=\"a\"}", "values": values});
    let firing = |time: &str, names: &[&str]| {
        let sample =
            |name: &&str| json!({"labels": format!("{{alertname=\"{name}\"}}"), "value": 1});
        let samples: Vec<_> = names.iter().map(sample).collect();
        json!({"expr": "count by (alertname) (ALERTS{alertstate=\"firing\"})", "eval_time": time, "exp_samples": samples})
    };
    let (stale, unreadable) = ("QlaraTextfileStale", "QlaraTextfileUnreadable");
    let tests = json!([
        // The file is written every five minutes, and no longer from minute 30 on.
        {"interval": "5m", "input_series": [mtime(&file, "0+300x6 1800x20 1800x20"), failed("0x50")],
            "promql_expr_test": [firing("40m", &[]), firing("60m", &[stale])]},
        // Older node exporters show only the file name.
        {"interval": "5m", "input_series": [mtime("qlara.prom", "0x20"), failed("0x20")],
            "promql_expr_test": [firing("10m", &[]), firing("30m", &[stale])]},
        // The file cannot be parsed from minute 30 on.
        {"interval": "5m", "input_series": [mtime(&file, "0+300x6 stale"), failed("0x6 1x20")],
            "promql_expr_test": [firing("30m", &[]), firing("60m", &[stale, unreadable])]},
        // Another file is current, and this one has never existed.
        {"interval": "5m", "input_series": [mtime("/other/raid.prom", "0+300x20"), failed("0x20")],
            "promql_expr_test": [firing("30m", &[stale])]},
    ]);
    let text = json!({"rule_files": ["qlara-textfile.rules.yml"], "evaluation_interval": "1m", "tests": tests});
    let test = folder.path().join("test.yml");
    // Every JSON text is YAML.
    std::fs::write(&test, text.to_string()).expect("a file");
    let (code, output, error) = run(Command::new("promtool").args(["test", "rules"]).arg(&test));
    assert_eq!(code, 0, "{output}{error}");
}
