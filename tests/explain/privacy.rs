//! `explain` prints no value of a response except status and platform words, and never a secret.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{explain_at, explain_input};
use crate::harness::API_KEY;
use crate::harness::listener::{Recorder, http_response};

const MARK: &str = "Marked Value";
const MARKED_NUMBER: u64 = 7_001_777_117;

/// A response in which every value is marked, with field names that look like values.
fn marked(wrap: impl Fn(Value) -> Value) -> Value {
    let text = || json!(format!("{MARK} {MARKED_NUMBER}"));
    let entry = json!({
        "platform": "facebook", "profileId": text(), "id": MARKED_NUMBER, "username": text(),
        "name": text(), "status": text(), "disconnected": text(), "tokenExpiresAt": text(),
        "connectedAt": MARKED_NUMBER, "phoneNumber": text(), "linkedAccounts": [{"id": text(), "name": text()}, text()],
        "pageId": MARKED_NUMBER, "category": text(), "permissions": [text()], "lastActivityAt": text(),
        "other": {"deep": {"deeper": text()}, "list": [text(), [text()]]},
        MARK: text(), "x7001777117": {"7001777117": text()}, format!("{MARK}@example.com"): 1,
    });
    let nameless =
        json!({"network": text(), "socialId": text(), "linkedOn": text(), MARK: {MARK: text()}});
    wrap(json!([entry, nameless, text(), MARKED_NUMBER, [text()]]))
}

fn responses() -> Vec<Value> {
    let text = || json!(format!("{MARK} {MARKED_NUMBER}"));
    vec![
        marked(|entries| entries),
        marked(
            |entries| json!({"profiles": entries, "total": MARKED_NUMBER, MARK: text(), "next": text()}),
        ),
        marked(|entries| json!({"status": "success", "data": entries, "message": text()})),
        marked(|entries| json!({"status": text(), "data": {"socials": entries, MARK: text()}})),
        marked(|entries| json!({"status": "error", "data": entries, "message": text()})),
        marked(|entries| json!({"items": entries, MARK: {MARK: text()}})),
        marked(|entries| json!({"platform": text(), "profiles": entries})),
        json!({MARK: {MARK: [text()]}}),
        json!({"profiles": {MARK: text()}}),
        text(),
    ]
}

#[test]
fn values_are_never_printed() {
    for answer in responses() {
        for form in ["text", "json"] {
            let (_, output) = explain_input(&answer.to_string(), &["--output", form]);
            assert!(!output.contains(MARK), "{answer}: {output}");
            assert!(!output.contains("7001777117"), "{answer}: {output}");
            assert!(output.len() > 50, "it says something: {output}");
        }
    }
}

#[tokio::test]
async fn key_repeated_by_the_gateway_is_never_printed() {
    // Texts that look like field names, headers and words.
    let entry = json!({"platform": API_KEY, "profileId": API_KEY, "name": API_KEY, "status": API_KEY,
        API_KEY: {API_KEY: API_KEY}, format!("x_{API_KEY}"): API_KEY, "connectedAt": API_KEY});
    for list in [
        json!({"profiles": [entry], API_KEY: API_KEY}),
        json!({"items": [entry], API_KEY: {API_KEY: 1}}),
        json!([{API_KEY: API_KEY}]),
        json!({"status": API_KEY, "data": {API_KEY: API_KEY}}),
    ] {
        let list = list.to_string();
        let headers =
            format!("Content-Type: text/{API_KEY}\r\nLink: <{API_KEY}>; rel={API_KEY}\r\n");
        let gateway = Recorder::start(move |_| http_response("200 OK", &headers, &list)).await;
        let url = format!("http://{}", gateway.address);
        for form in ["text", "json"] {
            let ran = explain_at(&url, &["--output", form, "--log.level", "debug"]).await;
            let all = ran.output + &ran.error;
            assert!(!all.contains(API_KEY), "{all}");
        }
        assert!(gateway.requests().concat().contains(API_KEY), "it was sent");
    }
}

/// Random JSON with marked texts and numbers, under names that resemble those of fields.
fn json_of_marks() -> impl Strategy<Value = Value> {
    let known = [
        "profiles",
        "data",
        "socials",
        "total",
        "next",
        "meta",
        "name",
        "profileId",
        "id",
        "connectedAt",
        "permissions",
        "linkedAccounts",
        "disconnected",
        "tokenExpiresAt",
        "other",
    ];
    let name = prop::sample::select(known.map(str::to_owned).to_vec());
    let name = prop_oneof![5 => name, 1 => Just(format!("{MARK} name"))];
    let leaf = prop_oneof![
        4 => Just(json!(format!("{MARK} {MARKED_NUMBER}"))),
        2 => Just(json!(MARKED_NUMBER)),
        1 => Just(json!(null)),
        1 => any::<bool>().prop_map(|flag| json!(flag)),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// [explain-privacy]
#[test]
fn values_are_never_printed_for_any_response_shape() {
    let mut runner = proptest::test_runner::TestRunner::new(proptest::test_runner::Config {
        source_file: Some(file!()),
        ..crate::properties::cases(48)
    });
    let result = runner.run(&json_of_marks(), |answer| {
        let (code, output) = explain_input(&answer.to_string(), &[]);
        prop_assert!(code == 0 || code == 1, "{code}: {output}");
        prop_assert!(
            !output.contains(MARK) && !output.contains("7001777117"),
            "{output}"
        );
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
