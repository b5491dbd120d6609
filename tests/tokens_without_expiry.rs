//! `tokens_without_expiry`: tokens that never expire, in the metrics, on the page, in `check` and across a reload.

use serde_json::{Value, json};

use crate::check::{check_yaml, gateway};
use crate::harness::{Setup, Stack};
use crate::page::page;

const NEVER_EXPIRES: &str = "qlara_token_never_expires";

fn profile(platform: &str, id: &str, expires_at: Option<&str>) -> Value {
    json!({
        "platform": platform,
        "profileId": id,
        "name": id,
        "status": "CONNECTED",
        "tokenExpiresAt": expires_at,
        "connectedAt": "2026-01-01T00:00:00Z",
        "permissions": ["pages_messaging", "pages_read_engagement", "instagram_basic", "instagram_manage_messages"],
    })
}

/// Two profiles without an expiry on each platform, and one with an expiry in the past.
fn profiles() -> Value {
    json!([
        profile("facebook", "system-user", None),
        profile("facebook", "person", None),
        profile("instagram", "one", None),
        profile("instagram", "two", None),
        profile("facebook", "dated", Some("2026-02-01T00:00:00Z")),
    ])
}

async fn start(yaml: &str) -> Stack {
    let mut setup = Setup::yaml(yaml);
    setup.web.enable_lifecycle = true;
    setup.with_profiles(profiles()).await
}

async fn never_expiring(stack: &Stack) -> Vec<String> {
    let scrape = stack.scrape().await;
    let family = scrape.family(NEVER_EXPIRES);
    assert!(family.iter().all(|(_, value)| *value == 1.0), "{family:?}");
    family
        .into_iter()
        .map(|(labels, _)| labels.to_owned())
        .collect()
}

#[tokio::test]
async fn profile_or_platform_never_expires_until_a_reload_says_otherwise() {
    let stack = start(
        "tokens_without_expiry: [{platform: facebook, profile: system-user}, {platform: instagram}]",
    )
    .await;
    assert_eq!(
        never_expiring(&stack).await,
        [
            r#"{platform="facebook",profile="system-user"}"#,
            r#"{platform="instagram",profile="one"}"#,
            r#"{platform="instagram",profile="two"}"#,
        ]
    );
    let requests = stack.gateway.stats().await.list;

    stack
        .reload_with("tokens_without_expiry: [{platform: facebook}]")
        .await;
    assert_eq!(
        never_expiring(&stack).await,
        [
            r#"{platform="facebook",profile="dated"}"#,
            r#"{platform="facebook",profile="person"}"#,
            r#"{platform="facebook",profile="system-user"}"#,
        ]
    );
    stack.reload_with("{}").await;
    assert!(never_expiring(&stack).await.is_empty());
    assert_eq!(stack.gateway.stats().await.list, requests, "no request");
}

#[tokio::test]
async fn page_shows_never_instead_of_a_warning() {
    let stack = start("tokens_without_expiry: [{platform: facebook, profile: system-user}]").await;
    let profile =
        async |id: &str| page(&stack, &format!("/profile?platform=facebook&id={id}")).await;
    let (never, unknown) = (profile("system-user").await, profile("person").await);
    let says = |text: &str| text.contains(r#"<dd><span class="quiet">never</span></dd>"#);
    assert!(says(&never) && !says(&unknown), "{never}");
    assert!(!never.contains("token expiry unknown"), "{never}");
    assert!(unknown.contains("token expiry unknown"), "{unknown}");
}

#[tokio::test]
async fn check_reports_a_missing_expiry_only_of_tokens_that_expire() {
    let gateway = gateway(&profiles()).await;
    let yaml = "tokens_without_expiry: [{platform: facebook}]";
    let json = check_yaml(&gateway, yaml, &["--output", "json"])
        .await
        .output;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let profiles = json["profiles"].as_array().expect("profiles").iter();
    let mut found: Vec<Value> = profiles
        .map(|profile| {
            json!([
                profile["profile"],
                profile["token_never_expires"],
                profile["findings"][0]["code"]
            ])
        })
        .collect();
    found.sort_by_key(Value::to_string);
    assert_eq!(
        found,
        [
            // A stated expiry counts.
            json!(["dated", true, "token_expired"]),
            json!(["one", false, "token_end_unknown"]),
            json!(["person", true, null]),
            json!(["system-user", true, null]),
            json!(["two", false, "token_end_unknown"]),
        ]
    );
    let table = check_yaml(&gateway, yaml, &[]).await.output;
    let line = table.lines().find(|line| line.contains("system-user"));
    assert!(line.expect("a line").ends_with("never"), "{table}");
}
