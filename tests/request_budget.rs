//! The number of gateway requests, counted at the gateway, for every endpoint of the exporter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::harness::listener::{Recorder, http_response};
use crate::harness::openssl::{P256, SelfSigned};
use crate::harness::scrape::Scrape;
use crate::harness::tools::needs;
use crate::harness::{Setup, Stack, eventually};

/// `cache.ttl` in seconds.
const TTL: u64 = 7;
const ACCOUNTS: usize = 4;
const PLATFORMS: [&str; 3] = ["facebook", "instagram", "whatsapp"];

/// API key and path of a request.
fn key_and_path(head: &str) -> (String, String) {
    let path = head.split(' ').nth(1).unwrap_or_default();
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("x-api-key: "));
    (key.unwrap_or_default().to_owned(), path.to_owned())
}

/// [request-budget]
#[tokio::test]
async fn account_sends_one_list_and_one_details_request_per_platform_in_a_ttl() {
    let profiles = PLATFORMS.map(|platform| {
        format!(
            r#"{{"platform": "{platform}", "profileId": "p", "name": "n", "status": "CONNECTED",
            "connectedAt": "2026-01-01T00:00:00Z"}}"#
        )
    });
    let list = format!(r#"{{"profiles": [{}]}}"#, profiles.join(","));
    let gateway = Recorder::start(
        move |head| match key_and_path(head).1.ends_with("/socials") {
            true => http_response("200 OK", "", &list),
            false => http_response("200 OK", "", r#"{"profiles": []}"#),
        },
    )
    .await;
    let accounts =
        ["a", "b", "c", "d"].map(|name| format!("- {{name: {name}, api_key_file: {name}}}"));
    let mut setup = Setup {
        url: Some(format!("http://{}", gateway.address)),
        files: vec![
            ("a", "key-a"),
            ("b", "key-b"),
            ("c", "key-c"),
            ("d", "key-d"),
        ],
        ..Setup::yaml(&format!(
            "cache: {{ttl: {TTL}s}}\naccounts:\n{}",
            accounts.join("\n")
        ))
    };
    setup.web.enable_lifecycle = true;
    let stack = setup.start().await;
    let mut times: BTreeMap<(String, String), Vec<u64>> = BTreeMap::new();
    let mut counted = 0;
    for second in 0..10 * TTL {
        let get = |path: &'static str| stack.request(Method::GET, path).send();
        let mut requests = vec![stack.request(Method::POST, "/-/reload").send()];
        requests.extend(
            [
                "/metrics",
                "/metrics",
                "/",
                "/?account=a",
                "/api/v1/profiles",
                "/api/v1/accounts?format=csv",
                "/sd",
                "/probe?account=a",
                "/probe?account=b",
            ]
            .map(get),
        );
        for answer in join_all(requests).await {
            assert_eq!(answer.expect("a response").status(), 200);
        }
        let heads = gateway.requests();
        for head in &heads[counted..] {
            times.entry(key_and_path(head)).or_default().push(second);
        }
        counted = heads.len();
        stack.clock.advance(std::time::Duration::from_secs(1));
    }
    assert_eq!(
        times.len(),
        ACCOUNTS * (1 + PLATFORMS.len()),
        "{:?}",
        times.keys()
    );
    for (asked, times) in &times {
        let expected: Vec<u64> = (0..10).map(|round| round * TTL).collect();
        assert_eq!(times, &expected, "{asked:?}");
    }
}

async fn with_reloads(yaml: &str, url: Option<String>) -> Stack {
    let mut setup = Setup {
        url,
        ..Setup::yaml(yaml)
    };
    setup.web.enable_lifecycle = true;
    setup.start().await
}

/// Requests every endpoint of the exporter at once.
async fn scrapes_probes_and_pages(stack: &Stack) {
    let doors = [
        "/metrics",
        "/metrics",
        "/",
        "/?account=a",
        "/probe?account=a",
    ];
    let asked = doors.map(|path| stack.request(Method::GET, path).send());
    for answer in join_all(asked).await {
        assert_eq!(answer.expect("a response").status(), 200);
    }
}

/// Labels and value of the samples of account `a`, joined, without the account label.
fn shown(scrape: &Scrape, family: &str, of: &str) -> String {
    let samples = scrape.family(family).into_iter();
    let samples = samples.filter(|(labels, _)| labels.contains(r#"account="a""#));
    let samples = samples.filter(|(labels, _)| labels.contains(of));
    let samples = samples.map(|(labels, value)| format!("{labels} {value}\n"));
    samples.collect::<String>().replace(r#"account="a","#, "")
}

const PERMISSION: &str = "qlara_profile_permission_granted";
const EXPECTED: &str = "qlara_expected_profile_present";
const INFO: &str = "qlara_profile_info";
const DROPPED: &str = "qlara_profiles_dropped";
const ACCOUNT: &str = "accounts: [{name: a, api_key_env: QLARA_API_KEY}]";

/// A configuration, a metric family, a text that the relevant labels contain, and the expected samples.
type Step = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

/// Each step differs from the previous one.
const STEPS: [Step; 20] = [
    (
        "permissions: {facebook: [ads_read]}\nphone_number: show",
        PERMISSION,
        "facebook",
        &[
            r#"{platform="facebook",profile="fb_page_123456",permission="ads_read"} 0"#,
            r#"{platform="facebook",profile="fb_page_123456",permission="pages_messaging"} 1"#,
            r#"{platform="facebook",profile="fb_page_123456",permission="pages_read_engagement"} 1"#,
        ],
    ),
    (
        "permissions: {facebook: []}\nphone_number: show",
        PERMISSION,
        "ads_read",
        &[],
    ),
    (
        "phone_number: show\nEXPECTED",
        EXPECTED,
        "",
        &[
            r#"{platform="facebook",profile="fb_page_123456"} 1"#,
            r#"{platform="facebook",profile="none"} 0"#,
        ],
    ),
    ("phone_number: show", EXPECTED, "", &[]),
    (
        "phone_number: show\ngateway: {timeout: 3s}",
        INFO,
        "phone_number",
        &[
            r#"{platform="whatsapp",profile="wa_biz_789012",name="BrandCo WhatsApp Business",phone_number="+393491234567"} 1"#,
        ],
    ),
    (
        "phone_number: mask",
        INFO,
        "phone_number",
        &[
            r#"{platform="whatsapp",profile="wa_biz_789012",name="BrandCo WhatsApp Business",phone_number="+**********67"} 1"#,
        ],
    ),
    (
        "phone_number: show\nlimits: {concurrent_refreshes: 2}",
        INFO,
        "phone_number",
        &[],
    ),
    ("phone_number: omit", INFO, "phone_number", &[]),
    ("phone_number: show", INFO, "phone_number", &[]),
    (
        "gateway: {proxy_url: 'http://127.0.0.1:1', allow_http: true}",
        "qlara_up",
        "",
        &["{account=\"a\"} 1"],
    ),
    (
        "gateway: {tls_config: {ca_file: CA}}",
        "qlara_up",
        "",
        &["{account=\"a\"} 1"],
    ),
    (
        "gateway: {fields: {name: title}}",
        INFO,
        "instagram",
        &[r#"{platform="instagram",profile="ig_345678",name="brandco_official"} 1"#],
    ),
    (
        "cache: {max_stale: 2h}",
        "qlara_up",
        "",
        &["{account=\"a\"} 1"],
    ),
    ("cache: {ttl: 30s}", "qlara_up", "", &["{account=\"a\"} 1"]),
    (
        "limits: {response_bytes: 2MiB}",
        "qlara_up",
        "",
        &["{account=\"a\"} 1"],
    ),
    (
        "limits: {profiles: 2}",
        DROPPED,
        "limit",
        &[r#"{reason="limit"} 1"#],
    ),
    (
        "limits: {profiles: 2}\nEXPECTED",
        EXPECTED,
        "",
        &[r#"{platform="facebook",profile="fb_page_123456"} 1"#],
    ),
    (
        "limits: {profiles: 1}",
        INFO,
        "",
        &[
            r#"{platform="facebook",profile="fb_page_123456",name="BrandCo Official",category="E-commerce",page_id="1234567890"} 1"#,
        ],
    ),
    // The new limit applies from the next refresh of each account on.
    (
        "limits: {exposition_bytes: 500B}",
        DROPPED,
        "limit",
        &[r#"{reason="limit"} 2"#],
    ),
    ("phone_number: show", INFO, "", &[]),
];

/// The default and the value that a step sets.
fn configuration(step: &str, ca_file: &str) -> String {
    let expected = format!(
        "{}, expected: [{{platform: facebook, profile: fb_page_123456}}, {{platform: facebook, profile: none}}]}}]",
        ACCOUNT.trim_end_matches("}]")
    );
    match step.strip_suffix("EXPECTED") {
        Some(step) => format!("{step}{expected}"),
        None => format!("{}\n{ACCOUNT}", step.replace("CA", ca_file)),
    }
}

/// [reload-without-request]
#[tokio::test]
async fn reloads_of_a_changed_account_send_no_request() {
    needs!("openssl");
    let certificate = SelfSigned::new(P256, &["-subj", "/CN=gateway"]);
    let ca_file = certificate.file("cert.pem").display().to_string();
    let stack = with_reloads(&format!("phone_number: show\n{ACCOUNT}"), None).await;
    stack.scrape().await;
    let counted = async || {
        let stats = stack.gateway.stats().await;
        (stats.list, stats.details)
    };
    assert_eq!(counted().await, (1, PLATFORMS.len() as u64));
    for (step, family, of, samples) in STEPS {
        stack.clock.advance(Duration::from_secs(1));
        stack.reload_with(&configuration(step, &ca_file)).await;
        scrapes_probes_and_pages(&stack).await;
        let found = shown(&stack.scrape().await, family, of);
        assert_eq!(found.lines().collect::<Vec<_>>(), samples, "{step}");
    }
    stack.scrape_after(60 - STEPS.len() as u64 - 1).await;
    assert_eq!(counted().await, (1, PLATFORMS.len() as u64));
    let scrape = stack.scrape_after(1).await;
    assert_eq!(counted().await, (2, 2 * PLATFORMS.len() as u64));
    let number = shown(&scrape, INFO, "phone_number");
    assert!(
        number.contains(r#"phone_number="+393491234567""#),
        "{number}"
    );
    assert_eq!(scrape.family(INFO).len(), 3);
}

/// [reload-ttl]
#[tokio::test]
async fn changed_ttl_counts_from_the_last_request() {
    let yaml = |ttl: u64| format!("cache: {{ttl: {ttl}s}}\n{ACCOUNT}");
    let stack = with_reloads(&yaml(60), None).await;
    stack.scrape().await;
    let lists = async || stack.gateway.stats().await.list;
    // A longer ttl, one shorter than the age of the data, and the ttl of the new data.
    for (ttl, wait, asked) in [
        (90, 89, 1),
        (90, 1, 2),
        (10, 9, 2),
        (20, 1, 2),
        (10, 0, 3),
        (5, 4, 3),
    ] {
        stack.reload_with(&yaml(ttl)).await;
        stack.clock.advance(Duration::from_secs(wait));
        scrapes_probes_and_pages(&stack).await;
        assert_eq!(lists().await, asked, "{ttl} {wait}");
    }
}

/// [request-budget]
#[tokio::test]
async fn added_and_removed_accounts_cause_no_requests_of_others() {
    let yaml = |others: &[&str]| {
        let other = |name: &&str| format!("- {{name: {name}, api_key_env: QLARA_API_KEY}}\n");
        let others: String = others.iter().map(other).collect();
        format!("accounts:\n{others}- {{name: a, api_key_env: QLARA_API_KEY}}\n")
    };
    let stack = with_reloads(&yaml(&[]), None).await;
    stack.scrape().await;
    let (mut asked, mut known) = (1, Vec::new());
    for others in [["b", "c"].as_slice(), &["c", "d"], &["d"], &[], &["e"]] {
        stack.reload_with(&yaml(others)).await;
        scrapes_probes_and_pages(&stack).await;
        asked += others.iter().filter(|name| !known.contains(*name)).count() as u64;
        known = others.to_vec();
        assert_eq!(stack.gateway.stats().await.list, asked, "{others:?}");
    }
}

/// A gateway that lists WhatsApp profiles and delays its responses.
struct HeldGateway {
    profiles: usize,
    /// The response to the delayed request.
    status: StatusCode,
    holds_details: bool,
    asked: AtomicUsize,
    release: Semaphore,
}

impl HeldGateway {
    async fn start(
        profiles: usize,
        status: StatusCode,
        holds_details: bool,
    ) -> (Arc<Self>, String) {
        let gateway = Arc::new(HeldGateway {
            profiles,
            status,
            holds_details,
            asked: AtomicUsize::new(0),
            release: Semaphore::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (list, details) = (Arc::clone(&gateway), Arc::clone(&gateway));
        let router = Router::new()
            .route("/socials", get(async move || list.response(false).await))
            .route(
                "/socials/{platform}",
                get(async move |_: Path<String>| details.response(true).await),
            );
        tokio::spawn(async { axum::serve(listener, router).await });
        (gateway, format!("http://{address}"))
    }

    async fn response(&self, is_details: bool) -> (StatusCode, String) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let profile = |number: usize| {
            json!({"platform": "whatsapp", "profileId": number.to_string(), "name": "n",
                "status": "CONNECTED", "connectedAt": "2026-01-01T00:00:00Z",
                "phoneNumber": "+391234567890", "permissions": ["granted"]})
        };
        let profiles: Vec<Value> = (0..self.profiles).map(profile).collect();
        let answer = json!({ "profiles": profiles }).to_string();
        if is_details != self.holds_details {
            return (StatusCode::OK, answer);
        }
        let released = self.release.acquire().await;
        released.expect("an open semaphore").forget();
        (self.status, answer)
    }

    fn request_count(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Few profiles are rendered inline, many on another thread.
/// [reload-during-refresh]
#[tokio::test]
async fn running_refresh_during_reloads_is_shared_and_uses_the_new_rules() {
    for (profiles, holds_details) in [(1, false), (1, true), (50, false), (50, true)] {
        let ok = StatusCode::OK;
        let (gateway, url) = HeldGateway::start(profiles, ok, holds_details).await;
        let yaml = |more: &str| format!("{more}\n{ACCOUNT}");
        let stack = with_reloads(&yaml("phone_number: show"), Some(url)).await;
        let reloads = async {
            let held = 1 + usize::from(holds_details);
            eventually("a request", async || {
                (gateway.request_count() == held).then_some(())
            })
            .await;
            for more in [
                "gateway: {timeout: 7s}\nphone_number: show",
                "limits: {profiles: 40}\ncache: {ttl: 30s}\nphone_number: mask\npermissions: {whatsapp: [more]}",
            ] {
                stack.reload_with(&yaml(more)).await;
                let impatient = stack.get("/metrics");
                let impatient = impatient.header("X-Prometheus-Scrape-Timeout-Seconds", "0.1");
                assert_eq!(impatient.send().await.expect("a response").status(), 200);
            }
            join(stack.scrape(), async { gateway.release.add_permits(1) })
                .await
                .0
        };
        let (early, late) = join(stack.scrape(), reloads).await;
        for scrape in [early, late, stack.scrape_after(29).await] {
            let kept = profiles.min(40);
            assert_eq!(
                scrape.family(INFO).len(),
                kept,
                "{profiles} {holds_details}"
            );
            assert_eq!(
                scrape
                    .text
                    .matches(r#"phone_number="+**********90""#)
                    .count(),
                kept
            );
            assert_eq!(scrape.text.matches(r#"permission="more"} 0"#).count(), kept);
            assert_eq!(
                scrape.text.matches(r#"permission="granted"} 1"#).count(),
                kept
            );
            assert!(!scrape.text.contains("391234567890"));
        }
        assert_eq!(gateway.request_count(), 2, "one list, one platform");
        gateway.release.add_permits(1);
        stack.scrape_after(1).await;
        assert_eq!(gateway.request_count(), 4);
    }
}

/// The same as without a reload.
/// [reload-during-refresh]
#[tokio::test]
async fn refresh_that_fails_after_a_reload_starts_a_backoff() {
    let refused = StatusCode::UNAUTHORIZED;
    let (gateway, url) = HeldGateway::start(1, refused, false).await;
    let yaml = |timeout: u64| format!("gateway: {{timeout: {timeout}s}}\n{ACCOUNT}");
    let stack = with_reloads(&yaml(10), Some(url)).await;
    let reload = async {
        eventually("a request", async || {
            (gateway.request_count() == 1).then_some(())
        })
        .await;
        stack.reload_with(&yaml(11)).await;
        gateway.release.add_permits(9);
        stack.scrape().await
    };
    let (early, late) = join(stack.scrape(), reload).await;
    for scrape in [early, late, stack.scrape_after(59).await] {
        assert_eq!(scrape.family("qlara_up"), [(r#"{account="a"}"#, 0.0)]);
    }
    assert_eq!(gateway.request_count(), 1);
    stack.scrape_after(1).await;
    assert_eq!(gateway.request_count(), 2);
}

/// [reload-address]
#[tokio::test]
async fn account_with_another_address_or_credentials_is_requested_at_once() {
    let (gateway, url) = HeldGateway::start(1, StatusCode::OK, false).await;
    gateway.release.add_permits(9);
    let account = |more: &str| format!("accounts: [{{name: a, {more}}}]");
    let stack = with_reloads(&account("api_key_env: QLARA_API_KEY"), Some(url.clone())).await;
    stack.scrape().await;
    std::fs::write(stack.file("same"), crate::harness::API_KEY).expect("a file");
    std::fs::write(stack.file("other"), "another-key").expect("a file");
    let elsewhere = format!("api_key_file: other, gateway: {{url: '{url}/'}}");
    let elsewhere = elsewhere.replace("127.0.0.1", "localhost");
    for (more, asked) in [
        ("api_key_file: same", 2),
        ("api_key_file: other", 4),
        (&*elsewhere, 6),
    ] {
        stack.reload_with(&account(more)).await;
        scrapes_probes_and_pages(&stack).await;
        assert_eq!(gateway.request_count(), asked, "{more}");
    }
}
