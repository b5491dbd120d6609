//! Whom alerts reach, when, and how often. The expectations are those of people who receive alerts; `alerts_live` shows that
//! Alertmanager does what its configuration says.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};

use crate::alerting::{repository, succeeds, text, yaml};
use crate::harness::Setup;
use crate::harness::tools::needs;
use crate::page::{assert_contains, names, page, profile};

pub type Labels = BTreeMap<String, String>;

pub fn configuration() -> Value {
    yaml(&repository("alerts/alertmanager.yml"))
}

pub fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

/// Whether labels match all matchers such as `scope =~ "profile|platform"`, whose regular expressions are alternatives.
pub fn matches(matchers: &Value, key: &str, labels: &Labels) -> bool {
    list(matchers, key).all(|matcher| {
        let matcher = matcher.as_str().expect("a matcher");
        let (left, value) = matcher.split_once('"').expect("a quoted value");
        let value = value.strip_suffix('"').expect("a quoted value");
        let (label, operator) = left.trim().split_once(' ').expect("an operator");
        let actual = labels.get(label).map_or("", String::as_str);
        match operator {
            "=" => actual == value,
            "!=" => actual != value,
            "=~" => value.split('|').any(|value| actual == value),
            "!~" => value.split('|').all(|value| actual != value),
            _ => panic!("{matcher}"),
        }
    })
}

/// What Alertmanager does with an alert, for each receiver.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Delivery {
    receiver: String,
    when: String,
    repeated: String,
}

/// Follows the routes as Alertmanager does: a route without a matching child delivers, and settings other than time
/// intervals are inherited.
fn deliveries(route: &Value, labels: &Labels, inherited: (&str, &str)) -> Vec<Delivery> {
    let receiver = route["receiver"].as_str().unwrap_or(inherited.0);
    let repeated = route["repeat_interval"].as_str().unwrap_or(inherited.1);
    let mut found = Vec::new();
    for child in list(route, "routes").filter(|child| matches(child, "matchers", labels)) {
        found.extend(deliveries(child, labels, (receiver, repeated)));
        if child["continue"] != true {
            break;
        }
    }
    if found.is_empty() {
        let waits = list(route, "active_time_intervals").next().is_some();
        found.push(Delivery {
            receiver: receiver.to_owned(),
            when: if waits { "business hours" } else { "any time" }.to_owned(),
            repeated: repeated.to_owned(),
        });
    }
    found
}

/// The cells of the rows of the first table after a heading of `docs/alerts.md`.
fn documented_rows(heading: &str) -> Vec<Vec<String>> {
    let page = std::fs::read_to_string(repository("docs/alerts.md")).expect("a text");
    let (_, section) = page
        .split_once(&format!("\n## {heading}\n"))
        .expect("a section");
    let rows = section
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            line.trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().replace('`', ""))
                .collect()
        })
        .collect()
}

#[test]
fn alerts_are_delivered_and_repeated_as_documented() {
    let configuration = configuration();
    let rows = documented_rows("Routing");
    let mut seen = BTreeSet::new();
    // The teams that stand for "the team" in the documentation.
    for (platform, account, team) in [
        ("facebook", "brandco", "social-team"),
        ("whatsapp", "brandco", "whatsapp-team"),
        ("instagram", "example-brand", "example-brand-team"),
        ("whatsapp", "example-brand", "example-brand-team"),
    ] {
        for severity in ["critical", "warning", "info"] {
            for scope in ["exporter", "account", "platform", "profile"] {
                let labels = [
                    ("severity", severity),
                    ("scope", scope),
                    ("platform", platform),
                    ("account", account),
                ];
                let labels = labels
                    .map(|(label, value)| (label.to_owned(), value.to_owned()))
                    .into();
                let mut found = deliveries(&configuration["route"], &labels, ("", ""));
                found.sort();
                let mut expected: Vec<Delivery> = rows
                    .iter()
                    .filter(|row| row[0].contains(severity) && row[1].contains(scope))
                    .map(|row| Delivery {
                        receiver: row[2].replace("the team", team),
                        when: row[3].clone(),
                        repeated: row[4].clone(),
                    })
                    .collect();
                expected.sort();
                assert_eq!(found, expected, "{labels:?}");
                seen.extend(found);
            }
        }
    }
    assert!(seen.len() > 8, "{seen:?}");
}

#[test]
fn notifications_are_grouped_by_the_subject_of_the_alert_but_not_by_profile() {
    let route = &configuration()["route"];
    let labels: Vec<&str> = list(route, "group_by")
        .map(|label| label.as_str().expect("a label"))
        .collect();
    for label in ["job", "alertname", "account", "platform"] {
        assert!(labels.contains(&label), "{label}");
    }
    // Ten profiles that lose their tokens at once are one message.
    assert!(
        !labels.contains(&"profile") && !labels.contains(&"instance"),
        "{labels:?}"
    );
    let page = std::fs::read_to_string(repository("docs/alerts.md")).expect("a text");
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let [wait, interval] = ["group_wait", "group_interval"].map(|key| text(route, key));
    assert!(
        page.contains(&format!("waits {wait} before it sends")),
        "{wait}"
    );
    assert!(
        page.contains(&format!("waits {interval} before it adds")),
        "{interval}"
    );
}

#[test]
fn business_hours_are_working_hours_of_a_place_with_its_daylight_saving_time() {
    let configuration = configuration();
    let hours = &configuration["time_intervals"][0]["time_intervals"][0];
    assert_eq!(hours["weekdays"], json!(["monday:friday"]));
    let zone = text(hours, "location");
    assert!(
        std::path::Path::new("/usr/share/zoneinfo")
            .join(zone)
            .exists()
            && zone.contains('/'),
        "{zone}"
    );
    let times = &hours["times"][0];
    let hour = |key| text(times, key)[..2].parse::<u32>().expect("an hour");
    let (start, end) = (hour("start_time"), hour("end_time"));
    assert!(
        (7..=9).contains(&start) && (16..=18).contains(&end),
        "{start} to {end}"
    );
}

#[test]
fn people_are_told_when_a_problem_is_solved() {
    let configuration = configuration();
    let mut told = 0;
    let receivers = list(&configuration, "receivers");
    // A machine, for which the end of the alert must be silence.
    for receiver in receivers.filter(|one| one["name"] != "dead-mans-switch") {
        for (kind, by_default) in [
            ("email_configs", false),
            ("slack_configs", false),
            ("webhook_configs", true),
        ] {
            for integration in list(receiver, kind) {
                let sends = integration["send_resolved"].as_bool();
                assert!(sends.unwrap_or(by_default), "{receiver}");
                told += 1;
            }
        }
    }
    assert!(told >= 5, "{told}");
}

#[test]
fn name_of_a_profile_cannot_mention_a_channel() {
    needs!("amtool");
    for status in ["firing", "resolved"] {
        let alert = json!({"status": status, "labels": {"severity": "critical"},
            "annotations": {"summary": "A token.", "description": "The token of <!channel> expired.",
                "resolved": "Messages through <!channel> go through again."}});
        let data = json!({"receiver": "operators", "status": status, "alerts": [alert],
            "commonLabels": alert["labels"], "commonAnnotations": {"summary": "A token."}, "externalURL": ""});
        let text = rendered(r#"{{ template "qlara.text" . }}"#, &data);
        assert!(text.contains("!channel"), "{text}");
        assert!(!text.contains(['<', '>']), "{text}");
    }
}

/// What Alertmanager makes of this text and of the data of a message.
fn rendered(text: &str, data: &Value) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("data.json");
    std::fs::write(&file, data.to_string()).expect("a file");
    let templates = repository("alerts/qlara.tmpl");
    succeeds(Command::new("amtool").args([
        "template",
        "render",
        &format!("--template.glob={}", templates.display()),
        &format!("--template.data={}", file.display()),
        &format!("--template.text={text}"),
    ]))
}

/// The link to the status page in a message about alerts that have these labels in common, without the exporter's address.
fn status_path(labels: &Value) -> String {
    let text = r#"{{ template "qlara.status_url" .CommonLabels }}"#;
    let link = rendered(text, &json!({"commonLabels": labels}));
    let path = link
        .trim()
        .strip_prefix("https://qlara-exporter.example.com");
    path.expect("the exporter's address").to_owned()
}

#[tokio::test]
async fn messages_link_to_the_page_of_their_profile_platform_or_account() {
    needs!("amtool");
    const HOSTILE: &str = "a b&c=d+e%20f/?#\"<ü>🍕";
    let account = "Zoë & Co + 1";
    let setup = Setup::yaml(&format!(
        "accounts: [{{name: \"{account}\", api_key_env: QLARA_API_KEY}}]"
    ));
    let profiles = [HOSTILE, "other"].map(|platform| profile(platform, HOSTILE, platform));
    let stack = setup.with_profiles(json!(profiles)).await;
    let profile = json!({"account": account, "platform": HOSTILE, "profile": HOSTILE});
    let platform = json!({"account": account, "platform": HOSTILE});
    let everything = json!({"account": account});

    let own = page(&stack, &status_path(&profile)).await;
    let heading = "<h1><bdi>a b&amp;c=d+e%20f/?#&quot;&lt;ü&gt;🍕</bdi>";
    assert_contains(&own, &[heading]);
    for (labels, count) in [(platform, 1), (everything, 2)] {
        let path = status_path(&labels);
        assert_eq!(names(&page(&stack, &path).await).len(), count, "{path}");
    }
}
