//! `alerts/mixin.libsonnet`: its defaults are the files of the repository, and `_config` changes them.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::alerting::{repository, succeeds, yaml};
use crate::dashboards::thresholds::{THRESHOLDS, TOKENS};
use crate::harness::process::run_with_input;
use crate::harness::tools::{self, MIXIN, needs};

const LIBRARY: &str = "
local mixin = import 'qlara-exporter/alerts/mixin.libsonnet';
local output(mixin) = {
  rules: mixin.prometheusAlerts + mixin.prometheusRules,
  dashboards: mixin.grafanaDashboards,
  alerts: mixin.grafanaAlerts,
};
local with(config) = output(mixin + { _config+:: config });
";

/// Exit code and output of a snippet, which all implementations of jsonnet evaluate.
fn evaluate(snippet: &str) -> (i32, String) {
    let vendor = TempDir::new().expect("a folder");
    let link = vendor.path().join("qlara-exporter");
    std::os::unix::fs::symlink(repository(""), link).expect("a link");
    let mut python = Command::new(tools::folder("mixin").join("bin/python"));
    python.arg(repository("tests/mixin/evaluate.py"));
    run_with_input(python.arg(vendor.path()), snippet)
}

fn output(snippet: &str) -> Value {
    let (code, output) = evaluate(&format!("{LIBRARY}{snippet}"));
    assert_eq!(code, 0, "{output}");
    serde_json::from_str(&output).expect("JSON")
}

/// What the mixin gives with the defaults.
fn files() -> Value {
    let folder = std::fs::read_dir(repository("dashboards")).expect("a folder");
    let files = folder.map(|entry| entry.expect("a file").path());
    let dashboards = files.filter(|file| file.extension().is_some_and(|end| end == "json"));
    let dashboards = dashboards.map(|file| {
        let text = std::fs::read_to_string(&file).expect("a text");
        let name = file.file_name().expect("a name").to_string_lossy();
        let json: Value = serde_json::from_str(&text).expect("JSON");
        (name.into_owned(), json)
    });
    json!({
        "rules": yaml(&repository("alerts/qlara.rules.yml")),
        "dashboards": Value::Object(dashboards.collect()),
        "alerts": {"qlara.yaml": yaml(&repository("deploy/grafana/alerting/qlara.yaml"))},
    })
}

/// A difference would be as long as a file.
fn assert_same(given: &Value, expected: &Value, name: &str) {
    fn differences(given: &Value, expected: &Value, place: &str, found: &mut Vec<String>) {
        match (given, expected) {
            (Value::Object(one), Value::Object(other)) if one.keys().eq(other.keys()) => {
                for (key, value) in one {
                    differences(value, &other[key], &format!("{place}/{key}"), found);
                }
            }
            (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
                for (index, pair) in one.iter().zip(other).enumerate() {
                    differences(pair.0, pair.1, &format!("{place}/{index}"), found);
                }
            }
            (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => {}
            _ if given == expected => {}
            _ => found.push(format!("{place}: {given}\n  expected {expected}")),
        }
    }
    let mut found = Vec::new();
    differences(given, expected, name, &mut found);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn promtool_accepts(rules: &Value) {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("rules.yml");
    std::fs::write(&file, rules.to_string()).expect("a file");
    let check = ["check", "rules", "--lint=all", "--lint-fatal"];
    succeeds(Command::new("promtool").args(check).arg(file));
}

#[test]
fn defaults_give_the_files_of_the_repository() {
    needs!(MIXIN);
    assert_same(&output("output(mixin)"), &files(), "defaults");
    // Alerts read only rules of their own group.
    assert_eq!(output("std.length(mixin.prometheusAlerts.groups)"), 1);
    let rest = output("mixin.prometheusRules").to_string();
    assert!(rest.contains("\"record\"") && !rest.contains("\"alert\""));
}

/// A text and what takes its place.
type Replaced = (&'static str, &'static str);

/// Each setting, its value, and what it replaces everywhere in the output.
const SETTINGS: [(&str, &str, &[Replaced]); 8] = [
    (
        "qlaraExporterSelector",
        r#"'job="social", namespace="brandco"'"#,
        &[(
            r#"{job=\"qlara\""#,
            r#"{job=\"social\", namespace=\"brandco\""#,
        )],
    ),
    (
        "runbookURL",
        "'https://wiki.brandco.example'",
        &[(
            "https://example.com/qlara-exporter/docs/runbooks",
            "https://wiki.brandco.example",
        )],
    ),
    (
        "grafanaURL",
        "'https://brandco.example/grafana'",
        &[(
            "https://grafana.example.com",
            "https://brandco.example/grafana",
        )],
    ),
    (
        "dashboardTags",
        "['social', 'brandco']",
        &[(r#""tags":["qlara"]"#, r#""tags":["social","brandco"]"#)],
    ),
    (
        "dashboardRefresh",
        "'5m'",
        &[(r#""refresh":"1m""#, r#""refresh":"5m""#)],
    ),
    (
        "grafanaDashboardIDs+",
        "{ 'qlara-profiles.json': 'social' }",
        &[
            ("/d/qlara-profiles", "/d/social"),
            (r#""uid":"qlara-profiles""#, r#""uid":"social""#),
        ],
    ),
    (
        "grafanaAlertsDatasource",
        "'mimir'",
        &[
            (
                r#""datasourceUid":"prometheus""#,
                r#""datasourceUid":"mimir""#,
            ),
            (
                r#"{"type":"prometheus","uid":"prometheus"}"#,
                r#"{"type":"prometheus","uid":"mimir"}"#,
            ),
        ],
    ),
    (
        "grafanaAlertsFolder",
        "'Brandco'",
        &[(r#""folder":"Qlara""#, r#""folder":"Brandco""#)],
    ),
];

#[test]
fn each_setting_changes_what_it_names_and_nothing_else() {
    needs!(MIXIN, "promtool");
    let configs = SETTINGS.map(|(key, value, _)| format!("'{key}': with({{ {key}: {value} }})"));
    let outputs = output(&format!("{{ {} }}", configs.join(", ")));
    let files = files().to_string();
    for (key, _, replaced) in SETTINGS {
        let mut expected = files.clone();
        for (from, to) in replaced {
            assert!(expected.contains(from), "{key}: nothing has {from}");
            expected = expected.replace(from, to);
        }
        let expected = serde_json::from_str(&expected).expect("JSON");
        assert_same(&outputs[key], &expected, key);
        promtool_accepts(&outputs[key]["rules"]);
    }
    let keys = output("std.objectFields(mixin._config)");
    let mut tested: Vec<&str> = SETTINGS.map(|one| one.0.trim_end_matches('+')).to_vec();
    tested.push("thresholds");
    tested.sort_unstable();
    assert_eq!(keys, json!(tested), "a setting without a test");
}

/// Gives the last steps these values.
fn set_steps(thresholds: &mut Value, values: &[f64]) {
    let steps = thresholds["steps"].as_array_mut().expect("steps");
    let first = steps.len() - values.len();
    for (step, value) in steps[first..].iter_mut().zip(values) {
        step["value"] = json!(value);
    }
}

fn named<'a>(list: &'a mut Value, key: &str, name: &str) -> Vec<&'a mut Value> {
    let items = list.as_array_mut().expect("a list").iter_mut();
    items.filter(|item| item[key] == name).collect()
}

#[test]
fn thresholds_change_rules_panels_and_the_waits_of_grafana_managed_alerts() {
    needs!(MIXIN, "promtool");
    let defaults = output("mixin._config.thresholds");
    let names: Vec<String> = defaults
        .as_object()
        .expect("names")
        .keys()
        .cloned()
        .collect();
    let value = |name: &str| {
        let index = names.iter().position(|known| known == name);
        1000 + index.unwrap_or_else(|| panic!("no threshold {name}"))
    };
    let values = |names: &[&str]| -> Vec<f64> {
        let values = names.iter().map(|name| value(name));
        values.map(|value| value as f64).collect()
    };

    let mut expected = files();
    let rules = &mut expected["rules"]["groups"][0]["rules"];
    for rule in named(rules, "record", "qlara:threshold") {
        let name = rule["labels"]["threshold"].as_str().expect("a name");
        rule["expr"] = json!(format!("vector({})", value(name)));
    }
    for (dashboard, kind, title, names) in THRESHOLDS {
        let panels = &mut expected["dashboards"][format!("{dashboard}.json")]["panels"];
        for panel in named(panels, "title", title) {
            if panel["type"] == kind {
                set_steps(
                    &mut panel["fieldConfig"]["defaults"]["thresholds"],
                    &values(names),
                );
            }
        }
    }
    let panels = &mut expected["dashboards"]["qlara-profiles.json"]["panels"];
    let table = named(panels, "title", "Profiles by urgency").remove(0);
    for column in table["fieldConfig"]["overrides"]
        .as_array_mut()
        .expect("columns")
    {
        if column["matcher"]["options"] == "Token ends in" {
            let property = named(&mut column["properties"], "id", "thresholds").remove(0);
            set_steps(&mut property["value"], &values(&TOKENS));
        }
    }
    let alerts = &mut expected["alerts"]["qlara.yaml"]["groups"][0]["rules"];
    for (title, name) in [
        ("QlaraExporterDown", "exporter_down_after_seconds"),
        ("QlaraGatewayUnreachable", "unreachable_after_seconds"),
        ("QlaraTokenExpired", "token_expired_after_seconds"),
        ("QlaraProfileDisconnected", "disconnected_after_seconds"),
    ] {
        named(alerts, "title", title).remove(0)["for"] = json!(format!("{}s", value(name)));
    }

    let config = names.iter().map(|name| format!("{name}: {}", value(name)));
    let config = config.collect::<Vec<_>>().join(", ");
    let given = output(&format!("with({{ thresholds+: {{ {config} }} }})"));
    assert_same(&given, &expected, "thresholds");
    promtool_accepts(&given["rules"]);
}

#[test]
fn threshold_that_does_not_exist_is_an_error_with_the_known_ones() {
    needs!(MIXIN);
    let (code, output) = evaluate(&format!(
        "{LIBRARY}with({{ thresholds+: {{ token_nearby: 1 }} }})"
    ));
    assert_eq!(code, 1);
    let expected =
        "thresholds: unknown token_nearby; known are data_age_seconds, degraded_profiles, ";
    assert_eq!(output.matches(expected).count(), output.lines().count());
    assert!(output.contains(", token_near_seconds, "), "{output}");
}

/// `absent_over_time` has no label job then, so an absent job would be nobody's.
#[test]
fn selector_without_names_of_jobs_is_an_error() {
    needs!(MIXIN);
    for selector in [
        r#"job=~"qlara-.+""#,
        r#"namespace="qlara""#,
        r#"job!="node""#,
        r#"job="""#,
    ] {
        let (code, output) = evaluate(&format!(
            "{LIBRARY}with({{ qlaraExporterSelector: '{selector}' }})"
        ));
        assert_eq!(code, 1, "{selector}");
        assert!(output.contains("does not name the jobs"), "{output}");
        let expected = r#"expected job="NAME" or job=~"NAME|NAME""#;
        assert!(output.contains(expected), "{output}");
    }
}

/// The rules and their unit test in a folder.
fn promtool_passes(rules: &Value, test: &str) {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("rules.yml"), rules.to_string()).expect("a file");
    let file = folder.path().join("rules.test.yml");
    std::fs::write(&file, test).expect("a file");
    succeeds(
        Command::new("promtool")
            .args(["test", "rules"])
            .arg(Path::new(&file)),
    );
}

#[test]
fn each_of_several_jobs_is_watched() {
    needs!(MIXIN, "promtool");
    let given = output(r#"with({ qlaraExporterSelector: 'job=~"qlara|qlara-eu"' })"#);
    promtool_accepts(&given["rules"]);
    promtool_passes(
        &given["rules"],
        r#"
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - name: the targets of one job disappear
    interval: 1m
    input_series:
      - {series: 'up{job="node",instance="n"}', values: '0x120'}
      - {series: 'up{job="qlara",instance="a"}', values: '1x120'}
      - {series: 'qlara_up{job="qlara",instance="a"}', values: '1x120'}
      - {series: 'up{job="qlara-eu",instance="b"}', values: '1x59 stale'}
      - {series: 'qlara_up{job="qlara-eu",instance="b"}', values: '1x59 stale'}
      - {series: 'qlara_profile_status{job="qlara-eu",instance="b",platform="facebook",profile="p",status="TOKEN_EXPIRED"}', values: '1x59 stale'}
    promql_expr_test:
      - expr: count by (alertname, job, profile) (ALERTS{alertstate="firing", severity="critical"})
        eval_time: 50m
        exp_samples:
          - {labels: '{alertname="QlaraTokenExpired", job="qlara-eu", profile="p"}', value: 1}
      - expr: count by (alertname, job, profile) (ALERTS{alertstate="firing", severity="critical"})
        eval_time: 110m
        exp_samples:
          - {labels: '{alertname="QlaraExporterAbsent", job="qlara-eu"}', value: 1}
          - {labels: '{alertname="QlaraTokenExpired", job="qlara-eu", profile="p"}', value: 1}
  - name: both jobs have no targets
    interval: 1m
    promql_expr_test:
      - expr: count by (alertname, job) (ALERTS{alertname!="Watchdog", alertstate="firing"})
        eval_time: 30m
        exp_samples:
          - {labels: '{alertname="QlaraExporterAbsent", job="qlara"}', value: 1}
          - {labels: '{alertname="QlaraExporterAbsent", job="qlara-eu"}', value: 1}
"#,
    );
}

#[test]
fn example_of_the_documentation_gives_files_that_their_programs_accept() {
    needs!(MIXIN, "promtool");
    let documentation =
        std::fs::read_to_string(repository("docs/alerts.md")).expect("the documentation");
    let (_, example) = documentation.split_once("```jsonnet\n").expect("a block");
    let (example, _) = example.split_once("```").expect("an end of the block");
    let (code, output) = evaluate(example);
    assert_eq!(code, 0, "{output}");
    let files: Value = serde_json::from_str(&output).expect("JSON");
    let rules = &files["qlara.rules.yml"];
    promtool_accepts(rules);
    for changed in [
        "https://wiki.brandco.example/runbooks/qlara/QlaraTokenExpired.md",
        "https://grafana.brandco.example/d/qlara-profiles",
        "vector(259200)",
        "vector(0.25)",
        r#"up{job=~\"qlara|qlara-eu\"}"#,
    ] {
        assert!(rules.to_string().contains(changed), "{changed}");
    }
    let dashboard = &files["dashboards/qlara-exporter.json"];
    assert_eq!(dashboard["tags"], json!(["qlara", "social"]));
    assert_eq!(files["grafana-alerts/qlara.yaml"]["apiVersion"], 1);
    // The table names every setting.
    let (_, table) = documentation
        .split_once("| key of `_config` |")
        .expect("a table");
    for key in self::output("std.objectFields(mixin._config)")
        .as_array()
        .expect("keys")
    {
        assert!(table.contains(&format!("`{}`", key.as_str().expect("a name"))));
    }
}
