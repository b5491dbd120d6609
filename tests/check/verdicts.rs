//! The findings for every kind of problem, and their profiles.

use std::sync::Arc;

use exporter_toolkit::clock::SystemClock;
use serde_json::{Value, json};

use super::{GRANTED, check, check_yaml, gateway, in_days, page, with};
use crate::harness::Gateway;

/// The state of a single profile.
async fn judged(profile: Value, arguments: &[&str]) -> (i32, Vec<String>) {
    let gateway = gateway(&json!([profile])).await;
    let ran = check(&gateway, &[&["--output", "json"], arguments].concat()).await;
    assert_eq!(ran.error, "");
    let json: Value = serde_json::from_str(&ran.output).expect("JSON");
    assert_eq!(json["exit_code"], ran.code);
    let findings = json["profiles"][0]["findings"]
        .as_array()
        .expect("findings");
    let code = |finding: &Value| finding["code"].as_str().expect("a code").to_owned();
    (ran.code, findings.iter().map(code).collect())
}

#[tokio::test]
async fn every_verdict_has_its_finding_and_exit_code() {
    let whatsapp = json!({"platform": "whatsapp", "tokenExpiresAt": null, "permissions": null});
    let cases: [(Value, i32, &[&str]); 22] = [
        (json!({}), 0, &[]),
        (whatsapp.clone(), 0, &[]),
        (json!({"tokenExpiresAt": in_days(7.01)}), 0, &[]),
        (
            json!({"tokenExpiresAt": in_days(6.9)}),
            1,
            &["token_ends_soon"],
        ),
        (
            json!({"tokenExpiresAt": in_days(5.9)}),
            1,
            &["token_ends_soon", "refresh_overdue"],
        ),
        (
            json!({"tokenExpiresAt": in_days(2.01), "status": "TOKEN_EXPIRING"}),
            1,
            &["refresh_failed", "token_ends_soon"],
        ),
        (
            json!({"tokenExpiresAt": in_days(1.99), "status": "TOKEN_EXPIRING"}),
            2,
            &["token_end_imminent", "refresh_failed"],
        ),
        (
            json!({"tokenExpiresAt": in_days(30.0), "status": "TOKEN_EXPIRING"}),
            1,
            &["refresh_failed"],
        ),
        (
            json!({"tokenExpiresAt": in_days(-0.01)}),
            2,
            &["token_expired"],
        ),
        (
            json!({"tokenExpiresAt": in_days(-3.0), "status": "TOKEN_EXPIRED"}),
            2,
            &["token_expired"],
        ),
        (
            json!({"tokenExpiresAt": null, "status": "TOKEN_EXPIRED"}),
            2,
            &["token_expired"],
        ),
        (json!({"tokenExpiresAt": null}), 0, &[]),
        (json!({"tokenExpiresAt": "soon"}), 1, &["token_end_unknown"]),
        (
            json!({"tokenExpiresAt": null, "platform": "telegram"}),
            0,
            &[],
        ),
        (json!({"status": "DISCONNECTED"}), 2, &["disconnected"]),
        (
            with(whatsapp.clone(), json!({"status": "DISCONNECTED"})),
            2,
            &["disconnected"],
        ),
        (
            with(whatsapp.clone(), json!({"status": "TOKEN_EXPIRED"})),
            2,
            &["disconnected"],
        ),
        (
            with(whatsapp, json!({"tokenExpiresAt": in_days(-1.0)})),
            0,
            &[],
        ),
        (json!({"status": "SLEEPING"}), 1, &["status_unknown"]),
        (
            json!({"permissions": [GRANTED[0]]}),
            1,
            &["permission_missing"],
        ),
        (
            json!({"permissions": [GRANTED[1]]}),
            2,
            &["permission_missing"],
        ),
        (
            json!({"permissions": []}),
            2,
            &["permission_missing", "permission_missing"],
        ),
    ];
    for (fields, code, findings) in cases {
        let what = fields.to_string();
        let (found_code, found) = judged(with(page("p"), fields), &[]).await;
        assert_eq!(
            (found_code, found),
            (code, findings.iter().map(|at| at.to_string()).collect()),
            "{what}"
        );
    }
}

#[tokio::test]
async fn thresholds_come_from_the_flags() {
    let ends_in = |days| with(page("p"), json!({"tokenExpiresAt": in_days(days)}));
    for (days, arguments, code) in [
        (40.0, &["--warning", "30d"][..], 0),
        (29.0, &["--warning", "30d"], 1),
        (29.0, &["--warning", "30d", "--critical", "30d"], 2),
        (1.0, &["--warning", "12h", "--critical", "6h"], 0),
        (0.4, &["--warning", "12h", "--critical", "6h"], 1),
        (0.2, &["--warning", "12h", "--critical", "6h"], 2),
        (0.2, &["--warning", "0", "--critical", "0"], 0),
    ] {
        assert_eq!(
            judged(ends_in(days), arguments).await.0,
            code,
            "{days} {arguments:?}"
        );
    }
}

#[tokio::test]
async fn expected_profiles_are_judged_only_where_configured() {
    let account = "accounts:\n- {name: a, api_key_env: QLARA_API_KEY";
    let facebook = |id: &str| format!("{{platform: facebook, profile: {id}}}");
    for (expected, code, word) in [
        (String::new(), 0, "OK"),
        (
            format!(", expected: [{}, {}]", facebook("one"), facebook("two")),
            0,
            "OK",
        ),
        (
            format!(", expected: [{}]", facebook("one")),
            1,
            "connected, but not expected",
        ),
        (
            format!(
                ", expected: [{}, {}, {}]",
                facebook("one"),
                facebook("two"),
                facebook("gone")
            ),
            2,
            "expected, but not connected",
        ),
    ] {
        let gateway = gateway(&json!([page("one"), page("two")])).await;
        let yaml = format!("{account}{expected}}}");
        let ran = check_yaml(&gateway, &yaml, &[]).await;
        assert_eq!(ran.code, code, "{}{}", ran.output, ran.error);
        assert!(ran.output.contains(word), "{}", ran.output);
    }
}

#[tokio::test]
async fn required_permissions_come_from_the_configuration() {
    let gateway = gateway(&json!([with(
        page("p"),
        json!({"permissions": ["pages_messaging"]})
    )]))
    .await;
    let account = "accounts: [{name: a, api_key_env: QLARA_API_KEY}]";
    for (permissions, code, line) in [
        (
            "",
            1,
            "- cannot read metrics: pages_read_engagement missing",
        ),
        ("permissions: {facebook: [pages_messaging]}\n", 0, "OK"),
        (
            "permissions: {facebook: [ads_read]}\n",
            1,
            "- part of its work fails: ads_read missing",
        ),
    ] {
        let ran = check_yaml(&gateway, &format!("{permissions}{account}"), &[]).await;
        assert_eq!(ran.code, code, "{}", ran.output);
        assert!(ran.output.contains(line), "{}", ran.output);
    }
    let profile = with(page("p"), json!({"permissions": ["pages_read_engagement"]}));
    let gateway = super::gateway(&json!([profile])).await;
    let ran = check(&gateway, &[]).await;
    assert!(
        ran.output
            .contains("- cannot send: pages_messaging missing"),
        "{}",
        ran.output
    );
}

#[tokio::test]
async fn filters_select_what_is_shown_and_judged() {
    let expired = with(page("c"), json!({"status": "TOKEN_EXPIRED"}));
    let dropped = json!({"platform": "whatsapp", "profileId": "w", "name": "W", "status": "DISCONNECTED", "connectedAt": in_days(-9.0)});
    let asleep = with(
        page("t"),
        json!({"platform": "telegram", "status": "SLEEPING"}),
    );
    let gateway = gateway(&json!([page("a"), expired, dropped, asleep])).await;
    let account = "accounts: [{name: a, api_key_env: QLARA_API_KEY, expected: [{platform: facebook, profile: a}, {platform: facebook, profile: c}, {platform: whatsapp, profile: w}, {platform: instagram, profile: i}]}]";
    for (arguments, code, rows) in [
        (&[][..], 2, &["a", "c", "i", "t", "w"][..]),
        (&["--platform", "facebook"], 2, &["a", "c"]),
        (&["--platform", "facebook,whatsapp"], 2, &["a", "c", "w"]),
        (
            &["--platform", "facebook", "--status", "connected"],
            0,
            &["a"],
        ),
        (
            &["--status", "TOKEN_EXPIRED", "--status", "DISCONNECTED"],
            2,
            &["c", "w"],
        ),
        (&["--status", "missing"], 2, &["i"]),
        (&["--status", "UNKNOWN"], 1, &["t"]),
        (&["--platform", "whatsapp", "--status", "CONNECTED"], 0, &[]),
        (&["--platform", "tiktok"], 1, &[]),
        (&["--verdict", "critical"], 2, &["c", "i", "w"]),
        (&["--verdict", "WARNING,Fine"], 1, &["a", "t"]),
        (
            &["--verdict", "warning", "--verdict", "fine"],
            1,
            &["a", "t"],
        ),
        (&["--verdict", "fine"], 0, &["a"]),
        (&["--verdict", "not_checked"], 0, &[]),
        (&["--verdict", "critical", "--status", "MISSING"], 2, &["i"]),
    ] {
        let arguments = [&["--output", "csv"], arguments].concat();
        let ran = check_yaml(&gateway, account, &arguments).await;
        let cells = ran
            .output
            .lines()
            .skip(1)
            .filter_map(|line| line.split(',').nth(2));
        // Lines about accounts have no profile.
        let mut shown: Vec<&str> = cells.filter(|profile| !profile.is_empty()).collect();
        shown.sort_unstable();
        assert_eq!(
            (ran.code, &shown[..]),
            (code, rows),
            "{arguments:?}\n{}",
            ran.error
        );
    }
}

#[tokio::test]
async fn counts_use_singular_and_plural() {
    let linked: Vec<Value> = (0..35).map(|id| json!({ "id": id })).collect();
    let profiles: Value = (0..33)
        .map(|number| {
            let platform = format!("p{number:02}");
            match number {
                // The only platform whose details are not requested; details would repeat the linked accounts.
                32 => with(
                    page("a"),
                    json!({"platform": platform, "linkedAccounts": linked}),
                ),
                _ => with(page("a"), json!({ "platform": platform })),
            }
        })
        .collect();
    let gateway = gateway(&profiles).await;
    let yaml = "limits: {profiles: 34}";
    let ran = check_yaml(&gateway, yaml, &["--output", "json"]).await;
    for expected in [
        "1 platform too many in the list: it was not asked for details",
        "1 linked account is left out: it is past limits.profiles",
    ] {
        assert!(ran.output.contains(expected), "{}", ran.output);
    }
    let yaml = "limits: {response_bytes: 1}";
    let ran = check_yaml(&gateway, yaml, &["--output", "json"]).await;
    let expected = "longer than limits.response_bytes (1 byte)";
    assert!(ran.output.contains(expected), "{}", ran.output);

    gateway.set_list_response("[5]").await;
    let ran = check(&gateway, &["--output", "json"]).await;
    let expected = "the only entry cannot be read as a profile: it is a number; expected";
    assert!(ran.output.contains(expected), "{}", ran.output);
}

#[tokio::test]
async fn profile_whose_permissions_cannot_be_read_is_not_checked() {
    let other = with(page("other"), json!({"tokenExpiresAt": in_days(3.0)}));
    let whatsapp =
        json!({"platform": "whatsapp", "profileId": "w", "name": "w", "status": "CONNECTED"});
    let gateway = gateway(&json!([page("p"), other, whatsapp])).await;
    for (faults, verdict, findings) in [
        ("", "fine", json!([])),
        (
            "details:status=503",
            "not_checked",
            json!(["permissions_unknown"]),
        ),
        (
            "details:status=403",
            "not_checked",
            json!(["permissions_unknown"]),
        ),
        (
            "details:garbage",
            "not_checked",
            json!(["permissions_unknown"]),
        ),
    ] {
        gateway.faults(faults).await;
        let ran = check(&gateway, &["--output", "json"]).await;
        let json: Value = serde_json::from_str(&ran.output).expect("JSON");
        let profile = |id: &str| {
            let profiles = json["profiles"].as_array().expect("profiles");
            let profile = profiles.iter().find(|profile| profile["profile"] == id);
            profile.expect("a profile").clone()
        };
        let judged = profile("p");
        assert_eq!(judged["verdict"], verdict, "{faults}");
        let codes = judged["findings"].as_array().expect("findings").iter();
        let codes: Vec<&Value> = codes.map(|finding| &finding["code"]).collect();
        assert_eq!(json!(codes), findings, "{faults}");
        // What is known to be worse wins, and a platform without permissions has nothing to check.
        assert_eq!(profile("other")["verdict"], "warning", "{faults}");
        assert_eq!(profile("w")["verdict"], "fine", "{faults}");
        let is_checked = faults.is_empty();
        assert_eq!(ran.code, if is_checked { 1 } else { 3 }, "{faults}");
        assert_eq!(json["summary"]["not_checked"], i32::from(!is_checked));
        let csv = check(&gateway, &["--output", "csv"]).await.output;
        assert_eq!(
            csv.contains(",not_checked,permissions not known"),
            !is_checked,
            "{csv}"
        );
        let account = csv.lines().find(|line| line.starts_with(",,,"));
        assert_eq!(account.is_some(), !is_checked, "{csv}");
    }
}

/// Details that were read say nothing of a profile that they omit.
#[tokio::test]
async fn permissions_that_the_details_omit_are_unknown() {
    let without = |id| with(page(id), json!({"permissions": null}));
    let profiles = json!([without("a"), page("b")]);
    let details = |entry: Value| json!({"platform": "facebook", "profiles": [entry]}).to_string();
    let empty = json!({"platform": "facebook", "profiles": []}).to_string();
    let elsewhere = json!({"platform": "instagram", "profiles": [page("c")]}).to_string();
    let text = details(with(page("b"), json!({"permissions": "pages_messaging"})));
    let unknown = "permissions_unknown";
    for (faults, answer, codes) in [
        ("", None, vec![unknown]),
        ("", Some(empty), vec![unknown, unknown]),
        ("", Some(elsewhere), vec![unknown, unknown]),
        ("", Some(text), vec![unknown, unknown]),
        ("", Some(details(page("a"))), vec![unknown]),
        ("details:status=404", None, vec![unknown, unknown]),
    ] {
        let gateway = gateway(&profiles).await;
        gateway.faults(faults).await;
        if let Some(answer) = answer.clone() {
            gateway.set_details_response("facebook", answer).await;
        }
        let ran = check(&gateway, &["--output", "json"]).await;
        assert_eq!(found(&ran.output), codes, "{answer:?} {faults}");
        assert_eq!(ran.code, 3, "{}", ran.output);
        let none_required = check_yaml(&gateway, "permissions: {facebook: []}", &[]).await;
        assert!(
            none_required
                .output
                .contains("0 critical, 0 warning, 2 fine"),
            "{}",
            none_required.output
        );
    }
}

/// The cause decides what to do: nobody should turn off the requirement because of an outage.
#[tokio::test]
async fn advice_on_unknown_permissions_depends_on_the_cause() {
    let without = with(page("p"), json!({"permissions": null}));
    let expired = with(page("expired"), json!({"status": "TOKEN_EXPIRED"}));
    for (faults, expired_channel, profiles, advice) in [
        (
            "",
            None,
            json!([without]),
            "If the gateway never states any, require none",
        ),
        (
            "details:status=503",
            None,
            json!([page("p")]),
            "until the gateway can be asked for them again",
        ),
        (
            "details:retry-after=9s",
            None,
            json!([page("p")]),
            "until the gateway can be asked for them again",
        ),
        (
            "",
            Some(503),
            json!([page("p"), expired]),
            "Reconnect the profiles of the platform whose tokens have expired",
        ),
    ] {
        let options = gateway_simulator::Options {
            expired_channel,
            ..gateway_simulator::Options::default()
        };
        let gateway = Gateway::start(options, Arc::new(SystemClock)).await;
        gateway.profiles(&profiles).await;
        gateway.faults(faults).await;
        let ran = check(&gateway, &["--output", "json"]).await;
        let json: Value = serde_json::from_str(&ran.output).expect("JSON");
        let profiles = json["profiles"].as_array().expect("profiles").iter();
        let found = profiles.flat_map(|profile| profile["findings"].as_array().expect("findings"));
        let mut unknown = found.filter(|finding| finding["code"] == "permissions_unknown");
        let unknown = unknown.next().expect("a finding")["advice"].to_string();
        assert!(unknown.contains(advice), "{unknown}");
    }
}

/// A WhatsApp profile has no token to renew.
#[tokio::test]
async fn first_step_about_a_provider_is_not_to_reconnect() {
    let disconnected =
        json!({"platform": "whatsapp", "profileId": "w", "name": "W", "status": "DISCONNECTED"});
    let gateway = gateway(&json!([disconnected])).await;
    let table = check(&gateway, &[]).await.output;
    let first = "First: look at the provider's connection of W (whatsapp) now.";
    assert!(table.contains(first), "{table}");
}

/// The reference speaks of no permissions.
#[tokio::test]
async fn reference_without_permissions_is_no_finding() {
    let entry = |id: &str| json!({"platform": "facebook", "username": id, "profile_name": "A page", "disconnected": false});
    let gateway = gateway(&json!([])).await;
    let list = json!({"socials": [entry("a"), entry("b")]});
    gateway.set_list_response(list.to_string()).await;
    let ran = check(&gateway, &["--output", "json"]).await;
    assert_eq!(found(&ran.output), [""; 0], "{}", ran.output);
}

/// The codes of all findings.
fn found(json: &str) -> Vec<String> {
    let json: Value = serde_json::from_str(json).expect("JSON");
    let profiles = json["profiles"].as_array().expect("profiles").iter();
    let found = profiles.flat_map(|profile| profile["findings"].as_array().expect("findings"));
    found
        .map(|finding| finding["code"].as_str().expect("a code").to_owned())
        .collect()
}

#[tokio::test]
async fn details_that_an_expired_token_blocks_ask_to_reconnect() {
    let expired = with(page("expired"), json!({"status": "TOKEN_EXPIRED"}));
    let options = gateway_simulator::Options {
        expired_channel: Some(503),
        ..gateway_simulator::Options::default()
    };
    let gateway = Gateway::start(options, Arc::new(SystemClock)).await;
    gateway.profiles(&json!([page("p"), expired])).await;
    let ran = check(&gateway, &["--output", "json"]).await;
    let json: Value = serde_json::from_str(&ran.output).expect("JSON");
    let notes = json["notes"].to_string();
    let expected = "details of facebook: the gateway answers 503 for a channel with an expired token, until somebody reconnects the profile";
    assert!(notes.contains(expected), "{notes}");
    assert!(!notes.contains("HTTP 503"), "{notes}");
    let profiles = json["profiles"].as_array().expect("profiles").iter();
    let verdicts: Vec<&Value> = profiles.map(|profile| &profile["verdict"]).collect();
    assert_eq!(json!(verdicts), json!(["critical", "not_checked"]));
    assert_eq!(ran.code, 2);
}
