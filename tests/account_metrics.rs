//! Each row of the table of an account's metrics.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Setup, Stack};

const FACEBOOK: &str = r#"platform="facebook",profile="fb_page_123456""#;
const INSTAGRAM: &str = r#"platform="instagram",profile="ig_345678""#;
const WHATSAPP: &str = r#"platform="whatsapp",profile="wa_biz_789012""#;

/// Unix times of the documented answers.
const READ_AT: f64 = 1775822400.0;
const FACEBOOK_EXPIRES: f64 = 1781474400.0;

#[tokio::test]
async fn documented_responses_become_documented_metrics() {
    let stack = Stack::start().await;
    let scrape = stack.scrape().await;

    assert_eq!(scrape.value("qlara_up"), 1.0);
    assert_eq!(
        scrape.value("qlara_last_refresh_success_timestamp_seconds"),
        READ_AT
    );
    assert_eq!(
        scrape.value("qlara_refresh_duration_seconds"),
        0.0,
        "the clock does not move"
    );
    assert_eq!(scrape.value("qlara_profiles_reported"), 3.0);
    assert_eq!(
        scrape.family("qlara_profiles_dropped"),
        [
            (r#"{reason="duplicate"}"#, 0.0),
            (r#"{reason="invalid"}"#, 0.0),
            (r#"{reason="limit"}"#, 0.0)
        ]
    );
    let one_each = [
        (r#"{platform="facebook"}"#, 1.0),
        (r#"{platform="instagram"}"#, 1.0),
        (r#"{platform="whatsapp"}"#, 1.0),
    ];
    assert_eq!(scrape.family("qlara_profiles"), one_each);
    assert_eq!(scrape.family("qlara_details_up"), one_each);

    let info = |labels: &str| scrape.value(&format!("qlara_profile_info{{{labels}}}"));
    assert_eq!(
        info(&format!(
            r#"{FACEBOOK},name="BrandCo Official",category="E-commerce",page_id="1234567890""#
        )),
        1.0
    );
    assert_eq!(
        info(&format!(r#"{INSTAGRAM},name="brandco_official""#)),
        1.0
    );
    assert_eq!(
        info(&format!(r#"{WHATSAPP},name="BrandCo WhatsApp Business""#)),
        1.0
    );

    assert_eq!(scrape.status("facebook", "fb_page_123456"), "CONNECTED");
    assert_eq!(scrape.status("whatsapp", "wa_biz_789012"), "CONNECTED");
    assert_eq!(scrape.status("instagram", "ig_345678"), "TOKEN_EXPIRED");

    let value = |name: &str, labels: &str| scrape.get(&format!("{name}{{{labels}}}"));
    let expiry = "qlara_token_expiry_timestamp_seconds";
    assert_eq!(value(expiry, FACEBOOK), Some(FACEBOOK_EXPIRES));
    assert_eq!(value(expiry, INSTAGRAM), Some(1772319600.0));
    assert_eq!(value(expiry, WHATSAPP), None, "WhatsApp has no token");
    let left = "qlara_token_seconds_to_expiry";
    assert_eq!(value(left, FACEBOOK), Some(FACEBOOK_EXPIRES - READ_AT));
    assert_eq!(
        value(left, INSTAGRAM),
        Some(1772319600.0 - READ_AT),
        "negative once expired"
    );
    assert_eq!(value(left, WHATSAPP), None);
    let connected = "qlara_profile_connected_timestamp_seconds";
    assert_eq!(value(connected, FACEBOOK), Some(1768051800.0));
    assert_eq!(value(connected, WHATSAPP), Some(1771574400.0));
    let activity = "qlara_profile_last_activity_timestamp_seconds";
    assert_eq!(value(activity, FACEBOOK), Some(1775728800.0));
    assert_eq!(
        value(activity, WHATSAPP),
        None,
        "the details do not state it"
    );

    assert_eq!(
        scrape.family("qlara_profile_permission_granted"),
        [
            (
                format!(r#"{{{FACEBOOK},permission="pages_messaging"}}"#).as_str(),
                1.0
            ),
            (
                &format!(r#"{{{FACEBOOK},permission="pages_read_engagement"}}"#),
                1.0
            ),
            (
                &format!(r#"{{{INSTAGRAM},permission="instagram_basic"}}"#),
                1.0
            ),
            (
                &format!(r#"{{{INSTAGRAM},permission="instagram_manage_messages"}}"#),
                1.0
            ),
        ]
    );
    assert_eq!(scrape.family("qlara_expected_profile_present"), []);
}

#[tokio::test]
async fn seconds_to_expiry_are_computed_at_the_scrape() {
    let stack = Stack::start().await;
    let series = format!("qlara_token_seconds_to_expiry{{{FACEBOOK}}}");
    let at_the_refresh = stack.scrape().await.value(&series);

    let later = stack.scrape_after(30).await;

    assert_eq!(later.value(&series), at_the_refresh - 30.0);
    assert_eq!(
        later.value("qlara_last_refresh_success_timestamp_seconds"),
        READ_AT
    );
}

/// [expired-token]
#[tokio::test]
async fn seconds_to_expiry_turn_negative_while_cached() {
    let soon = json!([{"platform": "facebook", "profileId": "p", "name": "n", "status": "CONNECTED",
        "tokenExpiresAt": "2026-04-10T12:00:20Z", "connectedAt": "2026-01-01T00:00:00Z"}]);
    let stack = Setup::default().with_profiles(soon).await;
    let series = r#"qlara_token_seconds_to_expiry{platform="facebook",profile="p"}"#;
    assert_eq!(stack.scrape().await.value(series), 20.0);
    assert_eq!(stack.scrape_after(25).await.value(series), -5.0);
}

#[tokio::test]
async fn missing_required_permissions_are_0_and_others_are_shown() {
    let stack = Setup::default()
        .with_profiles(json!([
            {"platform": "facebook", "profileId": "some", "name": "n", "status": "CONNECTED",
             "connectedAt": "2026-01-01T00:00:00Z", "permissions": ["pages_messaging", "extra", "extra"]},
            {"platform": "facebook", "profileId": "none", "name": "n", "status": "CONNECTED",
             "connectedAt": "2026-01-01T00:00:00Z", "permissions": []},
            {"platform": "facebook", "profileId": "unknown", "name": "n", "status": "CONNECTED",
             "connectedAt": "2026-01-01T00:00:00Z"},
        ]))
        .await;
    let scrape = stack.scrape().await;
    let of = |profile: &str| -> Vec<(String, f64)> {
        let start = format!(r#"{{platform="facebook",profile="{profile}",permission=""#);
        let permission = |series: &str| Some(series.strip_prefix(&start)?.replace("\"}", ""));
        scrape
            .family("qlara_profile_permission_granted")
            .into_iter()
            .filter_map(|(series, value)| Some((permission(series)?, value)))
            .collect()
    };
    assert_eq!(
        of("some"),
        [
            ("extra".into(), 1.0),
            ("pages_messaging".into(), 1.0),
            ("pages_read_engagement".into(), 0.0)
        ]
    );
    assert_eq!(
        of("none"),
        [
            ("pages_messaging".into(), 0.0),
            ("pages_read_engagement".into(), 0.0)
        ]
    );
    assert_eq!(
        of("unknown"),
        [],
        "absent because the gateway does not state it"
    );
}

#[tokio::test]
async fn required_permissions_are_configurable_per_platform() {
    let stack = Setup::yaml("permissions:\n  facebook: [ads_read]\n  whatsapp: [send]\n")
        .start()
        .await;
    let scrape = stack.scrape().await;
    let granted =
        |labels: &str| scrape.get(&format!("qlara_profile_permission_granted{{{labels}}}"));
    assert_eq!(
        granted(&format!(r#"{FACEBOOK},permission="ads_read""#)),
        Some(0.0)
    );
    assert_eq!(
        granted(&format!(r#"{FACEBOOK},permission="pages_messaging""#)),
        Some(1.0)
    );
    assert_eq!(
        granted(&format!(r#"{INSTAGRAM},permission="instagram_basic""#)),
        Some(1.0)
    );
    assert_eq!(
        granted(&format!(r#"{WHATSAPP},permission="send""#)),
        None,
        "the details have no permissions"
    );
}

#[tokio::test]
async fn phone_numbers_are_omitted_masked_or_shown() {
    for (yaml, label) in [
        ("{}", ""),
        ("phone_number: omit", ""),
        ("phone_number: mask", r#",phone_number="+**********67""#),
        ("phone_number: show", r#",phone_number="+393491234567""#),
    ] {
        let scrape = Setup::yaml(yaml).start().await.scrape().await;
        let series =
            format!(r#"qlara_profile_info{{{WHATSAPP},name="BrandCo WhatsApp Business"{label}}}"#);
        assert_eq!(scrape.value(&series), 1.0, "{yaml}");
        assert_eq!(
            scrape.text.contains("+393491234567"),
            yaml.ends_with("show"),
            "{yaml}"
        );
    }
}

/// [empty-list]
#[tokio::test]
async fn empty_list_shows_zero_profiles_of_each_documented_platform() {
    let stack = Setup::default().with_profiles(json!([])).await;
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value("qlara_up"), 1.0);
    assert_eq!(scrape.value("qlara_profiles_reported"), 0.0);
    assert_eq!(
        scrape.family("qlara_profiles"),
        [
            (r#"{platform="facebook"}"#, 0.0),
            (r#"{platform="instagram"}"#, 0.0),
            (r#"{platform="whatsapp"}"#, 0.0)
        ]
    );
    assert_eq!(scrape.family("qlara_profile_info"), []);
    assert_eq!(stack.gateway.stats().await.details, 0);
}

#[tokio::test]
async fn undocumented_platform_is_counted_too() {
    let stack = Setup::default()
        .with_profiles(
            json!([{"platform": "telegram", "profileId": "t", "name": "n",
            "status": "CONNECTED", "connectedAt": "2026-01-01T00:00:00Z"}]),
        )
        .await;
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value(r#"qlara_profiles{platform="telegram"}"#), 1.0);
    assert_eq!(scrape.value(r#"qlara_profiles{platform="facebook"}"#), 0.0);
    assert_eq!(
        scrape.family("qlara_details_up"),
        [(r#"{platform="telegram"}"#, 1.0)]
    );
}

#[tokio::test]
async fn reported_total_is_the_number_that_the_gateway_states() {
    let stack = Setup::default()
        .with_profiles(json!({"profiles": [], "total": 7}))
        .await;
    assert_eq!(stack.scrape().await.value("qlara_profiles_reported"), 7.0);
    stack
        .gateway
        .profiles(&json!({"profiles": [], "total": "many"}))
        .await;
    let scrape = stack.scrape_after(61).await;
    assert_eq!(
        scrape.get("qlara_profiles_reported"),
        None,
        "not known, hence absent"
    );
    assert_eq!(
        scrape.value(r#"qlara_gateway_invalid_fields_total{field="total"}"#),
        1.0
    );
}

#[tokio::test]
async fn expected_profiles_are_present_or_missing() {
    let directory = tempfile::tempdir().expect("a folder");
    let key = directory.path().join("key");
    std::fs::write(&key, crate::harness::API_KEY).expect("a file");
    let yaml = format!(
        "accounts:\n  - name: brandco\n    api_key_file: {}\n    expected:\n      \
         - {{platform: facebook, profile: fb_page_123456}}\n      - {{platform: facebook, profile: gone}}\n",
        key.display()
    );
    let scrape = Setup::yaml(&yaml).start().await.scrape().await;
    let present = |profile: &str| {
        let labels = format!(r#"account="brandco",platform="facebook",profile="{profile}""#);
        scrape.value(&format!("qlara_expected_profile_present{{{labels}}}"))
    };
    assert_eq!(present("fb_page_123456"), 1.0);
    assert_eq!(present("gone"), 0.0);
}

#[tokio::test]
async fn refresh_duration_is_measured() {
    let stack = Stack::start().await;
    stack.gateway.faults("latency=300ms").await;
    let scrape = tokio::join!(stack.scrape(), async {
        crate::harness::eventually("the list call", async || {
            (stack.gateway.stats().await.list == 1).then_some(())
        })
        .await;
        stack.clock.advance(Duration::from_millis(1500));
    });
    assert_eq!(scrape.0.value("qlara_refresh_duration_seconds"), 1.5);
}
