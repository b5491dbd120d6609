//! The location of the entries in a response.

use serde_json::{Value, json};

use super::{listing, reference, schema, uc_017};
use crate::check::check;
use crate::harness::Setup;
use crate::harness::log::Log;

/// The possible envelopes of entries.
fn envelopes(entries: &Value) -> Vec<Value> {
    vec![
        json!({"profiles": entries, "total": 2}),
        json!({"total": 2, "profiles": entries}),
        json!({"socials": entries, "total": 2}),
        json!({"platform": "facebook", "profiles": entries}),
        json!({"status": "success", "data": {"profiles": entries, "total": 2}}),
        json!({"status": "success", "data": {"socials": entries}}),
        json!({"status": "success", "data": entries}),
        json!({"data": entries, "status": "success", "message": null}),
        json!({"data": {"profiles": entries}}),
        json!({"status": 200, "profiles": entries}),
        entries.clone(),
    ]
}

/// [other-envelope]
#[tokio::test]
async fn each_envelope_is_read_with_each_schema() {
    let old = json!([uc_017("facebook", "a"), uc_017("instagram", "b")]);
    let new = json!([
        reference("facebook", "a", false),
        reference("instagram", "b", true)
    ]);
    let mixed = json!([uc_017("facebook", "a"), reference("instagram", "b", true)]);
    let details = json!([{"profileId": "a", "category": "Retail"}]);
    let stack = Setup::default().start().await;
    for (entries, description) in [(old, "uc-017"), (new, "reference"), (mixed, "mixed")] {
        for (list, details) in envelopes(&entries).iter().zip(envelopes(&details)) {
            stack.gateway.set_list_response(list.to_string()).await;
            let answer = details.to_string();
            stack.gateway.set_details_response("facebook", answer).await;
            let scrape = stack.scrape_after(61).await;
            let what = format!("{list}, {details}: {}", scrape.text);
            assert_eq!(scrape.value("qlara_up"), 1.0, "{what}");
            assert_eq!(schema(&scrape), Some(description), "{what}");
            assert_eq!(scrape.value("qlara_list_complete"), 1.0, "{what}");
            assert_eq!(scrape.status("facebook", "a"), "CONNECTED");
            let up = r#"qlara_details_up{platform="facebook"}"#;
            assert_eq!(scrape.value(up), 1.0, "{what}");
            let info = scrape.family("qlara_profile_info");
            assert_eq!(info.len(), 2, "{what}");
            assert!(info[0].0.contains(r#",category="Retail""#), "{what}");
        }
    }
}

/// [byte-order-mark]
#[tokio::test]
async fn byte_order_mark_is_skipped() {
    let list = json!({"profiles": [uc_017("facebook", "a")]});
    for text in [list.to_string(), list["profiles"].to_string()] {
        let scrape = listing(format!("\u{feff}{text}")).await.scrape().await;
        assert_eq!(scrape.status("facebook", "a"), "CONNECTED", "{text}");
    }
}

#[tokio::test]
async fn empty_list_has_no_schema() {
    // Some languages write an empty list as null.
    let null = [
        json!({"profiles": null}),
        json!({"data": {"socials": null}, "status": "success"}),
        json!({"data": null, "status": "success"}),
    ];
    for empty in envelopes(&json!([])).into_iter().chain(null) {
        let list = empty.to_string().replace(r#""total":2"#, r#""total":0"#);
        let scrape = listing(list.clone()).await.scrape().await;
        assert_eq!(scrape.value("qlara_up"), 1.0, "{list}");
        assert_eq!(schema(&scrape), None, "{list}");
    }
}

/// [unreadable-list]
#[tokio::test]
async fn other_bodies_are_errors_with_found_and_expected() {
    let entries = json!([uc_017("facebook", "a")]);
    let nine = json!({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1, "h": 1, "i": 1});
    for (answer, found) in [
        (
            json!({"items": entries}).to_string(),
            r#"found an object with the keys "items""#,
        ),
        (
            json!({"data": {"items": entries}, "meta": {}}).to_string(),
            r#"found an object with the keys "data" (an object with the keys "items"), "meta""#,
        ),
        (
            json!({"profiles": {"a": 1}}).to_string(),
            r#""profiles" (an object with the keys "a")"#,
        ),
        (json!({"data": null}).to_string(), r#""data" (null)"#),
        (
            nine.to_string(),
            r#""a", "b", "c", "d", "e", "f", "g", "h" and 1 more"#,
        ),
        ("{}".to_owned(), "found an empty object"),
        ("null".to_owned(), "found null"),
        ("true".to_owned(), "found a boolean"),
        ("1.5".to_owned(), "found a number"),
        (r#""text""#.to_owned(), "found a string"),
        (String::new(), "found an empty body at line 1, column 0"),
        ("<html></html>".to_owned(), "found HTML or XML at line 1"),
        (
            "{\"profiles\": [".to_owned(),
            "found no valid JSON at line 1, column 14",
        ),
        (
            json!({"39349123": 1, "Mario Rossi": 2, "a@b.example": 3}).to_string(),
            "keys (a name that is not shown), (a name that is not shown), (a name that is not shown)",
        ),
        (
            json!({"status": "fail", "data": {"profiles": entries}}).to_string(),
            r#"HTTP 200 with the JSend status "fail""#,
        ),
        (
            json!({"profiles": entries, "status": "error"}).to_string(),
            r#"HTTP 200 with the JSend status "error""#,
        ),
        (
            json!({"status": "error", "message": "no"}).to_string(),
            r#"HTTP 200 with the JSend status "error""#,
        ),
        (
            json!({"profiles": [{"socialId": "a", "network": "x"}, {}]}).to_string(),
            r#"none of the 2 entries can be read as a profile: the first is an object with the keys "network", "socialId"; expected "platform", and "profileId", "id" or "username""#,
        ),
        (
            "[1, 2]".to_owned(),
            "none of the 2 entries can be read as a profile: the first is a number",
        ),
    ] {
        let stack = Setup::default().start().await;
        assert_eq!(stack.scrape().await.value("qlara_up"), 1.0);
        stack.gateway.set_list_response(answer.clone()).await;
        let log = Log::collect(tracing::Level::WARN);
        let scrape = stack.scrape_after(61).await;
        assert_eq!(scrape.value("qlara_up"), 0.0, "{answer}");
        let failures = "qlara_gateway_request_failures_total";
        let series = format!(r#"{failures}{{endpoint="socials",reason="invalid_response"}}"#);
        assert_eq!(scrape.value(&series), 1.0, "{answer}");
        // The known data stays.
        assert_eq!(scrape.family("qlara_profile_info").len(), 3, "{answer}");
        let line = log.take().replace(r#"\""#, r#"""#);
        assert!(line.contains(found), "{answer}: {line}");
        assert!(
            line.contains("expected ") || found.contains("JSend"),
            "{line}"
        );
    }
}

/// [byte-order-mark]
#[tokio::test]
async fn utf_16_is_named_in_both_byte_orders_with_and_without_mark() {
    let text = json!([uc_017("facebook", "a")]).to_string();
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for body in [
        little.clone(),
        [vec![0xff, 0xfe], little].concat(),
        big.clone(),
        [vec![0xfe, 0xff], big].concat(),
    ] {
        let log = Log::collect(tracing::Level::WARN);
        let scrape = listing(body).await.scrape().await;
        assert_eq!(scrape.value("qlara_up"), 0.0);
        let line = log.take();
        assert!(
            line.contains("found UTF-16 or UTF-32, expected UTF-8"),
            "{line}"
        );
    }
}

#[tokio::test]
async fn not_found_list_names_the_other_prefix() {
    for (prefix, other) in [
        ("/api/v1/partner-gateway", "/api/partner-gateway/v1"),
        ("/api/partner-gateway/v1", "/api/v1/partner-gateway"),
        (
            "/elsewhere",
            "/api/v1/partner-gateway or /api/partner-gateway/v1",
        ),
    ] {
        let mut setup = Setup::default();
        let gateway = Setup::default().start().await;
        gateway.gateway.faults("list:status=404").await;
        setup.url = Some(format!("http://{}{prefix}", gateway.gateway.address));
        let log = Log::collect(tracing::Level::WARN);
        let stack = setup.start().await;
        let scrape = stack.scrape().await;
        assert_eq!(scrape.value("qlara_up"), 0.0);
        let failures = "qlara_gateway_request_failures_total";
        let series = format!(r#"{failures}{{endpoint="socials",reason="client_error"}}"#);
        assert_eq!(scrape.value(&series), 1.0);
        let line = log.take();
        let expected = format!(
            "HTTP 404 at {prefix}/socials: check gateway.url (--qlara.url); the API's pages also use the prefix {other}"
        );
        assert!(line.contains(&expected), "{line}");
        let page = stack.get("/").send().await.expect("a response");
        let page = page.text().await.expect("a text");
        assert!(page.contains(other), "{page}");
        let url = format!("http://{}{prefix}", gateway.gateway.address);
        let ran = check(&gateway.gateway, &["--qlara.url", &url, "--output", "json"]).await;
        assert_eq!(ran.code, 3);
        assert!(ran.output.contains(&expected), "{}", ran.output);
    }
}
