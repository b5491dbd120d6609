//! The connection state: a documented word takes precedence over the flag.

use serde_json::{Value, json};

use super::{listing, reference, scrape_of, uc_017, with, without};
use crate::check::{check, gateway};

#[tokio::test]
async fn documented_status_wins_over_the_disconnected_flag() {
    let connected = || reference("facebook", "a", false);
    for (word, flag, status, invalid) in [
        (json!("CONNECTED"), json!(true), "CONNECTED", 0.0),
        (json!("DISCONNECTED"), json!(false), "DISCONNECTED", 0.0),
        (json!("TOKEN_EXPIRING"), json!(false), "TOKEN_EXPIRING", 0.0),
        (json!(null), json!(true), "DISCONNECTED", 0.0),
        (json!(null), json!(false), "CONNECTED", 0.0),
        (json!("PAUSED"), json!(true), "DISCONNECTED", 0.0),
        (json!("PAUSED"), json!(false), "CONNECTED", 0.0),
        (json!("PAUSED"), json!(null), "UNKNOWN", 0.0),
        (json!(null), json!("true"), "DISCONNECTED", 0.0),
        (json!(null), json!("False"), "CONNECTED", 0.0),
        (json!(null), json!(1), "DISCONNECTED", 0.0),
        (json!(null), json!(0), "CONNECTED", 0.0),
        (json!(null), json!(null), "UNKNOWN", 1.0),
        (json!(null), json!("no"), "UNKNOWN", 1.0),
        (json!(null), json!(2), "UNKNOWN", 1.0),
        (json!(null), json!([]), "UNKNOWN", 1.0),
        (json!(5), json!(null), "UNKNOWN", 1.0),
        (json!(5), json!(true), "DISCONNECTED", 1.0),
    ] {
        let entry = with(with(connected(), "status", word), "disconnected", flag);
        let scrape = scrape_of(json!([entry])).await;
        assert_eq!(scrape.status("facebook", "a"), status, "{entry}");
        let counted = ["status", "disconnected"].map(|field| {
            scrape.value(&format!(
                r#"qlara_gateway_invalid_fields_total{{field="{field}"}}"#
            ))
        });
        assert_eq!(counted[0] + counted[1], invalid, "{entry}");
    }
}

#[tokio::test]
async fn advice_for_a_disconnected_profile_depends_on_its_platform() {
    for (platform, finding, advice) in [
        (
            "facebook",
            "token expired or revoked",
            "reconnects the profile",
        ),
        (
            "instagram",
            "token expired or revoked",
            "reconnects the profile",
        ),
        (
            "linkedin",
            "token expired or revoked",
            "reconnects the profile",
        ),
        (
            "google",
            "token expired or revoked",
            "reconnects the profile",
        ),
        (
            "tiktok",
            "token expired or revoked",
            "reconnects the profile",
        ),
        (
            "whatsapp",
            "trouble at the provider",
            "the connection to the provider",
        ),
    ] {
        let list = json!([reference(platform, "a", true)]);
        let page = listing(list.to_string()).await;
        let page = page.get("/").send().await.expect("a response");
        let page = page.text().await.expect("a text");
        assert!(page.contains(&format!("disconnected: {finding}")), "{page}");
        assert!(page.contains(advice), "{page}");
        let gateway = gateway(&list).await;
        let ran = check(&gateway, &[]).await;
        assert_eq!(ran.code, 2);
        assert!(
            ran.output.contains(&format!("disconnected: {finding}")),
            "{}",
            ran.output
        );
        let json = check(&gateway, &["--output", "json"]).await.output;
        let json: Value = serde_json::from_str(&json).expect("JSON");
        let found = &json["profiles"][0]["findings"][0];
        assert_eq!(found["code"], "disconnected");
        assert!(
            found["advice"].as_str().expect("a text").contains(advice),
            "{found}"
        );
    }
}

#[tokio::test]
async fn schema_without_expiry_has_no_expiry_findings() {
    let bare = || without(uc_017("facebook", "a"), "tokenExpiresAt");
    for (entries, findings) in [
        (
            json!([
                reference("facebook", "a", false),
                reference("instagram", "b", false)
            ]),
            0,
        ),
        (
            json!([bare(), without(uc_017("instagram", "b"), "tokenExpiresAt")]),
            0,
        ),
        // Only some entries lack the expiry.
        (json!([bare(), uc_017("instagram", "b")]), 1),
        (json!([bare(), uc_017("whatsapp", "b")]), 1),
        // The expiry is present but cannot be read.
        (json!([with(bare(), "tokenExpiresAt", json!("soon"))]), 1),
        (
            json!([with(bare(), "tokenExpiresAt", json!("2026-06-15T00:00:00"))]),
            1,
        ),
    ] {
        let gateway = gateway(&entries).await;
        let ran = check(&gateway, &["--output", "json"]).await;
        let found = ran.output.matches(r#""token_end_unknown""#).count();
        assert_eq!(found, findings, "{entries}: {}", ran.output);
    }
}
