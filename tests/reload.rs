//! Reloads of the configuration.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tracing::Level;

use crate::harness::log::Log;
use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter};
use crate::harness::scrape::Scrape;
use crate::harness::{API_KEY, Setup, Stack, eventually, http};
use crate::prometheus::system_gateway;

const GOOD: &str = "qlara_exporter_config_last_reload_successful";
const LOADED: &str = "qlara_exporter_config_last_reload_success_timestamp_seconds";

fn accounts(names: &[&str]) -> String {
    let entries = names.iter().map(|name| account(name, ""));
    format!("accounts:\n{}", entries.collect::<String>())
}

fn account(name: &str, more: &str) -> String {
    format!("- {{name: {name}, api_key_env: QLARA_API_KEY{more}}}\n")
}

async fn start(yaml: &str) -> Stack {
    let mut setup = Setup::yaml(yaml);
    setup.web.enable_lifecycle = true;
    setup.start().await
}

impl Stack {
    pub async fn reload(&self) -> (StatusCode, String) {
        let answer = self.request(Method::POST, "/-/reload").send().await;
        let answer = answer.expect("a response");
        (answer.status(), answer.text().await.expect("a text"))
    }

    pub async fn reload_with(&self, yaml: &str) {
        self.write_configuration(yaml);
        assert_eq!(self.reload().await, (StatusCode::OK, String::new()));
    }
}

/// [reload-keeps-accounts]
#[tokio::test]
async fn unchanged_accounts_keep_cache_and_counters() {
    let stack = start(&accounts(&["stays", "goes"])).await;
    stack.scrape().await;
    stack.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(stack.gateway.stats().await.list, 2);

    stack.reload_with(&accounts(&["comes", "stays"])).await;
    let scrape = stack.scrape().await;
    assert_eq!(
        scrape.family("qlara_up"),
        [(r#"{account="comes"}"#, 1.0), (r#"{account="stays"}"#, 1.0)]
    );
    assert!(!scrape.text.contains("goes"), "{}", scrape.text);
    assert_eq!(stack.gateway.stats().await.list, 3, "only the new one asks");
    let requests = |account: &str| {
        scrape.value(&format!(
            r#"qlara_gateway_requests_total{{account="{account}",endpoint="socials"}}"#
        ))
    };
    assert_eq!((requests("comes"), requests("stays")), (1.0, 1.0));
    let read = |account: &str| {
        scrape.value(&format!(
            r#"qlara_last_refresh_success_timestamp_seconds{{account="{account}"}}"#
        ))
    };
    assert_eq!(read("comes") - read("stays"), 5.0);

    // An account that returns starts without data.
    stack.reload_with(&accounts(&["goes", "stays"])).await;
    let scrape = stack.scrape().await;
    let requests = r#"qlara_gateway_requests_total{account="goes",endpoint="socials"}"#;
    assert_eq!(scrape.value(requests), 1.0);
}

/// [reload-broken-file]
#[tokio::test]
async fn broken_file_changes_nothing_and_is_reported() {
    let stack = start(&accounts(&["a"])).await;
    let before = stack.scrape().await;
    assert_eq!(before.value(GOOD), 1.0);
    stack.clock.advance(std::time::Duration::from_secs(30));

    stack.write_configuration(
        "accounts:\n- {name: b, api_key_env: NONE}\n- {name: '', api_key_env: NONE}\n",
    );
    let (status, text) = stack.reload().await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let file = stack.file("qlara.yml");
    let file = file.display();
    assert_eq!(
        text,
        format!(
            "Cannot load the configuration, the running one stays in force:\n\
             {file}:2:26: accounts[0].api_key_env: the environment variable NONE is not set or is empty\n\
             {file}:3:10: accounts[1].name: must not be empty\n\
             {file}:3:27: accounts[1].api_key_env: the environment variable NONE is not set or is empty\n"
        )
    );
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value(GOOD), 0.0);
    assert_eq!(scrape.value(LOADED), before.value(LOADED));
    assert_eq!(scrape.family("qlara_up"), [(r#"{account="a"}"#, 1.0)]);

    stack.reload_with(&accounts(&["b"])).await;
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value(GOOD), 1.0);
    assert_eq!(scrape.value(LOADED) - before.value(LOADED), 30.0);
    assert_eq!(scrape.family("qlara_up"), [(r#"{account="b"}"#, 1.0)]);
}

#[tokio::test]
async fn changed_account_applies_at_once_and_keeps_its_counters() {
    let stack = start(&accounts(&["a"])).await;
    stack.scrape().await;
    stack
        .reload_with(&format!(
            "accounts:\n{}",
            account("a", ", expected: [{platform: facebook, profile: x}]")
        ))
        .await;
    let scrape = stack.scrape().await;
    assert_eq!(
        scrape.family("qlara_expected_profile_present"),
        [(r#"{account="a",platform="facebook",profile="x"}"#, 0.0)]
    );
    let requests = r#"qlara_gateway_requests_total{account="a",endpoint="socials"}"#;
    assert_eq!(scrape.value(requests), 1.0, "without a request");
    let scrape = stack.scrape_after(61).await;
    assert_eq!(scrape.value(requests), 2.0, "its counters go on");
}

#[tokio::test]
async fn changed_account_shows_cached_data_while_the_gateway_is_down() {
    let stack = start(&accounts(&["a"])).await;
    stack.scrape().await;
    stack.gateway.faults("status=503").await;
    stack
        .reload_with(&format!("cache: {{ttl: 2m}}\n{}", accounts(&["a"])))
        .await;
    let scrape = stack.scrape_after(119).await;
    assert_eq!(
        scrape.family("qlara_up"),
        [(r#"{account="a"}"#, 1.0)],
        "the new ttl counts"
    );
    let scrape = stack.scrape_after(1).await;
    assert_eq!(scrape.family("qlara_up"), [(r#"{account="a"}"#, 0.0)]);
    assert_eq!(scrape.family("qlara_profile_info").len(), 3);
}

/// [other-key]
#[tokio::test]
async fn account_with_a_new_key_drops_cached_data() {
    let yaml = |a: &str, b: &str| {
        format!("accounts:\n- {{name: a, api_key_file: {a}}}\n- {{name: b, api_key_file: {b}}}\n")
    };
    let mut setup = Setup::yaml(&yaml("good", "bad"));
    setup.web.enable_lifecycle = true;
    setup.files = vec![("good", API_KEY), ("bad", "another")];
    let stack = setup.start().await;
    let shown = |scrape: &crate::harness::scrape::Scrape, account: &str| {
        let label = format!("account=\"{account}\"");
        let family = scrape.family("qlara_profile_info");
        family
            .iter()
            .filter(|(labels, _)| labels.contains(&label))
            .count()
    };
    let scrape = stack.scrape().await;
    assert_eq!((shown(&scrape, "a"), shown(&scrape, "b")), (3, 0));
    stack.reload_with(&yaml("bad", "good")).await;
    let scrape = stack.scrape().await;
    assert_eq!((shown(&scrape, "a"), shown(&scrape, "b")), (0, 3));
}

#[tokio::test]
async fn default_account_is_replaced_by_named_ones_and_back() {
    let stack = start("cache: {ttl: 60s}").await;
    assert_eq!(stack.scrape().await.family("qlara_up"), [("", 1.0)]);
    stack.reload_with(&accounts(&["a"])).await;
    let scrape = stack.scrape().await;
    assert_eq!(scrape.family("qlara_up"), [(r#"{account="a"}"#, 1.0)]);
    assert_eq!(scrape.family("qlara_gateway_requests_total").len(), 2);
    stack.reload_with("cache: {ttl: 60s}").await;
    let scrape = stack.scrape().await;
    assert_eq!(scrape.family("qlara_up"), [("", 1.0)]);
    assert_eq!(scrape.family("qlara_gateway_requests_total").len(), 2);
}

/// [removed-account]
#[tokio::test]
async fn removed_accounts_send_no_requests() {
    let stack = start(&format!(
        "limits: {{concurrent_refreshes: 1}}\n{}",
        accounts(&["a", "b", "c"])
    ))
    .await;
    stack.gateway.faults("hang").await;
    let scrape = stack
        .get("/metrics")
        .header("X-Prometheus-Scrape-Timeout-Seconds", "0.2");
    scrape.send().await.expect("a response");
    assert_eq!(
        stack.gateway.stats().await.list,
        1,
        "the other accounts wait for a permit"
    );
    stack.reload_with(&accounts(&["z"])).await;
    stack.gateway.faults("").await;
    assert_eq!(
        stack.scrape().await.family("qlara_up"),
        [(r#"{account="z"}"#, 1.0)]
    );
    assert_eq!(
        stack.gateway.stats().await.list,
        2,
        "the account whose refresh was running does not delay it"
    );
}

/// [reload-web-configuration]
#[tokio::test]
async fn broken_web_configuration_fails_the_reload() {
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("web.yml");
    std::fs::write(&file, "http_server_config: {http2: true}").expect("a file");
    let web_config = exporter_toolkit::web_config::WebConfigFile::load(&file);
    let mut setup = Setup::yaml(&accounts(&["a"]));
    setup.web.enable_lifecycle = true;
    setup.web.config = std::sync::Arc::new(web_config.expect("a good file"));
    let stack = setup.start().await;
    assert_eq!(stack.reload().await.0, StatusCode::OK);
    std::fs::write(&file, "http_server_confi: {}").expect("a file");
    stack.write_configuration(&accounts(&["b"]));
    let (status, text) = stack.reload().await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        text.contains("web.yml:1:1: unknown key \"http_server_confi\"; did you mean"),
        "{text}"
    );
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value(GOOD), 0.0);
    assert_eq!(scrape.family("qlara_up"), [(r#"{account="a"}"#, 1.0)]);
    std::fs::write(&file, "http_server_config: {http2: false}").expect("a file");
    assert_eq!(stack.reload().await.0, StatusCode::OK);
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value(GOOD), 1.0);
    assert_eq!(scrape.family("qlara_up"), [(r#"{account="b"}"#, 1.0)]);
}

#[tokio::test]
async fn hidden_phone_number_disappears_at_once() {
    let yaml = |number: &str| format!("phone_number: {number}\n{}", accounts(&["a"]));
    let stack = start(&yaml("show")).await;
    let number = json!([{"platform": "whatsapp", "profileId": "p", "name": "n", "status": "CONNECTED",
        "connectedAt": "2026-01-01T00:00:00Z", "phoneNumber": "+391234567890"}]);
    stack.gateway.profiles(&number).await;
    assert!(stack.scrape().await.text.contains("391234567890"));
    stack.gateway.faults("status=503").await;
    stack.reload_with(&yaml("omit")).await;
    assert!(!stack.scrape().await.text.contains("391234567890"));
}

/// [corrected-key]
#[tokio::test]
async fn corrected_key_does_not_wait_for_the_backoff() {
    let directory = tempfile::tempdir().expect("a folder");
    for (name, key) in [("wrong", "x"), ("right", API_KEY)] {
        std::fs::write(directory.path().join(name), key).expect("a file");
    }
    let yaml = |name: &str| {
        let file = directory.path().join(name);
        format!(
            "accounts: [{{name: a, api_key_file: '{}'}}]",
            file.display()
        )
    };
    let stack = start(&yaml("wrong")).await;
    assert_eq!(
        stack.scrape().await.family("qlara_up"),
        [(r#"{account="a"}"#, 0.0)]
    );
    stack.reload_with(&yaml("right")).await;
    assert_eq!(
        stack.scrape().await.family("qlara_up"),
        [(r#"{account="a"}"#, 1.0)]
    );
}

/// A backoff of each kind, and its duration in seconds.
const BACKOFFS: [(&str, u64); 5] = [
    ("list:retry-after=200s", 200),
    ("details:retry-after=200s", 200),
    ("list:status=401", 60),
    ("list:status=403", 60),
    ("list:status=503", 1),
];

/// [reload-during-backoff]
#[tokio::test]
async fn every_backoff_survives_a_reload() {
    let yaml = |ttl: &str| format!("cache: {{ttl: {ttl}}}\npermissions: {{facebook: [x]}}\n");
    for (fault, seconds) in BACKOFFS {
        let stack = start(&yaml("1s")).await;
        stack.gateway.faults(fault).await;
        stack.scrape().await;
        let asked = stack.gateway.stats().await.list;
        for ttl in ["2s", "0s"] {
            stack.reload_with(&yaml(ttl)).await;
            stack.scrape().await;
            assert_eq!(stack.gateway.stats().await.list, asked, "{fault}, {ttl}");
        }
        stack.scrape_after(seconds).await;
        assert_eq!(stack.gateway.stats().await.list, asked + 1, "{fault}");
    }
}

/// [reload-during-backoff]
#[tokio::test]
async fn backoff_survives_a_rename_of_the_account() {
    let yaml = |name: &str| format!("accounts: [{{name: {name}, api_key_env: QLARA_API_KEY}}]");
    let stack = start(&yaml("a")).await;
    stack.gateway.faults("list:retry-after=60s").await;
    stack.scrape().await;
    let asked = stack.gateway.stats().await.list;
    for name in ["b", "c"] {
        stack.reload_with(&yaml(name)).await;
        stack.scrape().await;
        assert_eq!(stack.gateway.stats().await.list, asked, "{name}");
    }
    stack.scrape_after(60).await;
    assert_eq!(stack.gateway.stats().await.list, asked + 1);
}

/// The result of a running refresh counts for the account that replaces it.
/// [reload-during-backoff]
#[tokio::test]
async fn backoff_that_starts_during_a_reload_is_kept() {
    let yaml = |ttl: &str| format!("cache: {{ttl: {ttl}}}");
    for (early, late) in [
        // The 429 arrives before the reload, and the refresh continues.
        (
            "details/facebook:retry-after=60s",
            "details/whatsapp:latency=2s",
        ),
        // The request is in flight.
        ("list:retry-after=60s", "list:latency=2s"),
    ] {
        let stack = start(&yaml("1s")).await;
        stack.gateway.faults(&format!("{early}\n{late}")).await;
        let reload = async {
            eventually("a request", async || {
                let stats = stack.gateway.stats().await;
                (stats.list + stats.details > 0).then_some(())
            })
            .await;
            stack.reload_with(&yaml("2s")).await;
            stack.scrape().await
        };
        tokio::join!(stack.scrape(), reload);
        let asked = stack.gateway.stats().await;
        assert_eq!(asked.list, 1, "{early}");
        stack.scrape_after(59).await;
        assert_eq!(stack.gateway.stats().await.list, 1, "{early}");
        stack.scrape_after(1).await;
        assert_eq!(stack.gateway.stats().await.list, 2, "{early}");
    }
}

/// The account leaves for another address, another key, or is removed.
/// [reload-during-backoff]
#[tokio::test]
async fn readded_account_respects_the_ttl() {
    for (fault, requests) in [("list:retry-after=200s", 1), ("", 1)] {
        for away in [
            "[{name: a, api_key_env: QLARA_API_KEY, gateway: {url: 'http://127.0.0.1:9/x'}}]",
            "[{name: a, api_key_env: OTHER_KEY}]",
            "[{name: other, api_key_env: OTHER_KEY}]",
        ] {
            let yaml = |accounts: &str| format!("cache: {{ttl: 100s}}\naccounts: {accounts}");
            let home = yaml("[{name: a, api_key_env: QLARA_API_KEY}]");
            let mut setup = Setup::yaml(&home);
            setup.web.enable_lifecycle = true;
            setup.variables = vec![("OTHER_KEY", "wrong".to_owned())];
            let stack = setup.start().await;
            stack.gateway.faults(fault).await;
            let before = stack.scrape().await;
            for _ in 0..3 {
                stack.reload_with(&yaml(away)).await;
                stack.reload_with(&home).await;
                let scrape = stack.scrape().await;
                let profiles = |scrape: &Scrape| scrape.family("qlara_profile_info").len();
                assert_eq!(profiles(&scrape), profiles(&before), "{fault} {away}");
            }
            assert_eq!(stack.gateway.stats().await.list, requests, "{fault} {away}");
            stack.scrape_after(200).await;
            let more = stack.gateway.stats().await.list;
            assert_eq!(more, requests + 1, "{fault} {away}");
        }
    }
}

/// [reload-during-backoff]
#[tokio::test]
async fn backoff_does_not_apply_to_another_key_or_address() {
    let directory = tempfile::tempdir().expect("a folder");
    let key = directory.path().join("key");
    let yaml = |more: &str| {
        let file = key.display();
        format!("cache: {{ttl: 1s}}\naccounts: [{{name: a, api_key_file: '{file}'{more}}}]")
    };
    std::fs::write(&key, "wrong").expect("a file");
    let stack = start(&yaml("")).await;
    stack.scrape().await;
    // The same file with another key, and a change that replaces the account.
    std::fs::write(&key, API_KEY).expect("a file");
    stack.reload_with(&yaml(", gateway: {timeout: 5s}")).await;
    assert_eq!(stack.scrape().await.value(r#"qlara_up{account="a"}"#), 1.0);
    stack.gateway.faults("list:retry-after=200s").await;
    stack.scrape_after(2).await;
    stack.gateway.faults("").await;
    let asked = stack.gateway.stats().await.list;
    // A trailing slash changes nothing.
    let same = format!(", gateway: {{url: '{}/'}}", stack.gateway.url());
    stack.reload_with(&yaml(&same)).await;
    stack.scrape().await;
    assert_eq!(stack.gateway.stats().await.list, asked);
    let elsewhere = same.replace("127.0.0.1", "localhost");
    stack.reload_with(&yaml(&elsewhere)).await;
    stack.scrape().await;
    assert_eq!(stack.gateway.stats().await.list, asked + 1);
}

/// [missing-secret-file]
#[tokio::test]
async fn unreadable_secret_file_shows_in_the_reload_metric() {
    let directory = tempfile::tempdir().expect("a folder");
    let key = directory.path().join("key");
    std::fs::write(&key, API_KEY).expect("a file");
    let stack = start(&format!(
        "accounts: [{{name: a, api_key_file: '{}'}}]",
        key.display()
    ))
    .await;
    let log = Log::collect(Level::INFO);
    assert_eq!(stack.scrape().await.value(GOOD), 1.0);
    log.take();
    std::fs::remove_file(&key).expect("removed");
    for _ in 0..2 {
        let scrape = stack.scrape_after(61).await;
        assert_eq!(scrape.value(GOOD), 0.0);
        assert_eq!(scrape.value(r#"qlara_up{account="a"}"#), 1.0);
    }
    let lines = log.take();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(lines.contains("Secret file cannot be used"), "{lines}");
    std::fs::write(&key, API_KEY).expect("a file");
    assert_eq!(stack.scrape_after(61).await.value(GOOD), 1.0);
    let lines = log.take();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(lines.contains("Secret file can be used again"), "{lines}");
}

/// A program that writes a file in place empties it first. The gateway must not see a part of the key.
/// [half-written-key]
#[tokio::test]
async fn half_written_key_file_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key");
    std::fs::write(&key, API_KEY).expect("a file");
    let stack = start(&format!(
        "accounts: [{{name: a, api_key_file: '{}'}}]",
        key.display()
    ))
    .await;
    let mut seen = 0;
    for _ in 0..20 {
        std::fs::write(&key, &API_KEY[..4]).expect("a file");
        let half = std::time::Instant::now();
        let (scrape, long) = tokio::join!(stack.scrape_after(61), async {
            tokio::time::sleep(Duration::from_millis(15)).await;
            std::fs::write(&key, API_KEY).expect("a file");
            half.elapsed() > Duration::from_millis(40)
        });
        // On a busy machine, the first half can be unchanged for long enough to count as the whole file.
        if long {
            stack.scrape_after(61).await;
        } else {
            assert_eq!(scrape.value(r#"qlara_up{account="a"}"#), 1.0);
            seen += 1;
        }
    }
    assert!(seen > 0, "no file was written fast enough");
}

/// [reload-during-scrapes]
#[tokio::test]
async fn reloads_do_not_disturb_scrapes() {
    let stack = start(&accounts(&["a", "b"])).await;
    let reloads = async {
        for names in [["a", "b"], ["b", "a"]].iter().cycle().take(50) {
            stack.reload_with(&accounts(names)).await;
        }
    };
    let scrapes = async {
        loop {
            let scrape = stack.scrape().await;
            assert_eq!(scrape.family("qlara_up").len(), 2);
            assert_eq!(scrape.family("qlara_profile_info").len(), 6);
        }
    };
    tokio::select! {
        () = reloads => {}
        () = scrapes => {}
    }
    assert_eq!(stack.gateway.stats().await.list, 2);
}

/// [reload-switch]
#[tokio::test]
async fn reload_endpoint_is_disabled_by_default() {
    let stack = Stack::start().await;
    let (status, text) = stack.reload().await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(text.contains("--web.enable-lifecycle"), "{text}");
    let asked_for = start(&accounts(&["a"])).await;
    for (stack, status) in [(stack, StatusCode::FORBIDDEN), (asked_for, StatusCode::OK)] {
        let put = stack.request(Method::PUT, "/-/reload").send().await;
        assert_eq!(put.expect("a response").status(), status);
    }
}

/// [reload-methods]
#[tokio::test]
async fn other_methods_are_405_with_the_allowed_ones() {
    let stack = Stack::start().await;
    for method in ["GET", "HEAD", "DELETE", "PATCH", "OPTIONS", "OTHER"] {
        let method: Method = method.parse().expect("a method");
        let answer = stack.request(method.clone(), "/-/reload").send().await;
        let answer = answer.expect("a response");
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        let allowed: Vec<_> = answer.headers().get_all("allow").iter().collect();
        assert_eq!(allowed, ["POST, PUT"], "{method}");
        let hint = answer.text().await.expect("a text");
        let expected = method != Method::HEAD;
        assert_eq!(hint.contains("curl -X POST"), expected, "{method}: {hint}");
    }
}

/// [sighup]
#[tokio::test]
async fn sighup_reloads_the_configuration() {
    let gateway = system_gateway().await;
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("qlara.yml");
    std::fs::write(&file, accounts(&["a"])).expect("a file");
    let address = format!("127.0.0.1:{}", free_port());
    let running = Running::start(
        exporter()
            .env("QLARA_API_KEY", API_KEY)
            .args(["--qlara.url", &gateway.url()])
            .args(["--web.listen-address", &address])
            .arg("--config.file")
            .arg(&file),
    );
    let metrics = || async {
        let url = format!("http://{address}/metrics");
        http().get(url).send().await.ok()?.text().await.ok()
    };
    let until = |line: &'static str| {
        eventually(line, async move || {
            metrics()
                .await?
                .lines()
                .any(|found| found == line)
                .then_some(())
        })
    };
    until(r#"qlara_up{account="a"} 1"#).await;
    std::fs::write(&file, accounts(&["b"])).expect("a file");
    running.signal("HUP");
    until(r#"qlara_up{account="b"} 1"#).await;
    std::fs::write(&file, "accounts: [{name: c, api_key_fil: x}]").expect("a file");
    running.signal("HUP");
    until("qlara_exporter_config_last_reload_successful 0").await;
    until(r#"qlara_up{account="b"} 1"#).await;
    running.signal("TERM");
    let (status, log) = running.wait();
    assert!(status.success());
    assert!(
        log.contains(r#"msg="Loaded the configuration again" accounts=1"#),
        "{log}"
    );
    assert!(log.contains("level=ERROR source=reload.rs:"), "{log}");
    let reason = format!(
        r#"{}:1:22: accounts[0]: unknown key \"api_key_fil\""#,
        file.display()
    );
    assert!(log.contains(&reason), "{log}");
}
