//! The backoff after a failure.

use std::time::Duration;

use qlara_exporter::config::Settings;

use crate::harness::{Setup, Stack};

/// Scrapes every second. Returns after how many seconds the list was requested again.
async fn next_call(stack: &Stack, at_most: u64) -> Option<u64> {
    let before = stack.gateway.stats().await.list;
    for second in 1..=at_most {
        stack.scrape_after(1).await;
        if stack.gateway.stats().await.list > before {
            return Some(second);
        }
    }
    None
}

/// [server-error-backoff]
#[tokio::test]
async fn other_failures_back_off_from_one_second_up_to_the_ttl() {
    let settings = Settings {
        ttl: Some(Duration::from_secs(10)),
        ..Settings::default()
    };
    let stack = Setup {
        settings,
        ..Setup::default()
    }
    .start()
    .await;
    stack.gateway.faults("status=503").await;
    stack.scrape().await;
    for pause in [1, 2, 4, 8, 10, 10] {
        assert_eq!(next_call(&stack, 20).await, Some(pause));
    }
    // A success resets the backoff.
    stack.gateway.faults("").await;
    assert_eq!(next_call(&stack, 20).await, Some(10));
    stack.gateway.faults("status=503").await;
    assert_eq!(
        next_call(&stack, 20).await,
        Some(10),
        "the ttl of the success"
    );
    assert_eq!(next_call(&stack, 20).await, Some(1));
}

/// [refused-credentials]
#[tokio::test]
async fn rejected_credentials_back_off_for_one_minute() {
    for status in [401, 403] {
        let stack = Stack::start().await;
        stack.gateway.faults(&format!("status={status}")).await;
        stack.scrape().await;
        for _ in 0..2 {
            assert_eq!(next_call(&stack, 70).await, Some(60), "{status}");
        }
    }
}

/// [backoff-limit]
#[tokio::test]
async fn retry_after_is_respected_up_to_five_minutes() {
    for (asked, kept) in [(0, 1), (12, 12), (90, 90), (3600, 300)] {
        let stack = Stack::start().await;
        stack.gateway.faults(&format!("retry-after={asked}s")).await;
        stack.scrape().await;
        assert_eq!(next_call(&stack, 310).await, Some(kept), "{asked}");
    }
}

/// [rate-limited]
#[tokio::test]
async fn retry_after_of_details_is_respected_beyond_the_ttl() {
    let stack = Stack::start().await;
    stack
        .gateway
        .faults("details/whatsapp:retry-after=100s")
        .await;
    assert_eq!(stack.scrape().await.value("qlara_up"), 1.0);
    assert_eq!(next_call(&stack, 120).await, Some(100));
}

/// [failed-details-backoff]
#[tokio::test]
async fn other_failures_of_details_do_not_delay_the_list() {
    for fault in [
        "details:status=403",
        "details:status=401",
        "details:status=500",
    ] {
        let settings = Settings {
            ttl: Some(Duration::from_secs(2)),
            max_stale: Some(Duration::from_secs(6)),
            ..Settings::default()
        };
        let stack = Setup {
            settings,
            ..Setup::default()
        }
        .start()
        .await;
        stack.gateway.faults(fault).await;
        stack.scrape().await;
        for _ in 0..10 {
            let scrape = stack.scrape_after(2).await;
            assert_eq!(scrape.value("qlara_up"), 1.0, "{fault}");
            assert_eq!(
                scrape.status("facebook", "fb_page_123456"),
                "CONNECTED",
                "{fault}"
            );
        }
        assert_eq!(stack.gateway.stats().await.list, 11, "{fault}");
    }
}

#[tokio::test]
async fn simulated_rate_limit_is_respected() {
    let mut setup = Setup::default();
    // Enough for one refresh with four requests.
    setup.simulator.rate_limit.per_minute = 4;
    let stack = setup.start().await;
    let first = stack.scrape().await;
    assert_eq!(first.value("qlara_gateway_ratelimit_limit"), 4.0);
    assert_eq!(first.value("qlara_gateway_ratelimit_remaining"), 0.0);
    assert_eq!(stack.scrape_after(60).await.value("qlara_up"), 1.0);
    assert_eq!(stack.gateway.stats().await.list, 2);
}
