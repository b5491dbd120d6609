//! Stops of Prometheus that last longer than the lookback delta: the rules do not see their own previous values.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ALL, profile, quick_rules};
use crate::alerting::rules;
use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter};
use crate::harness::tools::needs;
use crate::harness::{API_KEY, Gateway, eventually};
use crate::prometheus::{Prometheus, system_gateway};

/// Two seconds for each minute of a range in the rules. The lookback delta is five minutes.
const LOOKBACK_DELTA: &str = "10s";
const SHORTER: [(&str, &str); 7] = [
    ("[7m]", "[14s]"),
    ("time() - 420", "time() - 14"),
    ("[10m]", "[20s]"),
    ("[12m]", "[24s]"),
    ("[30m]", "[60s]"),
    ("[1h]", "[120s]"),
    // The step must be shorter than the lookback delta.
    ("[1d:4m]", "[48m:8s]"),
];
/// Longer than the lookback delta and the range of `up`, shorter than the ranges of an hour.
const STOP: Duration = Duration::from_secs(16);
/// Prometheus discovers its targets five seconds after its start, so the first evaluations precede the first scrape.
const EVALUATIONS: usize = 15;

fn rules_with_shorter_ranges() -> String {
    SHORTER
        .iter()
        .fold(quick_rules(), |rules, (range, shorter)| {
            assert!(rules.contains(range), "{range}");
            rules.replace(range, shorter)
        })
}

/// The recording rules whose values from before a stop count afterwards.
fn rules_with_state() -> BTreeSet<String> {
    let rules = rules();
    let is_read = |name: &str| {
        let reading = format!("last_over_time({name}[");
        let mut expressions = rules.iter().filter_map(|rule| rule["expr"].as_str());
        expressions.any(|expression| expression.contains(&reading))
    };
    let names = rules.iter().filter_map(|rule| rule["record"].as_str());
    let names: BTreeSet<String> = names
        .filter(|name| is_read(name))
        .map(str::to_owned)
        .collect();
    assert!(names.len() > 10, "{names:?}");
    names
}

/// An exporter with three accounts whose state only the rules know, and Prometheus.
struct Outage {
    gateway: Gateway,
    /// The gateways of the accounts `unreadable` and `incomplete`.
    gateways: [Gateway; 2],
    exporter: Option<Running>,
    prometheus: Prometheus,
    _folder: TempDir,
}

const CONFIGURATION: &str = "tokens_without_expiry: [{platform: facebook}]
accounts:
- {name: readable, api_key_env: QLARA_API_KEY}
- {name: unreadable, api_key_env: QLARA_API_KEY, gateway: {url: 'URL 0'}}
- name: incomplete
  api_key_env: QLARA_API_KEY
  gateway: {url: 'URL 1'}
  expected: [{platform: facebook, profile: fb_page_123456}]
";

fn firing(alert: &str) -> String {
    format!(r#"count(ALERTS{{alertstate="firing",alertname={alert}}})"#)
}

/// The profiles of the account `readable` as pairs of id and status. The one that expires lacks all permissions.
fn facebook(profiles: &[(&str, &str)]) -> Vec<Value> {
    let profile = |(id, status): &(&str, &str)| {
        let granted = if *id == "expired" { &[] } else { &ALL[..1] };
        profile(id, id, status, granted)
    };
    profiles.iter().map(profile).collect()
}

/// Three profiles of a platform with this status.
fn telegram(status: &str) -> Vec<Value> {
    let profile = |id| {
        json!({"platform": "telegram", "profileId": id, "name": id, "status": status,
            "connectedAt": "2026-01-01T00:00:00Z"})
    };
    ["one", "two", "three"].map(profile).into()
}

/// The only profile of its platform.
fn vanishing() -> Value {
    json!({"platform": "linkedin", "profileId": "vanishing", "name": "vanishing",
        "status": "CONNECTED", "connectedAt": "2026-01-01T00:00:00Z"})
}

impl Outage {
    /// Every kind of failure, while the exporter is up: some that last, and some that are over.
    async fn start() -> Outage {
        let gateway = system_gateway().await;
        let gateways = [system_gateway().await, system_gateway().await];
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("qlara.yml");
        let configuration = CONFIGURATION
            .replace("URL 0", &gateways[0].url())
            .replace("URL 1", &gateways[1].url());
        std::fs::write(&file, configuration).expect("a file");
        let target = format!("127.0.0.1:{}", free_port());
        let mut command: Command = exporter();
        command.env("QLARA_API_KEY", API_KEY).args([
            "--qlara.url",
            &gateway.url(),
            "--web.listen-address",
            &target,
            "--cache.ttl=1s",
            "--config.file",
        ]);
        let exporter = Some(Running::start(command.arg(&file)));
        let prometheus =
            Prometheus::with_lookback_delta(LOOKBACK_DELTA, &target, &rules_with_shorter_ranges());
        let outage = Outage {
            gateway,
            gateways,
            exporter,
            prometheus,
            _folder: folder,
        };
        outage.begin().await;
        outage
    }

    async fn begin(&self) {
        let prometheus = &self.prometheus;
        let connected = ["expired", "unknown", "gone", "returned"].map(|id| (id, "CONNECTED"));
        let mut profiles = facebook(&connected);
        profiles.extend(facebook(&[("recovered", "DISCONNECTED")]));
        profiles.extend(telegram("CONNECTED"));
        profiles.push(vanishing());
        self.gateway.profiles(&json!(profiles)).await;
        prometheus.until("sum(qlara_up)", 3.0).await;
        prometheus
            .until(
                &firing(r#""QlaraProfileDisconnected",profile="recovered""#),
                1.0,
            )
            .await;

        let mut profiles = facebook(&connected[..3]);
        profiles.extend(facebook(&[("recovered", "CONNECTED")]));
        profiles.extend(telegram("CONNECTED"));
        profiles.push(vanishing());
        self.gateway.profiles(&json!(profiles)).await;
        prometheus
            .until(
                &firing(r#""QlaraProfileDisappeared",profile="returned""#),
                1.0,
            )
            .await;

        self.gateways[0].faults("status=503").await;
        self.gateways[1]
            .set_list_response(r#"{"profiles": [], "total": 3}"#)
            .await;
        self.fail("DISCONNECTED", "CONNECTED").await;
        prometheus
            .until(
                &firing(r#""QlaraProfileDisconnected",profile="unknown""#),
                1.0,
            )
            .await;
        self.fail("MYSTERIOUS", "CONNECTED").await;
        let lasting = [
            r#""QlaraTokenExpired",profile="expired""#,
            r#""QlaraProfileStatusUnknown""#,
            r#""QlaraSendPermissionMissing",profile="expired""#,
            r#""QlaraProfilePermissionMissing",profile="expired""#,
            r#""QlaraProfileDisappeared",profile="gone""#,
            r#""QlaraProfileDisappeared",profile="vanishing""#,
            r#""QlaraPlatformDegraded",platform="telegram""#,
            r#""QlaraGatewayUnreachable",account="unreadable""#,
            r#""QlaraListIncomplete",account="incomplete""#,
        ];
        for alert in lasting {
            prometheus.until(&firing(alert), 1.0).await;
        }
        prometheus
            .until(
                r#"absent(ALERTS{alertname=~"QlaraProfileDis.+",profile=~"recovered|returned"})"#,
                1.0,
            )
            .await;
    }

    /// The time of an evaluation that saw everything that has been seen so far, and that is complete.
    async fn last_evaluation(&self) -> f64 {
        let begun = self.prometheus.value("timestamp(qlara:evaluated)").await;
        // This alert is the last rule.
        let complete = r#"max(timestamp(ALERTS{alertname="QlaraPlatformDegraded"}))"#;
        eventually("a complete evaluation", async || {
            let complete = self.prometheus.value(complete).await;
            (complete >= begun).then_some(complete)
        })
        .await
    }

    /// The profiles fail, except for one that has recovered and one that has returned.
    async fn fail(&self, unknown: &str, recovered: &str) {
        let mut profiles = facebook(&[
            ("expired", "TOKEN_EXPIRED"),
            ("unknown", unknown),
            ("recovered", recovered),
            ("returned", "CONNECTED"),
        ]);
        profiles.extend(telegram("DISCONNECTED"));
        self.gateway.profiles(&json!(profiles)).await;
    }
}

async fn wait_for_end_of_stop() {
    let end = SystemTime::now() + STOP;
    eventually("the end of the stop", async || {
        (SystemTime::now() >= end).then_some(())
    })
    .await;
}

/// What Prometheus recorded around the stop: times of the evaluations, and samples of series.
struct Recorded {
    last_before: f64,
    after: Vec<f64>,
    series: Vec<(Value, Vec<(f64, f64)>)>,
}

impl Recorded {
    /// Waits for some evaluations after this last one before the stop.
    async fn read(prometheus: &Prometheus, last_before: f64, selector: &str) -> Recorded {
        let evaluations = async || {
            let series = prometheus.samples("qlara:evaluated[5m]").await;
            let times = series[0].1.iter().map(|(time, _)| *time);
            times.filter(|time| *time > last_before).collect::<Vec<_>>()
        };
        let after = eventually("evaluations after the stop", async || {
            let after = evaluations().await;
            (after.len() >= EVALUATIONS).then_some(after)
        })
        .await;
        let series = prometheus.samples(&format!("{selector}[5m]")).await;
        Recorded {
            last_before,
            after,
            series,
        }
    }

    /// A series: its value in the last evaluation before the stop, and those of all evaluations afterwards.
    fn around_stop(&self, samples: &[(f64, f64)]) -> (Option<f64>, Vec<f64>) {
        let before = samples.iter().find(|(time, _)| *time == self.last_before);
        let after = samples.iter().filter(|(time, _)| self.after.contains(time));
        (
            before.map(|(_, value)| *value),
            after.map(|(_, value)| *value).collect(),
        )
    }
}

/// Every rule with a state records in each evaluation after the stop what it recorded before. Returns the names of the
/// rules that recorded anything.
async fn assert_state_stays(
    prometheus: &Prometheus,
    last_before: f64,
    except: &str,
) -> BTreeSet<String> {
    let names: Vec<String> = rules_with_state().into_iter().collect();
    let selector = format!(r#"{{__name__=~"{}",profile!="{except}"}}"#, names.join("|"));
    let recorded = Recorded::read(prometheus, last_before, &selector).await;
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (labels, samples) in &recorded.series {
        let (before, after) = recorded.around_stop(samples);
        let name = labels["__name__"].as_str().expect("a name");
        let expected = match before {
            // The time of each evaluation.
            Some(_) if name.ends_with("account_last_seen:known") => recorded.after.clone(),
            Some(value) => vec![value; recorded.after.len()],
            None => Vec::new(),
        };
        if before.is_some() {
            seen.insert(name.to_owned());
        }
        if after != expected {
            wrong.push(format!("{labels}: {before:?}, then {after:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    seen
}

/// No alert begins to fire after the stop, and those that fired before fire again.
async fn assert_alerts_stay(prometheus: &Prometheus, last_before: f64, except: &str) {
    // With its own delay, this alert waits for the first scrape.
    let other = "QlaraAccountsAbsent";
    let selector =
        format!(r#"ALERTS{{alertstate="firing",alertname!="{other}",profile!="{except}"}}"#);
    let recorded = Recorded::read(prometheus, last_before, &selector).await;
    let mut alerts = BTreeMap::new();
    for (labels, samples) in &recorded.series {
        let (before, after) = recorded.around_stop(samples);
        alerts.insert(labels.to_string(), (before.is_some(), !after.is_empty()));
    }
    alerts.retain(|_, (before, after)| before != after);
    assert!(alerts.is_empty(), "{alerts:#?}");
}

#[tokio::test]
async fn long_stop_of_prometheus_while_the_exporter_is_down_changes_no_state() {
    needs!("prometheus");
    let mut outage = Outage::start().await;
    outage.exporter = None;
    outage
        .prometheus
        .until(&firing(r#""QlaraExporterDown""#), 1.0)
        .await;
    let last = outage.last_evaluation().await;
    outage.prometheus.stop();
    wait_for_end_of_stop().await;
    outage.prometheus.resume();
    let seen = assert_state_stays(&outage.prometheus, last, "none").await;
    assert_eq!(seen, rules_with_state(), "every rule has a state to lose");
    assert_alerts_stay(&outage.prometheus, last, "none").await;
}

#[tokio::test]
async fn long_stop_of_prometheus_while_an_account_is_unreadable_changes_no_state() {
    needs!("prometheus");
    let mut outage = Outage::start().await;
    let last = outage.last_evaluation().await;
    outage.prometheus.stop();
    outage.fail("MYSTERIOUS", "DISCONNECTED").await;
    wait_for_end_of_stop().await;
    outage.prometheus.resume();
    assert_state_stays(&outage.prometheus, last, "recovered").await;
    assert_alerts_stay(&outage.prometheus, last, "recovered").await;
    // The profile fails for the second time; its first failure is over.
    let since = r#"job_account_platform_profile:qlara_profile_cannot_send_since:known{profile="recovered"}"#;
    assert!(outage.prometheus.value(since).await > last + STOP.as_secs_f64());
}
