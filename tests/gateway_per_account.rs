//! Accounts with their own gateways and their own field names.

use std::sync::Arc;
use std::time::{Duration, Instant};

use exporter_toolkit::clock::Clock;
use gateway_simulator::{Options, Schema};
use qlara_exporter::config::Settings;
use serde_json::json;

use crate::harness::clock::ManualClock;
use crate::harness::process::{CommandOutput, exporter, run_beside};
use crate::harness::scrape::Scrape;
use crate::harness::{API_KEY, Gateway, Setup, Stack};

/// A gateway with the schema of the reference page.
async fn reference() -> Gateway {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at("2026-04-10T12:00:00Z"));
    let options = Options {
        schema: Schema::Reference,
        ..Options::default()
    };
    Gateway::start(options, clock).await
}

/// The production and pre-production accounts of a brand; the latter has this block.
fn yaml(own: &str) -> String {
    format!(
        "accounts:\n- {{name: production, api_key_env: QLARA_API_KEY}}\n- name: staging\n  api_key_env: QLARA_API_KEY\n  gateway: {own}\n"
    )
}

fn schema(account: &str, schema: &str) -> String {
    format!(r#"qlara_gateway_schema_info{{account="{account}",schema="{schema}"}}"#)
}

async fn probe(stack: &Stack, account: &str) -> Scrape {
    let answer = stack.get(&format!("/probe?account={account}")).send().await;
    Scrape::read(answer.expect("a response")).await
}

/// [gateway-per-account]
#[tokio::test]
async fn two_accounts_use_two_gateways_with_different_schemas() {
    let other = reference().await;
    let own = format!("{{url: '{}'}}", other.url());
    let stack = Setup::yaml(&yaml(&own)).start().await;
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value(&schema("production", "uc-017")), 1.0);
    assert_eq!(scrape.value(&schema("staging", "reference")), 1.0);
    let status = r#"qlara_profile_status{account="staging",platform="linkedin""#;
    assert!(scrape.text.contains(status), "{}", scrape.text);
    assert_eq!(stack.gateway.stats().await.list, 1);
    assert_eq!(other.stats().await.list, 1);
    // A failure of one account does not affect the other.
    other.faults("status=503").await;
    let scrape = stack.scrape_after(61).await;
    assert_eq!(scrape.value(r#"qlara_up{account="staging"}"#), 0.0);
    assert_eq!(scrape.value(r#"qlara_up{account="production"}"#), 1.0);
}

#[tokio::test]
async fn url_flag_does_not_redirect_the_key_of_an_account() {
    let other = reference().await;
    let own = format!("{{url: '{}'}}", other.url());
    let elsewhere = reference().await;
    let setup = Setup {
        settings: Settings {
            url: Some(elsewhere.url()),
            ..Settings::default()
        },
        ..Setup::yaml(&yaml(&own))
    };
    let stack = setup.start().await;
    stack.scrape().await;
    assert_eq!(elsewhere.stats().await.list, 1, "the one without its own");
    assert_eq!(other.stats().await.list, 1);
}

#[tokio::test]
async fn probe_waits_for_the_timeout_of_its_account() {
    let other = reference().await;
    let own = format!("{{url: '{}', timeout: 300ms}}", other.url());
    let stack = Setup::yaml(&format!("gateway: {{timeout: 2s}}\n{}", yaml(&own)))
        .start()
        .await;
    for gateway in [&stack.gateway, &other] {
        gateway.faults("hang").await;
    }
    // The two waiting times differ by far more than the delays of a busy machine.
    let mut waits = Vec::new();
    for account in ["staging", "production"] {
        let started = Instant::now();
        let scrape = probe(&stack, account).await;
        let up = format!(r#"qlara_up{{account="{account}"}}"#);
        assert_eq!(scrape.value(&up), 0.0);
        waits.push(started.elapsed());
    }
    assert!(waits[0] >= Duration::from_millis(300), "{waits:?}");
    assert!(waits[1] >= Duration::from_secs(2), "{waits:?}");
    assert!(waits[0] < waits[1], "{waits:?}");
}

#[tokio::test]
async fn reload_of_one_gateway_leaves_the_other_account_alone() {
    let (first, second) = (reference().await, reference().await);
    let own = |gateway: &Gateway| yaml(&format!("{{url: '{}'}}", gateway.url()));
    let mut setup = Setup::yaml(&own(&first));
    setup.web.enable_lifecycle = true;
    let stack = setup.start().await;
    stack.scrape().await;
    stack.write_configuration(&own(&second));
    let reload = stack.request(reqwest::Method::POST, "/-/reload");
    assert_eq!(reload.send().await.expect("a response").status(), 200);
    second.faults("status=503").await;
    let scrape = stack.scrape().await;
    assert_eq!(stack.gateway.stats().await.list, 1, "it is still fresh");
    assert_eq!(scrape.value(r#"qlara_up{account="production"}"#), 1.0);
    assert_eq!(first.stats().await.list, 1);
    assert_eq!(second.stats().await.list, 1);
    let old = r#"qlara_profile_info{account="staging""#;
    assert!(!scrape.text.contains(old), "the former gateway sent this");
    // Another timeout keeps the known data.
    second.faults("").await;
    stack.scrape_after(61).await;
    let own = format!("{{url: '{}', timeout: 3s}}", second.url());
    stack.write_configuration(&yaml(&own));
    let reload = stack.request(reqwest::Method::POST, "/-/reload");
    assert_eq!(reload.send().await.expect("a response").status(), 200);
    second.faults("status=503").await;
    let scrape = stack.scrape_after(61).await;
    assert_eq!(scrape.value(r#"qlara_up{account="staging"}"#), 0.0);
    assert!(scrape.text.contains(old));
}

/// An entry with undocumented field names.
const ODD: &str = r#"[{"network": {"name": "facebook"}, "socialId": 17, "profile": {"displayName": "BrandCo", "tags": ["x"]},
    "linkedOn": 1781474400, "profileId": "no", "state": {"word": "TOKEN_EXPIRED"}, "name": "no"}]"#;
const MAPPED: &str = "{platform: network.name, id: socialId, name: profile.displayName, connected_at: linkedOn, status: state.word, category: profile.kind}";

#[tokio::test]
async fn mapped_fields_are_read_as_configured() {
    let stack = Setup::yaml(&format!("gateway: {{fields: {MAPPED}}}"))
        .start()
        .await;
    stack.gateway.set_list_response(ODD).await;
    let details =
        r#"{"data": [{"socialId": 17, "profile": {"kind": "Retail"}, "category": "no"}]}"#;
    stack
        .gateway
        .set_details_response("facebook", details)
        .await;
    let scrape = stack.scrape().await;
    let labels = r#"platform="facebook",profile="17""#;
    let info = format!(r#"qlara_profile_info{{{labels},name="BrandCo",category="Retail"}}"#);
    assert_eq!(scrape.value(&info), 1.0, "{}", scrape.text);
    assert_eq!(scrape.status("facebook", "17"), "TOKEN_EXPIRED");
    let connected = format!("qlara_profile_connected_timestamp_seconds{{{labels}}}");
    assert_eq!(scrape.value(&connected), 1781474400.0);
    // A path through a text, an array or an absent field finds nothing.
    for path in [
        "profile.tags.x",
        "profile.displayName.x",
        "nowhere.x",
        "network",
    ] {
        let yaml =
            format!("gateway: {{fields: {{platform: network.name, id: socialId, name: {path}}}}}");
        let stack = Setup::yaml(&yaml).start().await;
        stack.gateway.set_list_response(ODD).await;
        let scrape = stack.scrape().await;
        let info = format!(r#"qlara_profile_info{{{labels},name=""}}"#);
        assert_eq!(scrape.value(&info), 1.0, "{path}: {}", scrape.text);
        let invalid = r#"qlara_gateway_invalid_fields_total{field="name"}"#;
        assert_eq!(scrape.value(invalid), 1.0, "{path}");
    }
}

#[tokio::test]
async fn one_name_can_map_to_two_fields_and_accounts_can_differ() {
    let other = reference().await;
    other.set_list_response(ODD).await;
    let own = format!("{{url: '{}', fields: {MAPPED}}}", other.url());
    let defaults = "gateway: {fields: {id: name, name: name}}\n";
    let stack = Setup::yaml(&format!("{defaults}{}", yaml(&own)))
        .start()
        .await;
    let scrape = stack.scrape().await;
    let info = |account: &str, more: &str| {
        scrape.value(&format!(
            r#"qlara_profile_info{{account="{account}",{more}}}"#
        ))
    };
    let named = r#"platform="instagram",profile="brandco_official",name="brandco_official""#;
    assert_eq!(info("production", named), 1.0);
    assert_eq!(
        info(
            "staging",
            r#"platform="facebook",profile="17",name="BrandCo""#
        ),
        1.0
    );
}

async fn explain(arguments: &[&str], yaml: &str, key: Option<&str>) -> CommandOutput {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, answer) = (
        folder.path().join("qlara.yml"),
        folder.path().join("answer.json"),
    );
    std::fs::write(&file, yaml).expect("a file");
    std::fs::write(&answer, ODD).expect("a file");
    let mut command = exporter();
    command
        .arg("explain")
        .args(arguments)
        .arg("--config.file")
        .arg(&file);
    command.current_dir(folder.path());
    if let Some(key) = key {
        command.env("QLARA_API_KEY", key);
    }
    run_beside(command).await
}

#[tokio::test]
async fn explain_uses_the_field_mapping() {
    let gateway = reference().await;
    gateway.set_list_response(ODD).await;
    let own = format!("{{url: '{}', fields: {MAPPED}}}", gateway.url());
    let yaml = yaml(&own);
    let ran = explain(&["--account", "staging"], &yaml, Some(API_KEY)).await;
    assert_eq!(ran.error, "");
    assert!(
        ran.output.starts_with("Account staging\n"),
        "{}",
        ran.output
    );
    assert!(
        ran.output
            .contains("network.name         string  1 of 1   platform\n"),
        "{}",
        ran.output
    );
    // A saved response needs no key.
    let saved = ["--from", "answer.json", "--account", "staging"];
    let ran = explain(&saved, &yaml, None).await;
    assert_eq!((ran.code, ran.error.as_str()), (0, ""), "{}", ran.output);
    assert!(
        ran.output
            .contains("Everything that the metrics need was read.")
    );
    let ran = explain(&["--from", "answer.json"], &yaml, None).await;
    assert_eq!(ran.code, 1, "the defaults do not fit: {}", ran.output);
    let ran = explain(
        &["--from", "answer.json", "--account", "nobody"],
        &yaml,
        None,
    )
    .await;
    assert_eq!((ran.code, ran.output.as_str()), (2, ""));
    assert!(ran.error.contains("--account"), "{}", ran.error);
    // Local text is validated like any configuration.
    let ran = explain(
        &["--from", "answer.json"],
        "gateway: {fields: {id: ''}}",
        None,
    )
    .await;
    assert_eq!((ran.code, ran.output.as_str()), (2, ""));
    assert!(ran.error.contains("gateway.fields.id"), "{}", ran.error);
    assert_eq!(json!(ran.error.lines().count()), 1);
}
