//! Responses of a running gateway.

use std::num::NonZeroUsize;

use gateway_simulator::{Envelope, Options, Schema};
use serde_json::{Value, json};

use super::{explain_at, start};

const ENVELOPES: [Envelope; 5] = [
    Envelope::Profiles,
    Envelope::Socials,
    Envelope::Jsend,
    Envelope::JsendArray,
    Envelope::Array,
];

#[tokio::test]
async fn every_simulator_mode_is_read_completely_or_reported_as_partial() {
    for (schema, name) in [(Schema::Uc017, "uc-017"), (Schema::Reference, "reference")] {
        for envelope in ENVELOPES {
            for page_size in [None, NonZeroUsize::new(1)] {
                let options = Options {
                    schema,
                    envelope,
                    page_size,
                    profiles: 12,
                    ..Options::default()
                };
                let gateway = start(options).await;
                let ran = explain_at(&gateway.url(), &["--output", "json"]).await;
                let what = format!("{name} {envelope:?} {page_size:?}: {}", ran.output);
                assert_eq!(ran.error, "", "{what}");
                assert_eq!(ran.code, i32::from(page_size.is_some()), "{what}");
                let json: Value = serde_json::from_str(&ran.output).expect("JSON");
                let calls = json["accounts"][0]["calls"].as_array().expect("calls");
                assert_eq!(calls[0]["schema"], name, "{what}");
                assert_eq!(calls[0]["complete"], page_size.is_none(), "{what}");
                assert_eq!(calls[0]["http_status"], 200);
                assert_eq!(calls[0]["media_type"], "application/json");
                let platforms = calls[0]["platforms"].as_object().expect("platforms");
                assert_eq!(calls.len(), platforms.len() + 1, "each platform once");
                let stats = gateway.stats().await;
                assert_eq!((stats.list, stats.details), (1, platforms.len() as u64));
                if page_size.is_none() {
                    assert_eq!(json["accounts"][0]["problems"], json!([]), "{what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn text_report_has_address_status_type_size_time_and_fields() {
    let gateway = start(Options::default()).await;
    let ran = explain_at(&gateway.url(), &[]).await;
    assert_eq!((ran.code, ran.error.as_str()), (0, ""));
    for expected in [
        format!(
            "GET {}/socials\n  HTTP 200, application/json, 578 bytes, ",
            gateway.url()
        ),
        " ms\n  envelope:     {\"profiles\": [3 entries], \"total\": number}\n".to_owned(),
        "  description:  uc-017\n".to_owned(),
        "  entries:      3, complete as far as known\n".to_owned(),
        "  platforms:    facebook 1, instagram 1, whatsapp 1\n".to_owned(),
        "  status words: CONNECTED 2, TOKEN_EXPIRED 1\n".to_owned(),
        "  tokenExpiresAt  string  2 of 3   token_expires_at (RFC 3339 with offset)\n".to_owned(),
        format!("GET {}/socials/facebook\n", gateway.url()),
        "  permissions     array   1 of 1   permissions\n".to_owned(),
        "  name            string  1 of 1   ignored: name is read from the list\n".to_owned(),
        "\nEverything that the metrics need was read.\n".to_owned(),
    ] {
        assert!(ran.output.contains(&expected), "{expected}\n{}", ran.output);
    }
}

#[tokio::test]
async fn other_prefix_is_tried_after_a_404() {
    let gateway = start(Options::default()).await;
    let root = format!("http://{}", gateway.address);
    let ran = explain_at(&format!("{root}/api/partner-gateway/v1"), &[]).await;
    assert_eq!(ran.code, 1, "{}", ran.output);
    for expected in [
        "HTTP 404 at /api/partner-gateway/v1/socials: check gateway.url (--qlara.url); the API's pages also use the prefix /api/v1/partner-gateway",
        "gateway.url: /api/partner-gateway/v1 answers HTTP 404, /api/v1/partner-gateway answers",
        &format!("  gateway:\n    url: {root}/api/v1/partner-gateway\n"),
        "  description:  uc-017\n",
    ] {
        assert!(ran.output.contains(expected), "{expected}\n{}", ran.output);
    }
    // Neither prefix works.
    gateway.faults("list:status=404").await;
    let ran = explain_at(&gateway.url(), &[]).await;
    assert_eq!(ran.code, 3, "{}", ran.output);
    let expected = "/api/v1/partner-gateway answers HTTP 404, /api/partner-gateway/v1 HTTP 404";
    assert!(ran.output.contains(expected), "{}", ran.output);
    // A custom prefix is not replaced.
    let ran = explain_at(&format!("{root}/elsewhere"), &["--output", "json"]).await;
    assert_eq!(ran.code, 3);
    let json: Value = serde_json::from_str(&ran.output).expect("JSON");
    let calls = json["accounts"][0]["calls"].as_array().expect("calls");
    assert_eq!(calls.len(), 1, "{json}");
}

#[tokio::test]
async fn missing_response_is_exit_code_3_with_a_reason() {
    let gateway = start(Options::default()).await;
    for (fault, why) in [
        (
            "status=401",
            "the gateway refuses the credentials (HTTP 401)",
        ),
        ("status=403", "the gateway forbids the call (HTTP 403)"),
        ("status=429", "rate limit is used up (HTTP 429)"),
        ("status=502", "the gateway answers HTTP 502"),
        ("status=204", "HTTP 204, expected HTTP 200"),
        ("reset", "cannot reach the gateway"),
        ("hang", "no answer within the gateway timeout"),
        ("truncated", "the body breaks off"),
    ] {
        gateway.faults(fault).await;
        let ran = explain_at(&gateway.url(), &["--qlara.timeout", "1s"]).await;
        assert_eq!(ran.code, 3, "{fault}: {}", ran.output);
        assert!(ran.output.contains(why), "{fault}: {}", ran.output);
        assert!(ran.output.contains("There was no answer to read."));
    }
}

/// [jsend-error]
#[tokio::test]
async fn unreadable_response_is_reported_as_a_problem() {
    let gateway = start(Options::default()).await;
    for (fault, why) in [
        ("list:garbage", "found HTML or XML at line 1"),
        ("list:jsend=fail", "HTTP 200 with the JSend status \"fail\""),
        (
            "list:jsend=error",
            "HTTP 200 with the JSend status \"error\"",
        ),
        (
            "details/facebook:jsend=error",
            "facebook: HTTP 200 with the JSend status",
        ),
        (
            "details/facebook:status=503",
            "facebook: the gateway answers HTTP 503",
        ),
        (
            "details/facebook:status=404",
            "facebook: the gateway answers HTTP 404",
        ),
    ] {
        gateway.faults(fault).await;
        let ran = explain_at(&gateway.url(), &[]).await;
        assert_eq!(ran.code, 1, "{fault}: {}", ran.output);
        assert!(ran.output.contains(why), "{fault}: {}", ran.output);
        assert!(!ran.output.contains("Everything"), "{fault}");
    }
}

#[tokio::test]
async fn usage_error_is_exit_code_2_and_one_line() {
    let gateway = start(Options::default()).await;
    for (arguments, line) in [
        (
            &["--account", "nobody"][..],
            "--account: unknown account \"nobody\": the configuration names no accounts",
        ),
        (&["--output", "csv"], "--output"),
        (
            &["--config.file", "/nowhere/qlara.yml"],
            "/nowhere/qlara.yml",
        ),
    ] {
        let ran = explain_at(&gateway.url(), arguments).await;
        assert_eq!((ran.code, ran.output.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.error.contains(line), "{}", ran.error);
        assert_eq!(ran.error.lines().count(), 1, "{}", ran.error);
    }
}
