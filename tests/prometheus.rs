//! The real Prometheus and its promtool (Debian package `prometheus`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use exporter_toolkit::clock::SystemClock;
use gateway_simulator::Options;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter, run_with_input};
use crate::harness::tools::needs;
use crate::harness::{API_KEY, Gateway, Setup, Stack, eventually, http};

/// A simulated gateway with the system's time, for programs that have no other clock.
pub async fn system_gateway() -> Gateway {
    Gateway::start(Options::default(), Arc::new(SystemClock)).await
}

#[tokio::test]
async fn promtool_accepts_every_exposition_without_warnings() {
    needs!("promtool");
    let directory = TempDir::new().expect("a folder");
    let key = directory.path().join("key");
    std::fs::write(&key, API_KEY).expect("a file");
    let accounts = format!(
        "phone_number: show\naccounts:\n- {{name: a, api_key_file: {key}, expected: [{{platform: facebook, profile: x}}]}}\n\
         - {{name: \"b\\\"\\\\\", api_key_file: {key}}}\n",
        key = key.display()
    );
    let mut many = Setup::yaml(&accounts);
    many.simulator.profiles = 300;
    let mut answers = Vec::new();
    for setup in [Setup::default(), many] {
        let stack = setup.start().await;
        answers.push(stack.scrape().await);
        stack.gateway.faults("status=500").await;
        answers.push(stack.scrape_after(61).await);
        answers.push(stack.scrape_after(16 * 60).await);
    }
    for answer in answers {
        let checked = run_with_input(
            Command::new("promtool").args(["check", "metrics"]),
            &answer.text,
        );
        assert_eq!(checked, (0, String::new()), "{}", answer.text);
    }
}

/// The time zone in which Prometheus and Alertmanager write times.
pub const TIME_ZONE: &str = "Europe/Rome";

/// The Prometheus of this machine.
fn program() -> &'static Path {
    Path::new("prometheus")
}

/// The value of a sample in Prometheus' API.
fn value(sample: &Value) -> f64 {
    let text = sample[1].as_str().expect("a value");
    text.parse().expect("a number")
}

/// A Prometheus that scrapes exporters every second.
pub struct Prometheus {
    pub url: String,
    program: PathBuf,
    arguments: Vec<String>,
    /// None while it is stopped.
    running: Option<Running>,
    _directory: TempDir,
}

impl Prometheus {
    /// A Prometheus that scrapes one exporter as the job `qlara`.
    fn start(target: &str) -> Prometheus {
        Prometheus::with_jobs(&[("qlara", &[target])], "groups: []", &[])
    }

    /// A Prometheus with these jobs and targets, with rules that it evaluates every second, and with these
    /// Alertmanagers.
    pub fn with_jobs(jobs: &[(&str, &[&str])], rules: &str, alertmanagers: &[&str]) -> Prometheus {
        let jobs = jobs.iter().map(
            |(name, targets)| json!({"job_name": name, "static_configs": [{"targets": targets}]}),
        );
        Prometheus::launch(
            program(),
            &jobs.collect(),
            rules,
            alertmanagers,
            &json!({}),
            &[],
        )
    }

    /// A Prometheus whose job `qlara` has this target, and whose instant queries look this far back.
    pub fn with_lookback_delta(lookback_delta: &str, target: &str, rules: &str) -> Prometheus {
        let jobs = json!([{"job_name": "qlara", "static_configs": [{"targets": [target]}]}]);
        let argument = format!("--query.lookback-delta={lookback_delta}");
        Prometheus::launch(program(), &jobs, rules, &[], &json!({}), &[argument])
    }

    /// A Prometheus whose alerts have these external labels, and whose job `qlara` has these targets.
    pub fn with_external_labels(
        labels: &Value,
        targets: &[&str],
        rules: &str,
        alertmanager: &str,
    ) -> Prometheus {
        let jobs = json!([{"job_name": "qlara", "static_configs": [{"targets": targets}]}]);
        Prometheus::launch(program(), &jobs, rules, &[alertmanager], labels, &[])
    }

    /// A Prometheus with these `scrape_configs`.
    pub fn with_scrape_configs(scrape_configs: &Value) -> Prometheus {
        Prometheus::launch(
            program(),
            scrape_configs,
            "groups: []",
            &[],
            &json!({}),
            &[],
        )
    }

    /// Another version of Prometheus, with these `scrape_configs` and this feature.
    pub fn of_version(program: &Path, scrape_configs: &Value, feature: &str) -> Prometheus {
        let feature = format!("--enable-feature={feature}");
        Prometheus::launch(
            program,
            scrape_configs,
            "groups: []",
            &[],
            &json!({}),
            &[feature],
        )
    }

    fn launch(
        program: &Path,
        scrape_configs: &Value,
        rules: &str,
        alertmanagers: &[&str],
        external_labels: &Value,
        more_arguments: &[String],
    ) -> Prometheus {
        let directory = TempDir::new().expect("a folder");
        let file = directory.path().join("prometheus.yml");
        // JSON is YAML, too.
        let configuration = json!({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s", "external_labels": external_labels},
            "rule_files": ["rules.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": alertmanagers}]}]},
            "scrape_configs": scrape_configs,
        });
        std::fs::write(directory.path().join("rules.yml"), rules).expect("a file");
        std::fs::write(&file, configuration.to_string()).expect("a file");
        let address = format!("127.0.0.1:{}", free_port());
        let mut arguments = vec![
            format!("--config.file={}", file.display()),
            format!(
                "--storage.tsdb.path={}",
                directory.path().join("data").display()
            ),
            format!("--web.listen-address={address}"),
            // Alerts that fire before the Alertmanagers are discovered are sent again soon.
            "--rules.alert.resend-delay=1s".to_owned(),
        ];
        arguments.extend_from_slice(more_arguments);
        let mut prometheus = Prometheus {
            url: format!("http://{address}"),
            running: None,
            program: program.to_owned(),
            arguments,
            _directory: directory,
        };
        prometheus.resume();
        prometheus
    }

    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Starts it on the data that it has.
    pub fn resume(&mut self) {
        let mut command = Command::new(&self.program);
        command.env("TZ", TIME_ZONE).args(&self.arguments);
        self.running = Some(Running::start(&mut command));
    }

    /// The result of an instant query; none until it is not empty.
    async fn result(&self, query: &str) -> Option<Vec<Value>> {
        let url = format!("{}/api/v1/query", self.url);
        let url = reqwest::Url::parse_with_params(&url, [("query", query)]).expect("a URL");
        let request = http().get(url);
        let answer: Value =
            serde_json::from_str(&request.send().await.ok()?.text().await.ok()?).ok()?;
        let result = answer["data"]["result"].as_array()?;
        (!result.is_empty()).then(|| result.clone())
    }

    /// The result of an instant query as pairs of labels and value; none until there is one.
    pub async fn query(&self, query: &str) -> Option<Vec<(Value, f64)>> {
        let result = self.result(query).await?.into_iter();
        let sample = |series: Value| (series["metric"].clone(), value(&series["value"]));
        Some(result.map(sample).collect())
    }

    /// The samples that a range vector selector finds: for each series its labels, and pairs of time and value.
    pub async fn samples(&self, selector: &str) -> Vec<(Value, Vec<(f64, f64)>)> {
        let result = eventually(selector, async || self.result(selector).await).await;
        let sample = |sample: &Value| (sample[0].as_f64().expect("a time"), value(sample));
        let samples = |series: &Value| {
            let samples = series["values"].as_array().expect("samples").iter();
            (series["metric"].clone(), samples.map(sample).collect())
        };
        result.iter().map(samples).collect()
    }

    pub async fn value(&self, query: &str) -> f64 {
        eventually(query, async || self.query(query).await).await[0].1
    }

    pub async fn until(&self, query: &str, value: f64) {
        eventually(&format!("{query} is {value}"), async || {
            (self.query(query).await?[0].1 == value).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn prometheus_sees_the_gateway_up_then_down_then_up() {
    needs!("prometheus");
    let gateway = system_gateway().await;
    let target = format!("127.0.0.1:{}", free_port());
    let _exporter = Running::start(exporter().env("QLARA_API_KEY", API_KEY).args([
        "--qlara.url",
        &gateway.url(),
        "--web.listen-address",
        &target,
        "--cache.ttl=1s",
        "--cache.max-stale=5s",
    ]));
    let prometheus = Prometheus::start(&target);

    prometheus.until("qlara_up", 1.0).await;
    assert_eq!(prometheus.value("up").await, 1.0);
    assert_eq!(prometheus.value("sum(qlara_profiles)").await, 3.0);
    assert_eq!(
        prometheus.value("sum by (account) (qlara_profiles)").await,
        3.0
    );
    let connected = prometheus
        .query(r#"qlara_profile_status{status="CONNECTED"} == 1"#)
        .await
        .expect("samples");
    assert_eq!(connected.len(), 2);
    let expired = prometheus
        .query(r#"qlara_profile_status{status="TOKEN_EXPIRED"} == 1"#)
        .await
        .expect("samples");
    assert_eq!(expired[0].0["profile"], "ig_345678");
    let expiry = prometheus
        .value(r#"qlara_token_expiry_timestamp_seconds{platform="facebook"}"#)
        .await;
    assert_eq!(expiry, 1781474400.0);
    // Prometheus' own time agrees with the seconds to expiry, except for the seconds between scrape and query.
    let drift = "abs(qlara_token_seconds_to_expiry - (qlara_token_expiry_timestamp_seconds - timestamp(qlara_token_seconds_to_expiry)))";
    assert!(prometheus.value(&format!("max({drift})")).await < 5.0);
    let info = prometheus
        .query(r#"qlara_profile_info{platform="facebook"}"#)
        .await
        .expect("a sample");
    assert_eq!(info[0].0["name"], "BrandCo Official");
    assert_eq!(info[0].0["category"], "E-commerce");

    gateway.faults("status=503").await;
    prometheus.until("qlara_up", 0.0).await;
    assert_eq!(
        prometheus.value("up").await,
        1.0,
        "problems show in the values"
    );
    eventually("profiles are gone after max_stale", async || {
        prometheus
            .query("qlara_profile_status")
            .await
            .is_none()
            .then_some(())
    })
    .await;
    assert!(
        prometheus
            .value("time() - qlara_last_refresh_success_timestamp_seconds")
            .await
            >= 5.0
    );
    let failures =
        r#"qlara_gateway_request_failures_total{endpoint="socials",reason="server_error"}"#;
    assert!(prometheus.value(failures).await >= 1.0);

    gateway.faults("").await;
    prometheus.until("qlara_up", 1.0).await;
    assert_eq!(prometheus.value("sum(qlara_profiles)").await, 3.0);
}

#[tokio::test]
async fn prometheus_scrapes_an_exporter_without_a_gateway() {
    needs!("prometheus");
    let target = format!("127.0.0.1:{}", free_port());
    let nobody = format!("http://127.0.0.1:{}/", free_port());
    let _exporter = Running::start(exporter().env("QLARA_API_KEY", API_KEY).args([
        "--qlara.url",
        &nobody,
        "--web.listen-address",
        &target,
    ]));
    let prometheus = Prometheus::start(&target);
    prometheus.until("up", 1.0).await;
    prometheus.until("qlara_up", 0.0).await;
    prometheus
        .until(
            r#"qlara_gateway_request_failures_total{endpoint="socials",reason="connect"} > bool 0"#,
            1.0,
        )
        .await;
    assert_eq!(prometheus.query("qlara_profiles").await, None);
}

#[tokio::test]
async fn prometheus_keeps_unusual_names_unchanged() {
    needs!("prometheus");
    let odd = "quotes \" back\\slash \n line 🍕";
    let stack: Stack = Setup::default()
        .with_profiles(
            json!([{"platform": "facebook", "profileId": "p", "name": odd,
            "status": "CONNECTED", "connectedAt": "2026-01-01T00:00:00Z"}]),
        )
        .await;
    let prometheus = Prometheus::start(&stack.exporter.to_string());
    let info = eventually("the name", async || {
        prometheus.query("qlara_profile_info").await
    })
    .await;
    assert_eq!(info[0].0["name"], odd);
}
