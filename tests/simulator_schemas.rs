//! The simulated gateway's schemas, envelopes and page sizes.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use exporter_toolkit::clock::Clock;
use gateway_simulator::{Envelope, Options, Schema};
use serde_json::{Value, json};

use crate::harness::Gateway;
use crate::harness::clock::ManualClock;

const PLATFORMS: [&str; 5] = ["facebook", "instagram", "linkedin", "google", "tiktok"];

const ENVELOPES: [Envelope; 5] = [
    Envelope::Profiles,
    Envelope::Socials,
    Envelope::Jsend,
    Envelope::JsendArray,
    Envelope::Array,
];

async fn gateway(options: Options) -> (Gateway, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at("2026-04-10T12:00:00Z"));
    let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
    (Gateway::start(options, shared).await, clock)
}

fn reference(profiles: usize, seed: u64) -> Options {
    Options {
        profiles,
        seed,
        schema: Schema::Reference,
        ..Options::default()
    }
}

/// The body and the header `Link`.
async fn get(gateway: &Gateway, path: &str) -> (Value, Option<String>) {
    let answer = gateway.api(path).send().await.expect("a response");
    assert_eq!(answer.status().as_u16(), 200, "{path}");
    let link = answer.headers().get("link");
    let link = link.map(|link| link.to_str().expect("text").to_owned());
    let body = answer.bytes().await.expect("a body");
    (serde_json::from_slice(&body).expect("JSON"), link)
}

async fn listed(gateway: &Gateway) -> Vec<Value> {
    let (list, _) = get(gateway, "/socials").await;
    list["profiles"].as_array().expect("an array").clone()
}

#[tokio::test]
async fn reference_schema_starts_with_the_profiles_of_brandco() {
    let (gateway, _) = gateway(reference(3, 0)).await;
    let (list, _) = get(&gateway, "/socials").await;
    assert_eq!(list["total"], 3);
    let instagram = json!({
        "platform": "instagram",
        "username": "brandco_official",
        "profileName": "BrandCo Official",
        "profilePictureUrl": "https://pictures.example/instagram/brandco_official.jpg",
        "connectionDate": "2025-12-01T10:00:00+01:00",
        "disconnected": true,
        "linkedAccounts": 0,
    });
    assert_eq!(list["profiles"][1], instagram);
    for (index, platform) in [(0, "facebook"), (2, "linkedin")] {
        assert_eq!(list["profiles"][index]["platform"], platform);
        assert_eq!(list["profiles"][index]["disconnected"], false);
    }
    let (details, _) = get(&gateway, "/socials/linkedin").await;
    let mut expected = list["profiles"][2].clone();
    expected["linkedAccounts"] = json!([
        { "id": "brandco_1", "name": "BrandCo / 1" },
        { "id": "brandco_2", "name": "BrandCo / 2" },
        { "id": "brandco_3", "name": "BrandCo / 3" },
    ]);
    assert_eq!(
        details,
        json!({ "platform": "linkedin", "profiles": [expected] })
    );
}

#[tokio::test]
async fn reference_schema_generates_profiles_of_five_platforms_by_seed() {
    let first = listed(&gateway(reference(200, 7)).await.0).await;
    assert_eq!(first, listed(&gateway(reference(200, 7)).await.0).await);
    assert_ne!(first, listed(&gateway(reference(200, 8)).await.0).await);
    let texts = |field: &str| -> BTreeSet<String> {
        let values = first.iter().map(|profile| profile[field].as_str());
        values
            .map(|text| text.expect("a text").to_owned())
            .collect()
    };
    assert_eq!(texts("username").len(), 200);
    assert_eq!(texts("platform"), PLATFORMS.map(str::to_owned).into());
    let linked = first.iter().map(|profile| &profile["linkedAccounts"]);
    let linked: BTreeSet<u64> = linked
        .map(|count| count.as_u64().expect("a number"))
        .collect();
    assert_eq!(linked, BTreeSet::from([0, 1, 2, 3, 5]));
    for field in ["profileId", "status", "tokenExpiresAt", "permissions"] {
        assert!(first.iter().all(|profile| profile.get(field).is_none()));
    }
}

#[tokio::test]
async fn accelerated_clock_disconnects_and_reconnects_reference_profiles() {
    let options = Options {
        speed: Some(1440.0),
        ..reference(30, 0)
    };
    let (gateway, clock) = gateway(options).await;
    let mut changes = BTreeSet::new();
    let mut before = listed(&gateway).await;
    // One day per minute.
    for _ in 0..120 {
        clock.advance(Duration::from_secs(60));
        let now = listed(&gateway).await;
        for (before, now) in before.iter().zip(&now) {
            let renewed = before["connectionDate"] != now["connectionDate"];
            changes.insert(format!(
                "{} {} {renewed}",
                before["disconnected"], now["disconnected"]
            ));
        }
        before = now;
    }
    let expected = [
        "false false false",
        "false true false",
        "true false true",
        "true true false",
    ];
    assert_eq!(changes, expected.map(str::to_owned).into());
}

#[tokio::test]
async fn every_envelope_applies_to_list_and_details() {
    let (plain, _) = gateway(Options::default()).await;
    let list = listed(&plain).await;
    let details = get(&plain, "/socials/facebook").await.0["profiles"].clone();
    for envelope in ENVELOPES {
        let (gateway, _) = gateway(Options {
            envelope,
            ..Options::default()
        })
        .await;
        let (expected_list, expected_details) = match envelope {
            Envelope::Profiles => (
                json!({ "profiles": list, "total": 3 }),
                json!({ "platform": "facebook", "profiles": details }),
            ),
            Envelope::Socials => (
                json!({ "socials": list, "total": 3 }),
                json!({ "platform": "facebook", "socials": details }),
            ),
            Envelope::Jsend => (
                json!({ "status": "success", "data": { "profiles": list, "total": 3 } }),
                json!({ "status": "success", "data": { "platform": "facebook", "profiles": details } }),
            ),
            Envelope::JsendArray => (
                json!({ "status": "success", "data": list }),
                json!({ "status": "success", "data": details }),
            ),
            Envelope::Array => (json!(list), details.clone()),
        };
        assert_eq!(get(&gateway, "/socials").await, (expected_list, None));
        let answer = get(&gateway, "/socials/facebook").await;
        assert_eq!(answer, (expected_details, None));
        let telegram = gateway.api("/socials/telegram").send().await;
        assert_eq!(telegram.expect("a response").status().as_u16(), 404);
    }
}

#[tokio::test]
async fn page_size_truncates_list_and_details_and_announces_more() {
    for envelope in ENVELOPES {
        let (gateway, _) = gateway(Options {
            envelope,
            page_size: NonZeroUsize::new(2),
            ..Options::default()
        })
        .await;
        let profile = |platform: &str| json!({ "platform": platform, "odd": [1] });
        gateway
            .profiles(&json!([profile("x"), "odd", profile("x"), profile("x")]))
            .await;
        let list = json!([profile("x"), "odd"]);
        let details = json!([{ "odd": [1] }, { "odd": [1] }]);
        let (expected_list, expected_details) = match envelope {
            Envelope::Profiles => (
                json!({ "profiles": list, "total": 4, "hasMore": true }),
                json!({ "profiles": details, "platform": "x", "hasMore": true }),
            ),
            Envelope::Socials => (
                json!({ "socials": list, "total": 4, "hasMore": true }),
                json!({ "socials": details, "platform": "x", "hasMore": true }),
            ),
            Envelope::Jsend => (
                json!({ "status": "success", "data": { "profiles": list, "total": 4, "hasMore": true } }),
                json!({ "status": "success", "data": { "profiles": details, "platform": "x", "hasMore": true } }),
            ),
            Envelope::JsendArray => (
                json!({ "status": "success", "data": list, "total": 4, "hasMore": true }),
                json!({ "status": "success", "data": details, "total": 3, "hasMore": true }),
            ),
            Envelope::Array => (list, details),
        };
        let link = Some("<?page=2>; rel=\"next\"".to_owned());
        assert_eq!(
            get(&gateway, "/socials").await,
            (expected_list, link.clone())
        );
        assert_eq!(get(&gateway, "/socials/x").await, (expected_details, link));
        gateway.profiles(&json!([profile("x"), profile("x")])).await;
        let (whole, link) = get(&gateway, "/socials").await;
        assert!(!whole.to_string().contains("hasMore"), "{whole}");
        assert_eq!(link, None, "a whole list");
    }
}

#[tokio::test]
async fn additional_keys_of_replaced_profiles_are_in_the_list_envelope() {
    for envelope in ENVELOPES {
        let (gateway, _) = gateway(Options {
            envelope,
            ..Options::default()
        })
        .await;
        let keys =
            json!({ "profiles": [], "total": "?", "next": "…", "totalPages": 3, "last": false });
        gateway.profiles(&keys).await;
        let expected = match envelope {
            Envelope::Profiles => keys,
            Envelope::Socials => {
                json!({ "socials": [], "total": "?", "next": "…", "totalPages": 3, "last": false })
            }
            Envelope::Jsend => json!({ "status": "success", "data": keys }),
            Envelope::JsendArray => {
                json!({ "status": "success", "data": [], "next": "…", "totalPages": 3, "last": false })
            }
            Envelope::Array => json!([]),
        };
        assert_eq!(get(&gateway, "/socials").await.0, expected);
    }
}

#[tokio::test]
async fn replaced_reference_profiles_count_linked_accounts_in_the_list_only() {
    let (gateway, _) = gateway(reference(3, 0)).await;
    let linked = json!([{ "id": "1" }, { "id": "2" }]);
    let profile = json!({ "platform": "tiktok", "linkedAccounts": linked, "pageId": "9" });
    let odd = json!({ "platform": "tiktok", "linkedAccounts": "many" });
    gateway.profiles(&json!([profile, odd])).await;
    let counted = json!({ "platform": "tiktok", "linkedAccounts": 2, "pageId": "9" });
    assert_eq!(listed(&gateway).await, [counted, odd.clone()]);
    let (details, _) = get(&gateway, "/socials/tiktok").await;
    assert_eq!(details["profiles"], json!([profile, odd]));
}
