//! When the exporter sends requests, and how long it serves data.

use std::time::Duration;

use futures_util::future::join_all;
use qlara_exporter::config::Settings;
use serde_json::json;

use crate::harness::{Setup, Stack, Stats, eventually};

const READ_AT: &str = "qlara_last_refresh_success_timestamp_seconds";
const CACHE: &str = "qlara_exporter_cache_requests_total";

fn profile(id: &str) -> serde_json::Value {
    json!({"platform": "facebook", "profileId": id, "name": "n", "status": "CONNECTED",
        "connectedAt": "2026-01-01T00:00:00Z"})
}

/// [cached-scrape]
#[tokio::test]
async fn snapshot_within_the_ttl_needs_no_gateway_call() {
    let stack = Stack::start().await;
    stack.scrape().await;
    assert_eq!(stack.gateway.stats().await.list, 1);
    let cached = stack.scrape_after(59).await;
    assert_eq!(stack.gateway.stats().await.list, 1);
    assert_eq!(cached.value(&format!("{CACHE}{{result=\"hit\"}}")), 1.0);
    assert_eq!(
        cached.value(&format!("{CACHE}{{result=\"refreshed\"}}")),
        1.0
    );
    stack.scrape_after(1).await;
    assert_eq!(stack.gateway.stats().await.list, 2);
}

#[tokio::test]
async fn refresh_sends_one_request_and_one_per_platform_with_keep_alive() {
    let stack = Stack::start().await;
    stack.scrape().await;
    let Stats {
        list,
        details,
        connections,
    } = stack.gateway.stats().await;
    assert_eq!((list, details), (1, 3));
    for _ in 0..5 {
        stack.scrape_after(61).await;
    }
    let after = stack.gateway.stats().await;
    assert_eq!((after.list, after.details), (6, 18));
    assert_eq!(
        after.connections, connections,
        "no new connection after the first refresh"
    );
}

/// [shared-refresh]
#[tokio::test]
async fn concurrent_scrapes_share_one_refresh() {
    let stack = Stack::start().await;
    stack.gateway.faults("latency=200ms").await;
    let scrapes = join_all((0..50).map(|_| stack.scrape())).await;
    for scrape in &scrapes {
        assert_eq!(scrape.value("qlara_up"), 1.0);
        assert_eq!(scrape.status("facebook", "fb_page_123456"), "CONNECTED");
    }
    let stats = stack.gateway.stats().await;
    assert_eq!((stats.list, stats.details), (1, 3));
    let after = stack.scrape_after(1).await;
    assert_eq!(
        after.value(&format!("{CACHE}{{result=\"refreshed\"}}")),
        50.0
    );
}

/// [departed-client]
#[tokio::test]
async fn disconnect_of_the_first_scraper_does_not_stop_the_refresh() {
    let stack = Stack::start().await;
    stack.gateway.faults("latency=400ms").await;
    let first = stack
        .get("/metrics")
        .timeout(Duration::from_millis(100))
        .send()
        .await;
    assert!(first.expect_err("it hangs up").is_timeout());
    let second = stack.scrape().await;
    assert_eq!(second.value("qlara_up"), 1.0);
    assert_eq!(stack.gateway.stats().await.list, 1);
}

/// [departed-client]
#[tokio::test]
async fn abandoned_refresh_still_fills_the_cache() {
    let stack = Stack::start().await;
    stack.gateway.faults("latency=200ms").await;
    let only = stack
        .get("/metrics")
        .timeout(Duration::from_millis(50))
        .send()
        .await;
    assert!(only.expect_err("it hangs up").is_timeout());
    eventually("details of all platforms", async || {
        (stack.gateway.stats().await.details == 3).then_some(())
    })
    .await;
    assert_eq!(stack.scrape().await.value("qlara_up"), 1.0);
    assert_eq!(stack.gateway.stats().await.list, 1);
}

/// [stale-data]
#[tokio::test]
async fn stale_data_has_its_own_timestamp_and_then_expires() {
    let stack = Stack::start().await;
    let read_at = stack.scrape().await.value(READ_AT);
    stack.gateway.faults("status=503").await;

    let stale = stack.scrape_after(14 * 60).await;
    assert_eq!(stale.value("qlara_up"), 0.0);
    assert_eq!(stale.value(READ_AT), read_at);
    assert_eq!(stale.status("facebook", "fb_page_123456"), "CONNECTED");
    assert_eq!(stale.value("qlara_profiles_reported"), 3.0);
    assert_eq!(stale.value(&format!("{CACHE}{{result=\"stale\"}}")), 1.0);

    let gone = stack.scrape_after(60).await;
    assert_eq!(gone.value("qlara_up"), 0.0);
    assert!(!gone.text.contains("profile="), "{}", gone.text);
    assert_eq!(gone.family("qlara_profiles"), []);
    assert_eq!(
        gone.value(READ_AT),
        read_at,
        "the age of the last good data stays known"
    );
    assert_eq!(gone.value(&format!("{CACHE}{{result=\"empty\"}}")), 1.0);

    stack.gateway.faults("").await;
    let healed = stack.scrape_after(60).await;
    assert_eq!(healed.value("qlara_up"), 1.0);
    assert_eq!(healed.value(READ_AT), read_at + 16.0 * 60.0);
}

/// [no-data-yet]
#[tokio::test]
async fn metrics_without_data_are_absent() {
    let stack = Stack::start().await;
    stack.gateway.faults("status=500").await;
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value("qlara_up"), 0.0);
    assert_eq!(scrape.get(READ_AT), None);
    assert_eq!(scrape.value("qlara_refresh_duration_seconds"), 0.0);
    assert_eq!(scrape.family("qlara_profiles"), []);
    assert_eq!(scrape.family("qlara_details_up"), []);
}

#[tokio::test]
async fn removed_profile_disappears_at_the_next_refresh() {
    let stack = Setup::default()
        .with_profiles(json!([profile("stays"), profile("goes")]))
        .await;
    assert!(stack.scrape().await.text.contains(r#"profile="goes""#));
    stack.gateway.profiles(&json!([profile("stays")])).await;
    assert!(
        stack
            .scrape_after(30)
            .await
            .text
            .contains(r#"profile="goes""#),
        "still cached"
    );
    let after = stack.scrape_after(31).await;
    assert!(!after.text.contains(r#"profile="goes""#));
    assert!(after.text.contains(r#"profile="stays""#));
}

#[tokio::test]
async fn failed_details_keep_the_metrics_of_the_list() {
    let stack = Stack::start().await;
    stack.gateway.faults("details/facebook:status=500").await;
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value("qlara_up"), 1.0);
    assert_eq!(
        scrape.family("qlara_details_up"),
        [
            (r#"{platform="facebook"}"#, 0.0),
            (r#"{platform="instagram"}"#, 1.0),
            (r#"{platform="whatsapp"}"#, 1.0)
        ]
    );
    let facebook = r#"{platform="facebook",profile="fb_page_123456""#;
    assert_eq!(
        scrape.value(&format!(
            "qlara_profile_info{facebook},name=\"BrandCo Official\"}}"
        )),
        1.0
    );
    assert_eq!(scrape.status("facebook", "fb_page_123456"), "CONNECTED");
    assert!(
        scrape
            .get(&format!("qlara_token_expiry_timestamp_seconds{facebook}}}"))
            .is_some()
    );
    assert!(
        !scrape.text.contains("pages_messaging"),
        "permissions are not known"
    );
    assert!(scrape.text.contains("instagram_basic"));
}

/// [platform-not-found]
#[tokio::test]
async fn empty_details_are_a_valid_response() {
    let stack = Stack::start().await;
    stack.gateway.faults("details/facebook:status=404").await;
    let scrape = stack.scrape().await;
    assert_eq!(
        scrape.value(r#"qlara_details_up{platform="facebook"}"#),
        1.0
    );
    assert!(!scrape.text.contains("pages_messaging"));
    let failures = scrape.family("qlara_gateway_request_failures_total");
    assert!(
        failures.iter().all(|(_, count)| *count == 0.0),
        "{failures:?}"
    );
}

/// [clock-jump]
#[tokio::test]
async fn wall_clock_jump_causes_no_call_and_no_loss() {
    let stack = Stack::start().await;
    stack.scrape().await;
    for seconds in [-86_400, 7 * 86_400] {
        stack.clock.jump(seconds);
        let scrape = stack.scrape().await;
        assert_eq!(scrape.value("qlara_up"), 1.0);
        assert_eq!(scrape.status("facebook", "fb_page_123456"), "CONNECTED");
    }
    assert_eq!(stack.gateway.stats().await.list, 1);
}

#[tokio::test]
async fn every_scrape_refreshes_if_the_cache_is_off() {
    let settings = Settings {
        ttl: Some(Duration::ZERO),
        max_stale: Some(Duration::ZERO),
        ..Settings::default()
    };
    let stack = Setup {
        settings,
        ..Setup::default()
    }
    .start()
    .await;
    for asked in 1..=3 {
        assert_eq!(stack.scrape().await.value("qlara_up"), 1.0);
        assert_eq!(stack.gateway.stats().await.list, asked);
    }
    stack.gateway.faults("status=500").await;
    let failed = stack.scrape().await;
    assert_eq!(failed.value("qlara_up"), 0.0);
    assert!(!failed.text.contains("profile="), "nothing stale is shown");
}

/// [scrape-timeout]
#[tokio::test]
async fn scrape_of_a_hanging_gateway_ends_before_the_timeout_of_prometheus() {
    let stack = Stack::start().await;
    stack.scrape().await;
    stack.clock.advance(Duration::from_secs(61));
    stack.gateway.faults("hang").await;
    let answer = stack
        .get("/metrics")
        .header("X-Prometheus-Scrape-Timeout-Seconds", "2")
        // The client has the timeout of Prometheus.
        .timeout(Duration::from_secs(2))
        .send()
        .await
        .expect("an answer within two seconds");
    let text = answer.text().await.expect("a text");
    assert!(
        text.contains("qlara_profile_status{"),
        "the available data is shown"
    );
}

/// [no-stated-timeout]
#[tokio::test]
async fn scrape_without_a_timeout_header_waits_for_the_gateway_timeout() {
    let settings = Settings {
        timeout: Some(Duration::from_millis(300)),
        ..Settings::default()
    };
    let stack = Setup {
        settings,
        ..Setup::default()
    }
    .start()
    .await;
    stack.gateway.faults("hang").await;
    for header in [None, Some("soon"), Some("NaN"), Some("-1"), Some("0")] {
        let mut request = stack.get("/metrics");
        if let Some(value) = header {
            request = request.header("X-Prometheus-Scrape-Timeout-Seconds", value);
        }
        let scrape =
            crate::harness::scrape::Scrape::read(request.send().await.expect("a response")).await;
        assert_eq!(scrape.value("qlara_up"), 0.0);
    }
}

/// [any-stated-timeout]
#[tokio::test]
async fn any_value_of_the_timeout_header_is_accepted() {
    let stack = Stack::start().await;
    for stated in ["1e19", "1e300", "inf", "0.9", "0.001"] {
        let request = stack
            .get("/metrics")
            .header("X-Prometheus-Scrape-Timeout-Seconds", stated);
        let answer = request.send().await.expect("a response");
        assert_eq!(answer.status(), 200, "{stated}");
    }
}

/// [long-silence]
#[tokio::test]
async fn slow_refresh_after_a_long_pause_is_no_outage() {
    let stack = Stack::start().await;
    stack.scrape().await;
    stack.clock.advance(Duration::from_secs(3600));
    stack.gateway.faults("latency=2s").await;
    let request = stack
        .get("/metrics")
        .header("X-Prometheus-Scrape-Timeout-Seconds", "1");
    let scrape =
        crate::harness::scrape::Scrape::read(request.send().await.expect("a response")).await;
    assert_eq!(
        scrape.value("qlara_up"),
        1.0,
        "the latest refresh read the list"
    );
    assert_eq!(
        scrape.family("qlara_profile_info"),
        [],
        "data of an hour ago is not shown"
    );
}

#[tokio::test]
async fn snapshot_age_starts_at_the_request() {
    let stack = Stack::start().await;
    stack.gateway.faults("latency=300ms").await;
    tokio::join!(stack.scrape(), async {
        eventually("the list call", async || {
            (stack.gateway.stats().await.list == 1).then_some(())
        })
        .await;
        stack.clock.advance(Duration::from_secs(5));
    });
    stack.gateway.faults("").await;
    stack.scrape_after(54).await;
    assert_eq!(stack.gateway.stats().await.list, 1);
    stack.scrape_after(1).await;
    assert_eq!(
        stack.gateway.stats().await.list,
        2,
        "60 s after the question"
    );
}

/// [shared-budget]
#[tokio::test]
async fn list_and_details_share_one_budget() {
    let settings = Settings {
        timeout: Some(Duration::from_millis(600)),
        ..Settings::default()
    };
    let stack = Setup {
        settings,
        ..Setup::default()
    }
    .start()
    .await;
    // The list takes most of the timeout; the details alone would fit into it.
    stack.gateway.faults("latency=400ms").await;
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value("qlara_up"), 1.0);
    assert!(
        scrape
            .family("qlara_details_up")
            .iter()
            .all(|(_, up)| *up == 0.0),
        "{}",
        scrape.text
    );
    assert_eq!(
        scrape
            .value(r#"qlara_gateway_request_failures_total{endpoint="platform",reason="timeout"}"#),
        3.0
    );
}
