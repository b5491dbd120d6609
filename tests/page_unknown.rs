//! What the status page says about accounts and profiles that are not known.

use serde_json::{Value, json};

use crate::harness::{Setup, Stack};
use crate::page::{assert_contains, between, page, profile};

fn healthy() -> Value {
    json!([
        profile("facebook", "fb_1", "Shop"),
        profile("instagram", "ig_1", "Shop")
    ])
}

/// The state of all profiles and accounts, as `check` says it, as a class of the page.
async fn state(stack: &Stack) -> &'static str {
    let answer = stack
        .get("/api/v1/profiles")
        .send()
        .await
        .expect("a response");
    let report = answer.text().await.expect("a text");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    match report["state"].as_str().expect("a state") {
        "OK" => "fine",
        "WARNING" => "warning",
        "CRITICAL" => "critical",
        _ => "not_checked",
    }
}

/// The page says the same as `check`: an account that is not known as a whole is not checked.
#[tokio::test]
async fn headline_and_icon_have_the_state_of_check() {
    let mut ends_soon = profile("facebook", "fb_2", "Soon");
    ends_soon["tokenExpiresAt"] = json!("2026-04-15T12:00:00Z");
    let warning = json!([ends_soon, profile("instagram", "ig_1", "Shop")]);
    let part = json!({"profiles": healthy(), "total": 40}).to_string();
    for (profiles, faults, list, expected) in [
        (healthy(), "", None, "fine"),
        (warning.clone(), "", None, "warning"),
        (json!([]), "", None, "warning"),
        (json!([{}, healthy()[0]]), "", None, "warning"),
        (healthy(), "status=401", None, "not_checked"),
        (healthy(), "status=503", None, "not_checked"),
        (healthy(), "retry-after=120s", None, "not_checked"),
        (healthy(), "details:status=503", None, "not_checked"),
        (warning, "details:status=503", None, "not_checked"),
        (healthy(), "", Some(part), "not_checked"),
    ] {
        let stack = Setup::default().with_profiles(profiles).await;
        stack.gateway.faults(faults).await;
        if let Some(list) = list {
            stack.gateway.set_list_response(list).await;
        }
        let page = page(&stack, "/").await;
        assert_eq!(state(&stack).await, expected, "{faults}");
        assert_contains(&page, &[&format!("<div class=\"headline {expected}\">")]);
        let colour = match expected {
            "fine" => "1b6638",
            "warning" => "b97400",
            _ => "4a4f8c",
        };
        let icon = between(&page, "<link rel=\"icon\"", ">")[0];
        assert!(icon.contains(colour), "{faults}: {icon}");
    }
}
