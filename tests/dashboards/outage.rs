//! While the exporter is down, the dashboard of the profiles shows their last-known values and says so.

use std::collections::BTreeMap;
use std::process::Command;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::appearance::STATES;
use super::live::{dashboard, grafana, interpolate, queries_of};
use super::{Kind, Query};
use crate::alerting::{repository, yaml};
use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter, run};
use crate::harness::tools::{GRAFANA, needs};
use crate::harness::{API_KEY, Gateway};
use crate::prometheus::{Prometheus, system_gateway};

/// The panels whose values change with the time or in an outage.
const CHANGING: [&str; 6] = [
    "Age of data",
    "Availability in 30 days",
    "Gateway",
    "Next expiry",
    "Profiles by urgency",
    "Time since last activity: $platform",
];

/// Values by their labels.
type Results = BTreeMap<String, f64>;

/// Each profile and its state, the most urgent one first.
const RANKING: [(&str, &str); 12] = [
    ("ig_gone", "Expected, missing"),
    ("expired", "Token expired"),
    ("expired_connected", "Token expired"),
    ("whatsapp_disconnected", "Disconnected"),
    ("whatsapp_expiring", "Disconnected"),
    ("cannot_send", "No permission to send"),
    ("cannot_send_soon", "No permission to send"),
    ("expiring", "Refresh failed"),
    ("unknown", "Unknown"),
    ("cannot_read", "Permission missing"),
    ("connected", "Connected"),
    ("whatsapp", "Connected"),
];

/// The profiles of the ranking that the gateway lists.
fn profiles() -> Value {
    let day = |days: i64| (Utc::now() + TimeDelta::days(days)).to_rfc3339();
    let meta = |id, platform, status, expires: i64, permissions: &[&str]| {
        json!({
            "platform": platform, "profileId": id, "name": id, "status": status,
            "connectedAt": day(-40), "lastActivityAt": day(-1), "tokenExpiresAt": day(expires),
            "permissions": permissions, "pageId": "1", "category": "Retail",
        })
    };
    let whatsapp = |id, status| {
        json!({"platform": "whatsapp", "profileId": id, "name": id, "status": status,
            "connectedAt": day(-9), "phoneNumber": "+391234567"})
    };
    let all = ["pages_messaging", "pages_read_engagement"];
    let reads = ["pages_read_engagement"];
    json!([
        whatsapp("whatsapp", "CONNECTED"),
        meta("connected", "facebook", "CONNECTED", 30, &all),
        meta(
            "cannot_read",
            "facebook",
            "CONNECTED",
            20,
            &["pages_messaging"]
        ),
        meta("unknown", "facebook", "PAUSED", 20, &all),
        meta("expiring", "facebook", "TOKEN_EXPIRING", 3, &all),
        meta("cannot_send", "facebook", "CONNECTED", 20, &reads),
        meta(
            "cannot_send_soon",
            "instagram",
            "TOKEN_EXPIRING",
            4,
            &["instagram_basic"]
        ),
        whatsapp("whatsapp_expiring", "TOKEN_EXPIRING"),
        whatsapp("whatsapp_disconnected", "DISCONNECTED"),
        meta("expired_connected", "facebook", "CONNECTED", -1, &reads),
        meta("expired", "facebook", "TOKEN_EXPIRED", -3, &all),
    ])
}

/// An exporter, and a Prometheus with the rules that scrapes it.
struct Watched {
    prometheus: Prometheus,
    exporter: Option<Running>,
    gateway: Gateway,
    _directory: TempDir,
}

impl Watched {
    async fn start() -> Watched {
        let gateway = system_gateway().await;
        gateway.profiles(&profiles()).await;
        let directory = TempDir::new().expect("a folder");
        let file = directory.path().join("qlara.yml");
        let accounts = json!({"accounts": [{
            "name": "brandco", "api_key_env": "QLARA_API_KEY",
            "expected": [
                {"platform": "facebook", "profile": "connected"},
                {"platform": "instagram", "profile": "ig_gone"},
            ],
        }]});
        std::fs::write(&file, accounts.to_string()).expect("a file");
        let target = format!("127.0.0.1:{}", free_port());
        let mut command = exporter();
        command.env("QLARA_API_KEY", API_KEY);
        command.args([
            "--qlara.url",
            &gateway.url(),
            "--web.listen-address",
            &target,
        ]);
        command.args(["--cache.ttl=1s", "--cache.max-stale=5s", "--config.file"]);
        let exporter = Running::start(command.arg(&file));
        let mut rules = yaml(&repository("alerts/qlara.rules.yml"));
        for group in rules["groups"].as_array_mut().expect("groups") {
            group["interval"] = json!("1s");
        }
        let prometheus = Prometheus::with_jobs(&[("qlara", &[&target])], &rules.to_string(), &[]);
        // The last rule in order with data about these profiles: two permissions of eight profiles.
        let recorded =
            "count(job_account_platform_profile_permission:qlara_profile_permission_granted:known)";
        prometheus.until(recorded, 16.0).await;
        // All but one with an unknown status.
        let available = "count(job_account_platform_profile:qlara_profile_can_send_known:ratio30d)";
        prometheus.until(available, 10.0).await;
        Watched {
            prometheus,
            exporter: Some(exporter),
            gateway,
            _directory: directory,
        }
    }

    /// Stops the exporter, and waits until Prometheus and the rules know.
    async fn stop_exporter(&mut self) {
        drop(self.exporter.take());
        self.prometheus.until("absent(qlara_up)", 1.0).await;
        self.prometheus
            .until("job_account:qlara_up:known", 0.0)
            .await;
    }

    /// The labels and values that a query of the dashboard of the profiles returns.
    async fn results(&self, query: &Query) -> Results {
        let query = interpolate(&dashboard("qlara-profiles"), &query.text, "qlara");
        let results = self.prometheus.query(&query).await.unwrap_or_default();
        let results = results.into_iter();
        results
            .map(|(labels, value)| (labels.to_string(), value))
            .collect()
    }

    /// The results of all queries for current values, with their panel.
    async fn all_results(&self) -> Vec<(String, Results)> {
        let mut all = Vec::new();
        for query in dashboard("qlara-profiles").panel_queries() {
            if query.kind == Kind::Instant {
                let (_, panel) = query.place.split_once(": ").expect("a panel");
                all.push((panel.to_owned(), self.results(&query).await));
            }
        }
        all
    }

    /// Panics unless every table and number has the rows and values of these results.
    async fn assert_unchanged(&self, before: &[(String, Results)]) {
        let after = self.all_results().await;
        assert!(before.len() > 20, "{}", before.len());
        for ((panel, before), (_, after)) in before.iter().zip(&after) {
            if panel == "Data shown" {
                continue;
            }
            assert!(!before.is_empty(), "{panel} is empty");
            let same_rows = before.keys().eq(after.keys());
            assert!(same_rows, "{panel}: {before:?}, then {after:?}");
            if !CHANGING.contains(&panel.as_str()) {
                assert_eq!(before, after, "{panel}");
            }
        }
    }

    /// Panics unless the profiles rank as they should.
    async fn assert_ranking(&self) {
        let states = &queries_of(&dashboard("qlara-profiles"), "Profiles by urgency")[1];
        let results = self.results(states).await;
        assert_eq!(results.len(), RANKING.len(), "{results:?}");
        let mut last = f64::INFINITY;
        for (profile, state) in RANKING {
            let label = format!("\"profile\":\"{profile}\"");
            let row = results.iter().find(|(labels, _)| labels.contains(&label));
            let (_, value) = row.unwrap_or_else(|| panic!("no {profile} in {results:?}"));
            let (_, shown, _) = STATES[*value as usize];
            assert_eq!(shown, state, "{profile}");
            assert!(*value <= last, "{profile} ranks too high");
            last = *value;
        }
    }

    /// Panics unless the panels show what a selected exporter itself reports.
    async fn assert_instance_can_be_selected(&self) {
        let profiles = dashboard("qlara-profiles");
        let query = &queries_of(&profiles, "Profiles")[0].text;
        let query = query.replace("$instance", "127.+");
        let query = interpolate(&profiles, &query, "qlara");
        assert_eq!(self.prometheus.value(&query).await, 11.0);
    }

    /// Whether the panel "Data shown" says that the values are last-known, and that they are current.
    async fn data_shown(&self) -> [bool; 2] {
        let queries = queries_of(&dashboard("qlara-profiles"), "Data shown");
        let [last_known, current] = &queries[..] else {
            panic!("{} queries", queries.len());
        };
        [
            !self.results(last_known).await.is_empty(),
            !self.results(current).await.is_empty(),
        ]
    }
}

#[tokio::test]
async fn tables_and_numbers_keep_their_values_in_an_outage() {
    needs!("prometheus");
    let mut watched = Watched::start().await;
    watched.assert_ranking().await;
    assert_eq!(watched.data_shown().await, [false, true]);
    watched.assert_instance_can_be_selected().await;
    let before = watched.all_results().await;

    watched.gateway.faults("status=500").await;
    let prometheus = &watched.prometheus;
    prometheus.until("absent(qlara_profile_status)", 1.0).await;
    prometheus.until("job_account:qlara_up:known", 0.0).await;
    watched.assert_unchanged(&before).await;
    watched.assert_ranking().await;
    assert_eq!(watched.data_shown().await, [true, false]);

    watched.stop_exporter().await;
    watched.assert_unchanged(&before).await;
    watched.assert_ranking().await;
    assert_eq!(watched.data_shown().await, [true, false]);
}

#[tokio::test]
async fn grafana_shows_last_known_values_while_the_exporter_is_down() {
    needs!(GRAFANA, "node", "prometheus");
    let mut watched = Watched::start().await;
    watched.stop_exporter().await;
    let mut data = Command::new("node");
    data.arg(grafana().join("data.mjs"));
    data.args([&watched.prometheus.url, "qlara"]);
    data.arg(dashboard("qlara-profiles").file);
    let (code, tables, problems) = run(&mut data);
    assert!(code == 0 && problems.is_empty(), "{problems}");
    for row in [
        "\nbrandco | facebook | expired | expired | Token expired | ",
        "\nbrandco | facebook | cannot_send | cannot_send | No permission to send | ",
    ] {
        assert!(tables.contains(row), "no {row:?} in {tables}");
    }
}
