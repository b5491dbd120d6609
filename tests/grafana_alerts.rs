//! The Grafana-managed alerts in `deploy/grafana`: Grafana's types, agreement with the rules, and what their queries say.
//!
//! Grafana cannot be installed here. Its state machine for missing data is known from its documentation.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::alerting::{alerts, repository, succeeds, text, yaml};
use crate::dashboards::grafana;
use crate::harness::process::run_with_input;
use crate::harness::tools::{GRAFANA, needs};

fn file() -> Value {
    yaml(&repository("deploy/grafana/alerting/qlara.yaml"))
}

fn rules() -> Vec<Value> {
    let file = file();
    let rules = file["groups"][0]["rules"].as_array().expect("rules");
    rules.clone()
}

#[test]
fn grafana_types_accept_the_file_and_no_mistake() {
    needs!(GRAFANA, "node");
    let check = |file: &str| {
        let mut node = Command::new("node");
        run_with_input(node.arg(grafana().join("alerts.mjs")), file)
    };
    let file = file().to_string();
    assert_eq!(check(&file), (0, String::new()));
    for (from, to) in [
        ("\"KeepLast\"", "\"KeepLastState\""),
        ("\"instant\"", "\"instnat\""),
    ] {
        let (code, output) = check(&file.replace(from, to));
        assert_ne!(code, 0, "{to}");
        assert!(output.contains(to.trim_matches('"')), "{output}");
    }
}

#[test]
fn five_critical_alerts_have_uids_and_the_data_source_of_the_compose_stack() {
    let rules = rules();
    assert_eq!(rules.len(), 5);
    let sources = yaml(&repository(
        "deploy/compose/grafana/provisioning/datasources/prometheus.yml",
    ));
    let source = text(&sources["datasources"][0], "uid");
    let mut uids = BTreeSet::new();
    for rule in &rules {
        let uid = text(rule, "uid");
        assert!(uid.len() <= 40 && uids.insert(uid), "{uid}");
        let allowed = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
        assert!(uid.chars().all(allowed), "{uid}");
        assert_eq!(rule["labels"]["severity"], "critical", "{uid}");
        let [query, reduce, threshold] = &rule["data"].as_array().expect("data")[..] else {
            panic!("{uid}: a query and two expressions")
        };
        assert_eq!(query["datasourceUid"], source, "{uid}");
        assert_eq!(reduce["model"]["expression"], query["refId"], "{uid}");
        assert_eq!(threshold["model"]["expression"], reduce["refId"], "{uid}");
        assert_eq!(rule["condition"], threshold["refId"], "{uid}");
        for part in [query, reduce, threshold] {
            assert_eq!(part["model"]["refId"], part["refId"], "{uid}");
        }
        // Grafana replaces variables of the environment in the file.
        assert!(!rule.to_string().contains('$'), "{uid}");
    }
}

/// The mixin takes these parts from the rules, too, so that they cannot differ.
/// The mixin takes these parts from the rules, too.
#[test]
fn alerts_say_what_the_rules_of_the_same_names_say() {
    let alerts = alerts();
    for rule in rules() {
        let title = text(&rule, "title");
        let alert = &alerts[title];
        assert_eq!(rule["labels"], alert["labels"], "{title}");
        for annotation in ["summary", "action", "runbook_url"] {
            let same = &alert["annotations"][annotation];
            assert_eq!(&rule["annotations"][annotation], same, "{title}");
        }
        let dashboard = text(&rule["annotations"], "dashboard_url");
        assert!(text(&alert["annotations"], "dashboard_url").starts_with(dashboard));
    }
}

/// Only the alert that tells that nothing is visible fires without data; no other ends.
#[test]
fn alerts_keep_their_state_without_data_and_one_fires() {
    for rule in rules() {
        let states = [&rule["noDataState"], &rule["execErrState"]];
        let expected = match text(&rule, "title") {
            "QlaraExporterDown" => ["Alerting", "Error"],
            _ => ["KeepLast", "KeepLast"],
        };
        assert_eq!(states, expected, "{}", rule["title"]);
    }
}

/// The alert as a rule of Prometheus, without Grafana's states for missing data.
fn as_rule(rule: &Value) -> Value {
    let data = &rule["data"];
    let query = text(&data[0]["model"], "expr");
    let evaluator = &data[2]["model"]["conditions"][0]["evaluator"];
    let operator = match text(evaluator, "type") {
        "gt" => ">",
        "lt" => "<",
        other => panic!("{other}"),
    };
    json!({
        "alert": rule["title"],
        "expr": format!("({query}) {operator} {}", evaluator["params"][0]),
        "for": rule["for"],
        "labels": rule["labels"],
        "annotations": {"description": rule["annotations"]["description"]},
    })
}

#[test]
fn queries_fire_and_tell_missing_data_from_health() {
    needs!("promtool");
    let rules = rules();
    let mut all: Vec<Value> = rules.iter().map(as_rule).collect();
    // The values that Grafana sees: none is no data.
    for rule in &rules {
        let name = format!("grafana:{}", text(rule, "title"));
        all.push(json!({"record": name, "expr": rule["data"][0]["model"]["expr"]}));
    }
    let group = json!({"groups": [{"name": "grafana", "interval": "1m", "rules": all}]});
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("rules.yml"), group.to_string()).expect("a file");
    let test = folder.path().join("grafana.test.yml");
    let copy = repository("tests/grafana/alerts.test.yml");
    std::fs::copy(copy, &test).expect("copied");
    let check = ["check", "rules"];
    let file = folder.path().join("rules.yml");
    succeeds(Command::new("promtool").args(check).arg(file));
    succeeds(Command::new("promtool").args(["test", "rules"]).arg(test));
}
