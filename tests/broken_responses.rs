//! A broken entry affects no other entry, and a broken response does not fail the scrape.

use std::time::Duration;

use qlara_exporter::config::Settings;
use serde_json::{Value, json};
use tracing::Level;

use crate::harness::listener::{Recorder, http_response};
use crate::harness::log::Log;
use crate::harness::tools::needs;
use crate::harness::{Setup, Stack};
use crate::page::page;

fn good(id: &str) -> Value {
    json!({"platform": "facebook", "profileId": id, "name": "Good", "status": "CONNECTED",
        "tokenExpiresAt": "2026-06-15T00:00:00+02:00", "connectedAt": "2026-01-01T00:00:00Z"})
}

fn with(mut profile: Value, field: &str, value: Value) -> Value {
    profile[field] = value;
    profile
}

fn without(mut profile: Value, field: &str) -> Value {
    profile.as_object_mut().expect("an object").remove(field);
    profile
}

/// [unidentified-entry]
#[tokio::test]
async fn invalid_entries_are_dropped_and_counted() {
    let broken = [
        json!(null),
        json!(17),
        json!("text"),
        json!([]),
        json!({}),
        without(good("a"), "profileId"),
        without(good("a"), "platform"),
        with(good("a"), "profileId", json!("")),
        with(good("a"), "profileId", json!(5.5)),
        with(good("a"), "profileId", json!(-5)),
        with(good("a"), "profileId", json!(null)),
        with(good("a"), "platform", json!({})),
        with(good("a"), "platform", json!("..")),
    ];
    let count = broken.len() as f64;
    let mut list = vec![good("first")];
    list.extend(broken);
    list.push(good("last"));
    let scrape = Setup::default()
        .with_profiles(json!(list))
        .await
        .scrape()
        .await;
    assert_eq!(scrape.value("qlara_up"), 1.0);
    assert_eq!(
        scrape.value(r#"qlara_profiles_dropped{reason="invalid"}"#),
        count
    );
    assert_eq!(scrape.value(r#"qlara_profiles{platform="facebook"}"#), 2.0);
    assert_eq!(scrape.status("facebook", "first"), "CONNECTED");
    assert_eq!(scrape.status("facebook", "last"), "CONNECTED");
}

#[tokio::test]
async fn dropped_entry_counts_no_invalid_fields() {
    let mut nobody = with(good("b"), "lastActivityAt", json!(5));
    nobody["profileId"] = json!(null);
    let list = json!([good("a"), nobody]);
    let scrape = Setup::default().with_profiles(list).await.scrape().await;
    let counted = scrape.family("qlara_gateway_invalid_fields_total");
    assert!(
        counted.iter().all(|(_, count)| *count == 0.0),
        "{counted:?}"
    );
}

/// [duplicate-entry]
#[tokio::test]
async fn duplicate_is_dropped_and_the_first_entry_stays() {
    let again = with(good("a"), "status", json!("TOKEN_EXPIRED"));
    let elsewhere = with(good("a"), "platform", json!("instagram"));
    let list = json!([good("a"), again, elsewhere]);
    let scrape = Setup::default().with_profiles(list).await.scrape().await;
    assert_eq!(
        scrape.value(r#"qlara_profiles_dropped{reason="duplicate"}"#),
        1.0
    );
    assert_eq!(scrape.status("facebook", "a"), "CONNECTED");
    assert_eq!(scrape.value(r#"qlara_profiles{platform="instagram"}"#), 1.0);
}

/// [profile-limit]
#[tokio::test]
async fn profiles_beyond_the_limit_are_dropped_and_counted() {
    let setup = Setup::yaml("limits: {profiles: 2}");
    let stack = setup
        .with_profiles(json!([
            good("a"),
            good("b"),
            good("c"),
            good("d"),
            good("a")
        ]))
        .await;
    let scrape = stack.scrape().await;
    assert_eq!(
        scrape.value(r#"qlara_profiles_dropped{reason="limit"}"#),
        2.0
    );
    assert_eq!(
        scrape.value(r#"qlara_profiles_dropped{reason="duplicate"}"#),
        1.0
    );
    assert_eq!(scrape.value(r#"qlara_profiles{platform="facebook"}"#), 2.0);
}

/// [broken-field]
#[tokio::test]
async fn invalid_date_drops_only_its_metric() {
    for bad in [
        json!("soon"),
        json!(-1781474400),
        json!("1781474400"),
        json!("2026-06-15T00:00:00"),
        json!("2026-06-15 00:00:00"),
        json!("2026-06-15"),
        json!([2026, 6, 15, 0, 0]),
        json!("2026-02-30T00:00:00Z"),
        json!("1969-12-31T23:59:59Z"),
        json!("10000-01-01T00:00:00Z"),
        json!("+10000-01-01T00:00:00Z"),
        // In UTC these dates are in the year 10000.
        json!("9999-12-31T23:59:59-00:01"),
        json!("9999-12-31 12:00:00-1400"),
        json!("9999-12-31 12:00:00 -14"),
        json!("9999-12-31T23:59:60Z"),
        json!("-0001-12-31T00:00:00Z"),
        json!("0000-06-15T00:00:00Z"),
        json!("0001-01-02T00:00:00Z"),
        json!(253402300800000_i64),
        json!(-1781474400000_i64),
        // Microseconds and nanoseconds.
        json!(1781474400000000_i64),
        json!(1781474400000000000_i64),
        json!(1e300),
    ] {
        let list = json!([with(good("a"), "tokenExpiresAt", bad.clone()), good("b")]);
        let scrape = Setup::default().with_profiles(list).await.scrape().await;
        let expiry = |profile| {
            scrape.get(&format!(
                r#"qlara_token_expiry_timestamp_seconds{{platform="facebook",profile="{profile}"}}"#
            ))
        };
        assert_eq!(expiry("a"), None, "{bad}");
        assert!(expiry("b").is_some());
        assert_eq!(scrape.status("facebook", "a"), "CONNECTED");
        assert!(scrape.text.contains(
            r#"qlara_profile_connected_timestamp_seconds{platform="facebook",profile="a"}"#
        ));
        assert!(
            !scrape
                .text
                .contains(r#"qlara_token_seconds_to_expiry{platform="facebook",profile="a"}"#)
        );
        assert_eq!(
            scrape.value(r#"qlara_gateway_invalid_fields_total{field="tokenExpiresAt"}"#),
            1.0
        );
    }
}

#[tokio::test]
async fn dates_may_have_any_offset_fractions_and_years_up_to_9999() {
    for (date, seconds) in [
        ("2026-06-15T00:00:00+02:00", 1781474400.0),
        ("2026-06-14T22:00:00Z", 1781474400.0),
        ("2026-06-14T22:00:00.250Z", 1781474400.25),
        ("2026-06-14T22:00:00.123456789+00:00", 1781474400.123),
        ("2026-06-15T11:45:00+13:45", 1781474400.0),
        ("2026-06-14T10:00:00-12:00", 1781474400.0),
        ("1970-01-01T00:00:01Z", 1.0),
        ("9999-12-31T23:59:59Z", 253402300799.0),
        ("9999-12-31T23:59:59.999Z", 253402300799.999),
        ("9999-12-31T23:59:59+14:00", 253402250399.0),
        ("2026-06-15 00:00:00+02:00", 1781474400.0),
        ("2026-06-15T00:00:00+0200", 1781474400.0),
        ("2026-06-15 00:00:00.5+0200", 1781474400.5),
        ("2026-06-15 00:00:00 +0200", 1781474400.0),
        ("2026-06-15 00:00:00+02", 1781474400.0),
        ("2026-06-14 22:00:00Z", 1781474400.0),
        ("2026-06-14 22:00:00 UTC", 1781474400.0),
        ("2026-06-14t22:00:00z", 1781474400.0),
    ]
    .map(|(date, seconds)| (json!(date), seconds))
    .into_iter()
    .chain([
        (json!(1781474400), 1781474400.0),
        (json!(1781474400.5), 1781474400.5),
        (json!(1781474400000_i64), 1781474400.0),
        (json!(1781474400250_i64), 1781474400.25),
        (json!(253402300799_i64), 253402300799.0),
        (json!(253402300799999_i64), 253402300799.999),
    ]) {
        let list = json!([with(good("a"), "tokenExpiresAt", date.clone())]);
        let scrape = Setup::default().with_profiles(list).await.scrape().await;
        let labels = r#"{platform="facebook",profile="a"}"#;
        assert_eq!(
            scrape.value(&format!("qlara_token_expiry_timestamp_seconds{labels}")),
            seconds,
            "{date}"
        );
        let left = scrape.value(&format!("qlara_token_seconds_to_expiry{labels}"));
        assert_eq!(left, (seconds - 1775822400.0).floor(), "{date}");
    }
}

/// [unknown-status]
#[tokio::test]
async fn undocumented_status_is_unknown() {
    for status in [
        json!("PAUSED"),
        json!("connected"),
        json!("UNKNOWN"),
        json!(""),
        json!(3),
        json!(null),
    ] {
        let list = json!([with(good("a"), "status", status.clone()), good("b")]);
        let scrape = Setup::default().with_profiles(list).await.scrape().await;
        assert_eq!(scrape.status("facebook", "a"), "UNKNOWN", "{status}");
        assert_eq!(scrape.status("facebook", "b"), "CONNECTED");
        let invalid = f64::from(u8::from(!status.is_string()));
        assert_eq!(
            scrape.value(r#"qlara_gateway_invalid_fields_total{field="status"}"#),
            invalid,
            "{status}"
        );
    }
}

/// Profiles with a different status each, by number.
fn profiles_with_statuses(numbers: impl Iterator<Item = u32>) -> Value {
    let profiles = numbers.map(|number| {
        let status = json!(format!("STATUS_{number}"));
        with(good(&format!("p{number}")), "status", status)
    });
    profiles.collect()
}

/// The status words in the order of the log.
fn logged_statuses(lines: &str) -> Vec<String> {
    let logged = lines.lines().filter_map(|line| {
        let rest = line.split_once(" status=")?.1;
        rest.split(' ').next()
    });
    logged.map(str::to_owned).collect()
}

/// [status-limit]
#[tokio::test]
async fn undocumented_statuses_are_logged() {
    let list = profiles_with_statuses((100..250).rev());
    let stack = Setup::default().with_profiles(list).await;
    let log = Log::collect(Level::WARN);
    stack.scrape().await;
    // The first hundred statuses of the response.
    let expected: Vec<String> = (150..250)
        .map(|number| format!("STATUS_{number}"))
        .collect();
    assert_eq!(logged_statuses(&log.take()), expected);
    // The account remembers exactly these.
    for numbers in [150..250, 300..400] {
        stack
            .gateway
            .profiles(&profiles_with_statuses(numbers))
            .await;
        stack.scrape_after(61).await;
        assert_eq!(log.take(), "");
    }
}

/// [status-limit]
#[tokio::test]
async fn undocumented_status_is_truncated_in_the_log() {
    let list = json!([with(good("a"), "status", json!("é".repeat(5_000)))]);
    let stack = Setup::default().with_profiles(list).await;
    let log = Log::collect(Level::WARN);
    stack.scrape().await;
    let lines = log.take();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert_eq!(lines.matches('é').count(), 100, "{lines}");
}

/// [any-names]
#[tokio::test]
async fn names_of_any_kind_are_label_values() {
    needs!("promtool");
    let names = [
        "quotes \" and ' and `",
        "back\\slash \\n \\\" at the end \\",
        "two\nlines\r\nand a tab\t",
        "emoji 🍕 👩‍👩‍👧‍👦, مقهى النخيل, 東京",
        "{brace=\"x\"} 1 # HELP",
        "",
        "\u{0}\u{7f}\u{feff}\u{202e}",
    ];
    let list: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(id, name)| with(good(&format!("p{id}")), "name", json!(name)))
        .collect();
    let scrape = Setup::default()
        .with_profiles(json!(list))
        .await
        .scrape()
        .await;
    for (id, name) in names.iter().enumerate() {
        let escaped = name
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
            .replace('\r', " ");
        let line = format!(
            "qlara_profile_info{{platform=\"facebook\",profile=\"p{id}\",name=\"{escaped}\"}} 1\n"
        );
        assert!(scrape.text.contains(&line), "{line}");
    }
    let metrics = crate::harness::process::run_with_input(
        std::process::Command::new("promtool").args(["check", "metrics"]),
        &scrape.text,
    );
    assert_eq!(metrics, (0, String::new()));
}

/// [any-names]
#[tokio::test]
async fn ids_and_platforms_of_any_kind_are_requested_and_shown() {
    let odd = "a/b?c=d&e#f %2e \"q\"\n日本";
    let list = json!([{"platform": odd, "profileId": odd, "name": "n", "status": "CONNECTED",
        "connectedAt": "2026-01-01T00:00:00Z", "permissions": ["p\"1"]}]);
    let scrape = Setup::default().with_profiles(list).await.scrape().await;
    let label = odd.replace('"', "\\\"").replace('\n', "\\n");
    let permission = format!(
        "qlara_profile_permission_granted{{platform=\"{label}\",profile=\"{label}\",permission=\"p\\\"1\"}}"
    );
    assert_eq!(
        scrape.value(&permission),
        1.0,
        "the details request names the exact platform"
    );
}

/// [broken-field]
#[tokio::test]
async fn broken_fields_affect_only_themselves() {
    let mut broken = good("a");
    for (field, value) in [
        ("name", json!(["x"])),
        ("connectedAt", json!("yesterday")),
        ("phoneNumber", json!(39)),
        ("pageId", json!({})),
        ("category", json!(false)),
        ("permissions", json!(["ok", 5])),
        ("lastActivityAt", json!("x")),
    ] {
        broken[field] = value;
    }
    let scrape = Setup::default()
        .with_profiles(json!([broken, good("b")]))
        .await
        .scrape()
        .await;
    assert_eq!(
        scrape.value(r#"qlara_profile_info{platform="facebook",profile="a",name=""}"#),
        1.0
    );
    assert_eq!(scrape.status("facebook", "a"), "CONNECTED");
    for field in [
        "name",
        "connectedAt",
        "phoneNumber",
        "pageId",
        "category",
        "permissions",
        "lastActivityAt",
    ] {
        let series = format!("qlara_gateway_invalid_fields_total{{field=\"{field}\"}}");
        assert_eq!(scrape.value(&series), 1.0, "{field}");
    }
}

#[tokio::test]
async fn broken_response_fails_the_refresh_with_its_reason() {
    for (fault, reason) in [
        ("list:garbage", "invalid_response"),
        ("list:truncated", "invalid_response"),
        ("list:status=204", "invalid_response"),
        ("list:reset", "connect"),
        ("list:status=401", "unauthorized"),
        ("list:status=403", "forbidden"),
        ("list:status=404", "client_error"),
        ("list:status=418", "client_error"),
        ("list:status=429", "rate_limited"),
        ("list:status=500", "server_error"),
        ("list:status=503", "server_error"),
        ("list:redirect=http://127.0.0.1:9/", "client_error"),
        ("list:hang", "timeout"),
        ("list:stall", "timeout"),
        ("list:endless", "too_large"),
        ("list:gzip-bomb", "too_large"),
    ] {
        let setup = Setup {
            settings: Settings {
                timeout: Some(Duration::from_millis(1500)),
                ..Settings::default()
            },
            yaml: Some("limits: {response_bytes: 1MiB}".to_owned()),
            ..Setup::default()
        };
        let stack = setup.start().await;
        stack.gateway.faults(fault).await;
        let scrape = stack.scrape().await;
        assert_eq!(scrape.value("qlara_up"), 0.0, "{fault}");
        let failures = scrape.family("qlara_gateway_request_failures_total");
        let failed: Vec<_> = failures
            .into_iter()
            .filter(|(_, count)| *count > 0.0)
            .collect();
        let expected = format!("{{endpoint=\"socials\",reason=\"{reason}\"}}");
        assert_eq!(failed, [(expected.as_str(), 1.0)], "{fault}");
        // The next good response ends the failure at once.
        stack.gateway.faults("").await;
        assert_eq!(
            stack.scrape_after(61).await.value("qlara_up"),
            1.0,
            "{fault}"
        );
    }
}

/// [entry-count]
#[tokio::test]
async fn millions_of_entries_need_little_memory() {
    // 16 million entries in 32 MiB: any memory per entry would add up to gigabytes.
    let list = format!("{{\"profiles\":[{}{}]}}", "0,".repeat(16 << 20), good("a"));
    let gateway = Recorder::start(move |_| http_response("200 OK", "", &list)).await;
    let setup = Setup {
        url: Some(format!("http://{}", gateway.address)),
        settings: Settings {
            timeout: Some(Duration::from_secs(60)),
            ..Settings::default()
        },
        ..Setup::default()
    };
    let stack = setup.start().await;
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value("qlara_up"), 1.0);
    let invalid = scrape.value(r#"qlara_profiles_dropped{reason="invalid"}"#);
    assert_eq!(invalid, f64::from(16 << 20));
    let address_space = scrape.value("process_virtual_memory_bytes");
    assert!(address_space < 3e9, "{address_space}");
}

/// [invalid-body]
#[tokio::test]
async fn outer_object_is_read_leniently() {
    let profile = r#"{"platform": "facebook", "profileId": "a", "name": "n", "status": "CONNECTED", "connectedAt": "2026-01-01T00:00:00Z"}"#;
    for (body, up) in [
        (
            format!(r#"{{"total": 1, "profiles": [{profile}], "next": {{"x": [1]}}}}"#),
            1.0,
        ),
        (
            format!(r#"{{"profiles": [{profile}], "total": 1, "total": 2, "profiles": []}}"#),
            1.0,
        ),
        (format!(r#"{{"\u0070rofiles": [{profile}]}}"#), 1.0),
        (format!(r#"[[{profile}], {profile}]"#), 1.0),
        (format!(r#"[[{profile}], 1]"#), 0.0),
        (format!(r#"{{"profiles": {profile}}}"#), 0.0),
        (
            format!(r#"{{"profiles": null, "socials": [{profile}]}}"#),
            1.0,
        ),
        (r#"{"profiles": false}"#.to_owned(), 0.0),
        (r#"{"total": 1}"#.to_owned(), 0.0),
        (format!(r#"{{"profiles": [{profile}]}} x"#), 0.0),
        (format!(r#"{{"profiles": [{profile}], "#), 0.0),
    ] {
        let sent = body.clone();
        let gateway = Recorder::start(move |_| http_response("200 OK", "", &body)).await;
        let setup = Setup {
            url: Some(format!("http://{}", gateway.address)),
            ..Setup::default()
        };
        let scrape = setup.start().await.scrape().await;
        assert_eq!(scrape.value("qlara_up"), up, "{sent}");
        assert_eq!(
            scrape.family("qlara_profile_info").len() as f64,
            up,
            "{sent}"
        );
    }
}

/// [entry-limit]
#[tokio::test]
async fn oversized_or_misshapen_entry_is_dropped() {
    let list = json!([
        with(good("a"), "name", json!("x".repeat(70_000))),
        ["facebook", "b", "n", "CONNECTED"],
        good("c"),
    ]);
    let scrape = Setup::default().with_profiles(list).await.scrape().await;
    assert_eq!(
        scrape.value(r#"qlara_profiles_dropped{reason="invalid"}"#),
        2.0
    );
    assert_eq!(scrape.status("facebook", "c"), "CONNECTED");
}

/// [text-limit]
#[tokio::test]
async fn oversized_texts_are_dropped() {
    let many: Vec<String> = (0..65).map(|number| format!("p{number}")).collect();
    let list = json!([
        with(good(&"x".repeat(257)), "name", json!("n")),
        with(good("a"), "platform", json!("x".repeat(257))),
        with(good("b"), "name", json!("n".repeat(1025))),
        with(good("c"), "permissions", json!(many)),
        with(good("d"), "permissions", json!(["x".repeat(257)])),
        with(good("e"), "permissions", json!([""])),
        with(good("f"), "category", json!("x".repeat(1025))),
        good(&"y".repeat(256)),
    ]);
    let scrape = Setup::default().with_profiles(list).await.scrape().await;
    assert_eq!(
        scrape.value(r#"qlara_profiles_dropped{reason="invalid"}"#),
        2.0
    );
    assert_eq!(scrape.family("qlara_profile_info").len(), 6);
    let invalid = |field: &str| {
        scrape.value(&format!(
            "qlara_gateway_invalid_fields_total{{field=\"{field}\"}}"
        ))
    };
    assert_eq!(
        (invalid("name"), invalid("category"), invalid("permissions")),
        (1.0, 1.0, 3.0)
    );
    assert_eq!(
        scrape.family("qlara_profile_permission_granted"),
        [],
        "not known"
    );
}

/// [platform-limit]
#[tokio::test]
async fn details_are_requested_for_a_limited_number_of_platforms() {
    let mut list: Vec<Value> = (0..50)
        .map(|number| with(good("p"), "platform", json!(format!("a{number}"))))
        .collect();
    list.extend(
        ["facebook", "instagram", "whatsapp"]
            .map(|platform| with(good("p"), "platform", json!(platform))),
    );
    let stack = Setup::default().with_profiles(json!(list)).await;
    let scrape = stack.scrape().await;
    assert_eq!(stack.gateway.stats().await.details, 32);
    for platform in ["facebook", "instagram", "whatsapp"] {
        assert_eq!(
            scrape.value(&format!("qlara_details_up{{platform=\"{platform}\"}}")),
            1.0
        );
    }
    let asked = scrape
        .family("qlara_details_up")
        .iter()
        .filter(|(_, up)| *up == 1.0)
        .count();
    assert_eq!(asked, 32);
}

/// [response-limit]
#[tokio::test]
async fn huge_body_and_gzip_bomb_stop_at_the_default_limit() {
    for fault in ["endless", "gzip-bomb"] {
        let stack = Stack::start().await;
        stack.gateway.faults(fault).await;
        let scrape = stack.scrape().await;
        let series =
            r#"qlara_gateway_request_failures_total{endpoint="socials",reason="too_large"}"#;
        assert_eq!(scrape.value(series), 1.0, "{fault}");
    }
}

/// With long identifiers and many permissions, each profile becomes hundreds of times as many bytes of metrics.
/// [exposition-limit]
#[tokio::test]
async fn small_response_does_not_become_a_huge_exposition() {
    const LIMIT: usize = 1024 * 1024;
    let permissions: Vec<String> = (0..64).map(|number| format!("{number:x<250}")).collect();
    let profiles: Vec<_> = (0..100)
        .map(|number| {
            let mut profile = good(&format!("{number:x<250}"));
            profile["permissions"] = json!(permissions);
            profile
        })
        .collect();
    let yaml = format!("limits: {{exposition_bytes: {LIMIT}}}");
    let stack = Setup::yaml(&yaml).with_profiles(json!(profiles)).await;
    let scrape = stack.scrape().await;
    let length = scrape.text.len();
    assert!((LIMIT / 2..LIMIT * 3 / 2).contains(&length), "{length}");
    let dropped = scrape.value(r#"qlara_profiles_dropped{reason="limit"}"#);
    let shown = scrape.family("qlara_profile_info").len();
    assert_eq!(shown + dropped as usize, 100);
    let page = page(&stack, "/").await;
    assert!(page.contains("limits.exposition_bytes"));

    // The estimate is also close for documented profiles.
    let profiles: Vec<_> = (0..2000)
        .map(|number| good(&format!("fb_page_{number}")))
        .collect();
    let stack = Setup::yaml(&yaml).with_profiles(json!(profiles)).await;
    let scrape = stack.scrape().await;
    let length = scrape.text.len();
    assert!((LIMIT / 2..LIMIT * 3 / 2).contains(&length), "{length}");
}

/// Python's `str.splitlines`, which Datadog's agent uses, ends a line at each of these characters.
#[tokio::test]
async fn line_separators_in_names_break_no_parser() {
    const SEPARATORS: [char; 10] = [
        '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{1f}', '\u{85}', '\u{2028}',
        '\u{2029}',
    ];
    let profile = |id: String, name: String| {
        serde_json::json!({"platform": "facebook", "profileId": id, "name": name, "status": "CONNECTED",
            "connectedAt": "2026-01-01T00:00:00Z", "username": format!("u{name}"),
            "linkedAccounts": [{"id": format!("l{id}"), "name": name}],
            "permissions": ["pages_messaging", "x\u{2028}y", "x y"]})
    };
    let profiles: Vec<serde_json::Value> = SEPARATORS
        .iter()
        .enumerate()
        .map(|(place, char)| profile(format!("{place}{char}x"), format!("é{char}â{char}\u{2026}")))
        // The label values are the same: one profile instead of a scrape that Prometheus rejects.
        .chain([profile("0\u{2028}x".to_owned(), "twin".to_owned())])
        .chain(["pl\u{2028}x", "pl x"].map(|platform| {
            let mut other = profile(platform.to_owned(), String::new());
            other["platform"] = platform.into();
            other
        }))
        .collect();
    let stack = Setup::default()
        .with_profiles(serde_json::json!(profiles))
        .await;
    let text = stack
        .get("/metrics")
        .send()
        .await
        .expect("a response")
        .text()
        .await
        .expect("a text");
    assert!(!text.contains(SEPARATORS), "{text}");
    assert!(text.contains("name=\"é â …\""), "{text}");
    let mut series: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' ').map(|(series, _)| series))
        .collect();
    assert!(
        series
            .iter()
            .any(|series| series.contains("profile=\"0 x\""))
    );
    series.sort_unstable();
    let all = series.len();
    series.dedup();
    assert_eq!(series.len(), all, "no series repeats");
}

/// An expected profile is found by the identifier in the gateway's spelling.
#[tokio::test]
async fn expected_profile_with_line_separators_is_found() {
    let id = "a\u{2028}b\r";
    let expected = json!({"platform": "facebook", "profile": id});
    let account = json!({"name": "x", "api_key_env": "QLARA_API_KEY", "expected": [expected]});
    let stack = Setup::yaml(&json!({"accounts": [account]}).to_string())
        .with_profiles(json!([good(id)]))
        .await;
    let scrape = stack.scrape().await;
    let series =
        r#"qlara_expected_profile_present{account="x",platform="facebook",profile="a b "}"#;
    assert_eq!(scrape.value(series), 1.0);
}
