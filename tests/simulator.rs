//! The simulated gateway follows the documentation of the API.

use std::sync::Arc;
use std::time::Duration;

use exporter_toolkit::clock::Clock;
use gateway_simulator::{Options, RateLimit};
use serde_json::{Value, json};

use crate::harness::clock::ManualClock;
use crate::harness::{API_KEY, Gateway, http};

async fn gateway(options: Options) -> (Gateway, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at("2026-04-10T12:00:00Z"));
    let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
    (Gateway::start(options, shared).await, clock)
}

async fn response(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("a response");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a text");
    (status, serde_json::from_str(&text).expect("JSON"))
}

async fn profiles(gateway: &Gateway) -> Vec<Value> {
    let (_, list) = response(gateway.api("/socials")).await;
    list["profiles"].as_array().expect("an array").clone()
}

#[tokio::test]
async fn list_is_the_documented_one() {
    let (gateway, _) = gateway(Options::default()).await;
    let documented = json!({
        "profiles": [
            {
                "platform": "facebook",
                "profileId": "fb_page_123456",
                "name": "BrandCo Official",
                "status": "CONNECTED",
                "tokenExpiresAt": "2026-06-15T00:00:00+02:00",
                "connectedAt": "2026-01-10T14:30:00+01:00"
            },
            {
                "platform": "whatsapp",
                "profileId": "wa_biz_789012",
                "name": "BrandCo WhatsApp Business",
                "status": "CONNECTED",
                "phoneNumber": "+393491234567",
                "connectedAt": "2026-02-20T09:00:00+01:00"
            },
            {
                "platform": "instagram",
                "profileId": "ig_345678",
                "name": "brandco_official",
                "status": "TOKEN_EXPIRED",
                "tokenExpiresAt": "2026-03-01T00:00:00+01:00",
                "connectedAt": "2025-12-01T10:00:00+01:00"
            }
        ],
        "total": 3
    });
    assert_eq!(response(gateway.api("/socials")).await, (200, documented));
}

#[tokio::test]
async fn details_are_the_documented_ones() {
    let (gateway, _) = gateway(Options::default()).await;
    let documented = json!({
        "platform": "facebook",
        "profiles": [{
            "profileId": "fb_page_123456",
            "name": "BrandCo Official",
            "pageId": "1234567890",
            "category": "E-commerce",
            "status": "CONNECTED",
            "tokenExpiresAt": "2026-06-15T00:00:00+02:00",
            "permissions": ["pages_messaging", "pages_read_engagement"],
            "connectedAt": "2026-01-10T14:30:00+01:00",
            "lastActivityAt": "2026-04-09T12:00:00+02:00"
        }]
    });
    assert_eq!(
        response(gateway.api("/socials/facebook")).await,
        (200, documented)
    );
}

#[tokio::test]
async fn errors_are_the_documented_ones() {
    let (gateway, _) = gateway(Options::default()).await;
    let refused =
        json!({"status": "fail", "data": {"authentication": "Invalid or missing API key"}});
    let list = format!("{}/socials", gateway.url());
    for request in [
        http().get(&list),
        http().get(&list).header("X-Api-Key", "wrong"),
        http().get(&list).basic_auth("user", Some("wrong")),
        http().get(format!("{list}/facebook")),
    ] {
        assert_eq!(response(request).await, (401, refused.clone()));
    }
    assert_eq!(
        response(http().get(&list).basic_auth("user", Some(API_KEY)))
            .await
            .0,
        200
    );
    let none = json!({"status": "fail", "data": {"platform": "No connected profiles found for platform: telegram"}});
    assert_eq!(
        response(gateway.api("/socials/telegram")).await,
        (404, none)
    );
    for path in ["/other", "/socials/", "/socials/a/b"] {
        assert_eq!(response(gateway.api(path)).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn rate_limit_answers_429_with_body_and_headers_and_resets() {
    let rate_limit = RateLimit {
        per_minute: 3,
        burst: 2,
    };
    let (gateway, clock) = gateway(Options {
        rate_limit,
        ..Options::default()
    })
    .await;
    let ask = async || {
        let answer = gateway.api("/socials").send().await.expect("a response");
        let header = |name: &str| {
            answer
                .headers()
                .get(name)
                .map(|value| value.to_str().expect("text").to_owned())
        };
        let headers = (
            header("x-ratelimit-limit"),
            header("x-ratelimit-remaining"),
            header("retry-after"),
        );
        let status = answer.status().as_u16();
        (status, headers, answer.text().await.expect("a text"))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(ask().await.1, (some("3"), some("2"), None));
    assert_eq!(ask().await.1, (some("3"), some("1"), None));
    let (status, headers, _) = ask().await;
    assert_eq!(
        (status, headers),
        (429, (some("3"), some("1"), some("1"))),
        "the burst of a second"
    );
    clock.advance(Duration::from_secs(20));
    assert_eq!(ask().await.0, 200);
    let (status, headers, body) = ask().await;
    assert_eq!(
        (status, headers),
        (429, (some("3"), some("0"), some("40"))),
        "the quota of a minute"
    );
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["status"], 429);
    assert_eq!(body["error"], "Too Many Requests");
    assert_eq!(body["retryAfter"], 40);
    assert!(
        body["message"]
            .as_str()
            .expect("a text")
            .ends_with("retry after 40 seconds."),
        "{body}"
    );
    clock.advance(Duration::from_secs(40));
    assert_eq!(ask().await.0, 200);
}

#[tokio::test]
async fn same_seed_gives_the_same_profiles() {
    let many = |seed| Options {
        profiles: 200,
        seed,
        ..Options::default()
    };
    let first = profiles(&gateway(many(7)).await.0).await;
    assert_eq!(first.len(), 200);
    assert_eq!(first, profiles(&gateway(many(7)).await.0).await);
    assert_ne!(first, profiles(&gateway(many(8)).await.0).await);
    assert_eq!(
        first[0]["profileId"], "fb_page_123456",
        "the documented ones come first"
    );
    let mut ids: Vec<&str> = first
        .iter()
        .map(|profile| profile["profileId"].as_str().expect("an id"))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 200, "every id once");
    let statuses = [
        "CONNECTED",
        "TOKEN_EXPIRING",
        "TOKEN_EXPIRED",
        "DISCONNECTED",
    ];
    for status in statuses {
        assert!(
            first.iter().any(|profile| profile["status"] == status),
            "{status}"
        );
    }
}

#[tokio::test]
async fn accelerated_clock_changes_tokens_and_connections() {
    let options = Options {
        profiles: 30,
        speed: Some(1440.0),
        ..Options::default()
    };
    let (gateway, clock) = gateway(options).await;
    let mut seen = std::collections::BTreeSet::new();
    let mut before = profiles(&gateway).await;
    // One day per minute: two hours are 120 days.
    for _ in 0..480 {
        clock.advance(Duration::from_secs(15));
        let now = profiles(&gateway).await;
        for (before, now) in before.iter().zip(&now) {
            let word =
                |profile: &Value, field: &str| profile[field].as_str().unwrap_or("none").to_owned();
            let (was, is) = (word(before, "status"), word(now, "status"));
            let renewed = word(before, "tokenExpiresAt") != word(now, "tokenExpiresAt");
            if was != is || renewed {
                seen.insert(format!(
                    "{was} {is}{}",
                    if renewed { " renewed" } else { "" }
                ));
            }
            if let Some(end) = now["tokenExpiresAt"].as_str() {
                let end = chrono::DateTime::parse_from_rfc3339(end).expect("RFC 3339");
                let over = end < clock.now() - Duration::from_secs(1);
                assert!(
                    !over || is == "TOKEN_EXPIRED",
                    "every date comes true: {now}"
                );
            }
        }
        before = now;
    }
    for change in [
        "CONNECTED CONNECTED renewed",
        "CONNECTED TOKEN_EXPIRING",
        "TOKEN_EXPIRING TOKEN_EXPIRED",
        "TOKEN_EXPIRED CONNECTED renewed",
        "CONNECTED DISCONNECTED",
        "DISCONNECTED CONNECTED",
    ] {
        assert!(seen.contains(change), "{change} is not among {seen:?}");
    }
}

#[tokio::test]
async fn faults_can_be_changed_at_run_time() {
    let (gateway, _) = gateway(Options::default()).await;
    let control = format!("http://{}/-/faults", gateway.address);
    let text = async |request: reqwest::RequestBuilder| {
        let answer = request.send().await.expect("a response");
        (
            answer.status().as_u16(),
            answer.text().await.expect("a text"),
        )
    };
    assert_eq!(text(http().get(&control)).await, (200, String::new()));
    let faults = "latency=1500ms\nlist:status=503\ndetails:retry-after=30s\ndetails/facebook:hang\nstall\nreset\n\
                  truncated\ngarbage\nendless\ngzip-bomb\nlist:redirect=http://x/?a=b:c\n";
    assert_eq!(
        text(http().put(&control).body(faults)).await,
        (200, faults.to_owned()),
        "all are named as given"
    );
    for wrong in [
        "explode",
        "status=99",
        "status",
        "list:",
        "nowhere:hang",
        "latency=soon",
        "hang=1",
        "jsend=success",
    ] {
        let body = format!("hang\n{wrong}\n");
        let (status, message) = text(http().put(&control).body(body)).await;
        assert_eq!(status, 400, "{wrong}");
        assert!(message.starts_with("line 2: not a fault"), "{message}");
        assert_eq!(
            text(http().get(&control)).await.1,
            faults,
            "the faults in force stay"
        );
    }
    assert_eq!(text(http().delete(&control)).await, (200, String::new()));
    assert_eq!(response(gateway.api("/socials")).await.0, 200);
    gateway.faults("details/facebook:status=503").await;
    assert_eq!(response(gateway.api("/socials")).await.0, 200);
    assert_eq!(response(gateway.api("/socials/instagram")).await.0, 200);
    assert_eq!(response(gateway.api("/socials/facebook")).await.0, 503);
}

#[tokio::test]
async fn replaced_profiles_keep_unknown_fields() {
    let (gateway, _) = gateway(Options::default()).await;
    let profile = json!({
        "platform": "facebook", "profileId": 7, "name": null, "status": [], "colour": {"red": 1},
        "pageId": "1", "category": "Retail", "permissions": [], "lastActivityAt": "now",
    });
    gateway.profiles(&json!([profile, "odd"])).await;
    let listed = json!({
        "platform": "facebook", "profileId": 7, "name": null, "status": [], "colour": {"red": 1},
    });
    assert_eq!(profiles(&gateway).await, [listed, json!("odd")]);
    let (_, details) = response(gateway.api("/socials/facebook")).await;
    assert_eq!(details["profiles"][0]["colour"], json!({"red": 1}));
    assert_eq!(details["profiles"][0]["pageId"], "1");
}

#[tokio::test]
async fn fixed_responses_are_served_unchanged_after_credentials_and_faults() {
    let (gateway, _) = gateway(Options::default()).await;
    let ask = async |path: &str| {
        let answer = gateway.api(path).send().await.expect("a response");
        let kind = answer.headers()["content-type"].clone();
        assert_eq!(kind, "application/json", "{path}");
        let status = answer.status().as_u16();
        (status, answer.bytes().await.expect("a body").to_vec())
    };
    let built_in = ask("/socials").await;
    gateway.set_list_response(*b"\xff{not JSON").await;
    gateway.set_details_response("face/b ook", "").await;
    assert_eq!(ask("/socials").await, (200, b"\xff{not JSON".to_vec()));
    assert_eq!(ask("/socials/face%2Fb%20ook").await, (200, Vec::new()));
    assert_eq!(ask("/socials/facebook").await.0, 200);
    assert_eq!(ask("/socials/list").await.0, 404);
    let unauthorized = http().get(format!("{}/socials", gateway.url()));
    assert_eq!(response(unauthorized).await.0, 401);
    gateway.faults("list:status=503").await;
    assert_eq!(ask("/socials").await.0, 503);
    gateway.faults("").await;
    gateway.reset_responses().await;
    assert_eq!(ask("/socials").await, built_in);
    assert_eq!(ask("/socials/face%2Fb%20ook").await.0, 404);
}

#[tokio::test]
async fn jsend_faults_answer_200_with_the_status_in_the_body() {
    let (gateway, _) = gateway(Options::default()).await;
    let fail = json!({"status": "fail", "data": {"gateway": "Simulated fault"}});
    let error = json!({"status": "error", "message": "Simulated fault"});
    for (fault, body) in [("jsend=fail", fail), ("jsend=error", error)] {
        gateway.faults(fault).await;
        assert_eq!(response(gateway.api("/socials")).await, (200, body));
        let control = format!("http://{}/-/faults", gateway.address);
        let answer = http().get(control).send().await.expect("a response");
        assert_eq!(answer.text().await.expect("a text"), format!("{fault}\n"));
    }
}

#[test]
fn simulator_shares_no_type_with_the_exporter() {
    let manifest = include_str!("../crates/gateway-simulator/Cargo.toml");
    assert!(manifest.contains("[dependencies]"));
    for own in ["path = ", "qlara-exporter", "git = "] {
        assert!(!manifest.contains(own), "{own}");
    }
}
