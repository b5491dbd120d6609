//! Failed details keep the last good ones, and lists without identifiers find their details by username.

use serde_json::json;

use super::{listing, reference, uc_017};
use crate::harness::scrape::Scrape;
use crate::harness::{Setup, Stack};

const FACEBOOK: &str = r#"platform="facebook",profile="fb_page_123456""#;

/// Whether the metrics that come only from Facebook's details are present.
fn knows_details(scrape: &Scrape) -> bool {
    let info = format!(
        r#"qlara_profile_info{{{FACEBOOK},name="BrandCo Official",category="E-commerce",page_id="1234567890"}}"#
    );
    let granted =
        format!(r#"qlara_profile_permission_granted{{{FACEBOOK},permission="pages_messaging"}}"#);
    let activity = format!("qlara_profile_last_activity_timestamp_seconds{{{FACEBOOK}}}");
    let known = [info, granted, activity].map(|series| scrape.get(&series).is_some());
    assert!(known.iter().all(|it| *it == known[0]), "{}", scrape.text);
    known[0]
}

fn details_up(scrape: &Scrape) -> f64 {
    scrape.value(r#"qlara_details_up{platform="facebook"}"#)
}

async fn page(stack: &Stack) -> String {
    let page = stack.get("/").send().await.expect("a response");
    page.text().await.expect("a text")
}

/// [failed-details]
#[tokio::test]
async fn last_good_details_stay_for_max_stale() {
    let stack = Stack::start().await;
    assert!(knows_details(&stack.scrape().await));
    stack.gateway.faults("details/facebook:status=503").await;
    // 14 minutes of refreshes, each of which keeps the details of the previous one.
    for _ in 0..14 {
        let scrape = stack.scrape_after(60).await;
        assert_eq!(details_up(&scrape), 0.0);
        assert!(knows_details(&scrape));
    }
    let html = page(&stack).await;
    let since = "Meanwhile, permissions and last activity are shown as of 2026-04-10 12:00 UTC.";
    assert!(html.contains(since), "{html}");
    let scrape = stack.scrape_after(60).await;
    assert!(!knows_details(&scrape), "they are 15 minutes old");
    assert!(
        page(&stack)
            .await
            .contains("permissions and last activity are not known")
    );
    stack.gateway.faults("").await;
    let healed = stack.scrape_after(61).await;
    assert!(knows_details(&healed) && details_up(&healed) == 1.0);
}

/// [failed-details]
#[tokio::test]
async fn details_expire_even_if_the_list_fails_later() {
    let stack = Stack::start().await;
    assert!(knows_details(&stack.scrape().await));
    stack.gateway.faults("details:status=503").await;
    assert!(knows_details(&stack.scrape_after(600).await));
    stack.gateway.faults("status=503").await;
    let scrape = stack.scrape_after(299).await;
    assert_eq!(scrape.value("qlara_up"), 0.0);
    assert!(knows_details(&scrape), "14 min 59 s old");
    let scrape = stack.scrape_after(1).await;
    assert!(!knows_details(&scrape), "15 min old");
    assert_eq!(
        scrape.family("qlara_profile_info").len(),
        3,
        "the list is younger"
    );
}

#[tokio::test]
async fn failures_keep_details_and_an_empty_response_removes_them() {
    for fault in [
        "status=429",
        "status=500",
        "garbage",
        "reset",
        "truncated",
        "jsend=error",
    ] {
        let stack = Stack::start().await;
        stack.scrape().await;
        stack
            .gateway
            .faults(&format!("details/facebook:{fault}"))
            .await;
        let scrape = stack.scrape_after(61).await;
        assert!(
            knows_details(&scrape) && details_up(&scrape) == 0.0,
            "{fault}"
        );
        // The details of the other platforms are current.
        let other = r#"qlara_details_up{platform="whatsapp"}"#;
        assert!(
            fault == "status=429" || scrape.value(other) == 1.0,
            "{fault}"
        );
    }
    let stack = Stack::start().await;
    stack.scrape().await;
    stack.gateway.faults("details/facebook:status=404").await;
    let scrape = stack.scrape_after(61).await;
    assert!(!knows_details(&scrape) && details_up(&scrape) == 1.0);
}

#[tokio::test]
async fn missing_permission_stays_missing_while_details_fail() {
    let lacking = json!([{"platform": "facebook", "profileId": "p", "name": "n",
        "status": "CONNECTED", "tokenExpiresAt": "2026-06-15T00:00:00+02:00",
        "connectedAt": "2026-01-01T00:00:00Z", "permissions": ["pages_messaging"]}]);
    let stack = Setup::default().with_profiles(lacking).await;
    stack.scrape().await;
    stack.gateway.faults("details:status=503").await;
    stack.scrape_after(61).await;
    let page = page(&stack).await;
    assert!(
        page.contains("cannot read metrics: pages_read_engagement missing"),
        "{page}"
    );
}

#[tokio::test]
async fn reload_keeps_details_and_applies_new_permissions() {
    let mut setup = Setup::yaml("{}");
    setup.web.enable_lifecycle = true;
    let stack = setup.start().await;
    stack.scrape().await;
    stack.gateway.faults("details:status=503").await;
    stack.write_configuration("permissions: {facebook: [ads_read]}");
    let reload = stack.request(reqwest::Method::POST, "/-/reload");
    assert_eq!(reload.send().await.expect("a response").status(), 200);
    let scrape = stack.scrape_after(61).await;
    let granted = |permission: &str| {
        scrape.get(&format!(
            r#"qlara_profile_permission_granted{{{FACEBOOK},permission="{permission}"}}"#
        ))
    };
    assert_eq!(granted("pages_messaging"), Some(1.0));
    assert_eq!(granted("ads_read"), Some(0.0));
}

#[tokio::test]
async fn details_without_an_identifier_match_by_username() {
    let category = |scrape: &Scrape, profile: &str, category: &str| {
        let info = format!(r#"qlara_profile_info{{platform="facebook",profile="{profile}","#);
        let line = scrape.text.lines().find(|line| line.starts_with(&info));
        line.is_some_and(|line| line.contains(&format!(r#"category="{category}""#)))
    };
    let named = |mut entry: serde_json::Value, username: &str| {
        entry["username"] = json!(username);
        entry
    };
    for (list, details, profile) in [
        // The list has no identifiers, the details have.
        (
            json!([reference("facebook", "a", false)]),
            json!([{"id": 7, "username": "a", "category": "c"}]),
            "a",
        ),
        // The list has identifiers, the details have none.
        (
            json!([named(uc_017("facebook", "7"), "a")]),
            json!([{"username": "a", "category": "c"}]),
            "7",
        ),
        (
            json!([reference("facebook", "a", false)]),
            json!([{"username": "a", "category": "c"}]),
            "a",
        ),
    ] {
        let stack = listing(list.to_string()).await;
        stack
            .gateway
            .set_details_response("facebook", details.to_string())
            .await;
        let scrape = stack.scrape().await;
        assert!(
            category(&scrape, profile, "c"),
            "{list}, {details}: {}",
            scrape.text
        );
    }
    // A username of two profiles identifies neither.
    let stack = listing(json!([reference("facebook", "a", false)]).to_string()).await;
    let twice = json!([{"id": 7, "username": "a", "category": "c"}, {"id": 8, "username": "a", "category": "d"}]);
    stack
        .gateway
        .set_details_response("facebook", twice.to_string())
        .await;
    let scrape = stack.scrape().await;
    assert!(!scrape.text.contains("category="), "{}", scrape.text);
}

const ANNOUNCED: &str = "The gateway answers 503 for a channel with an expired token.";

/// An exporter of the documented profiles, of which the one of Instagram has an expired token.
async fn with_expired_channel(status: u16) -> Stack {
    let mut setup = Setup::default();
    setup.simulator.expired_channel = Some(status);
    setup.start().await
}

#[tokio::test]
async fn details_that_an_expired_token_blocks_say_so() {
    let stack = with_expired_channel(503).await;
    let scrape = stack.scrape().await;
    for (platform, blocked) in [("instagram", 1.0), ("facebook", 0.0), ("whatsapp", 0.0)] {
        let of = |name: &str| scrape.value(&format!(r#"{name}{{platform="{platform}"}}"#));
        assert_eq!(of("qlara_details_blocked_by_token"), blocked, "{platform}");
        assert_eq!(of("qlara_details_up"), 1.0 - blocked, "{platform}");
    }
    let html = page(&stack).await;
    let what = format!("The details of instagram cannot be read. {ANNOUNCED}");
    let advice = "Reconnect the profiles with expired tokens in the Qlara dashboard.";
    assert!(html.contains(&what) && html.contains(advice), "{html}");
    assert!(!html.contains("error of its own"), "{html}");

    // The token is renewed.
    let renewed = json!([uc_017("instagram", "ig_345678")]);
    stack.gateway.profiles(&renewed).await;
    let scrape = stack.scrape_after(61).await;
    let blocked = r#"qlara_details_blocked_by_token{platform="instagram"}"#;
    assert_eq!(scrape.value(blocked), 0.0);
    assert!(!page(&stack).await.contains(ANNOUNCED));
}

#[tokio::test]
async fn only_a_503_with_an_expired_token_is_announced() {
    let expired = |platform: &str| {
        json!({"platform": platform, "profileId": "p", "name": "n", "status": "TOKEN_EXPIRED",
            "connectedAt": "2026-01-01T00:00:00Z"})
    };
    let dated = json!({"platform": "facebook", "profileId": "p", "name": "n", "status": "CONNECTED",
        "connectedAt": "2026-01-01T00:00:00Z", "tokenExpiresAt": "2026-04-10T11:59:59Z"});
    let later = json!({"platform": "facebook", "profileId": "p", "name": "n", "status": "CONNECTED",
        "connectedAt": "2026-01-01T00:00:00Z", "tokenExpiresAt": "2026-06-10T12:00:00Z"});
    for (profile, fault, blocked) in [
        (expired("facebook"), "details:status=503", 1.0),
        (dated, "details:status=503", 1.0),
        (expired("facebook"), "details:status=502", 0.0),
        (expired("facebook"), "details:reset", 0.0),
        (later, "details:status=503", 0.0),
        // WhatsApp profiles have no token that expires.
        (expired("whatsapp"), "details:status=503", 0.0),
    ] {
        let what = format!("{profile} {fault}");
        let platform = profile["platform"].as_str().expect("a platform").to_owned();
        let stack = Stack::start().await;
        stack.gateway.profiles(&json!([profile])).await;
        stack.gateway.faults(fault).await;
        let scrape = stack.scrape().await;
        let of = |name: &str| scrape.value(&format!(r#"{name}{{platform="{platform}"}}"#));
        assert_eq!(of("qlara_details_blocked_by_token"), blocked, "{what}");
        assert_eq!(of("qlara_details_up"), 0.0, "{what}");
        assert_eq!(
            page(&stack).await.contains(ANNOUNCED),
            blocked == 1.0,
            "{what}"
        );
    }
}
