//! A gateway, or a proxy in its place, that repeats the credentials in a well-formed list of profiles.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tracing::Level;

use super::gateway::{YAML, audited, served};
use crate::harness::listener::{Recorder, http_response};
use crate::harness::log::Log;
use crate::harness::{Setup, Stack};

/// Its Base64 contains characters that the URL-safe alphabet encodes differently.
const KEY: &str = "mArKeD/key&1=~~?";
const PAIR: &str = "user:mArKeD/key&1=~~?";
/// A placeholder for the repeated credentials.
const ECHO: &str = "ECHO";
const WARNING: &str = "The gateway repeats the account's credentials";

/// Every encoding of the credentials, as it appears between the quotes of JSON.
fn spellings() -> Vec<String> {
    let encoded = utf8_percent_encode(KEY, NON_ALPHANUMERIC).to_string();
    let twice_encoded = utf8_percent_encode(&encoded, NON_ALPHANUMERIC).to_string();
    let entities: String = KEY.bytes().map(|byte| format!("&#{byte};")).collect();
    let escaped = KEY.bytes().map(|byte| format!("\\u{byte:04x}"));
    vec![
        KEY.to_owned(),
        format!("the key {KEY} is wrong"),
        // The log shows this many characters of a status.
        format!("{}{KEY}", "x".repeat(90)),
        KEY.to_uppercase(),
        KEY.to_lowercase(),
        format!("/socials?key={encoded}"),
        encoded.to_lowercase(),
        twice_encoded,
        KEY.replace('&', "&amp;").replace('/', "&#x2F;"),
        entities.replace('&', "%26"),
        entities,
        escaped.collect(),
        KEY.replace('/', "\\/"),
        format!("Basic {}", BASE64_STANDARD.encode(PAIR)),
        BASE64_STANDARD_NO_PAD.encode(PAIR),
        BASE64_URL_SAFE.encode(PAIR),
    ]
}

/// Parts of each encoding, as they would be printed.
fn assert_no_secret(text: &str, what: &str) {
    let pair = BASE64_STANDARD_NO_PAD.encode(PAIR);
    assert!(!text.to_lowercase().contains("marked"), "{what}: {text}");
    assert!(!text.contains(&pair[..12]), "{what}: {text}");
}

/// Entries, each with the name of the field that repeats the credentials.
fn entries() -> Value {
    let mut entries = Vec::new();
    for (field, value) in [
        ("platform", json!(ECHO)),
        ("profileId", json!(ECHO)),
        ("username", json!(ECHO)),
        ("name", json!(ECHO)),
        ("status", json!(ECHO)),
        ("disconnected", json!(ECHO)),
        ("tokenExpiresAt", json!(ECHO)),
        ("connectedAt", json!(ECHO)),
        ("phoneNumber", json!(ECHO)),
        ("linkedAccounts", json!([ECHO])),
        (
            "linkedAccounts",
            json!([{"id": ECHO}, {"id": "1", "name": ECHO}]),
        ),
        ("pageId", json!(ECHO)),
        ("category", json!(ECHO)),
        ("permissions", json!(["pages_messaging", ECHO])),
        ("lastActivityAt", json!(ECHO)),
        ("other", json!(ECHO)),
    ] {
        let mut entry = json!({
            "platform": "facebook", "profileId": format!("p{}", entries.len()), "name": "A page",
            "status": "CONNECTED", "connectedAt": "2026-01-01T00:00:00Z",
        });
        entry[field] = value;
        entries.push(entry);
    }
    json!({"profiles": entries, "total": ECHO})
}

/// Answers every request with this body and with headers that repeat the credentials. An API key is never sent as
/// Base64.
async fn repeating(body: &Value, spelled: &str) -> Recorder {
    let body = body.to_string();
    let of_basic = body.replace(ECHO, spelled);
    let of_key = match spelled.contains(&BASE64_STANDARD_NO_PAD.encode(PAIR)[..12]) {
        true => body.replace(ECHO, KEY),
        false => of_basic.clone(),
    };
    let headers = format!("Content-Type: text/{KEY}\r\nX-RateLimit-Limit: {KEY}\r\n");
    Recorder::start(move |request| {
        let body = match request.to_lowercase().contains("x-api-key: ") {
            true => &of_key,
            false => &of_basic,
        };
        http_response("200 OK", &headers, body)
    })
    .await
}

/// An exporter with one account per kind of credentials.
async fn start_exporter(gateway: &Recorder, key: &'static str) -> Stack {
    let setup = Setup {
        files: vec![("key", key)],
        api_key: Some(key.to_owned()),
        url: Some(format!("http://{}", gateway.address)),
        ..Setup::yaml(&format!("phone_number: show\n{YAML}"))
    };
    setup.start().await
}

/// [repeated-credentials]
#[tokio::test]
async fn credentials_in_any_field_are_redacted() {
    for spelled in spellings() {
        let gateway = repeating(&entries(), &spelled).await;
        let log = Log::collect(Level::DEBUG);
        let stack = start_exporter(&gateway, KEY).await;
        assert_no_secret(&served(&stack).await, &spelled);
        let audit = audited(&stack, format!("http://{}", gateway.address), KEY).await;
        assert_no_secret(&audit, &spelled);
        let expected = "account basic: the gateway repeats the account's credentials in 30 entries";
        assert!(audit.contains(expected), "{spelled}: {audit}");
        assert_no_secret(&log.take(), &spelled);
        for request in gateway.requests() {
            let line = request.lines().next().expect("a request");
            assert_no_secret(line, &spelled);
        }
    }
}

/// [repeated-credentials]
#[tokio::test]
async fn repeated_credentials_count_as_invalid_and_are_logged_once() {
    let gateway = repeating(&entries(), KEY).await;
    let log = Log::collect(Level::INFO);
    let stack = start_exporter(&gateway, KEY).await;
    stack.scrape().await;
    let scrape = stack.scrape_after(600).await;
    let invalid = |field: &str| {
        scrape.value(&format!(
            r#"qlara_gateway_invalid_fields_total{{account="file",field="{field}"}}"#
        ))
    };
    // Two refreshes; details have no names.
    for (field, count) in [
        ("name", 2.0),
        ("status", 2.0),
        ("tokenExpiresAt", 2.0),
        ("phoneNumber", 2.0),
        ("total", 2.0),
        ("username", 2.0),
        ("category", 2.0),
        ("permissions", 2.0),
    ] {
        assert_eq!(invalid(field), count, "{field}");
    }
    // The two entries do not count as duplicates of each other.
    let dropped = |reason: &str| {
        scrape.value(&format!(
            r#"qlara_profiles_dropped{{account="file",reason="{reason}"}}"#
        ))
    };
    assert_eq!((dropped("invalid"), dropped("duplicate")), (2.0, 0.0));
    assert!(scrape.text.contains(r#"profile="p15""#), "{}", scrape.text);
    let page = stack.get("/").send().await.expect("a response");
    let page = page.text().await.expect("a page");
    let expected = "repeats the account's credentials in 30 entries";
    assert!(page.contains(expected), "{page}");
    let log = log.take();
    assert_eq!(
        log.matches(WARNING).count(),
        3,
        "once for each account: {log}"
    );
}

/// [only-repeated-credentials]
#[tokio::test]
async fn list_of_repeated_credentials_is_an_error() {
    let entry = json!({"platform": "facebook", "profileId": ECHO, "name": "A page"});
    let gateway = repeating(&json!([entry, entry]), KEY).await;
    let log = Log::collect(Level::INFO);
    let stack = start_exporter(&gateway, KEY).await;
    assert_eq!(
        stack.scrape().await.value(r#"qlara_up{account="file"}"#),
        0.0
    );
    let expected =
        "none of the 2 entries can be read as a profile: they repeat the account's credentials";
    let log = log.take();
    assert!(log.contains(expected), "{log}");
}

/// [repeated-credentials]
#[tokio::test]
async fn numeric_key_is_redacted() {
    const DIGITS: &str = "1781474400";
    let entry = json!({
        "platform": "facebook", "profileId": 1781474400, "id": "p", "name": "A page",
        "status": "CONNECTED", "tokenExpiresAt": 1781474400, "connectedAt": 1781474400,
        "linkedAccounts": 1781474400,
    });
    let body = json!({"profiles": [entry], "total": 1781474400}).to_string();
    let headers = format!("X-RateLimit-Limit: {DIGITS}\r\nX-RateLimit-Remaining: {DIGITS}\r\n");
    let gateway = Recorder::start(move |_| http_response("200 OK", &headers, &body)).await;
    let log = Log::collect(Level::DEBUG);
    let stack = start_exporter(&gateway, DIGITS).await;
    let served = served(&stack).await;
    assert!(served.contains(r#"profile="p""#), "{served}");
    for text in [served, log.take()] {
        assert!(!text.contains(DIGITS), "{text}");
    }
}

/// [short-key]
#[tokio::test]
async fn short_keys_and_api_words_redact_only_whole_values() {
    for (key, hidden) in [
        ("a", "a"),
        ("facebook", "no such name"),
        ("connected", "none either"),
    ] {
        let named = |id: &str, name: &str| {
            json!({
                "platform": "facebook", "profileId": id, "name": name, "status": "CONNECTED",
                "connectedAt": "2026-01-01T00:00:00Z",
            })
        };
        let body = json!([
            named("1", "A page on Facebook"),
            named("2", hidden),
            named("3", "a connected page")
        ]);
        let gateway = repeating(&body, "").await;
        let scrape = start_exporter(&gateway, key).await.scrape().await;
        for name in ["A page on Facebook", "a connected page"] {
            let label = format!(r#"name="{name}""#);
            assert!(scrape.text.contains(&label), "{key}: {}", scrape.text);
        }
        let is_hidden = !scrape.text.contains(&format!(r#"name="{hidden}""#));
        assert_eq!(is_hidden, key == "a", "{key}: {}", scrape.text);
    }
}
