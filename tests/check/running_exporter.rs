//! `--exporter`: since when profiles are in their states, as a running exporter has observed it.

use serde_json::{Value, json};

use super::{check, check_yaml};
use crate::harness::listener::{Recorder, http_response};
use crate::harness::port::free_port;
use crate::harness::{Setup, Stack};

const ACCOUNT: &str = "accounts: [{name: a, api_key_env: QLARA_API_KEY}]";

fn profile(id: &str, status: &str) -> Value {
    json!({"platform": "facebook", "profileId": id, "name": "n", "status": status})
}

/// An exporter that has read `before`, and a minute later `after`.
async fn observing(yaml: &str, before: Value, after: Value) -> Stack {
    let stack = Setup::yaml(yaml).with_profiles(before).await;
    stack.scrape().await;
    stack.gateway.profiles(&after).await;
    stack.scrape_after(61).await;
    stack
}

async fn check_beside(stack: &Stack, arguments: &[&str]) -> String {
    let url = format!("http://{}/", stack.exporter);
    let arguments = [&["--exporter", &url], arguments].concat();
    let ran = check_yaml(&stack.gateway, ACCOUNT, &arguments).await;
    assert_eq!(ran.error, "");
    ran.output
}

/// The times of each profile in the JSON.
fn times(json: &str) -> Vec<(String, Value, Value)> {
    let json: Value = serde_json::from_str(json).expect("JSON");
    let profiles = json["profiles"].as_array().expect("profiles").iter();
    let mut times: Vec<_> = profiles
        .map(|it| {
            let id = it["profile"].as_str().expect("an id").to_owned();
            (id, it["since"].clone(), it["since_at_least"].clone())
        })
        .collect();
    times.sort_by(|one, other| one.0.cmp(&other.0));
    times
}

fn notes(json: &str) -> Vec<String> {
    let json: Value = serde_json::from_str(json).expect("JSON");
    let notes = json["notes"].as_array().expect("notes").iter();
    let notes = notes.filter(|note| note["state"] == "UNKNOWN");
    notes
        .map(|note| note["text"].as_str().expect("a text").to_owned())
        .collect()
}

#[tokio::test]
async fn state_has_lasted_since_the_observed_change() {
    let before = json!([
        profile("failed", "CONNECTED"),
        profile("old", "DISCONNECTED")
    ]);
    let after = json!([
        profile("failed", "TOKEN_EXPIRED"),
        profile("old", "DISCONNECTED")
    ]);
    let stack = observing(ACCOUNT, before, after).await;
    let json = check_beside(&stack, &["--output", "json"]).await;
    let (start, change) = ("2026-04-10T12:00:00Z", "2026-04-10T12:01:01Z");
    let expected = [
        ("failed".to_owned(), json!(change), Value::Null),
        ("old".to_owned(), Value::Null, json!(start)),
    ];
    assert_eq!(times(&json), expected);
    assert_eq!(notes(&json), [""; 0]);
    for (output, texts) in [
        (
            "table",
            [
                "since 2026-04-10 12:01",
                "since 2026-04-10 12:00 or earlier",
            ],
        ),
        (
            "html",
            [
                "since 2026-04-10 12:01<",
                "since 2026-04-10 12:00 or earlier<",
            ],
        ),
        ("csv", [change, start]),
    ] {
        let shown = check_beside(&stack, &["--output", output]).await;
        for text in texts {
            assert!(shown.contains(text), "{text}: {shown}");
        }
    }
}

#[tokio::test]
async fn another_state_than_the_exporter_read_has_no_time() {
    let read = json!([
        profile("changed", "CONNECTED"),
        profile("same", "CONNECTED")
    ]);
    let stack = observing(ACCOUNT, read.clone(), read).await;
    let now = json!([
        profile("changed", "DISCONNECTED"),
        profile("new", "CONNECTED"),
        profile("same", "CONNECTED")
    ]);
    stack.gateway.profiles(&now).await;
    let times = times(&check_beside(&stack, &["--output", "json"]).await);
    let known: Vec<bool> = times.iter().map(|it| !it.2.is_null()).collect();
    assert_eq!(known, [false, false, true], "{times:?}");
    assert!(times.iter().all(|it| it.1.is_null()), "{times:?}");
}

/// Accounts of both sides are compared by their names.
#[tokio::test]
async fn account_that_the_exporter_does_not_watch_is_noted() {
    let read = json!([profile("p", "CONNECTED")]);
    let yaml = "accounts: [{name: other, api_key_env: QLARA_API_KEY}]";
    let stack = observing(yaml, read.clone(), read).await;
    let json = check_beside(&stack, &["--output", "json"]).await;
    assert_eq!(times(&json), [("p".to_owned(), Value::Null, Value::Null)]);
    let expected = format!(
        "the exporter at http://{}/ has no account of this name, so it does not tell since when profiles are in their states",
        stack.exporter
    );
    assert_eq!(notes(&json), [expected]);
}

/// The audit itself stays complete.
#[tokio::test]
async fn failing_exporter_is_a_note_without_its_password() {
    let gateway = super::gateway(&json!([super::page("p")])).await;
    let closed = format!("127.0.0.1:{}", free_port());
    let elsewhere = Recorder::start(|_| http_response("200 OK", "", "<html>")).await;
    let refusing = Recorder::start(|_| http_response("401 Unauthorized", "", "")).await;
    for (address, reason) in [
        (closed, "Connection refused"),
        (
            elsewhere.address.to_string(),
            "not the API of qlara-exporter",
        ),
        (refusing.address.to_string(), "answered 401, expected 200"),
    ] {
        let url = format!("http://user:s3cret@{address}/qlara/");
        let ran = check(&gateway, &["--exporter", &url, "--output", "json"]).await;
        assert_eq!(ran.code, 3, "{}", ran.output);
        let note = notes(&ran.output).concat();
        let asked = format!("not known: http://{address}/qlara/api/v1/profiles: {reason}");
        assert!(note.contains(&asked), "{note}");
        assert!(!(ran.output + &ran.error).contains("s3cret"));
    }
    let asked = refusing.requests().concat();
    assert!(
        asked.contains("authorization: Basic dXNlcjpzM2NyZXQ="),
        "{asked}"
    );
    let unreadable = [
        "--exporter",
        "https://127.0.0.1:1",
        "--exporter-ca-file",
        "no.pem",
    ];
    let ran = check(&gateway, &unreadable).await;
    assert!(ran.output.contains("no.pem"), "{}", ran.output);
}
