//! A replica that cannot read the gateway is ignored while another can read it, and an account's target is not a
//! replica.

use std::process::Command;

use serde_json::{Value, json};

use super::live::{dashboard, interpolate, queries_of};
use crate::harness::process::run_with_input;
use crate::harness::tools::needs;

/// `a` reads account `x`, and `b` no longer does; no replica reads `y`. The token of `late` has expired.
const SERIES: &str = r#"
qlara_up{instance="a", account="x"} 1
qlara_up{instance="b", account="x"} 0
qlara_up{instance="a", account="y"} 0
qlara_up{instance="b", account="y"} 0
qlara_profile_status{instance="a", account="x", platform="facebook", profile="p", status="CONNECTED"} 1
qlara_profile_status{instance="a", account="x", platform="facebook", profile="p", status="TOKEN_EXPIRED"} 0
qlara_profile_status{instance="a", account="x", platform="facebook", profile="p", status="TOKEN_EXPIRING"} 0
qlara_profile_status{instance="a", account="x", platform="facebook", profile="p", status="DISCONNECTED"} 0
qlara_profile_status{instance="b", account="x", platform="facebook", profile="p", status="CONNECTED"} 0
qlara_profile_status{instance="b", account="x", platform="facebook", profile="p", status="TOKEN_EXPIRED"} 1
qlara_profile_status{instance="b", account="x", platform="whatsapp", profile="gone", status="CONNECTED"} 0
qlara_profile_status{instance="b", account="x", platform="whatsapp", profile="gone", status="DISCONNECTED"} 1
qlara_token_expiry_timestamp_seconds{instance="a", account="x", platform="facebook", profile="p"} 1060
qlara_token_expiry_timestamp_seconds{instance="b", account="x", platform="facebook", profile="p"} 30
qlara_profile_status{instance="a", account="x", platform="facebook", profile="late", status="CONNECTED"} 1
qlara_profile_status{instance="a", account="x", platform="facebook", profile="late", status="TOKEN_EXPIRED"} 0
qlara_token_expiry_timestamp_seconds{instance="a", account="x", platform="facebook", profile="late"} 60
qlara_token_expiry_timestamp_seconds{instance="a", account="x", platform="whatsapp", profile="p"} 60
qlara_profile_permission_granted{instance="a", account="x", platform="facebook", profile="p", permission="m"} 1
qlara_profile_permission_granted{instance="b", account="x", platform="facebook", profile="p", permission="m"} 0
qlara_expected_profile_present{instance="a", account="x", platform="facebook", profile="p"} 1
qlara_expected_profile_present{instance="b", account="x", platform="facebook", profile="p"} 0
qlara_details_up{instance="a", account="x", platform="facebook"} 0
qlara_details_up{instance="b", account="x", platform="facebook"} 1
qlara_profiles_dropped{instance="a", account="x", reason="duplicate"} 1
qlara_profiles_dropped{instance="b", account="x", reason="duplicate"} 3
qlara_profile_status{instance="b", account="y", platform="facebook", profile="p", status="CONNECTED"} 0
qlara_profile_status{instance="b", account="y", platform="facebook", profile="p", status="TOKEN_EXPIRING"} 1
qlara_profile_status{instance="b", account="y", platform="facebook", profile="q", status="CONNECTED"} 0
qlara_profile_status{instance="b", account="y", platform="facebook", profile="q", status="DISCONNECTED"} 1
"#;

/// The numbers at the top after a minute.
const NUMBERS: [(&str, f64); 10] = [
    ("Profiles", 4.0),
    ("Healthy", 0.25),
    ("Token expired", 1.0),
    ("Refresh failed", 1.0),
    ("Disconnected", 1.0),
    ("Expected but missing", 0.0),
    ("Next expiry", 1000.0),
    ("Other permissions missing", 0.0),
    ("Details unread", 1.0),
    ("Entries dropped", 1.0),
];

/// A query and its expected samples, for promtool.
fn expectation(query: &str, samples: Value) -> Value {
    json!({"expr": query, "eval_time": "1m", "exp_samples": samples})
}

#[test]
fn replicas_without_data_are_ignored_while_another_has_data() {
    needs!("promtool");
    let profiles = dashboard("qlara-profiles");
    let query = |panel: &str, number: usize| {
        interpolate(&profiles, &queries_of(&profiles, panel)[number].text, ".+")
    };
    let mut expectations = NUMBERS
        .map(|(panel, value)| {
            expectation(&query(panel, 0), json!([{"labels": "{}", "value": value}]))
        })
        .to_vec();
    let row = |account, profile, value| {
        let labels = format!(
            r#"{{job="qlara", account="{account}", platform="facebook", profile="{profile}"}}"#
        );
        json!({"labels": labels, "value": value})
    };
    let rows = json!([
        row("x", "p", 0),
        row("x", "late", 6),
        row("y", "p", 3),
        row("y", "q", 5)
    ]);
    expectations.push(expectation(&query("Profiles by urgency", 1), rows.clone()));
    expectations.push(expectation(&query("Status history", 0), rows));
    assert_expected(SERIES, &expectations);
}

/// Runs promtool, which must find the expected samples in these series.
fn assert_expected(series: &str, expectations: &[Value]) {
    let series = series.trim().lines().map(|line| {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        json!({"series": series.replace('{', "{job=\"qlara\", "), "values": format!("{value}x1")})
    });
    let tests = json!({"tests": [{
        "interval": "1m",
        "input_series": series.collect::<Vec<Value>>(),
        "promql_expr_test": expectations,
    }]});
    let mut promtool = Command::new("promtool");
    promtool.args(["test", "rules", "/dev/stdin"]);
    let (code, output) = run_with_input(&mut promtool, &tests.to_string());
    assert_eq!(code, 0, "{output}");
}

/// Targets of accounts have the label `account` and the exporter's `instance`.
const TARGETS: &str = r#"
up{instance="a"} 1
up{instance="b"} 0
up{instance="a", account="x"} 0
up{instance="a", account="y"} 1
scrape_duration_seconds{instance="a"} 2
scrape_duration_seconds{instance="a", account="x"} 3
qlara_exporter_build_info{instance="a"} 1
"#;

#[test]
fn probe_targets_are_not_counted_as_exporters() {
    needs!("promtool");
    let exporter = dashboard("qlara-exporter");
    let query = |panel: &str| interpolate(&exporter, &queries_of(&exporter, panel)[0].text, ".+");
    let row = |series: &str, value: u32| json!({"labels": series, "value": value});
    let expectations = [
        expectation(&query("Exporters down"), json!([row("{}", 1)])),
        expectation(
            &query("Up"),
            json!([
                row(r#"up{job="qlara", instance="a"}"#, 1),
                row(r#"up{job="qlara", instance="b"}"#, 0)
            ]),
        ),
        expectation(
            &query("Scrape duration"),
            json!([row(
                r#"scrape_duration_seconds{job="qlara", instance="a"}"#,
                2
            )]),
        ),
    ];
    assert_expected(TARGETS, &expectations);
}

#[test]
fn every_panel_prefers_the_rules_and_then_replicas_with_data() {
    const UP: &str = r#"qlara_up{job=~"$job", instance=~"$instance", account=~"$account"}"#;
    let preferred = format!(
        "and on (job, instance, account) ({UP} == on (job, account) group_left () max by (job, account) ({UP}))"
    );
    const KNOWN: &str =
        r#"job_account:qlara_up:known{job=~"$job", instance=~"$instance", account=~"$account"}"#;
    let recorded = format!("unless on (job, account) {KNOWN}");
    let unrecorded = format!("and on (job, account) ({KNOWN} == 0)");
    for query in dashboard("qlara-profiles").panel_queries() {
        let (_, panel) = query.place.split_once(": ").expect("a panel");
        let source = match panel {
            // The newest value that an account's replicas report about themselves.
            "Age of data" | "Data shown" | "Gateway" => continue,
            // Only the rules know it.
            "Availability in 30 days" => continue,
            "Details unread" | "Entries dropped" => &unrecorded,
            _ => &recorded,
        };
        for part in [&preferred, source] {
            assert!(query.text.contains(part), "{panel}: {}", query.text);
        }
    }
}
