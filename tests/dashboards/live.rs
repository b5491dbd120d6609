//! The dashboards' queries against a real Prometheus, and Grafana's own packages on its responses.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Dashboard, Kind, Query, list, text};
use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter, run};
use crate::harness::tools::{self, GRAFANA, needs};
use crate::harness::{API_KEY, Gateway, eventually, http};
use crate::prometheus::{Prometheus, system_gateway};

/// The label `job` of two exporters with two named accounts each, and of one with a default account.
const NAMED: &str = "qlara";
const DEFAULT_ACCOUNT: &str = "qlara-default-account";
/// The label `job` of another program, which is down.
const STRANGER: &str = "stranger";

/// The numbers at the top for the two replicas, as queries that compare with the expected value.
const NUMBERS: [(&str, &str); 13] = [
    ("Profiles", "18"),
    ("Healthy", "4 / 19"),
    ("Token expired", "4"),
    ("Refresh failed", "2"),
    ("Disconnected", "6"),
    ("Expected but missing", "1"),
    (
        "Next expiry",
        r#"max(qlara_token_expiry_timestamp_seconds{profile="fb_2"}) - time()"#,
    ),
    ("No permission to send", "6"),
    ("Other permissions missing", "2"),
    ("Details unread", "0"),
    ("Entries dropped", "2"),
    ("Gateway", "1"),
    (
        "Age of data",
        r#"time() - min(max by (account) (qlara_last_refresh_success_timestamp_seconds{job="qlara"}))"#,
    ),
];

const RULES: &str = r#"
groups:
  - name: test
    rules:
      - alert: QlaraTokenExpired
        expr: max by (job, account, platform, profile) (qlara_profile_status{status="TOKEN_EXPIRED"}) == 1
        labels: {severity: critical}
      # Only rules know the availability.
      - record: job_account_platform_profile:qlara_profile_can_send:ratio30d
        expr: max by (job, account, platform, profile) (qlara_profile_status{status="CONNECTED"})
      - record: job_account_platform_profile:qlara_profile_can_send_known:ratio30d
        expr: 0.25 + 0 * max by (job, account, platform, profile) (qlara_profile_status{status="CONNECTED"})
"#;

/// Three exporters that cover everything a dashboard can show, and a Prometheus that scrapes them.
struct Fleet {
    prometheus: Prometheus,
    _gateways: [Gateway; 2],
    _exporters: Vec<Running>,
    _directory: TempDir,
}

impl Fleet {
    async fn start() -> Fleet {
        // The replicas of one exporter never see a renamed profile at the same time.
        let gateways = [system_gateway().await, system_gateway().await];
        gateways[0].profiles(&profiles(30, "Shop")).await;
        gateways[1].profiles(&profiles(30, "Shop (renamed)")).await;
        let directory = TempDir::new().expect("a folder");
        let file = directory.path().join("qlara.yml");
        let expected = json!([
            {"platform": "facebook", "profile": "fb_1"},
            {"platform": "instagram", "profile": "ig_gone"},
        ]);
        let accounts = json!({"accounts": [
            {"name": "brandco", "api_key_env": "QLARA_API_KEY", "expected": expected},
            {"name": "other", "api_key_env": "QLARA_API_KEY"},
        ]});
        std::fs::write(&file, accounts.to_string()).expect("a file");
        let targets = [(); 3].map(|()| format!("127.0.0.1:{}", free_port()));
        let exporters = targets.iter().enumerate().map(|(number, target)| {
            let mut command = exporter();
            command.env("QLARA_API_KEY", API_KEY);
            let url = gateways[number % 2].url();
            command.args(["--qlara.url", &url, "--web.listen-address", target]);
            command.arg("--cache.ttl=5s");
            if number > 0 {
                command.arg("--config.file").arg(&file);
            }
            Running::start(&mut command)
        });
        let exporters = exporters.collect();
        let [default_account, first, second] = targets.each_ref().map(String::as_str);
        let jobs: [(&str, &[&str]); 3] = [
            (NAMED, &[first, second]),
            (DEFAULT_ACCOUNT, &[default_account]),
            (STRANGER, &[&format!("127.0.0.1:{}", free_port())]),
        ];
        let prometheus = Prometheus::with_jobs(&jobs, RULES, &[]);
        prometheus.until("count(qlara_up == 1)", 5.0).await;
        // The gateway refreshes a token, so that there is an annotation.
        gateways[0].profiles(&profiles(60, "Shop")).await;
        gateways[1].profiles(&profiles(60, "Shop (renamed)")).await;
        let refreshed = "count(changes(qlara_token_expiry_timestamp_seconds[1m]) > 0)";
        prometheus.until(refreshed, 5.0).await;
        Fleet {
            prometheus,
            _gateways: gateways,
            _exporters: exporters,
            _directory: directory,
        }
    }

    /// Whether a query returns at least one number; panics if the query is invalid.
    async fn answers(&self, query: &Query, expression: &str) -> Option<()> {
        let now = Utc::now().timestamp();
        let (path, time) = match query.kind {
            Kind::Range => (
                "query_range",
                vec![
                    ("start", (now - 30).to_string()),
                    ("end", now.to_string()),
                    ("step", "1".to_owned()),
                ],
            ),
            Kind::Instant | Kind::Variable => ("query", vec![("time", now.to_string())]),
        };
        let url = format!("{}/api/v1/{path}", self.prometheus.url);
        let mut url = reqwest::Url::parse_with_params(&url, time).expect("a URL");
        url.query_pairs_mut().append_pair("query", expression);
        let answer = http().get(url).send().await.expect("a response");
        let answer: Value =
            serde_json::from_str(&answer.text().await.expect("a text")).expect("JSON");
        assert_eq!(
            answer["status"], "success",
            "{}: {expression}: {}",
            query.place, answer["error"]
        );
        let mut values = list(&answer["data"]["result"]).iter().flat_map(|series| {
            let one = series.get("value").into_iter();
            one.chain(series["values"].as_array().into_iter().flatten())
        });
        values.any(|value| value[1] != "NaN").then_some(())
    }
}

/// Profiles in every state; the token of `fb_1` expires in this many days, and `fb_2` has this name.
fn profiles(days: i64, name: &str) -> Value {
    let moment = |days| (Utc::now() + TimeDelta::days(days)).format("%Y-%m-%dT00:00:00Z");
    let day = |days: i64| moment(days).to_string();
    let meta = |platform, id, name, status, expires: i64, permissions: &[&str]| {
        json!({
            "platform": platform, "profileId": id, "name": name, "status": status,
            "connectedAt": day(-40), "lastActivityAt": day(-1), "tokenExpiresAt": day(expires),
            "permissions": permissions, "pageId": "1", "category": "Retail",
        })
    };
    let messages = ["pages_messaging", "pages_read_engagement"];
    json!([
        meta("facebook", "fb_1", "Café \"Zoë\"", "CONNECTED", days, &messages),
        meta("facebook", "fb_2", name, "TOKEN_EXPIRING", 4, &messages[..1]),
        meta("instagram", "ig_1", "brandco", "TOKEN_EXPIRED", -3, &["instagram_basic"]),
        meta("instagram", "ig_2", "new", "PAUSED", 20, &["instagram_basic", "another"]),
        meta("instagram", "ig_3", "late", "CONNECTED", -1, &["instagram_basic"]),
        {"platform": "whatsapp", "profileId": "wa_1", "name": "Shop", "status": "CONNECTED",
            "connectedAt": day(-9), "phoneNumber": "+391234567"},
        {"platform": "whatsapp", "profileId": "wa_2", "name": "東京", "status": "DISCONNECTED",
            "connectedAt": "yesterday"},
        {"platform": "whatsapp", "profileId": "wa_2", "name": "again", "status": "CONNECTED",
            "connectedAt": day(-9)},
        {"platform": "whatsapp", "profileId": "wa_3", "name": "lost", "status": "DISCONNECTED",
            "connectedAt": day(-9)},
        {"platform": "whatsapp", "profileId": "wa_4", "name": "too", "status": "DISCONNECTED",
            "connectedAt": day(-9)},
    ])
}

/// The query as Grafana sends it, with "All" for each variable except the job.
pub fn interpolate(dashboard: &Dashboard, query: &str, job: &str) -> String {
    let mut query = query.replace("$__rate_interval", "10s");
    for variable in dashboard.variables() {
        if variable["type"] == "query" {
            let name = text(&variable["name"]);
            let value = match name {
                "job" => job,
                _ => text(&variable["allValue"]),
            };
            query = query.replace(&format!("${name}"), value);
        }
    }
    assert!(!query.contains('$'), "an unknown variable: {query}");
    query
}

#[tokio::test]
async fn every_query_returns_data_from_a_real_prometheus() {
    needs!("prometheus");
    let fleet = Fleet::start().await;
    for dashboard in Dashboard::all() {
        for query in dashboard.queries() {
            for job in [NAMED, DEFAULT_ACCOUNT] {
                // Only a configuration file can have expected profiles, and its accounts have names.
                let none_expected =
                    job == DEFAULT_ACCOUNT && query.place.ends_with("Expected but missing");
                // One of its queries has data, as the test of an outage checks.
                if none_expected || query.place.ends_with("Data shown") {
                    continue;
                }
                let expression = interpolate(&dashboard, &query.text, job);
                eventually(
                    &format!("{} has data: {expression}", query.place),
                    async || fleet.answers(&query, &expression).await,
                )
                .await;
            }
        }
    }
}

#[tokio::test]
async fn two_replicas_give_one_row_and_two_accounts_give_two() {
    needs!("prometheus");
    const RENAMED: &str = r#"qlara_profile_info{profile="fb_2"}"#;
    let fleet = Fleet::start().await;
    let names = format!("count(count by (name) ({RENAMED}))");
    fleet.prometheus.until(&names, 2.0).await;
    let profiles = dashboard("qlara-profiles");
    for query in queries_of(&profiles, "Profiles by urgency") {
        let query = interpolate(&profiles, &query.text, NAMED);
        let rows = format!(r#"count(({query}) and on (profile) {RENAMED})"#);
        fleet.prometheus.until(&rows, 2.0).await;
    }
}

#[tokio::test]
async fn stat_panels_show_the_right_numbers() {
    needs!("prometheus");
    let fleet = Fleet::start().await;
    let profiles = dashboard("qlara-profiles");
    let stats = profiles.data_panels().into_iter();
    let stats = stats.filter(|panel| panel["type"] == "stat");
    // All but "Data shown", which shows no number.
    assert_eq!(stats.count(), NUMBERS.len() + 1);
    for (panel, expected) in NUMBERS {
        for query in queries_of(&profiles, panel) {
            let query = interpolate(&profiles, &query.text, NAMED);
            let difference = format!("({query}) - ({expected})");
            let off_by = fleet.prometheus.value(&difference).await;
            assert!(
                off_by.abs() < 1e-9,
                "{panel} is off by {off_by}: {difference}"
            );
        }
    }
}

#[tokio::test]
async fn other_job_that_is_down_is_not_counted() {
    needs!("prometheus");
    let fleet = Fleet::start().await;
    let down = format!(r#"up{{job="{STRANGER}"}}"#);
    fleet.prometheus.until(&down, 0.0).await;
    let exporter = dashboard("qlara-exporter");
    for (panel, value) in [
        ("Exporters down", 0.0),
        ("Up", 3.0),
        ("Scrape duration", 3.0),
    ] {
        for query in queries_of(&exporter, panel) {
            let query = interpolate(&exporter, &query.text, ".+");
            let query = match panel {
                "Exporters down" => query,
                _ => format!("count({query})"),
            };
            assert_eq!(fleet.prometheus.value(&query).await, value, "{query}");
        }
    }
}

pub fn dashboard(name: &str) -> Dashboard {
    let mut all = Dashboard::all().into_iter();
    all.find(|one| one.name() == name).expect("a dashboard")
}

pub fn queries_of(dashboard: &Dashboard, panel: &str) -> Vec<Query> {
    let mut queries = dashboard.panel_queries();
    let place = format!("{}: {panel}", dashboard.name());
    queries.retain(|query| query.place == place);
    assert!(!queries.is_empty(), "no {place}");
    queries
}

/// The directory with Grafana's packages and the checks.
pub fn grafana() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grafana");
    let folder = tools::folder("grafana");
    // `node_modules` of a manual run is not copied.
    for entry in std::fs::read_dir(&source).expect("the checks") {
        let file = entry.expect("a file").path();
        if file.is_file() {
            std::fs::copy(&file, folder.join(file.file_name().expect("a name"))).expect("copied");
        }
    }
    folder
}

fn files() -> Vec<PathBuf> {
    Dashboard::all().into_iter().map(|one| one.file).collect()
}

#[tokio::test]
async fn grafana_types_and_data_library_accept_the_dashboards() {
    needs!(GRAFANA, "node", "prometheus");
    let grafana = grafana();
    let mut types = Command::new("node");
    types.arg(grafana.join("types.mjs")).args(files());
    let (code, problems, error) = run(&mut types);
    assert_eq!(code, 0, "{problems}{error}");

    let fleet = Fleet::start().await;
    let tables = [NAMED, DEFAULT_ACCOUNT].map(|job| {
        let mut data = Command::new("node");
        data.arg(grafana.join("data.mjs"));
        data.args([&fleet.prometheus.url, job]).args(files());
        let (code, tables, problems) = run(&mut data);
        assert!(code == 0 && problems.is_empty(), "{problems}");
        tables
    });
    for row in [
        "\nother | instagram | brandco | ig_1 | Token expired | 3 d ",
        "\nother | whatsapp | 東京 | wa_2 | Disconnected | no expiry | – | – | – | a few seconds ago\n",
        "\nbrandco | instagram |  | ig_gone | Expected, missing | ",
        "\nbrandco | facebook | fb_2 | – | – | – | ✔ granted | ✘ missing\n",
        "\nbrandco | facebook | fb_1 | 100.00% | 25%\n",
    ] {
        assert!(tables[0].contains(row), "no {row:?} in {}", tables[0]);
    }
    let default_account = "\nfacebook | Café \"Zoë\" | fb_1 | Connected | ";
    assert!(tables[1].contains(default_account), "{}", tables[1]);
}
