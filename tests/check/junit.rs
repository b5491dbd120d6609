//! JUnit XML, as Python's parser reads it.

use std::process::Command;

use qlara_exporter::check::{CheckFilter, CheckFormat, CheckOptions};
use serde_json::{Value, json};

use super::{GRANTED, audit, page, with, written};
use crate::harness::process::run_with_input;
use crate::harness::tools::needs;

async fn cases(profiles: &Value, yaml: &str, filter: CheckFilter) -> Vec<String> {
    let options = CheckOptions {
        filter,
        ..CheckOptions::default()
    };
    let audit = audit(profiles, yaml, options).await.expect("an audit");
    let (xml, _) = written(&audit, CheckFormat::Junit);
    assert!(
        xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"),
        "{xml}"
    );
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/check/read_junit.py");
    let (code, output) = run_with_input(Command::new("python3").arg(script), &xml);
    assert_eq!(code, 0, "{output}\n{xml}");
    output
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

#[tokio::test]
async fn each_profile_and_note_is_a_test_case() {
    needs!("python3");
    let hostile = "<&>\"']]>\u{1}\u{fffe}\u{202e}x";
    let expired = json!({"status": "TOKEN_EXPIRED", "tokenExpiresAt": "2026-04-09T12:00:00Z", "permissions": [], "name": hostile});
    let reader = json!({"permissions": [GRANTED[0]], "name": " "});
    let mut unchecked = page("unchecked");
    unchecked
        .as_object_mut()
        .expect("an object")
        .remove("permissions");
    let profiles = json!([
        page("fine"),
        with(page("<&>\""), expired),
        with(page("reader"), reader),
        unchecked
    ]);
    let yaml =
        "accounts: [{name: bad, api_key_file: bad}, {name: good, api_key_env: QLARA_API_KEY}]";
    let found = cases(&profiles, yaml, CheckFilter::default()).await;
    let again =
        "Disconnect and reconnect the profile in the Qlara dashboard, and grant all permissions.";
    let refused = "the gateway refuses the credentials (HTTP 401)";
    let key = "Check that the API key is the right one and active; a new key in the same file needs no restart.";
    assert_eq!(
        found,
        [
            format!("bad | bad.account | {refused} | error not_checked | {refused} / {refused} /   {key}"),
            format!(
                "good | good.facebook | <&>\" | failure critical | <&>\"']]>\u{fffd}\u{fffd}\u{fffd}x: token expired 1d 0h ago, \
                 cannot send: pages_messaging missing, cannot read metrics: pages_read_engagement missing / \
                 token expired 1d 0h ago /   Messages fail until somebody reconnects the profile in the Qlara dashboard. / \
                 cannot send: pages_messaging missing / cannot read metrics: pages_read_engagement missing /   {again}"
            ),
            format!(
                "good | good.facebook | reader | failure warning | cannot read metrics: pages_read_engagement missing / \
                 cannot read metrics: pages_read_engagement missing /   {again}"
            ),
            "good | good.facebook | unchecked | error not_checked | A page: permissions not known / permissions not known /   \
             Look at the permissions of the profile in the Qlara dashboard. If the gateway never states any, require none in the configuration file."
                .to_owned(),
            "good | good.facebook | fine | passed |".to_owned(),
        ]
    );
}

#[tokio::test]
async fn notes_of_the_filter_have_a_suite() {
    needs!("python3");
    let platform = |name: &str| CheckFilter {
        platforms: [name.to_owned()].into(),
        ..CheckFilter::default()
    };
    let note = "no profile of the platform facebok is connected; did you mean facebook? There are: facebook";
    let expected = |name: &str| {
        vec![format!(
            "{name} | {name}.account | {note} | failure warning | {note} / {note} /   Correct the platform, or connect a profile of it in the Qlara dashboard."
        )]
    };
    let profiles = json!([page("p")]);
    let named = "accounts: [{name: good, api_key_env: QLARA_API_KEY}]";
    for yaml in ["", named] {
        assert_eq!(
            cases(&profiles, yaml, platform("facebok")).await,
            expected("qlara")
        );
    }
    let passed = ["qlara | qlara.facebook | p | passed |"];
    assert_eq!(cases(&profiles, "", CheckFilter::default()).await, passed);
}
