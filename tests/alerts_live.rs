//! From an expired token to a message: the real Prometheus and Alertmanager, with the rules and the configuration
//! of `alerts/` and shorter intervals.

mod notifications;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::routing::post;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::alerting::{EXTERNAL_LABELS, alerts, named, repository, scope_labels, yaml};
use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter};
use crate::harness::tools::needs;
use crate::harness::{API_KEY, Gateway, eventually, http};
use crate::prometheus::{Prometheus, TIME_ZONE, system_gateway};

mod restart;

type Messages = Arc<Mutex<Vec<(String, Value)>>>;

/// A server that all receivers send to, and that records the messages.
async fn message_sink() -> (String, Messages) {
    async fn keep(
        UrlPath(receiver): UrlPath<String>,
        State(messages): State<Messages>,
        body: String,
    ) -> &'static str {
        let message = serde_json::from_str(&body).expect("JSON");
        messages.lock().push((receiver, message));
        // The response of Slack.
        "ok"
    }
    let messages = Messages::default();
    let router = Router::new()
        .route("/{receiver}", post(keep))
        .with_state(Arc::clone(&messages));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, messages)
}

/// The real exporter at this address, which reads the gateway every second.
fn start_exporter(gateway: &Gateway, address: &str) -> Running {
    Running::start(exporter().env("QLARA_API_KEY", API_KEY).args([
        "--qlara.url",
        &gateway.url(),
        "--web.listen-address",
        address,
        "--cache.ttl=1s",
    ]))
}

/// The rules with `for` and the thresholds that take its place shortened.
fn quick_rules() -> String {
    let mut rules = yaml(&repository("alerts/qlara.rules.yml"));
    rules["groups"][0]["interval"] = json!("1s");
    for rule in rules["groups"][0]["rules"].as_array_mut().expect("rules") {
        let threshold = rule["labels"]["threshold"].as_str();
        if threshold.is_some_and(|name| name.ends_with("_after_seconds")) {
            rule["expr"] = json!("vector(1)");
        }
        if let Some(alert) = rule
            .as_object_mut()
            .filter(|rule| rule.contains_key("alert"))
        {
            alert.insert("for".to_owned(), json!("1s"));
            if let Some(keep) = alert.get_mut("keep_firing_for") {
                // Long enough that the alerts it inhibits end first.
                *keep = json!("5s");
            }
        }
    }
    // Every JSON text is YAML.
    rules.to_string()
}

/// Removes the waiting times of the routes below this one.
fn wait_as_parent(route: &mut Value) {
    for child in route["routes"].as_array_mut().into_iter().flatten() {
        let keys = child.as_object_mut().expect("a route");
        keys.retain(|key, _| !["group_wait", "group_interval"].contains(&key.as_str()));
        wait_as_parent(child);
    }
}

/// The configuration with all receivers at one address and without waiting times.
fn quick_configuration(sink: &str) -> Value {
    let mut configuration = yaml(&repository("alerts/alertmanager.yml"));
    configuration["templates"] = json!([repository("alerts/qlara.tmpl")]);
    configuration["time_intervals"] = json!([{"name": "business-hours",
        "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]}]);
    wait_as_parent(&mut configuration["route"]);
    let route = configuration["route"].as_object_mut().expect("a route");
    route.insert("group_wait".to_owned(), json!("2s"));
    route.insert("group_interval".to_owned(), json!("1s"));
    for receiver in configuration["receivers"]
        .as_array_mut()
        .expect("receivers")
    {
        let name = receiver["name"].as_str().expect("a name").to_owned();
        let mut slack = receiver["slack_configs"].clone();
        if let Some(slack) = slack.get_mut(0) {
            slack["api_url"] = json!(format!("{sink}/slack"));
        }
        *receiver = json!({"name": name, "webhook_configs": [{"url": format!("{sink}/{name}")}]});
        if slack.is_array() {
            receiver["slack_configs"] = slack;
        }
    }
    configuration
}

/// The real Alertmanager with the quick configuration, and its address.
fn start_alertmanager(folder: &Path, sink: &str) -> (Running, String) {
    launch_alertmanager(folder, &quick_configuration(sink))
}

/// The real Alertmanager with this configuration, and its address.
fn launch_alertmanager(folder: &Path, configuration: &Value) -> (Running, String) {
    let file = folder.join("alertmanager.yml");
    std::fs::write(&file, configuration.to_string()).expect("a file");
    let address = format!("127.0.0.1:{}", free_port());
    let running = Running::start(
        Command::new("prometheus-alertmanager")
            .env("TZ", TIME_ZONE)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args([
                "--web.external-url=https://alertmanager.example.com",
                "--web.route-prefix=/",
                "--cluster.listen-address=",
            ]),
    );
    (running, address)
}

/// The alerts in Alertmanager, inhibited or not; empty while it starts.
async fn alerts_at(address: &str) -> Vec<Value> {
    let answer = http().get(format!("http://{address}/api/v2/alerts")).send();
    let Ok(answer) = answer.await else {
        return Vec::new();
    };
    let text = answer.text().await.expect("a text");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The alerts with this status that a receiver was sent.
fn notifications(messages: &Messages, receiver: &str, status: &str) -> Vec<Value> {
    let messages = messages.lock();
    let own = messages.iter().filter(|(name, _)| name == receiver);
    own.flat_map(|(_, message)| message["alerts"].as_array().expect("alerts").clone())
        .filter(|alert| alert["status"] == status)
        .collect()
}

fn profile(id: &str, name: &str, status: &str, permissions: &[&str]) -> Value {
    json!({"platform": "facebook", "profileId": id, "name": name, "status": status,
        "tokenExpiresAt": "2099-01-01T00:00:00Z", "connectedAt": "2026-01-01T00:00:00Z",
        "permissions": permissions})
}

const ALL: [&str; 2] = ["pages_messaging", "pages_read_engagement"];

#[tokio::test]
async fn broken_token_and_its_recovery_notify_the_right_people() {
    needs!("prometheus-alertmanager", "prometheus");
    let gateway = system_gateway().await;
    gateway
        .profiles(&json!([profile(
            "broken",
            "Shop \"Zoë\" 🍕",
            "CONNECTED",
            &ALL
        )]))
        .await;
    let target = format!("127.0.0.1:{}", free_port());
    let _exporter = start_exporter(&gateway, &target);
    let folder = TempDir::new().expect("a folder");
    let (sink, messages) = message_sink().await;
    let (_alertmanager, address) = start_alertmanager(folder.path(), &sink);
    let jobs: [(&str, &[&str]); 1] = [("qlara", &[&target])];
    let prometheus = Prometheus::with_jobs(&jobs, &quick_rules(), &[&address]);
    prometheus.until("qlara_up", 1.0).await;

    // The token expires and loses a permission; another profile lacks the same permission.
    gateway
        .profiles(&json!([
            profile("broken", "Shop \"Zoë\" 🍕", "TOKEN_EXPIRED", &ALL[..1]),
            profile("other", "Other", "CONNECTED", &ALL[..1]),
        ]))
        .await;
    for receiver in ["on-call", "social-team"] {
        let alert = eventually("the alert of the broken token", async || {
            notifications(&messages, receiver, "firing")
                .into_iter()
                .find(|alert| alert["labels"]["alertname"] == "QlaraTokenExpired")
        })
        .await;
        assert_eq!(alert["labels"]["profile"], "broken");
        let description = alert["annotations"]["description"]
            .as_str()
            .expect("a text");
        assert!(
            description.starts_with("Qlara's access to Shop \"Zoë\" 🍕 (Facebook, broken) expired"),
            "{description}"
        );
    }
    let missing = async || {
        let alerts = notifications(&messages, "social-team", "firing").into_iter();
        let alerts =
            alerts.filter(|alert| alert["labels"]["alertname"] == "QlaraProfilePermissionMissing");
        alerts
            .map(|alert| {
                alert["labels"]["profile"]
                    .as_str()
                    .expect("an id")
                    .to_owned()
            })
            .collect::<Vec<_>>()
    };
    eventually("the alert of the other profile", async || {
        missing().await.contains(&"other".to_owned()).then_some(())
    })
    .await;
    prometheus.until(r#"ALERTS{alertname="QlaraProfilePermissionMissing",profile="broken",alertstate="firing"}"#, 1.0).await;

    // The profile is reconnected.
    gateway
        .profiles(&json!([profile(
            "broken",
            "Shop \"Zoë\" 🍕",
            "CONNECTED",
            &ALL
        )]))
        .await;
    for receiver in ["on-call", "social-team"] {
        eventually("the end of the broken token", async || {
            let ended = notifications(&messages, receiver, "resolved");
            ended
                .iter()
                .any(|alert| alert["labels"]["alertname"] == "QlaraTokenExpired")
                .then_some(())
        })
        .await;
    }
    assert!(
        !missing().await.contains(&"broken".to_owned()),
        "an inhibited alert does not arrive"
    );
    for part in [
        "[Act now] Facebook: Qlara's access to a profile has expired, messages fail.",
        "(Facebook, broken) expired: messages fail until somebody reconnects the profile.",
        "*What to do:* Open the Qlara dashboard, choose the profile and reconnect it.",
        "[Solved] Messages through Shop",
        "- Solved: Messages through Shop",
    ] {
        eventually(part, async || {
            let messages = messages.lock();
            let mut slack = messages.iter().filter(|(receiver, _)| receiver == "slack");
            slack
                .any(|(_, message)| message["attachments"][0].to_string().contains(part))
                .then_some(())
        })
        .await;
    }
}

/// Two alerts of their own job, and whether Alertmanager should inhibit the second.
struct Pair {
    source: Value,
    target: Value,
    silenced: bool,
}

impl Pair {
    fn of(source: &Value, target: &Value, silenced: bool) -> Pair {
        let labels = |alert: &Value| {
            let mut labels = alert["labels"].clone();
            labels["alertname"] = alert["alert"].clone();
            for label in scope_labels(alert) {
                labels[label] = json!("the same");
            }
            labels
        };
        Pair {
            source: labels(source),
            target: labels(target),
            silenced,
        }
    }

    /// The same with a label on both sides, or on one.
    fn with(mut self, label: &str, source: Option<&str>, target: Option<&str>) -> Pair {
        for (labels, value) in [(&mut self.source, source), (&mut self.target, target)] {
            if let Some(value) = value {
                labels[label] = json!(value);
            }
        }
        self
    }
}

/// The labels that the matchers `label = "value"` of a source ask for.
fn source_labels(rule: &Value) -> Vec<(String, String)> {
    let matchers = rule["source_matchers"].as_array().expect("a list").iter();
    let matchers = matchers.map(|matcher| matcher.as_str().expect("a matcher"));
    let others = matchers.filter(|matcher| !matcher.starts_with("alertname"));
    others
        .map(|matcher| {
            let (label, value) = matcher.split_once(" = ").expect("an equality");
            (label.to_owned(), value.trim_matches('"').to_owned())
        })
        .collect()
}

/// Every inhibition rule of the configuration, with every external label in its lists.
fn pairs() -> Vec<Pair> {
    let alerts = alerts();
    let configuration = yaml(&repository("alerts/alertmanager.yml"));
    let mut pairs = Vec::new();
    let mut lists = Vec::new();
    for rule in configuration["inhibit_rules"].as_array().expect("rules") {
        let (sources, targets) = (
            named(&rule["source_matchers"]),
            named(&rule["target_matchers"]),
        );
        let own = source_labels(rule);
        let pair = |source: &Value, target: &Value, silenced: bool| {
            let mut pair = Pair::of(source, target, silenced);
            for (label, value) in &own {
                pair = pair.with(label, Some(value), None);
            }
            pair
        };
        for (source, target) in sources
            .iter()
            .flat_map(|source| targets.iter().map(move |target| (source, target)))
        {
            let (source, target) = (&alerts[source], &alerts[target]);
            pairs.push(pair(source, target, true));
            pairs.push(pair(source, target, false).with("cluster", Some("staging"), Some("prod")));
        }
        // Rules share their lists of labels.
        if lists.contains(&&rule["equal"]) {
            continue;
        }
        lists.push(&rule["equal"]);
        let (source, target) = (&alerts[&sources[0]], &alerts[&targets[0]]);
        for label in EXTERNAL_LABELS {
            let same = pair(source, target, true);
            pairs.push(same.with(label, Some("0"), Some("0")));
            for (one, other) in [(Some("0"), Some("1")), (Some("0"), None), (None, Some("0"))] {
                pairs.push(pair(source, target, false).with(label, one, other));
            }
        }
        let everything = EXTERNAL_LABELS
            .iter()
            .fold(pair(source, target, true), |pair, label| {
                pair.with(label, Some("a"), Some("a"))
            });
        pairs.push(everything.with("shard", Some("1"), Some("1")));
        // A pair of replicas that does not drop the replica label.
        let replicas = pair(source, target, true);
        pairs.push(replicas.with("replica", Some("a"), Some("b")));
    }
    pairs
}

#[tokio::test]
async fn inhibition_needs_the_same_external_labels() {
    needs!("prometheus-alertmanager");
    let folder = TempDir::new().expect("a folder");
    let (sink, _messages) = message_sink().await;
    let (_alertmanager, address) = start_alertmanager(folder.path(), &sink);
    let mut pairs = pairs();
    assert!(pairs.len() > 500, "{} pairs", pairs.len());
    let mut posted = Vec::new();
    for (number, pair) in pairs.iter_mut().enumerate() {
        for labels in [&mut pair.source, &mut pair.target] {
            labels["job"] = json!(format!("qlara-{number}"));
            posted.push(json!({"labels": labels}));
        }
    }
    eventually("Alertmanager to take the alerts", async || {
        let request = http().post(format!("http://{address}/api/v2/alerts"));
        let request = request.header("Content-Type", "application/json");
        let answer = request.body(json!(posted).to_string()).send().await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
    let mut wrong = Vec::new();
    // The alerts reach Alertmanager's inhibitor one after the other.
    for _ in 0..50 {
        let alerts = alerts_at(&address).await;
        // Each pair has a job of its own.
        let key = |labels: &Value| format!("{} {}", labels["job"], labels["alertname"]);
        let states: BTreeMap<String, bool> = alerts
            .iter()
            .map(|alert| {
                let suppressed = alert["status"]["state"] == "suppressed";
                (key(&alert["labels"]), suppressed)
            })
            .collect();
        let silenced = |labels: &Value| states.get(&key(labels)).copied();
        wrong = pairs
            .iter()
            .filter(|pair| {
                silenced(&pair.source) != Some(false)
                    || silenced(&pair.target) != Some(pair.silenced)
            })
            .map(|pair| format!("{} {} {}", pair.silenced, pair.source, pair.target))
            .collect();
        if wrong.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{} wrong, such as {:#?}", wrong.len(), &wrong[..1]);
}

#[tokio::test]
async fn prometheus_without_data_inhibits_no_alert() {
    needs!("prometheus-alertmanager", "prometheus");
    let gateway = system_gateway().await;
    let broken = profile("broken", "Shop", "DISCONNECTED", &ALL);
    gateway.profiles(&json!([broken])).await;
    let target = format!("127.0.0.1:{}", free_port());
    let exporter = start_exporter(&gateway, &target);
    let folder = TempDir::new().expect("a folder");
    let (sink, messages) = message_sink().await;
    let (_alertmanager, address) = start_alertmanager(folder.path(), &sink);
    let nowhere = format!("127.0.0.1:{}", free_port());
    let start = |labels: Value, targets: &[&str]| {
        Prometheus::with_external_labels(&labels, targets, &quick_rules(), &address)
    };
    let _staging = start(json!({"cluster": "staging"}), &[&nowhere]);
    let _empty = start(json!({"cluster": "prod", "shard": "0"}), &[]);
    let is = |alert: &Value, name: &str, cluster: &str, shard: &Value| {
        let labels = &alert["labels"];
        labels["alertname"] == name && labels["cluster"] == cluster && labels["shard"] == *shard
    };
    for (name, cluster, shard) in [
        ("QlaraExporterDown", "staging", Value::Null),
        ("QlaraExporterAbsent", "prod", json!("0")),
    ] {
        eventually(name, async || {
            let notified = notifications(&messages, "on-call", "firing");
            notified
                .iter()
                .any(|alert| is(alert, name, cluster, &shard))
                .then_some(())
        })
        .await;
    }

    // Both servers are blind; the third one still sends the alert of its profile.
    let _prod = start(json!({"cluster": "prod", "shard": "1"}), &[&target]);
    let shard = json!("1");
    for receiver in ["on-call", "social-team"] {
        eventually("the disconnected profile", async || {
            let notified = notifications(&messages, receiver, "firing");
            notified
                .iter()
                .any(|alert| is(alert, "QlaraProfileDisconnected", "prod", &shard))
                .then_some(())
        })
        .await;
    }
    let state = async || {
        let alerts = alerts_at(&address).await;
        let alert = alerts
            .iter()
            .find(|alert| is(alert, "QlaraProfileDisconnected", "prod", &shard));
        alert.map(|alert| alert["status"]["state"].clone())
    };
    assert_eq!(state().await, Some(json!("active")));

    // Nor is the last-known state silenced when its own exporter is down.
    drop(exporter);
    eventually("the exporter that is down", async || {
        let sent = notifications(&messages, "on-call", "firing");
        sent.iter()
            .any(|alert| is(alert, "QlaraExporterDown", "prod", &shard))
            .then_some(())
    })
    .await;
    assert_eq!(state().await, Some(json!("active")));
}

#[tokio::test]
async fn restart_of_prometheus_keeps_the_start_of_a_failure() {
    needs!("prometheus");
    let gateway = system_gateway().await;
    let profile = |status: &str| json!([profile("broken", "Shop", status, &ALL)]);
    gateway.profiles(&profile("CONNECTED")).await;
    let target = format!("127.0.0.1:{}", free_port());
    let exporter = start_exporter(&gateway, &target);
    let jobs: [(&str, &[&str]); 1] = [("qlara", &[&target])];
    let mut prometheus = Prometheus::with_jobs(&jobs, &quick_rules(), &[]);
    prometheus.until("qlara_up", 1.0).await;
    gateway.profiles(&profile("TOKEN_EXPIRED")).await;
    let firing = |alert: &str| format!(r#"ALERTS{{alertname="{alert}",alertstate="firing"}}"#);
    prometheus.until(&firing("QlaraTokenExpired"), 1.0).await;
    drop(exporter);
    prometheus.until(&firing("QlaraExporterDown"), 1.0).await;

    let starts = [
        "job_account_platform_profile:qlara_profile_cannot_send_since:known",
        "job:qlara_exporter_down_since:known",
    ];
    let before = [
        prometheus.value(starts[0]).await,
        prometheus.value(starts[1]).await,
    ];
    let evaluated = prometheus.value("timestamp(qlara:evaluated)").await;
    prometheus.stop();
    prometheus.resume();
    eventually("evaluations after the restart", async || {
        let now = prometheus.query("timestamp(qlara:evaluated)").await?[0].1;
        (now > evaluated + 5.0).then_some(())
    })
    .await;
    for (start, before) in starts.iter().zip(before) {
        assert_eq!(prometheus.value(start).await, before, "{start}");
    }
    for alert in ["QlaraTokenExpired", "QlaraExporterDown"] {
        assert_eq!(prometheus.value(&firing(alert)).await, 1.0, "{alert}");
    }
}
