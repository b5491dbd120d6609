//! Output formats for programs: JSON, CSV, metrics, the Nagios line, the expected profiles.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use qlara_exporter::check::{CheckFormat, CheckOptions};
use serde_json::{Value, json};

use super::{audit, check, check_yaml, gateway, in_days, page, with, written};
use crate::harness::API_KEY;
use crate::harness::process::{exporter, run, run_beside, run_with_input};
use crate::harness::scrape::Scrape;
use crate::harness::tools::{is_root, needs};

const HOSTILE: &str = "=cmd()|\"a\",\u{1b}[31m\u{9b}31m\r\n\u{202e}\u{2028}\u{e0041}x";

fn jq(json: &str, filter: &str) -> String {
    let (code, output) = run_with_input(Command::new("jq").args(["-c", filter]), json);
    assert_eq!(code, 0, "{output}");
    output.trim_end().to_owned()
}

#[tokio::test]
async fn json_works_with_jq() {
    needs!("jq");
    let missing = with(
        page("p"),
        json!({"permissions": ["pages_messaging"], "name": HOSTILE}),
    );
    let whatsapp = json!({"platform": "whatsapp", "profileId": "w", "name": "W", "status": "CONNECTED", "connectedAt": in_days(-1.0)});
    let gateway = gateway(&json!([whatsapp, missing])).await;
    let ran = check(&gateway, &["--output", "json"]).await;
    for (filter, result) in [
        (".version, .state, .exit_code", "1\n\"WARNING\"\n1"),
        (
            ".summary",
            r#"{"profiles":2,"critical":0,"warning":1,"not_checked":0,"fine":1,"accounts":1,"accounts_unread":0}"#,
        ),
        (
            ".thresholds",
            r#"{"warning_seconds":604800,"critical_seconds":172800}"#,
        ),
        (".accounts[] | .account", "null"),
        (
            ".profiles[0].permissions_missing",
            r#"[{"permission":"pages_read_engagement","cost":"cannot read metrics"}]"#,
        ),
        (".profiles[0].permissions_granted", r#"["pages_messaging"]"#),
        (
            "[.profiles[] | select(.verdict != \"fine\") | .profile]",
            r#"["p"]"#,
        ),
        (
            ".profiles[0].findings[0] | .code, .severity, .text",
            "\"permission_missing\"\n\"warning\"\n\"cannot read metrics: pages_read_engagement missing\"",
        ),
        (
            ".profiles[1] | [.platform, .token_expires_at, .token_expires_on, .token_seconds_left, .permissions_granted]",
            r#"["whatsapp",null,null,null,null]"#,
        ),
        (
            "[.profiles[0] | .token_seconds_left > 5000000, (.token_expires_at | fromdate > 0), (.last_activity_at | fromdate > 0)]",
            "[true,true,true]",
        ),
    ] {
        assert_eq!(jq(&ran.output, filter), result, "{filter}");
    }
    // The name is complete, but contains nothing that controls a terminal.
    let json: Value = serde_json::from_str(&ran.output).expect("JSON");
    assert_eq!(json["profiles"][0]["name"], HOSTILE);
    assert!(
        !ran.output
            .contains(|char: char| char.is_control() && char != '\n')
    );
}

/// The keys of an object and of its nested objects.
pub fn keys(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let place = format!("{place}.{key}");
                keys(value, &place, found);
                found.push(place);
            }
        }
        Value::Array(values) => values
            .iter()
            .for_each(|value| keys(value, &format!("{place}[]"), found)),
        _ => {}
    }
}

/// [broken-field]
#[tokio::test]
async fn every_json_date_is_rfc_3339() {
    needs!("jq");
    for (date, shown) in [
        (
            json!("9999-12-31T23:59:59.999Z"),
            r#""9999-12-31T23:59:59Z""#,
        ),
        (json!(253402300799999_i64), r#""9999-12-31T23:59:59Z""#),
        (json!("9999-12-31T23:59:59-01:00"), "null"),
        (json!("9999-12-31T23:59:60Z"), "null"),
        (json!("+10000-01-01T00:00:00Z"), "null"),
        (json!(253402300800000_i64), "null"),
        (json!(1781474400000000_i64), "null"),
        (json!("-0001-12-31T00:00:00Z"), "null"),
        (json!("0000-06-15T00:00:00Z"), "null"),
        (json!(-1781474400000_i64), "null"),
    ] {
        let dates = json!({"tokenExpiresAt": date, "connectedAt": date, "lastActivityAt": date});
        let gateway = gateway(&json!([with(page("p"), dates)])).await;
        let ran = check(&gateway, &["--output", "json"]).await;
        let filter = ".profiles[0] | .token_expires_at, .connected_at, .last_activity_at";
        assert_eq!(jq(&ran.output, filter), [shown; 3].join("\n"), "{date}");
    }
}

/// Each field that one of the two descriptions of the API names, except the picture, which is not read.
#[tokio::test]
async fn json_and_csv_have_every_field_of_the_api() {
    let whatsapp = json!({"platform": "whatsapp", "profileId": "w", "name": "W", "status": "SLEEPING",
        "phoneNumber": "+393401234567", "connectedAt": "2026-01-02T03:04:05+01:00"});
    let facebook = with(
        page("f"),
        json!({"username": "brandco", "pageId": 17841400000000001_u64, "category": "E-commerce",
            "tokenExpiresAt": "2026-06-15T00:00:00+02:00", "connectedAt": "2026-01-02T03:04:05Z",
            "lastActivityAt": "2026-04-10T11:00:00Z", "permissions": ["pages_messaging", "other"],
            "linkedAccounts": [{"id": "page 1", "name": "One"}, {"id": "2"}]}),
    );
    let flagged = json!({"platform": "tiktok", "username": "t", "name": "T", "disconnected": false,
        "connectedAt": "2026-01-02T03:04:05Z"});
    let longest = with(
        page("long"),
        json!({"status": "=".repeat(1000), "disconnected": true}),
    );
    let audit = audit(
        &json!([whatsapp, facebook, flagged, longest]),
        "phone_number: mask",
        CheckOptions::default(),
    )
    .await
    .expect("an audit");
    let json: Value = serde_json::from_str(&written(&audit, CheckFormat::Json).0).expect("JSON");
    let profiles = json["profiles"].as_array().expect("profiles");
    let profile = |id: &str| {
        profiles
            .iter()
            .find(|it| it["profile"] == id)
            .expect("it")
            .clone()
    };
    let facts = |id: &str, keys: &[&str]| -> Vec<Value> {
        let profile = profile(id);
        keys.iter().map(|key| profile[key].clone()).collect()
    };
    assert_eq!(
        facts(
            "w",
            &[
                "status",
                "status_raw",
                "phone_number",
                "connected_at",
                "page_id",
                "category"
            ]
        ),
        [
            json!("UNKNOWN"),
            json!("SLEEPING"),
            json!("+**********67"),
            json!("2026-01-02T02:04:05Z"),
            Value::Null,
            Value::Null
        ]
    );
    assert_eq!(
        facts(
            "f",
            &[
                "username",
                "status_raw",
                "page_id",
                "category",
                "last_activity_at",
                "permissions_granted",
                "linked_accounts_count",
                "phone_number"
            ]
        ),
        [
            json!("brandco"),
            json!("CONNECTED"),
            json!("17841400000000001"),
            json!("E-commerce"),
            json!("2026-04-10T11:00:00Z"),
            json!(["other", "pages_messaging"]),
            json!(2),
            Value::Null
        ]
    );
    assert_eq!(
        facts("t", &["status", "status_raw"]),
        [json!("CONNECTED"), Value::Null]
    );
    assert_eq!(
        facts("long", &["status", "status_raw"]),
        [json!("DISCONNECTED"), json!("=".repeat(100))]
    );

    let (csv, _) = written(&audit, CheckFormat::Csv { bom: false });
    let line = |id: &str| {
        csv.lines()
            .find(|line| line.contains(&format!(",{id},")))
            .expect("a line")
    };
    assert!(
        line("f").ends_with("brandco,CONNECTED,false,2026-01-02T03:04:05Z,,'17841400000000001,E-commerce,other pages_messaging,2,\"page 1; 2\",,,2026-06-15"),
        "{csv}"
    );
    assert!(
        line("w").ends_with(",,SLEEPING,false,2026-01-02T02:04:05Z,'+**********67,,,,,,,,"),
        "{csv}"
    );
    // A word that a spreadsheet would evaluate.
    assert!(
        line("long").contains(&format!(",'{},", "=".repeat(100))),
        "{csv}"
    );
}

/// Without a list there are no numbers.
#[tokio::test]
async fn json_has_no_zeros_for_an_account_that_cannot_be_read() {
    let json = audit_of_bad_key().await;
    let unknown = json!({"profiles": null, "critical": null, "warning": null, "not_checked": null, "fine": null});
    assert_eq!(json["accounts"][0]["summary"], unknown);
    assert_eq!(json["summary"]["fine"], Value::Null);
    assert_eq!(json["summary"]["accounts_unread"], 1);
    assert_eq!(json["accounts"][0]["data"], "none");
    assert_eq!(json["accounts"][0]["error"]["reason"], "unauthorized");
    assert_eq!(json["state"], "UNKNOWN");
}

/// The JSON for an account whose key is refused.
async fn audit_of_bad_key() -> Value {
    let yaml = "accounts: [{name: bad, api_key_file: bad}]";
    let audit = audit(&json!([page("p")]), yaml, CheckOptions::default()).await;
    let text = written(&audit.expect("an audit"), CheckFormat::Json).0;
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn every_json_key_is_documented() {
    let documentation = include_str!("../../docs/check.md");
    let expired = with(page("p"), json!({"permissions": []}));
    let audit = audit(
        &json!([expired, page("dropped"), null]),
        "",
        CheckOptions::default(),
    )
    .await
    .expect("an audit");
    let json: Value = serde_json::from_str(&written(&audit, CheckFormat::Json).0).expect("JSON");
    let mut found = Vec::new();
    keys(&json, "", &mut found);
    let unread = audit_of_bad_key().await;
    keys(&unread, "", &mut found);
    found.sort();
    found.dedup();
    assert!(found.len() > 30, "{found:?}");
    for key in found {
        assert!(documentation.contains(&format!("| `{key}` |")), "{key}");
    }
}

#[tokio::test]
async fn csv_contains_no_spreadsheet_formulas() {
    let profile = with(
        page("p"),
        json!({"name": HOSTILE, "tokenExpiresAt": "2026-06-15T00:00:00+02:00"}),
    );
    let audit = audit(&json!([profile]), "", CheckOptions::default())
        .await
        .expect("an audit");
    let (csv, _) = written(&audit, CheckFormat::Csv { bom: false });
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "account,platform,profile,name,status,token_expires_at,token_seconds_left,permissions_missing,last_activity_at,verdict,findings,username,status_raw,token_never_expires,connected_at,phone_number,page_id,category,permissions_granted,linked_accounts_count,linked_accounts,since,since_at_least,token_expires_on"
    );
    let name =
        "\"'=cmd()|\"\"a\"\",\u{fffd}[31m\u{fffd}31m\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}x\"";
    let start = format!(",facebook,p,{name},CONNECTED,2026-06-14T22:00:00Z,5652000,,");
    assert!(lines[1].starts_with(&start), "{}", lines[1]);
    // The day that the gateway stated.
    assert!(lines[1].ends_with(",2026-06-15"), "{}", lines[1]);
    assert!(
        lines[1].contains(",fine,,,CONNECTED,false,"),
        "{}",
        lines[1]
    );
}

/// Excel keeps 15 digits of a number and drops leading zeros.
#[tokio::test]
async fn csv_keeps_digits_and_formulas_as_text() {
    let changed = [
        "17841400000000001",
        "0012",
        "1E5",
        "12.50",
        "=1+1",
        " =1",
        "+39",
        "-1",
        "@x",
        "＝1",
    ];
    let kept = [
        "123456789012345",
        "0",
        "fb_page_1",
        "12a",
        "e5",
        "1784140000000000x",
    ];
    let profiles: Vec<Value> = (changed.iter().chain(&kept)).map(|id| page(id)).collect();
    let audit = audit(&json!(profiles), "", CheckOptions::default())
        .await
        .expect("an audit");
    let (csv, _) = written(&audit, CheckFormat::Csv { bom: false });
    for id in changed {
        assert!(csv.contains(&format!(",facebook,'{id},")), "{id}: {csv}");
    }
    for id in kept {
        assert!(csv.contains(&format!(",facebook,{id},")), "{id}: {csv}");
    }
    let (with_bom, _) = written(&audit, CheckFormat::Csv { bom: true });
    assert_eq!(with_bom.strip_prefix('\u{feff}'), Some(csv.as_str()));
}

#[tokio::test]
async fn metrics_equal_a_scrape_and_promtool_accepts_them() {
    needs!("promtool");
    let gateway = gateway(&json!([
        page("p"),
        with(page("q"), json!({"name": HOSTILE}))
    ]))
    .await;
    let yaml = "accounts: [{name: good, api_key_env: QLARA_API_KEY, expected: [{platform: facebook, profile: p}, {platform: facebook, profile: q}]}, {name: bad, api_key_file: bad}]";
    let ran = check_yaml(&gateway, yaml, &["--output", "metrics"]).await;
    let checked = run_with_input(
        Command::new("promtool").args(["check", "metrics"]),
        &ran.output,
    );
    assert_eq!(checked, (0, String::new()), "{}", ran.output);
    let scrape = Scrape::parse(ran.output);
    assert_eq!(scrape.value(r#"qlara_up{account="good"}"#), 1.0);
    assert_eq!(scrape.value(r#"qlara_up{account="bad"}"#), 0.0);
    assert_eq!(
        scrape.value(
            r#"qlara_expected_profile_present{account="good",platform="facebook",profile="p"}"#
        ),
        1.0
    );
    let left = r#"qlara_token_seconds_to_expiry{account="good",platform="facebook",profile="p"}"#;
    assert!(scrape.value(left) > 5_000_000.0);
    assert!(!scrape.text.contains("process_") && !scrape.text.contains("qlara_exporter_"));
}

#[tokio::test]
async fn output_file_is_replaced_atomically() {
    let gateway = gateway(&json!([page("p")])).await;
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("qlara.prom");
    std::fs::write(&file, "old").expect("a file");
    // A reader of the old file keeps its content, because the file is replaced.
    let old = std::fs::File::open(&file).expect("a file");
    let path = file.display().to_string();
    let ran = check(&gateway, &["--output", "metrics", "--output-file", &path]).await;
    assert_eq!(
        (ran.code, ran.output.as_str(), ran.error.as_str()),
        (0, "", "")
    );
    assert_eq!(std::io::read_to_string(old).expect("a text"), "old");
    let text = std::fs::read_to_string(&file).expect("a text");
    assert!(
        text.contains("\nqlara_up 1\n") && text.ends_with('\n'),
        "{text}"
    );
    let mode = file.metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o600, 0o600);
    assert_eq!(
        std::fs::read_dir(&directory).expect("a folder").count(),
        1,
        "nothing else is left"
    );

    // A symbolic link stays a link, and the file keeps its permissions.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    let path = link.display().to_string();
    assert_eq!(
        check(&gateway, &["--output", "csv", "--output-file", &path])
            .await
            .code,
        0
    );
    assert!(link.is_symlink());
    assert!(
        !std::fs::read_to_string(&file)
            .expect("a text")
            .contains("qlara_up")
    );
    assert_eq!(
        file.metadata().expect("a file").permissions().mode() & 0o777,
        0o600
    );
    // Also if the target of the link does not exist yet.
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(
        check(&gateway, &["--output", "metrics", "--output-file", &path])
            .await
            .code,
        0
    );
    assert!(link.is_symlink());
    assert!(file.is_file());
    // A pipe or a device is written to, not replaced.
    let ran = check(
        &gateway,
        &["--output", "csv", "--output-file", "/dev/stdout"],
    )
    .await;
    assert!(ran.output.contains("facebook"), "{}", ran.output);

    let nowhere = directory.path().join("no/qlara.prom").display().to_string();
    let ran = check(&gateway, &["--output-file", &nowhere]).await;
    assert_eq!((ran.code, ran.output.as_str()), (3, ""));
    assert!(
        ran.error
            .starts_with(&format!("qlara-exporter: cannot write {nowhere}: ")),
        "{}",
        ran.error
    );
}

/// The umask of a cron job must not keep the node exporter from reading the file.
#[tokio::test]
async fn new_file_is_world_readable_and_an_old_one_keeps_mode_and_group() {
    let gateway = gateway(&json!([page("p")])).await;
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("qlara.prom");
    let write = async || {
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                "umask 077; exec \"$0\" \"$@\"",
                env!("CARGO_BIN_EXE_qlara-exporter"),
            ])
            .args([
                "check",
                "--output",
                "metrics",
                "--qlara.url",
                &gateway.url(),
                "--output-file",
            ])
            .arg(&file)
            .env("QLARA_API_KEY", API_KEY);
        let ran = run_beside(command).await;
        assert_eq!((ran.code, ran.error.as_str()), (0, ""));
        file.metadata().expect("a file")
    };
    assert_eq!(write().await.mode() & 0o7777, 0o644);
    // A group other than the process' own, if this user may change it.
    let group = file.metadata().expect("a file").gid() + u32::from(is_root());
    std::os::unix::fs::chown(&file, None, Some(group)).expect("a group");
    for mode in [0o664, 0o600, 0o640] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("a mode");
        let metadata = write().await;
        assert_eq!((metadata.mode() & 0o7777, metadata.gid()), (mode, group));
    }
}

#[tokio::test]
async fn dash_is_standard_output() {
    let gateway = gateway(&json!([page("p")])).await;
    let directory = tempfile::tempdir().expect("a folder");
    let mut command = exporter();
    command
        .args(["check", "--output", "csv", "--output-file", "-"])
        .args(["--qlara.url", &gateway.url()])
        .env("QLARA_API_KEY", API_KEY)
        .current_dir(directory.path());
    let ran = run_beside(command).await;
    assert_eq!((ran.code, ran.error.as_str()), (0, ""));
    assert!(
        ran.output.starts_with("account,platform,"),
        "{}",
        ran.output
    );
    assert_eq!(std::fs::read_dir(&directory).expect("a folder").count(), 0);
}

#[tokio::test]
async fn nagios_gets_one_line_with_performance_data() {
    let soon = with(
        page("soon"),
        json!({"tokenExpiresAt": in_days(5.51), "status": "TOKEN_EXPIRING"}),
    );
    let hostile = with(
        page(HOSTILE),
        json!({"status": "TOKEN_EXPIRED", "tokenExpiresAt": null}),
    );
    let gateway = gateway(&json!([page("p"), soon, hostile])).await;
    let ran = check(&gateway, &["--output", "nagios"]).await;
    let (text, data) = ran.output.split_once(" | ").expect("performance data");
    assert_eq!(
        text,
        "QLARA CRITICAL - 3 profiles: 1 critical, 1 warning, 1 fine; \
         facebook/=cmd()/\"a\",\u{fffd}[31m\u{fffd}31m \u{fffd}\u{fffd} \u{fffd}x token expired; \
         facebook/soon token refresh failed, token ends in 5d 12h"
    );
    assert_eq!(ran.output.lines().count(), 1);
    let numbers = "profiles=3;;;0 critical=1;;;0 warning=1;;;0 not_checked=0;;;0 fine=1;;;0 accounts_unread=0;;;0 token_left_min=";
    let left = data.strip_prefix(numbers).expect("numbers");
    assert!(left.ends_with("s;604800:;172800:\n"), "{left}");

    gateway.faults("status=401").await;
    let ran = check(&gateway, &["--output", "nagios"]).await;
    assert!(ran.output.starts_with("QLARA UNKNOWN - 1 of 1 account not read; the gateway refuses the credentials (HTTP 401) | profiles=U critical=U warning=U not_checked=U fine=U accounts_unread=1;;;0"), "{}", ran.output);

    // Critical findings come before unknown ones.
    gateway.faults("details:status=503").await;
    let ran = check(&gateway, &["--output", "nagios"]).await;
    let critical = ran.output.find("token expired").expect("the critical one");
    let unknown = ran
        .output
        .find("details of facebook")
        .expect("the unknown one");
    assert!(critical < unknown, "{}", ran.output);
    gateway.faults("").await;

    let many: Vec<Value> = (0..9)
        .map(|id| with(page(&id.to_string()), json!({"status": "DISCONNECTED"})))
        .collect();
    let gateway = super::gateway(&json!(many)).await;
    let ran = check(&gateway, &["--output", "nagios"]).await;
    assert!(
        ran.output
            .contains("facebook/2 disconnected: token expired or revoked; and 6 more | "),
        "{}",
        ran.output
    );
}

#[tokio::test]
async fn written_expected_profiles_can_be_loaded() {
    needs!("jq");
    let odd = with(
        page("a: \"b\" # {c}\u{85}\u{ffff}\u{e0041}"),
        json!({"name": HOSTILE}),
    );
    let gateway = gateway(&json!([page("z"), page("p"), odd])).await;
    let from_flags = check(&gateway, &["--write-expected"]).await;
    assert!(
        from_flags.output.starts_with(
            "accounts:\n  - name: \"default\"\n    api_key_env: \"QLARA_API_KEY\"\n    expected:\n"
        ),
        "{}",
        from_flags.output
    );
    let named = "accounts: [{name: 'a: b', api_key_env: QLARA_API_KEY}, {name: basic, basic_auth: {username: u, password_file: bad}}, {name: bad, api_key_file: bad}]";
    let from_file = check_yaml(&gateway, named, &["--write-expected"]).await;
    assert_eq!(from_file.code, 3, "two accounts cannot be read");
    let alone = check_yaml(&gateway, named, &["--write-expected", "--account", "a: b"]).await;
    assert_eq!(alone.code, 0, "{}", alone.output);
    for (fragment, code) in [(&from_flags, 0), (&from_file, 3), (&alone, 0)] {
        let all = check_yaml(&gateway, &fragment.output, &["--output", "json"]).await;
        assert_eq!(
            all.code, code,
            "{}\n{}{}",
            fragment.output, all.output, all.error
        );
        assert_eq!(jq(&all.output, "[.profiles[].findings[].code]"), "[]");
        // A second run changes nothing.
        let again = check_yaml(&gateway, &fragment.output, &["--write-expected"]).await;
        assert_eq!(again.output, fragment.output);
        // A profile that disappears is reported as missing.
        gateway.profiles(&json!([page("z"), page("p")])).await;
        let gone = check_yaml(&gateway, &fragment.output, &[]).await;
        assert_eq!(gone.code, 2, "{}", gone.output);
        gateway.profiles(&json!([page("z"), page("p"), odd])).await;
    }
    let (code, _, error) = run(crate::harness::process::exporter().args([
        "check",
        "--write-expected",
        "--output",
        "json",
    ]));
    assert_eq!(code, 3, "{error}");
}
