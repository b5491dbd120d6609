//! The alert rules and the Alertmanager configuration, checked by promtool, amtool and against the
//! exporter.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::alert_routes::matches;
use crate::documentation::full_scrape;
use crate::harness::process::run;
use crate::harness::tools::needs;

/// A file of the repository, or of the copy of it that `tests/mutation/run` tests.
pub fn repository(path: &str) -> PathBuf {
    let root = std::env::var_os("CARGO_MANIFEST_DIR");
    let root = root.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&root).join(path)
}

/// A YAML file, with its aliases resolved.
pub fn yaml(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn rules() -> Vec<Value> {
    let file = yaml(&repository("alerts/qlara.rules.yml"));
    file["groups"][0]["rules"]
        .as_array()
        .expect("rules")
        .clone()
}

/// The alerts about problems. `Watchdog` fires always.
pub fn alerts() -> BTreeMap<String, Value> {
    let named = |rule: Value| Some((rule["alert"].as_str()?.to_owned(), rule));
    let mut alerts: BTreeMap<String, Value> = rules().into_iter().filter_map(named).collect();
    alerts
        .remove("Watchdog")
        .expect("an alert that always fires");
    alerts
}

fn test_files() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(repository("tests/alerts")).expect("a folder");
    folder
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no text {key} in {value}"))
}

pub fn succeeds(command: &mut Command) -> String {
    let (code, output, error) = run(command);
    assert_eq!(code, 0, "{command:?}\n{output}{error}");
    output
}

#[test]
fn promtool_accepts_the_rules() {
    needs!("promtool");
    let check = ["check", "rules", "--lint=all", "--lint-fatal"];
    succeeds(
        Command::new("promtool")
            .args(check)
            .arg(repository("alerts/qlara.rules.yml")),
    );
}

#[test]
fn rule_unit_tests_pass() {
    needs!("promtool");
    let files = Mutex::new(test_files());
    assert!(!files.lock().is_empty());
    let workers = std::thread::available_parallelism().map_or(1, |number| number.get());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let file = files.lock().pop();
                    let Some(file) = file else { return };
                    passes(&file);
                }
            });
        }
    });
}

/// The tests of a file take up to minutes, so they leave the processors to tests that run at the same time.
fn passes(file: &Path) {
    let mut promtool = Command::new("nice");
    promtool.args(["-n", "10", "promtool", "test", "rules"]);
    succeeds(promtool.env("GOMAXPROCS", "1").env("TZ", "UTC").arg(file));
}

#[test]
fn every_alert_is_tested_before_during_and_after_firing() {
    let mut seen: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for file in test_files() {
        for group in yaml(&file)["tests"].as_array().expect("tests") {
            // Evaluation times increase within a test, so "quiet" comes before or after firing.
            let mut fired = BTreeSet::new();
            for check in group["alert_rule_test"].as_array().into_iter().flatten() {
                let alert = text(check, "alertname").to_owned();
                let expected = check["exp_alerts"].as_array().expect("a list");
                let phase = match (expected.is_empty(), fired.contains(&alert)) {
                    (false, _) => {
                        text(&expected[0]["exp_annotations"], "description");
                        fired.insert(alert.clone());
                        "fires"
                    }
                    (true, false) => "quiet",
                    (true, true) => "resolves",
                };
                seen.entry(alert).or_default().insert(phase);
            }
        }
    }
    for alert in alerts().keys() {
        let phases = seen.get(alert).cloned().unwrap_or_default();
        assert_eq!(
            phases,
            BTreeSet::from(["quiet", "fires", "resolves"]),
            "{alert}"
        );
    }
}

#[test]
fn every_alert_has_the_labels_and_annotations_of_routes_and_people() {
    let alerts = alerts();
    assert!(alerts.len() > 20, "{}", alerts.len());
    for (name, rule) in &alerts {
        let (labels, annotations) = (&rule["labels"], &rule["annotations"]);
        assert!(
            ["critical", "warning", "info"].contains(&text(labels, "severity")),
            "{name}"
        );
        assert!(
            ["exporter", "account", "platform", "profile"].contains(&text(labels, "scope")),
            "{name}"
        );
        text(rule, "for");
        for annotation in ["summary", "action"] {
            let sentence = text(annotations, annotation);
            assert!(
                !sentence.contains("{{"),
                "{name}: the {annotation} is the same for all"
            );
            assert!(
                sentence.ends_with('.') && sentence.matches(". ").count() == 0,
                "{name}: one sentence"
            );
        }
        for annotation in ["description", "resolved"] {
            assert!(
                text(annotations, annotation).contains("{{"),
                "{name}: the {annotation} tells which"
            );
        }
        let dashboard = match text(labels, "scope") {
            "profile" | "platform" => "qlara-profiles",
            _ => "qlara-exporter",
        };
        assert!(
            text(annotations, "dashboard_url").contains(&format!("/d/{dashboard}")),
            "{name}"
        );
        let page = format!("/docs/runbooks/{name}.md");
        assert!(text(annotations, "runbook_url").ends_with(&page), "{name}");
    }
}

#[test]
fn links_to_dashboards_use_existing_addresses_and_variables() {
    for (name, rule) in alerts() {
        let url = text(&rule["annotations"], "dashboard_url");
        let (_, rest) = url.split_once("/d/").expect("a dashboard");
        let uid = rest.split(['?', '{']).next().expect("a uid");
        let file = repository("dashboards").join(format!("{uid}.json"));
        let dashboard = std::fs::read_to_string(file).expect("a file");
        let dashboard: Value = serde_json::from_str(&dashboard).expect("JSON");
        assert_eq!(dashboard["uid"], uid, "{name}");
        let variables = dashboard["templating"]["list"].as_array().expect("a list");
        for variable in rest.split("var-").skip(1) {
            let variable = variable.split('=').next().expect("a name");
            let exists = variables.iter().any(|known| known["name"] == variable);
            assert!(exists, "{name}: {variable}");
        }
    }
}

/// People who manage profiles read these texts.
#[test]
fn alerts_of_profiles_and_platforms_avoid_technical_terms() {
    let mut read = 0;
    for file in test_files() {
        let tests = yaml(&file)["tests"].as_array().expect("tests").clone();
        let checks = tests
            .iter()
            .filter_map(|test| test["alert_rule_test"].as_array());
        let expected = checks
            .flatten()
            .filter_map(|check| check["exp_alerts"].as_array());
        for alert in expected.flatten() {
            if !["profile", "platform"].contains(&text(&alert["exp_labels"], "scope")) {
                continue;
            }
            for annotation in ["summary", "description", "action", "resolved"] {
                let sentence = text(&alert["exp_annotations"], annotation);
                for term in ["token", "gateway", "exporter", "configuration", "metric"] {
                    let lower_case = sentence.to_lowercase();
                    assert!(!lower_case.contains(term), "{term}: {sentence}");
                }
                read += 1;
            }
        }
    }
    assert!(read > 80, "{read} texts");
}

/// A query for the name of a profile that selected by fewer labels could find the name of another profile.
#[test]
fn queries_of_annotations_select_the_subject_of_their_alert() {
    let mut queries = 0;
    for (name, rule) in alerts() {
        let description = text(&rule["annotations"], "description").to_owned();
        for part in description.split("printf \"").skip(1) {
            let (query, arguments) = part.split_once("\" ").expect("arguments");
            let Some((_, matchers)) = query.split_once('{') else {
                continue;
            };
            let (matchers, _) = matchers.split_once('}').expect("an end of the matchers");
            let (arguments, _) = arguments.split_once(" |").expect("an end of the arguments");
            let labels = scope_labels(&rule).iter();
            let expected: Vec<String> = labels.clone().map(|label| format!("{label}=%q")).collect();
            assert_eq!(matchers, expected.join(","), "{name}");
            let expected: Vec<String> = labels.map(|label| format!("$labels.{label}")).collect();
            assert_eq!(arguments, expected.join(" "), "{name}");
            queries += 1;
        }
    }
    assert!(queries > 10, "{queries}");
}

/// Prometheus restores the `for` of an alert after a restart if it is at least `--rules.alert.for-grace-period`.
#[test]
fn restart_of_prometheus_resolves_no_critical_alert() {
    for (name, rule) in alerts() {
        let wait = text(&rule, "for");
        let minutes: u64 = match wait.strip_suffix('m') {
            Some(minutes) => minutes.parse().expect("a number"),
            None => 60,
        };
        if text(&rule["labels"], "severity") == "critical" {
            assert!(minutes == 0 || minutes >= 10, "{name} waits {wait}");
        }
    }
}

#[tokio::test]
async fn rules_use_only_existing_metrics() {
    let scrape = full_scrape().await;
    let mut names: BTreeSet<String> = BTreeSet::new();
    for line in scrape.text.lines().filter(|line| !line.starts_with('#')) {
        let series = line.split(['{', ' ']).next().expect("a name");
        names.insert(series.to_owned());
    }
    let rules = rules();
    names.extend(
        rules
            .iter()
            .filter_map(|rule| Some(rule["record"].as_str()?.to_owned())),
    );
    let mut used = 0;
    for rule in &rules {
        let expression = text(rule, "expr");
        let words =
            expression.split(|char: char| !(char.is_ascii_alphanumeric() || "_:".contains(char)));
        for word in words.filter(|word| word.contains("qlara") && *word != "qlara") {
            assert!(names.contains(word), "{word} in {expression}");
            used += 1;
        }
    }
    assert!(used > 50, "{used} names found");
}

#[test]
fn every_recording_rule_has_a_comment() {
    let file = std::fs::read_to_string(repository("alerts/qlara.rules.yml")).expect("a file");
    let lines: Vec<&str> = file.lines().map(str::trim_start).collect();
    let mut rules = 0;
    for pair in lines.windows(2) {
        if let Some(name) = pair[1].strip_prefix("- record: ") {
            assert!(pair[0].starts_with("# "), "{name}: {}", pair[0]);
            rules += 1;
        }
    }
    assert!(rules > 50, "{rules} rules");
}

#[test]
fn job_and_thresholds_are_defined_once() {
    let file = std::fs::read_to_string(repository("alerts/qlara.rules.yml")).expect("a file");
    let all = rules();
    let targets = all.iter().find(|rule| rule["record"] == "qlara:target_up");
    let targets = text(targets.expect("a rule"), "expr");
    let matchers = |text: &str| text.matches("job=\"qlara\"").count();
    assert_eq!(matchers(targets), 2);
    assert_eq!(matchers(&file), 2, "the job");
    let thresholds: Vec<String> = rules()
        .iter()
        .filter(|rule| rule["record"] == "qlara:threshold")
        .map(|rule| {
            rule["labels"]["threshold"]
                .as_str()
                .expect("a name")
                .to_owned()
        })
        .collect();
    let used: BTreeSet<&str> = file
        .split("threshold=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(used, thresholds.iter().map(String::as_str).collect());
}

#[test]
fn amtool_accepts_the_configuration() {
    needs!("amtool");
    succeeds(
        Command::new("amtool")
            .arg("check-config")
            .arg(repository("alerts/alertmanager.yml")),
    );
}

/// The example of a receiver with this name, uncommented.
fn example_receiver(configuration: &str, name: &str) -> String {
    let start = format!("  # - name: {name}");
    let mut lines = configuration.lines().skip_while(|line| *line != start);
    let first = lines.next().unwrap_or_else(|| panic!("no example {name}"));
    let rest = lines.take_while(|line| line.starts_with("  #   "));
    let uncommented = [first].into_iter().chain(rest);
    let lines = uncommented.map(|line| line.replacen("# ", "", 1) + "\n");
    lines.collect()
}

#[test]
fn amtool_accepts_each_example_of_a_receiver() {
    needs!("amtool");
    let text = std::fs::read_to_string(repository("alerts/alertmanager.yml")).expect("a file");
    let examples = [
        ("pagerduty", "pagerduty_configs"),
        ("opsgenie", "opsgenie_configs"),
        ("teams", "webhook_configs"),
        ("slack", "slack_configs"),
        ("e-mail", "email_configs"),
        ("telegram", "telegram_configs"),
    ];
    assert_eq!(text.matches("\n  # - name: ").count(), examples.len());
    let folder = tempfile::tempdir().expect("a folder");
    let templates = repository("alerts/qlara.tmpl");
    std::fs::copy(templates, folder.path().join("qlara.tmpl")).expect("a copy");
    let file = folder.path().join("alertmanager.yml");
    let accepted = |text: &str| {
        std::fs::write(&file, text).expect("a file");
        succeeds(Command::new("amtool").arg("check-config").arg(&file));
        yaml(&file)
    };
    let before = accepted(&text)["receivers"]
        .as_array()
        .expect("a list")
        .len();
    for (name, kind) in examples {
        let receiver = example_receiver(&text, name);
        let mut configuration = accepted(&format!("{text}{receiver}"));
        let added = &configuration["receivers"][before];
        assert_eq!(added["name"], name);
        assert!(added[kind].is_array(), "{added}");
        // In the place of the receiver for on-call.
        let receivers = configuration["receivers"].as_array_mut().expect("a list");
        let mut example = receivers.pop().expect("the example");
        example["name"] = json!("on-call");
        let on_call = receivers.iter_mut().find(|one| one["name"] == "on-call");
        *on_call.expect("a receiver") = example;
        accepted(&configuration.to_string());
    }
}

#[test]
fn alerts_reach_their_receivers() {
    needs!("amtool");
    for (labels, receivers) in [
        ("severity=critical scope=exporter", "on-call"),
        ("severity=critical scope=account account=a", "on-call"),
        (
            "alertname=QlaraProfileFailedWithPlatform severity=info scope=profile platform=tiktok",
            "nobody",
        ),
        (
            "alertname=Watchdog severity=none scope=exporter",
            "dead-mans-switch",
        ),
        ("severity=warning scope=exporter", "operators"),
        ("severity=info scope=account account=a", "operators"),
        (
            "severity=critical scope=profile platform=facebook profile=p",
            "on-call,social-team",
        ),
        (
            "severity=critical scope=profile platform=whatsapp profile=p",
            "on-call,whatsapp-team",
        ),
        (
            "severity=critical scope=platform platform=instagram",
            "on-call,social-team",
        ),
        (
            "severity=warning scope=profile platform=instagram profile=p account=a",
            "social-team",
        ),
        (
            "severity=info scope=profile platform=whatsapp profile=p",
            "whatsapp-team",
        ),
        (
            "severity=warning scope=profile platform=whatsapp profile=p account=example-brand",
            "example-brand-team",
        ),
        (
            "severity=critical scope=profile platform=facebook profile=p account=example-brand",
            "on-call,example-brand-team",
        ),
    ] {
        let file = format!(
            "--config.file={}",
            repository("alerts/alertmanager.yml").display()
        );
        let routes = ["config", "routes", "test", &file];
        let output = succeeds(Command::new("amtool").args(routes).args(labels.split(' ')));
        assert_eq!(output.trim(), receivers, "{labels}");
    }
}

/// A resolved message would count as a call, and a message that waits as none.
#[test]
fn watchdog_calls_its_own_receiver_every_five_minutes_and_takes_no_part_in_inhibition() {
    let configuration = yaml(&repository("alerts/alertmanager.yml"));
    let routes = &configuration["route"]["routes"];
    let matcher = json!(["alertname = \"Watchdog\""]);
    let mut routes = routes.as_array().expect("routes").iter();
    let route = routes.find(|route| route["matchers"] == matcher);
    let expected = json!({
        "matchers": matcher, "receiver": "dead-mans-switch",
        "group_wait": "0s", "group_interval": "1m", "repeat_interval": "5m",
    });
    assert_eq!(route, Some(&expected));
    let receivers = configuration["receivers"].as_array().expect("receivers");
    let mut own = receivers
        .iter()
        .filter(|one| one["name"] == "dead-mans-switch");
    let own = own.next().expect("a receiver");
    assert_eq!(own["webhook_configs"][0]["send_resolved"], false);

    let watchdog = ["alertname", "severity", "scope"].map(str::to_owned);
    let labels = watchdog
        .into_iter()
        .zip(["Watchdog", "none", "exporter"].map(str::to_owned));
    let labels = labels.collect();
    for rule in configuration["inhibit_rules"].as_array().expect("rules") {
        for side in ["source_matchers", "target_matchers"] {
            assert!(!matches(rule, side, &labels), "{rule}");
        }
    }
}

/// The last stage of the delivery time in `docs/alerts.md`.
#[test]
fn alerts_of_profiles_and_platforms_are_sent_within_seconds() {
    let configuration = yaml(&repository("alerts/alertmanager.yml"));
    let routes = configuration["route"]["routes"].as_array().expect("routes");
    let own = routes
        .iter()
        .filter(|route| route["matchers"].to_string().contains("profile|"));
    let waits: Vec<[&str; 3]> = own
        .map(|route| ["receiver", "group_wait", "group_interval"].map(|key| text(route, key)))
        .collect();
    let expected = [["on-call", "10s", "20s"], ["social-team", "10s", "20s"]];
    assert_eq!(waits, expected);
}

#[test]
fn only_non_urgent_alerts_wait_for_business_hours() {
    fn visit(route: &Value, matchers: &[String], found: &mut usize) {
        let own = route["matchers"].as_array().into_iter().flatten();
        let own = own.map(|matcher| matcher.as_str().expect("a matcher").to_owned());
        let matchers: Vec<String> = matchers.iter().cloned().chain(own).collect();
        if !route["active_time_intervals"].is_null() {
            assert!(
                matchers
                    .iter()
                    .any(|matcher| matcher == "severity =~ \"warning|info\""),
                "{matchers:?}"
            );
            *found += 1;
        }
        for child in route["routes"].as_array().into_iter().flatten() {
            visit(child, &matchers, found);
        }
    }
    let mut found = 0;
    visit(
        &yaml(&repository("alerts/alertmanager.yml"))["route"],
        &[],
        &mut found,
    );
    assert!(found >= 4, "{found}");
}

/// The alert names in a list of matchers.
pub fn named(matchers: &Value) -> Vec<String> {
    let matchers = matchers.as_array().expect("a list").iter();
    let matchers = matchers.map(|matcher| matcher.as_str().expect("a matcher"));
    let names = matchers.filter_map(|matcher| matcher.strip_prefix("alertname"));
    names
        .flat_map(|rest| rest.split('"').nth(1).expect("a value").split('|'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn inhibition_rules_name_existing_alerts_and_spare_token_expiry() {
    let alerts = alerts();
    let configuration = yaml(&repository("alerts/alertmanager.yml"));
    for rule in configuration["inhibit_rules"].as_array().expect("rules") {
        let (sources, targets) = (
            named(&rule["source_matchers"]),
            named(&rule["target_matchers"]),
        );
        assert!(!sources.is_empty() && !targets.is_empty(), "{rule}");
        for name in sources.iter().chain(&targets) {
            assert!(
                alerts.contains_key(name),
                "{name} is in an inhibition rule, but no alert has this name"
            );
        }
        let blind = sources.iter().any(|source| {
            ["QlaraExporter", "QlaraAccounts", "QlaraGateway"]
                .iter()
                .any(|start| source.starts_with(start))
        });
        for counted_down in [
            "QlaraTokenExpired",
            "QlaraTokenExpiryImminent",
            "QlaraTokenExpiryNear",
        ] {
            assert!(
                !blind || !targets.contains(&counted_down.to_owned()),
                "{rule}"
            );
        }
        // An alert that is source and target would inhibit itself.
        assert!(
            sources.iter().all(|source| !targets.contains(source)),
            "{rule}"
        );
    }
}

/// The external labels that two alerts must share for one to inhibit the other.
pub const EXTERNAL_LABELS: [&str; 33] = [
    "cluster",
    "cluster_name",
    "cluster_id",
    "k8s_cluster",
    "environment",
    "env",
    "environment_name",
    "env_name",
    "platform_env",
    "stage",
    "tier",
    "region",
    "aws_region",
    "country",
    "location",
    "zone",
    "az",
    "availability_zone",
    "datacenter",
    "dc",
    "site",
    "tenant",
    "tenant_id",
    "customer",
    "team",
    "organization",
    "project",
    "account_id",
    "namespace",
    "monitor",
    "prometheus",
    "origin_prometheus",
    "shard",
];

/// The labels that identify the subject of an alert.
pub fn scope_labels(alert: &Value) -> &'static [&'static str] {
    match text(&alert["labels"], "scope") {
        "exporter" => &["job"],
        "account" => &["job", "account"],
        "platform" => &["job", "account", "platform"],
        _ => &["job", "account", "platform", "profile"],
    }
}

#[test]
fn inhibition_is_limited_to_the_scope_of_its_source() {
    let alerts = alerts();
    let configuration = yaml(&repository("alerts/alertmanager.yml"));
    let group_by = configuration["route"]["group_by"].as_array();
    let group_by = group_by.expect("a list");
    for label in EXTERNAL_LABELS {
        assert!(group_by.contains(&json!(label)), "{label}");
    }
    for rule in configuration["inhibit_rules"].as_array().expect("rules") {
        // An alert about the exporter has no label that tells whose it is.
        for source in named(&rule["source_matchers"]) {
            let scope = text(&alerts[&source]["labels"], "scope");
            assert_ne!(scope, "exporter", "{rule}");
        }
        // Source and target must share the labels that identify the source's subject.
        let common =
            |name: &String| json!([scope_labels(&alerts[name]), &EXTERNAL_LABELS].concat());
        for source in named(&rule["source_matchers"]) {
            assert_eq!(rule["equal"], common(&source), "{rule}");
        }
    }
}

/// The commands in the table of `docs/alerts.md`, without the escapes of pipes in tables.
#[test]
fn documented_sed_commands_work() {
    needs!("amtool");
    let table = std::fs::read_to_string(repository("docs/alerts.md")).expect("a text");
    let commands: Vec<String> = table
        .split("`sed -i ")
        .skip(1)
        .map(|rest| rest.split('`').next().expect("an end"))
        .map(|arguments| format!("sed -i {}", arguments.replace("\\|", "|")))
        .collect();
    assert_eq!(commands.len(), 5, "{commands:?}");
    let folder = tempfile::tempdir().expect("a folder");
    for file in ["qlara.rules.yml", "alertmanager.yml", "qlara.tmpl"] {
        let from = repository("alerts").join(file);
        std::fs::copy(from, folder.path().join(file)).expect("a copy");
    }
    for command in &commands {
        let shell = ["-e", "-c", command];
        succeeds(Command::new("sh").current_dir(folder.path()).args(shell));
    }
    let rules = std::fs::read_to_string(folder.path().join("qlara.rules.yml")).expect("a file");
    for moved in [
        "runbook_url: https://YOUR.ADDRESS/Qlara",
        "dashboard_url: https://YOUR.GRAFANA/d/qlara-",
    ] {
        assert_eq!(rules.matches(moved).count(), alerts().len(), "{moved}");
    }
    let messages = std::fs::read_to_string(folder.path().join("qlara.tmpl")).expect("a file");
    assert!(!messages.contains("example.com"), "{messages}");
    let file = folder.path().join("alertmanager.yml");
    succeeds(Command::new("amtool").arg("check-config").arg(&file));
    for label in EXTERNAL_LABELS {
        assert!(table.contains(&format!("`{label}`")), "{label}");
    }
    let own = json!("YOUR_LABEL");
    for rule in yaml(&file)["inhibit_rules"].as_array().expect("rules") {
        assert!(rule["equal"].as_array().expect("a list").contains(&own));
    }
}

#[test]
fn every_template_of_a_receiver_is_defined() {
    let configuration =
        std::fs::read_to_string(repository("alerts/alertmanager.yml")).expect("a file");
    let templates = std::fs::read_to_string(repository("alerts/qlara.tmpl")).expect("a file");
    let uses = |text: &str| -> Vec<String> {
        let names = text.split("template \"").skip(1);
        names
            .filter_map(|rest| Some(rest.split('"').next()?.to_owned()))
            .collect()
    };
    let used = [uses(&configuration), uses(&templates)].concat();
    assert!(used.len() > 5, "{used:?}");
    for name in used {
        assert!(
            templates.contains(&format!("{{{{ define \"{name}\" ")),
            "{name}"
        );
    }
}

#[test]
fn unreachable_gateway_inhibits_all_alerts_on_states() {
    let configuration = yaml(&repository("alerts/alertmanager.yml"));
    let silenced = |source: &str| -> BTreeSet<String> {
        let rules = configuration["inhibit_rules"]
            .as_array()
            .expect("rules")
            .iter();
        let rules = rules.filter(|rule| {
            named(&rule["source_matchers"])
                .iter()
                .any(|name| name == source)
        });
        rules
            .flat_map(|rule| named(&rule["target_matchers"]))
            .collect()
    };
    let counted_down = [
        "QlaraTokenExpired",
        "QlaraTokenExpiryImminent",
        "QlaraTokenExpiryNear",
    ];
    // The first compares what an exporter reads now with what it read before; the second is sent to nobody.
    let needs_sight = ["QlaraProfileDisappeared", "QlaraProfileFailedWithPlatform"];
    for (name, rule) in alerts() {
        let of_profiles = ["profile", "platform"].contains(&text(&rule["labels"], "scope"));
        let expected = of_profiles
            && !counted_down.contains(&name.as_str())
            && !needs_sight.contains(&name.as_str());
        if of_profiles {
            let source = "QlaraGatewayUnreachable";
            assert_eq!(silenced(source).contains(&name), expected, "{name}");
        }
        // A removed account must not be told as solved.
        let own = ["QlaraAccountRemoved", "QlaraProfileFailedWithPlatform"];
        let of_accounts = text(&rule["labels"], "scope") != "exporter";
        assert_eq!(
            silenced("QlaraAccountRemoved").contains(&name),
            of_accounts && !own.contains(&name.as_str()),
            "{name}"
        );
    }
}
