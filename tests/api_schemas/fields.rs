//! The table of fields: names, types, and the effect of an absent field.

use qlara_exporter::gateway::fields::{Field, FieldSource, TABLE};
use serde_json::{Value, json};

use super::{reference, schema, scrape_of, uc_017, with, without};
use crate::harness::Setup;
use crate::harness::scrape::Scrape;
use crate::page::page;

/// An example value of each row, and a series that it produces.
fn example(field: Field) -> (Value, &'static str) {
    match field {
        Field::Platform => (
            json!("facebook"),
            r#"qlara_profiles{platform="facebook"} 1"#,
        ),
        Field::Id => (json!("x"), r#"profile="x""#),
        Field::Username => (json!("x"), r#"username="x""#),
        Field::Name => (json!("x"), r#"name="x""#),
        Field::Status => (json!("TOKEN_EXPIRING"), r#"status="TOKEN_EXPIRING"} 1"#),
        Field::Disconnected => (json!(true), r#"status="DISCONNECTED"} 1"#),
        Field::TokenExpiresAt => (json!(1781474400), "qlara_token_expiry_timestamp_seconds{"),
        Field::ConnectedAt => (
            json!("2026-01-01T00:00:00Z"),
            "qlara_profile_connected_timestamp_seconds{",
        ),
        Field::PhoneNumber => (json!("+391"), r#"phone_number="+391""#),
        Field::LinkedAccounts => (json!(3), "qlara_profile_linked_accounts{"),
        Field::PageId => (json!("x"), r#"page_id="x""#),
        Field::Category => (json!("x"), r#"category="x""#),
        Field::Permissions => (json!(["x"]), r#"permission="x""#),
        Field::LastActivityAt => (
            json!("2026-01-01T00:00:00Z"),
            "qlara_profile_last_activity_timestamp_seconds{",
        ),
        Field::Total => unreachable!("it has no row"),
    }
}

/// `profileId`, `ProfileID`, `profile_id`, `profile-id`.
fn spellings(name: &str) -> Vec<String> {
    let separated = |separator: char| -> String {
        let pieces = name.chars().flat_map(|char| {
            let before = char.is_uppercase().then_some(separator);
            before.into_iter().chain([char.to_ascii_lowercase()])
        });
        pieces.collect()
    };
    vec![
        name.to_owned(),
        name.to_uppercase(),
        separated('_'),
        separated('-'),
    ]
}

/// A minimal profile with the field under test.
async fn scrape_with(
    name: &str,
    value: &Value,
    row: &qlara_exporter::gateway::fields::FieldRow,
) -> Scrape {
    let mut entry = json!({"platform": "instagram", "profileId": "p"});
    if row.field == Field::Platform {
        entry = without(entry, "platform");
    }
    if row.field == Field::Id {
        entry = without(entry, "profileId");
    }
    let mut list = entry.clone();
    let mut details = json!({"profileId": "p"});
    match row.source {
        FieldSource::Details => details[name] = value.clone(),
        FieldSource::List | FieldSource::Both => list[name] = value.clone(),
    }
    let stack = Setup::yaml("phone_number: show").start().await;
    stack
        .gateway
        .set_list_response(json!([list]).to_string())
        .await;
    let details = json!([details]).to_string();
    stack
        .gateway
        .set_details_response("instagram", details)
        .await;
    stack.scrape().await
}

/// [other-envelope]
#[tokio::test]
async fn every_field_name_is_read_in_every_spelling() {
    for row in &TABLE {
        let (value, series) = example(row.field);
        for name in row.names.iter().flat_map(|name| spellings(name)) {
            let scrape = scrape_with(&name, &value, row).await;
            assert!(scrape.text.contains(series), "{name}: {}", scrape.text);
        }
    }
}

#[tokio::test]
async fn null_or_absent_field_has_no_metric() {
    for row in &TABLE {
        let (_, series) = example(row.field);
        for name in row.names {
            let scrape = scrape_with(name, &Value::Null, row).await;
            assert!(!scrape.text.contains(series), "{name}: {}", scrape.text);
        }
    }
}

#[tokio::test]
async fn first_present_name_is_used() {
    for (entry, identity) in [
        (json!({"profileId": "a", "id": "b", "username": "c"}), "a"),
        (json!({"username": "c", "id": "b", "profileId": "a"}), "a"),
        (json!({"profileId": null, "id": "b", "username": "c"}), "b"),
        (json!({"profileId": "", "id": "b"}), "b"),
        (json!({"id": 17, "username": "c"}), "17"),
        (json!({"id": {}, "username": "c"}), "c"),
        (json!({"profileId": {"value": "a"}, "id": "b"}), "b"),
        (json!({"profileId": false, "id": 5}), "5"),
        (json!({"profileId": -5, "id": "b"}), "b"),
        (json!({"username": 5}), "5"),
    ] {
        let entry = with(entry, "platform", json!("facebook"));
        let entry = with(entry, "disconnected", json!(false));
        let scrape = scrape_of(json!([entry])).await;
        assert_eq!(scrape.status("facebook", identity), "CONNECTED", "{entry}");
    }
}

#[tokio::test]
async fn numeric_identifier_is_read_as_its_digits() {
    for digits in [
        "0",
        "17",
        "18446744073709551616",
        "4200000000000000000000000001",
    ] {
        let answer = format!(
            r#"[{{"platform": "facebook", "id": {digits}, "disconnected": false, "pageId": 1}}]"#
        );
        let stack = super::listing(answer).await;
        let details = format!(r#"[{{"id": "{digits}", "pageId": {digits}}}]"#);
        stack
            .gateway
            .set_details_response("facebook", details)
            .await;
        let scrape = stack.scrape().await;
        assert_eq!(scrape.status("facebook", digits), "CONNECTED");
        let page = format!(r#"page_id="{digits}""#);
        assert!(scrape.text.contains(&page), "{}", scrape.text);
    }
}

#[tokio::test]
async fn entries_with_the_same_identity_are_duplicates() {
    let named = |name: &str| json!({"platform": "Facebook", name: "a", "disconnected": false});
    let entries = json!([
        named("username"),
        named("profileId"),
        named("id"),
        uc_017("facebook", "b")
    ]);
    let scrape = scrape_of(entries).await;
    let dropped = r#"qlara_profiles_dropped{reason="duplicate"}"#;
    assert_eq!(scrape.value(dropped), 2.0);
    assert_eq!(scrape.value(r#"qlara_profiles{platform="facebook"}"#), 2.0);
}

#[tokio::test]
async fn case_of_known_platforms_is_ignored() {
    let entries: Vec<Value> = [
        "Facebook",
        "INSTAGRAM",
        "LinkedIn",
        "Google",
        "TikTok",
        "WhatsApp",
        "Other",
    ]
    .map(|platform| reference(platform, "a", false))
    .to_vec();
    let scrape = scrape_of(json!(entries)).await;
    for platform in [
        "facebook",
        "instagram",
        "linkedin",
        "google",
        "tiktok",
        "whatsapp",
        "Other",
    ] {
        assert_eq!(scrape.status(platform, "a"), "CONNECTED", "{platform}");
    }
}

#[tokio::test]
async fn linked_accounts_are_a_number_or_a_list() {
    let stack = super::listing(json!([reference("facebook", "a", false)]).to_string()).await;
    let labels = r#"platform="facebook",profile="a""#;
    let count = format!("qlara_profile_linked_accounts{{{labels}}}");
    let details = |linked: Value| json!([{"username": "a", "linkedPages": linked}]).to_string();
    for (linked, listed) in [
        (json!(5), vec![]),
        (
            json!([{"id": "1", "name": "One"}, {"id": 2}]),
            vec![r#"linked_account="1",name="One""#, r#"linked_account="2""#],
        ),
        (
            json!([{"page_id": "1", "pageName": "One"}]),
            vec![r#"linked_account="1",name="One""#],
        ),
        (
            json!([{"name": "One"}, "Two", 3]),
            vec![
                r#"linked_account="One",name="One""#,
                r#"linked_account="Two""#,
                r#"linked_account="3""#,
            ],
        ),
        // A duplicate gives one series, an invalid entry gives none.
        (
            json!([{"id": "1"}, {"id": "1"}, {}, null]),
            vec![r#"linked_account="1""#],
        ),
    ] {
        let answer = details(linked.clone());
        stack.gateway.set_details_response("facebook", answer).await;
        let scrape = stack.scrape_after(61).await;
        assert_eq!(scrape.value(&count), 2.0, "the list states it");
        let mut expected: Vec<String> = listed
            .into_iter()
            .map(|more| format!("{{{labels},{more}}}"))
            .collect();
        let found = scrape.family("qlara_linked_account_info");
        let found: Vec<&str> = found.iter().map(|(labels, _)| *labels).collect();
        expected.sort();
        assert_eq!(found, expected, "{linked}");
    }
    let broken = r#"qlara_gateway_invalid_fields_total{field="linkedAccounts"}"#;
    assert_eq!(stack.scrape().await.value(broken), 1.0);
    // If the list lacks the number, the details provide it.
    let entry = without(reference("facebook", "a", false), "linkedAccounts");
    stack
        .gateway
        .set_list_response(json!([entry]).to_string())
        .await;
    assert_eq!(stack.scrape_after(61).await.value(&count), 4.0);
}

/// [linked-account-limit]
#[tokio::test]
async fn linked_accounts_are_limited_by_the_limit_of_profiles() {
    let stack = Setup::yaml("limits: {profiles: 3}").start().await;
    let list = json!([
        reference("facebook", "a", false),
        reference("facebook", "b", false)
    ]);
    stack.gateway.set_list_response(list.to_string()).await;
    let pages = json!([1, 2]);
    let details = json!([{"username": "a", "pages": pages}, {"username": "b", "pages": pages}]);
    stack
        .gateway
        .set_details_response("facebook", details.to_string())
        .await;
    let log = crate::harness::log::Log::collect(tracing::Level::WARN);
    let scrape = stack.scrape().await;
    assert_eq!(scrape.family("qlara_linked_account_info").len(), 3);
    let line = log.take();
    assert!(
        line.contains("dropped=1 ") || line.contains("dropped=1\n"),
        "{line}"
    );
    assert!(line.contains("past limits.profiles"), "{line}");
    let page = page(&stack, "/").await;
    let expected = "1 linked account is not shown: it is past limits.profiles";
    assert!(page.contains(expected));
}

#[tokio::test]
async fn zero_times_and_empty_texts_are_no_date() {
    let texts = [
        "0",
        "0.0",
        "-0",
        "-0.0",
        "0e0",
        "0E+0",
        "0.000000",
        "-62135596800",
        "-62135596800.0",
        "-62135596800000",
        "-62135596800000000",
        "-6795364578871345152",
        r#""""#,
        r#"" ""#,
        r#""0""#,
        r#""-0""#,
        r#""1970-01-01T00:00:00Z""#,
        r#""1970-01-01T00:00:00.000+00:00""#,
        r#""1970-01-01 00:00:00""#,
        r#""1970-01-01T01:00:00+01:00""#,
        r#""1970-01-01T01:00:00\u002B01:00""#,
        r#""1970-01-01""#,
        r#""1969-12-31T19:00:00-0500""#,
        r#""0001-01-01T00:00:00Z""#,
        r#""0001-01-01T00:00:00""#,
        r#""0000-00-00 00:00:00""#,
        r#""0000-00-00T00:00:00Z""#,
        r#""-0001-11-30T00:00:00+00:00""#,
        r#""1601-01-01T00:00:00Z""#,
        r#""1900-01-01T00:00:00Z""#,
        r#""1899-12-30T00:00:00""#,
    ];
    for zero in texts {
        const PLACE: &str = "\"zero time\"";
        let one = with(
            uc_017("facebook", "a"),
            "tokenExpiresAt",
            json!("zero time"),
        );
        let far = json!("2126-06-15T00:00:00Z");
        let other = with(uc_017("facebook", "b"), "tokenExpiresAt", far);
        let list = json!([one, other]).to_string().replace(PLACE, zero);
        let scrape = super::listing(list).await.scrape().await;
        let expiry = scrape.family("qlara_token_expiry_timestamp_seconds");
        assert_eq!(expiry.len(), 1, "{zero}: {expiry:?}");
        let invalid = r#"qlara_gateway_invalid_fields_total{field="tokenExpiresAt"}"#;
        assert_eq!(scrape.value(invalid), 0.0, "{zero}");
    }
    for zero in [json!(0), json!(""), json!("1970-01-01T00:00:00Z")] {
        let one = with(uc_017("facebook", "a"), "tokenExpiresAt", zero.clone());
        let far = json!("2126-06-15T00:00:00Z");
        let other = with(uc_017("facebook", "b"), "tokenExpiresAt", far);
        // A zero date counts as absent: a list with only zero dates states no expiry.
        for (entries, findings) in [(json!([one, other]), 1), (json!([one]), 0)] {
            let gateway = crate::check::gateway(&entries).await;
            let ran = crate::check::check(&gateway, &["--output", "json"]).await;
            let found = ran.output.matches(r#""token_end_unknown""#).count();
            assert_eq!(found, findings, "{entries}: {}", ran.output);
            assert!(!ran.output.contains("token_expired"), "{}", ran.output);
        }
    }
}

#[tokio::test]
async fn last_value_of_a_duplicate_name_is_used() {
    let answer = r#"[{"platform": "facebook", "id": "a", "id": "b", "disconnected": true, "disconnected": false,
        "name": "x", "name": "y"}]"#;
    let scrape = super::listing(answer).await.scrape().await;
    assert_eq!(scrape.status("facebook", "b"), "CONNECTED");
    let info = r#"qlara_profile_info{platform="facebook",profile="b",name="y"}"#;
    assert_eq!(scrape.value(info), 1.0, "{}", scrape.text);
}

/// If the last value is null, the other names of the field count.
#[tokio::test]
async fn null_as_last_value_of_a_duplicate_name_is_used() {
    for (ids, id) in [
        (r#""profileId": "a", "profileId": null, "id": "z""#, "z"),
        (r#""id": "z", "profileId": "a", "profileId": null"#, "z"),
        (
            r#""profileId": "a", "profileId": null, "profileId": "c", "id": "z""#,
            "c",
        ),
        (r#""profileId": "a", "profileId": "", "id": "z""#, "z"),
    ] {
        let answer = format!(
            r#"[{{"platform": "facebook", {ids}, "name": "x", "status": "TOKEN_EXPIRED", "status": null,
            "tokenExpiresAt": "2026-01-01T00:00:00Z", "tokenExpiresAt": null}}]"#
        );
        let scrape = super::listing(answer.as_str()).await.scrape().await;
        let info =
            format!("qlara_profile_info{{platform=\"facebook\",profile=\"{id}\",name=\"x\"}}");
        assert_eq!(scrape.value(&info), 1.0, "{ids}");
        let status = format!("{{platform=\"facebook\",profile=\"{id}\",status=\"UNKNOWN\"}}");
        let statuses = scrape.family("qlara_profile_status");
        let set: Vec<_> = statuses.iter().filter(|(_, value)| *value > 0.0).collect();
        assert_eq!(set, [&(status.as_str(), 1.0)], "{ids}");
        let expiry = scrape.family("qlara_token_expiry_timestamp_seconds");
        assert!(expiry.is_empty(), "{ids}: {expiry:?}");
    }
}

#[tokio::test]
async fn schema_is_detected_by_its_own_fields() {
    for (entry, description) in [
        (uc_017("facebook", "a"), Some("uc-017")),
        (
            without(without(uc_017("facebook", "a"), "status"), "tokenExpiresAt"),
            Some("uc-017"),
        ),
        (reference("facebook", "a", true), Some("reference")),
        (
            with(
                reference("facebook", "a", true),
                "status",
                json!("CONNECTED"),
            ),
            Some("mixed"),
        ),
        (
            with(reference("facebook", "a", true), "id", json!("a")),
            Some("reference"),
        ),
        (
            with(uc_017("facebook", "a"), "disconnected", json!(null)),
            Some("uc-017"),
        ),
        (
            json!({"platform": "facebook", "id": "a", "name": "n"}),
            None,
        ),
    ] {
        let scrape = scrape_of(json!([entry])).await;
        assert_eq!(schema(&scrape), description, "{entry}");
    }
}

#[tokio::test]
async fn schema_is_logged_once_per_change_and_shown_on_page_and_by_check() {
    let old = json!([uc_017("facebook", "a")]).to_string();
    let new = json!([reference("facebook", "a", false)]).to_string();
    let stack = Setup::default().start().await;
    let log = crate::harness::log::Log::collect(tracing::Level::INFO);
    let mut logged = Vec::new();
    for list in [&*old, &*old, &*new, "[]", &*new, &*old] {
        stack.gateway.set_list_response(list).await;
        stack.scrape_after(61).await;
        let lines = log.take();
        let lines = lines
            .lines()
            .filter(|line| line.contains("follows this description"));
        let schema = |line: &str| line.split("schema=").nth(1).map(str::to_owned);
        logged.push(lines.filter_map(schema).collect::<Vec<_>>().concat());
    }
    // An empty list has no schema, and changes nothing.
    assert_eq!(logged, ["uc-017", "", "reference", "", "", "uc-017"]);
    let page = page(&stack, "/").await;
    assert!(page.contains("API description uc-017"), "{page}");
    let ran = crate::check::check(&stack.gateway, &[]).await;
    let line = "          Description of the API: uc-017\n";
    assert!(ran.output.contains(line), "{}", ran.output);
}
