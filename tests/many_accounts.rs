//! Many accounts: scraped one at a time by `/probe`, discovered by `/sd`, and refreshed without request bursts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use parking_lot::Mutex;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter};
use crate::harness::scrape::Scrape;
use crate::harness::tools::needs;
use crate::harness::{API_KEY, Setup, Stack, eventually};
use crate::prometheus::{Prometheus, system_gateway};

fn accounts(number: usize) -> String {
    let account = |number| format!("- {{name: brand-{number}, api_key_env: QLARA_API_KEY}}\n");
    let accounts: String = (0..number).map(account).collect();
    format!("accounts:\n{accounts}")
}

async fn probe(stack: &Stack, account: &str) -> Scrape {
    let path = format!("/probe?account={account}");
    Scrape::read(stack.get(&path).send().await.expect("a response")).await
}

async fn targets(stack: &Stack) -> Value {
    let answer = stack.get("/sd").send().await.expect("a response");
    assert_eq!(answer.headers()["content-type"], "application/json");
    serde_json::from_str(&answer.text().await.expect("a text")).expect("JSON")
}

/// [probe]
#[tokio::test]
async fn probe_shows_the_metrics_of_its_account_only() {
    let stack = Setup::yaml(&accounts(3)).start().await;
    let of_the_account = |scrape: &Scrape| -> Vec<String> {
        let lines = scrape.text.lines();
        let own = |line: &&str| line.contains(r#"account="brand-1""#);
        let of_calls = |line: &&str| {
            line.starts_with("qlara_gateway_") && !line.starts_with("qlara_gateway_schema_info")
        };
        let lines = lines.filter(own).filter(|line| !of_calls(line));
        lines.map(str::to_owned).collect()
    };
    let probed = probe(&stack, "brand-1").await;
    assert_eq!(stack.gateway.stats().await.list, 1, "only this one is read");
    let all = stack.scrape().await;
    assert_eq!(stack.gateway.stats().await.list, 3, "they share the cache");
    let samples = probed.text.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(samples.collect::<Vec<_>>(), of_the_account(&all));
    assert!(of_the_account(&all).len() > 20);

    // The same if the refresh fails.
    stack.gateway.faults("status=503").await;
    stack.clock.advance(Duration::from_secs(61));
    let probed = probe(&stack, "brand-1").await;
    assert_eq!(probed.value(r#"qlara_up{account="brand-1"}"#), 0.0);
    assert_eq!(probed.family("qlara_profile_info").len(), 3);
}

/// [probe-without-account]
#[tokio::test]
async fn probe_of_an_unknown_account_is_a_bad_request() {
    let stack = Setup::yaml(&accounts(1)).start().await;
    for path in [
        "/probe",
        "/probe?account=",
        "/probe?account=brand-2",
        "/probe?account=BRAND-0",
        "/probe?target=brand-0",
    ] {
        let answer = stack.get(path).send().await.expect("a response");
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
    }
    let default_account = Stack::start().await;
    let answer = default_account.get("/probe?account=").send().await;
    assert_eq!(
        answer.expect("a response").status(),
        StatusCode::BAD_REQUEST
    );
}

/// [probe]
#[tokio::test]
async fn account_names_are_found_in_every_url_encoding() {
    let yaml = "accounts: [{name: \"Brand & Söhne/1\", api_key_env: QLARA_API_KEY}]";
    let stack = Setup::yaml(yaml).start().await;
    for name in ["Brand+%26+S%C3%B6hne%2F1", "Brand%20%26%20S%c3%b6hne/1"] {
        let scrape = probe(&stack, name).await;
        assert_eq!(scrape.value(r#"qlara_up{account="Brand & Söhne/1"}"#), 1.0);
    }
}

/// [service-discovery]
#[tokio::test]
async fn discovery_lists_a_target_per_account() {
    let stack = Setup::yaml(&accounts(2)).start().await;
    let address = stack.exporter.to_string();
    let target = |account: &str| {
        json!({"targets": [address], "labels": {
            "__scheme__": "http",
            "__metrics_path__": "/probe",
            "__param_account": account,
            "account": account,
        }})
    };
    assert_eq!(
        targets(&stack).await,
        json!([target("brand-0"), target("brand-1")])
    );
    let named = stack.get("/sd").header("host", "exporter.example").send();
    let named = named.await.expect("a response").text().await;
    assert!(
        named
            .expect("a text")
            .contains(r#"["exporter.example:80"]"#)
    );
    assert_eq!(
        stack.gateway.stats().await.list,
        0,
        "the gateway is not asked"
    );
}

/// [service-discovery-address]
#[tokio::test]
async fn discovery_uses_the_external_url() {
    let mut setup = Setup::yaml(&accounts(1));
    setup.web.external_url = Some("https://proxy.example/qlara/".parse().expect("a URL"));
    setup.web.route_prefix = Some(String::new());
    assert_eq!(
        targets(&setup.start().await).await,
        json!([{"targets": ["proxy.example:443"], "labels": {
            "__scheme__": "https",
            "__metrics_path__": "/qlara/probe",
            "__param_account": "brand-0",
            "account": "brand-0",
        }}])
    );
}

/// The label equals the label of the account's metrics; the URL parameter finds the account.
#[tokio::test]
async fn discovered_account_has_the_label_of_its_metrics() {
    let yaml = "accounts: [{name: \"a\\u2028b\", api_key_env: QLARA_API_KEY}]";
    let stack = Setup::yaml(yaml).start().await;
    let labels = &targets(&stack).await[0]["labels"];
    assert_eq!(labels["account"], "a b");
    assert_eq!(labels["__param_account"], "a\u{2028}b");
    let probe = stack.get("/probe?account=a%E2%80%A8b").send().await;
    let text = probe.expect("a response").text().await.expect("a text");
    assert!(text.contains("qlara_up{account=\"a b\"} 1\n"), "{text}");
}

/// [service-discovery]
#[tokio::test]
async fn default_account_is_discovered_at_the_metrics_path() {
    let stack = Stack::start().await;
    assert_eq!(
        targets(&stack).await,
        json!([{"targets": [stack.exporter.to_string()], "labels": {
            "__scheme__": "http",
            "__metrics_path__": "/metrics",
        }}])
    );
}

/// [service-discovery-host]
#[tokio::test]
async fn discovery_uses_the_host_of_the_request() {
    let stack = Setup::yaml(&accounts(1)).start().await;
    let ask = async |request: &str| {
        let mut client = TcpStream::connect(stack.exporter)
            .await
            .expect("a connection");
        client.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        client
            .read_to_string(&mut answer)
            .await
            .expect("a response");
        answer
    };
    for (request, target) in [
        ("GET /sd HTTP/1.1\r\nHost: a.example\r\n", "a.example:80"),
        ("GET /sd HTTP/1.1\r\nHost: a.example:9\r\n", "a.example:9"),
        ("GET /sd HTTP/1.1\r\nHost: [::1]\r\n", "[::1]:80"),
        ("GET /sd HTTP/1.1\r\nHost: [::1]:9\r\n", "[::1]:9"),
        (
            "GET http://a.example:7/sd HTTP/1.1\r\nHost: b\r\n",
            "a.example:7",
        ),
    ] {
        let answer = ask(&format!("{request}Connection: close\r\n\r\n")).await;
        let target = format!(r#""targets":["{target}"]"#);
        assert!(answer.contains(&target), "{request}: {answer}");
    }
    for host in ["", ":80", "a:", "a:b", "a:99999", "a b", "[::1]x"] {
        let request = format!("GET /sd HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = ask(&request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{host}: {answer}");
    }
}

/// [service-discovery-address]
#[tokio::test]
async fn encoded_path_of_the_external_url_is_not_encoded_twice() {
    let mut setup = Setup::yaml(&accounts(1));
    setup.web.external_url = Some("http://proxy.example/my%20exp".parse().expect("a URL"));
    setup.web.route_prefix = Some(String::new());
    let targets = targets(&setup.start().await).await;
    assert_eq!(targets[0]["labels"]["__metrics_path__"], "/my exp/probe");
}

/// [metrics-without-accounts]
#[tokio::test]
async fn default_account_stays_on_the_metrics_path() {
    let mut setup = Setup::default();
    setup.web.accounts_on_metrics = false;
    assert_eq!(setup.start().await.scrape().await.value("qlara_up"), 1.0);
}

/// [no-data-yet]
#[tokio::test]
async fn account_without_data_is_neither_up_nor_down() {
    let stack = Setup::yaml(&accounts(1)).start().await;
    stack.gateway.faults("latency=2s").await;
    let scrape = stack
        .get("/metrics")
        .header("X-Prometheus-Scrape-Timeout-Seconds", "0.2");
    let scrape = Scrape::read(scrape.send().await.expect("a response")).await;
    assert_eq!(scrape.family("qlara_up"), []);
    assert_eq!(stack.scrape().await.family("qlara_up").len(), 1);
}

/// [metrics-without-accounts]
#[tokio::test]
async fn metrics_can_exclude_accounts() {
    let mut setup = Setup::yaml(&accounts(2));
    setup.web.accounts_on_metrics = false;
    let stack = setup.start().await;
    let own = stack.scrape().await;
    assert_eq!(own.family("qlara_up"), []);
    assert_eq!(
        own.value("qlara_exporter_config_last_reload_successful"),
        1.0
    );
    assert_eq!(stack.gateway.stats().await.list, 0);
    probe(&stack, "brand-0").await;
    stack.clock.advance(Duration::from_secs(1));
    let requests = r#"qlara_gateway_requests_total{account="brand-0",endpoint="socials"}"#;
    assert_eq!(stack.scrape().await.value(requests), 1.0);
}

/// A gateway without profiles that answers slowly, and records the arrival of requests.
#[derive(Default)]
struct SlowGateway {
    arrivals: Mutex<Vec<Instant>>,
    at_once: Mutex<(usize, usize)>,
}

impl SlowGateway {
    async fn start(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let gateway = Arc::clone(self);
        let answer = get(async move || gateway.respond().await);
        let router = Router::new().route("/socials", answer);
        tokio::spawn(async { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    async fn respond(&self) -> &'static str {
        self.arrivals.lock().push(Instant::now());
        let _present = Present::at(&self.at_once);
        tokio::time::sleep(Duration::from_millis(60)).await;
        r#"{"profiles": [], "total": 0}"#
    }
}

/// A request in progress, until it ends or its client disconnects.
struct Present<'a>(&'a Mutex<(usize, usize)>);

impl<'a> Present<'a> {
    fn at(at_once: &'a Mutex<(usize, usize)>) -> Present<'a> {
        let mut count = at_once.lock();
        count.0 += 1;
        count.1 = count.1.max(count.0);
        Present(at_once)
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.lock().0 -= 1;
    }
}

/// [refresh-limit]
#[tokio::test]
async fn accounts_of_one_scrape_respect_the_refresh_limit() {
    let gateway = Arc::new(SlowGateway::default());
    let url = gateway.start().await;
    let yaml = format!("limits: {{concurrent_refreshes: 3}}\n{}", accounts(40));
    let setup = Setup {
        url: Some(url),
        ..Setup::yaml(&yaml)
    };
    let scrape = setup.start().await.scrape().await;
    let up = scrape.family("qlara_up");
    assert_eq!(
        (up.len(), up.iter().filter(|(_, up)| *up == 1.0).count()),
        (40, 40)
    );
    assert_eq!(
        gateway.at_once.lock().1,
        3,
        "never more than three refreshes at once"
    );
}

/// [account-isolation]
#[tokio::test]
async fn hanging_accounts_do_not_delay_others() {
    let yaml = "limits: {concurrent_refreshes: 4}\ngateway: {timeout: 400ms}\ncache: {ttl: 1s}\n";
    let stack = Setup::yaml(&format!("{yaml}{}", accounts(20)))
        .start()
        .await;
    stack.gateway.faults("hang").await;
    // After a timeout of all hanging accounts, half of the permits are for other accounts.
    eventually("all have failed", async || {
        stack.clock.advance(Duration::from_secs(2));
        let up = stack.scrape().await;
        let up = up.family("qlara_up");
        (up.len() == 20 && up.iter().all(|(_, up)| *up == 0.0)).then_some(())
    })
    .await;
    stack.clock.advance(Duration::from_secs(2));
    let before = stack.gateway.stats().await.list;
    let impatient = stack
        .get("/metrics")
        .header("X-Prometheus-Scrape-Timeout-Seconds", "0.2");
    impatient.send().await.expect("a response");
    let under_way = stack.gateway.stats().await.list - before;
    assert!(under_way <= 2, "{under_way} of four");
}

/// [refresh-limit]
#[tokio::test]
async fn refresh_limit_holds_across_reloads() {
    let gateway = Arc::new(SlowGateway::default());
    let url = gateway.start().await;
    // Other names are other accounts, which have no data yet.
    let yaml = |generation| {
        let accounts = accounts(12).replace("brand", &format!("brand-{generation}"));
        format!("limits: {{concurrent_refreshes: 3}}\n{accounts}")
    };
    let mut setup = Setup {
        url: Some(url),
        ..Setup::yaml(&yaml(0))
    };
    setup.web.enable_lifecycle = true;
    let stack = setup.start().await;
    for generation in 1..6 {
        let scrape = stack
            .get("/metrics")
            .header("X-Prometheus-Scrape-Timeout-Seconds", "0.1");
        scrape.send().await.expect("a response");
        stack.write_configuration(&yaml(generation));
        let reload = stack
            .request(reqwest::Method::POST, "/-/reload")
            .send()
            .await;
        assert_eq!(reload.expect("a response").status(), StatusCode::OK);
    }
    let scrape = stack.scrape().await;
    assert!(scrape.family("qlara_up").iter().all(|(_, up)| *up == 1.0));
    // The gateway notices an aborted request a moment later.
    let most = gateway.at_once.lock().1;
    assert!((3..=6).contains(&most), "{most} at once");
}

/// [refresh-spacing]
#[tokio::test]
async fn refreshes_start_with_spacing() {
    let gateway = Arc::new(SlowGateway::default());
    let setup = Setup {
        url: Some(gateway.start().await),
        ..Setup::yaml(&accounts(60))
    };
    setup.start().await.scrape().await;
    let arrivals = gateway.arrivals.lock();
    let span = *arrivals.last().expect("a call") - arrivals[0];
    // 59 times 10 ms, halved for a busy machine that delays the first request.
    assert_eq!(arrivals.len(), 60);
    assert!(span > Duration::from_millis(295), "{span:?}");
}

#[tokio::test]
async fn two_prometheus_servers_share_fifty_accounts() {
    needs!("prometheus");
    let gateway = system_gateway().await;
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("qlara.yml");
    std::fs::write(&file, accounts(50)).expect("a file");
    let address = format!("127.0.0.1:{}", free_port());
    let _exporter = Running::start(
        exporter()
            .env("QLARA_API_KEY", API_KEY)
            .args(["--qlara.url", &gateway.url()])
            .args(["--web.listen-address", &address])
            .args(["--no-web.accounts-on-metrics", "--config.file"])
            .arg(&file),
    );
    let shard = |number: u64| {
        Prometheus::with_scrape_configs(&json!([
            {
                "job_name": "qlara",
                "honor_labels": true,
                "http_sd_configs": [{"url": format!("http://{address}/sd"), "refresh_interval": "1s"}],
                // The exporter's own metrics.
                "static_configs": [{"targets": [address]}],
                "relabel_configs": [
                    {"source_labels": ["account"], "modulus": 2, "target_label": "__tmp_shard", "action": "hashmod"},
                    {"source_labels": ["__tmp_shard"], "regex": number.to_string(), "action": "keep"},
                ],
            },
        ]))
    };
    let shards = [shard(0), shard(1)];
    let accounts_of = async |prometheus: &Prometheus| -> Vec<String> {
        let up = prometheus.query("qlara_up == 1").await.unwrap_or_default();
        let names = up.iter().map(|(labels, _)| labels["account"].to_string());
        names.collect()
    };
    let of_both = eventually("all accounts are scraped", async || {
        let of_both = [accounts_of(&shards[0]).await, accounts_of(&shards[1]).await];
        (of_both[0].len() + of_both[1].len() >= 50).then_some(of_both)
    })
    .await;
    for (prometheus, names) in shards.iter().zip(&of_both) {
        assert!(names.len() > 10, "a shard has its share: {}", names.len());
        let up = r#"count(up{job="qlara", account!=""} == 1)"#;
        prometheus.until(up, names.len() as f64).await;
        // One exporter, whatever address is requested.
        let instances = "count(count by (instance) (up))";
        assert_eq!(prometheus.value(instances).await, 1.0);
        let odd = prometheus.query(r#"{exported_account!=""}"#).await;
        assert_eq!(odd, None);
    }
    let own = eventually("its own metrics are scraped, too", async || {
        let build_info = "qlara_exporter_build_info";
        let by_each = [
            shards[0].query(build_info).await,
            shards[1].query(build_info).await,
        ];
        let by: Vec<_> = by_each.into_iter().flatten().collect();
        (!by.is_empty()).then_some(by)
    })
    .await;
    assert_eq!(own.len(), 1, "the account is scraped by one Prometheus");
    let mut names = of_both.concat();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 50, "each account is scraped by one Prometheus");
}
