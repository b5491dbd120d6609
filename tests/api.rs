//! The HTTP API: the record of `check` from the cache, its schema, filters and entity tags.

use std::process::Command;
use std::time::Duration;

use qlara_exporter::check::{Auditor, CheckFormat, CheckOptions};
use qlara_exporter::config::{Config, Settings};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::process::run_with_input;
use crate::harness::tools::{self, API, needs};
use crate::harness::{API_KEY, Setup, Stack};
use crate::page::{profile, several_accounts};

const PROFILES: &str = "/api/v1/profiles";
const ACCOUNTS: &str = "/api/v1/accounts";
const HOSTILE: &str = "=cmd()|\"a\",\u{1b}[31m\u{9b}31m\r\n\u{202e}\u{2028}\u{e0041}x";

/// Status, headers and text of an answer.
pub async fn get(stack: &Stack, path: &str) -> (StatusCode, HeaderMap, String) {
    read(stack.get(path)).await
}

async fn read(request: reqwest::RequestBuilder) -> (StatusCode, HeaderMap, String) {
    let answer = request.send().await.expect("a response");
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.text().await.expect("a text"))
}

async fn json_at(stack: &Stack, path: &str) -> Value {
    let (status, headers, text) = get(stack, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    assert_eq!(headers["content-type"], "application/json", "{path}");
    serde_json::from_str(&text).expect("JSON")
}

fn ids(document: &Value) -> Vec<&str> {
    let profiles = document["profiles"].as_array().expect("profiles");
    let ids = profiles.iter().map(|profile| profile["profile"].as_str());
    ids.map(|id| id.expect("a text")).collect()
}

/// A program of the virtual environment of the API's tests.
pub fn python(script: &str) -> Command {
    let mut command = Command::new(tools::folder("api").join("bin/python"));
    command.arg(format!("{}/tests/api/{script}", env!("CARGO_MANIFEST_DIR")));
    command
}

fn assert_valid(schema: &str, documents: &[Value]) {
    let schema = format!("{}/docs/api/{schema}", env!("CARGO_MANIFEST_DIR"));
    let mut validate = python("validate.py");
    let (code, output) = run_with_input(validate.arg(schema), &json!(documents).to_string());
    assert_eq!(
        (code, output),
        (0, format!("{} checked\n", documents.len()))
    );
}

/// What `check` writes about the gateway of this stack, at the same time.
async fn checked(stack: &Stack, format: CheckFormat) -> String {
    let settings = Settings {
        url: Some(stack.gateway.url()),
        ..Settings::default()
    };
    let key = |name: &str| (name == "QLARA_API_KEY").then(|| API_KEY.to_owned());
    let config = Config::load(&settings, &key).expect("a good configuration");
    let (options, clock) = (CheckOptions::default(), stack.clock.clone());
    let auditor = Auditor::new(config, options, clock).expect("an auditor");
    let audit = auditor.audit(|_| ()).await;
    let mut text = Vec::new();
    audit.write(format, &mut text).expect("written");
    String::from_utf8(text).expect("UTF-8")
}

/// Without what only a running exporter knows.
fn of_one_reading(document: &str) -> Value {
    let mut document: Value = serde_json::from_str(document).expect("JSON");
    let remove = |value: &mut Value, keys: &[&str]| {
        let values = value.as_array_mut().expect("an array");
        for object in values.iter_mut().filter_map(Value::as_object_mut) {
            keys.iter()
                .for_each(|key| assert!(object.remove(*key).is_some()));
        }
    };
    remove(&mut document["profiles"], &["since", "since_at_least"]);
    remove(
        &mut document["accounts"],
        &["changes", "changes_since", "changes_dropped"],
    );
    document
}

/// [api]
#[tokio::test]
async fn profiles_are_what_check_says() {
    let stack = Stack::start().await;
    let (_, _, text) = get(&stack, PROFILES).await;
    let audit = checked(&stack, CheckFormat::Json).await;
    assert_eq!(of_one_reading(&text), of_one_reading(&audit));
    for (query, bom) in [("format=csv", false), ("format=csv&bom=true", true)] {
        let (_, _, text) = get(&stack, &format!("{PROFILES}?{query}")).await;
        let audit = checked(&stack, CheckFormat::Csv { bom }).await;
        // `since`, `since_at_least` and what follows them.
        let of_one_reading = |csv: &str| -> Vec<String> {
            let lines = csv.lines().map(|line| line.rsplitn(4, ',').last());
            lines
                .map(|line| line.expect("columns").to_owned())
                .collect()
        };
        assert_eq!(of_one_reading(&text), of_one_reading(&audit), "{query}");
    }
}

#[tokio::test]
async fn states_and_changes_say_since_when() {
    let page = |status: &str| {
        let mut page = profile("facebook", "p", "Name");
        page["status"] = json!(status);
        page
    };
    let stack = Setup::default()
        .with_profiles(json!([page("CONNECTED")]))
        .await;
    let first = json_at(&stack, PROFILES).await;
    let since = |document: &Value| {
        let profile = &document["profiles"][0];
        (profile["since"].clone(), profile["since_at_least"].clone())
    };
    assert_eq!(since(&first), (Value::Null, json!("2026-04-10T12:00:00Z")));
    assert_eq!(first["accounts"][0]["changes"], json!([]));
    assert_eq!(
        first["accounts"][0]["changes_since"],
        "2026-04-10T12:00:00Z"
    );
    assert_eq!(first["accounts"][0]["changes_dropped"], 0);

    stack
        .gateway
        .profiles(&json!([page("TOKEN_EXPIRING")]))
        .await;
    stack.clock.advance(Duration::from_secs(61));
    let second = json_at(&stack, PROFILES).await;
    assert_eq!(since(&second), (json!("2026-04-10T12:01:01Z"), Value::Null));
    assert_eq!(
        second["accounts"][0]["changes"],
        json!([{"at": "2026-04-10T12:01:01Z", "platform": "facebook", "profile": "p", "name": "Name",
            "kind": "state", "from": "CONNECTED", "to": "TOKEN_EXPIRING", "permission": null}])
    );
    let (_, _, csv) = get(&stack, "/api/v1/profiles?format=csv").await;
    assert!(
        csv.contains(",2026-04-10T12:01:01Z,,2026-06-15\r\n"),
        "{csv}"
    );

    let mut renewed = page("CONNECTED");
    renewed["tokenExpiresAt"] = json!("2026-08-01T00:00:00+02:00");
    renewed["permissions"] = json!(["pages_messaging"]);
    stack
        .gateway
        .profiles(&json!([renewed, profile("facebook", "q", "Q")]))
        .await;
    stack.clock.advance(Duration::from_secs(61));
    let third = json_at(&stack, ACCOUNTS).await;
    let changes = third["accounts"][0]["changes"].as_array().expect("changes");
    let of_kind = |kind: &str| changes.iter().find(|change| change["kind"] == kind);
    assert_eq!(of_kind("appeared").expect("a change")["profile"], "q");
    let end = of_kind("token_end").expect("a change");
    assert_eq!(end["to"], "2026-07-31T22:00:00Z");
    if tools::has(API) {
        assert_valid("accounts.schema.json", &[third]);
    }
}

/// In every state of the accounts, [api-unread]
#[tokio::test]
async fn answers_follow_their_schemas() {
    needs!(API);
    let (mut profiles, mut accounts) = (Vec::new(), Vec::new());
    let mut collect = async |stack: &Stack| {
        profiles.push(json_at(stack, PROFILES).await);
        accounts.push(json_at(stack, ACCOUNTS).await);
    };
    let stack = Stack::start().await;
    collect(&stack).await;
    for faults in ["details:status=503", "status=401", "status=429"] {
        stack.gateway.faults(faults).await;
        stack.clock.advance(Duration::from_secs(400));
        collect(&stack).await;
    }
    // Past `cache.max_stale`.
    stack.clock.advance(Duration::from_secs(1000));
    collect(&stack).await;

    let directory = TempDir::new().expect("a folder");
    collect(&several_accounts(&directory).await).await;
    collect(&Setup::default().with_profiles(json!([])).await).await;
    let mut hostile = profile("facebook", HOSTILE, HOSTILE);
    hostile["status"] = json!(HOSTILE);
    hostile["permissions"] = json!([HOSTILE]);
    hostile["linkedAccounts"] = json!([{"id": HOSTILE}]);
    let never = json!({"platform": "tiktok", "username": "t", "name": "", "disconnected": true});
    let mut setup = Setup::yaml("phone_number: show\ntokens_without_expiry: [{platform: tiktok}]");
    setup.simulator = gateway_simulator::Options::default();
    collect(&setup.with_profiles(json!([hostile, never])).await).await;
    let partial = Stack::start().await;
    let entry = profile("facebook", "p", "P");
    let list = json!({"profiles": [entry], "total": 9}).to_string();
    partial.gateway.set_list_response(list).await;
    collect(&partial).await;
    let pending = Stack::start().await;
    pending.gateway.faults("hang").await;
    collect(&pending).await;

    let found = |path: &str| -> Vec<&Value> {
        let values = accounts
            .iter()
            .filter_map(|document| document.pointer(path));
        values.collect()
    };
    for data in ["current", "kept", "none", "pending"] {
        assert!(found("/accounts/0/data").contains(&&json!(data)), "{data}");
    }
    assert_valid("profiles.schema.json", &profiles);
    assert_valid("accounts.schema.json", &accounts);
    let audit = checked(&stack, CheckFormat::Json).await;
    assert_valid(
        "profiles.schema.json",
        &[serde_json::from_str(&audit).expect("JSON")],
    );
}

/// A schema that accepts anything would prove nothing.
#[tokio::test]
async fn schemas_refuse_other_documents() {
    needs!(API);
    let stack = Stack::start().await;
    let document = json_at(&stack, PROFILES).await;
    for (place, value) in [
        ("/version", json!(2)),
        ("/profiles/0/status", json!("SLEEPING")),
        ("/profiles/0/token_expires_at", json!("2026-06-15")),
        (
            "/profiles/0/token_expires_on",
            json!("2026-06-14T22:00:00Z"),
        ),
        ("/profiles/0/verdict", json!("ok")),
        ("/accounts/0/data", Value::Null),
        ("/summary/fine", json!(-1)),
        ("/notes", json!({})),
    ] {
        let mut wrong = document.clone();
        *wrong.pointer_mut(place).expect(place) = value;
        let schema = format!(
            "{}/docs/api/profiles.schema.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let mut validate = python("validate.py");
        let (_, output) = run_with_input(validate.arg(schema), &json!([wrong]).to_string());
        assert!(output.contains("0: $"), "{place}: {output}");
    }
}

/// [api-unread]
#[tokio::test]
async fn account_that_cannot_be_read_is_no_empty_account() {
    let stack = Stack::start().await;
    stack.gateway.faults("status=401").await;
    for path in [PROFILES, ACCOUNTS] {
        let document = json_at(&stack, path).await;
        assert_eq!(document["state"], "UNKNOWN", "{path}");
        assert_eq!(document["summary"]["profiles"], Value::Null, "{path}");
        assert_eq!(document["summary"]["accounts_unread"], 1, "{path}");
        assert_eq!(document["accounts"][0]["data"], "none");
        let error = &document["accounts"][0]["error"];
        assert_eq!(error["reason"], "unauthorized");
        assert_eq!(error["since"], "2026-04-10T12:00:00Z");
        assert_eq!(error["next_attempt_at"], "2026-04-10T12:01:00Z");
        let note = document["notes"][0]["text"].as_str().expect("a note");
        assert!(note.contains("refuses the credentials"), "{note}");
    }
    for path in ["/api/v1/profiles?format=csv", "/api/v1/accounts?format=csv"] {
        let (_, _, csv) = get(&stack, path).await;
        assert!(csv.contains("refuses the credentials"), "{path}: {csv}");
        assert!(!csv.contains(",0,"), "{path}: {csv}");
    }

    // Data of an earlier reading is shown with the reason why it is not newer.
    stack.gateway.faults("").await;
    stack.clock.advance(Duration::from_secs(61));
    assert_eq!(
        json_at(&stack, PROFILES).await["accounts"][0]["data"],
        "current"
    );
    stack.gateway.faults("status=503").await;
    stack.clock.advance(Duration::from_secs(61));
    let document = json_at(&stack, PROFILES).await;
    assert_eq!(document["accounts"][0]["data"], "kept");
    assert_eq!(document["accounts"][0]["error"]["reason"], "server_error");
    assert_eq!(ids(&document).len(), 3);
    let notes = document["notes"].to_string();
    assert!(
        notes.contains("HTTP 503; the data of 2026-04-10T12:01:01Z is shown"),
        "{notes}"
    );
    // Past `cache.max_stale`, nothing is known.
    stack.clock.advance(Duration::from_secs(901));
    let document = json_at(&stack, PROFILES).await;
    assert_eq!(document["accounts"][0]["data"], "none");
    assert_eq!(document["profiles"], json!([]));
    assert_eq!(document["summary"]["profiles"], Value::Null);
}

/// The first refresh may take longer than an answer waits.
#[tokio::test]
async fn account_that_is_being_read_is_pending() {
    let stack = Stack::start().await;
    stack.gateway.faults("hang").await;
    let document = json_at(&stack, PROFILES).await;
    assert_eq!(document["accounts"][0]["data"], "pending");
    assert_eq!(document["state"], "UNKNOWN");
    assert_eq!(document["summary"]["profiles"], Value::Null);
}

#[tokio::test]
async fn filters_are_those_of_the_page() {
    let directory = TempDir::new().expect("a folder");
    let stack = several_accounts(&directory).await;
    let all = json_at(&stack, PROFILES).await;
    assert_eq!(ids(&all).len(), 7);
    for (query, found) in [
        ("platform=whatsapp", &["wa_biz_789012"; 2][..]),
        ("platform=whatsapp&account=good", &["wa_biz_789012"]),
        ("status=missing", &["fb_gone"]),
        (
            "account=good&status=MISSING&platform=facebook",
            &["fb_gone"],
        ),
        ("account=other&status=MISSING", &[]),
        (
            "account=other&verdict=FINE&platform=facebook",
            &["fb_page_123456"],
        ),
        ("account=&platform=whatsapp&status=", &["wa_biz_789012"; 2]),
    ] {
        let document = json_at(&stack, &format!("{PROFILES}?{query}")).await;
        assert_eq!(ids(&document), found, "{query}");
        assert_eq!(document["summary"]["profiles"], found.len(), "{query}");
    }
    // Other accounts are not in the answer, and `bad`, which cannot be read, does not spoil it.
    let good = json_at(&stack, &format!("{ACCOUNTS}?account=other")).await;
    assert_eq!(good["accounts"].as_array().map(Vec::len), Some(1));
    assert_eq!(good["summary"]["accounts_unread"], 0);
    assert_eq!(good["accounts"][0]["summary"]["profiles"], 3);
    let bad = json_at(&stack, &format!("{PROFILES}?account=bad")).await;
    assert_eq!(bad["state"], "UNKNOWN");
    // A platform that nobody has is probably misspelled.
    let none = json_at(&stack, &format!("{PROFILES}?platform=facebok&account=good")).await;
    assert_eq!(
        none["notes"][0]["text"],
        "no profile of the platform facebok is connected; did you mean facebook? There are: facebook, instagram, whatsapp"
    );
}

/// [api-query]
#[tokio::test]
async fn query_that_is_not_understood_is_an_error() {
    let directory = TempDir::new().expect("a folder");
    let stack = several_accounts(&directory).await;
    for (query, error) in [
        (
            "platfrom=facebook",
            "unknown parameter \"platfrom\"; did you mean \"platform\"?\n",
        ),
        (
            "verdict=ok",
            "unknown verdict \"ok\", expected one of critical, warning, not_checked, fine\n",
        ),
        (
            "status=CONECTED",
            "unknown status \"CONECTED\"; did you mean \"CONNECTED\"?\n",
        ),
        (
            "account=none",
            "the configuration has no account with this name\n",
        ),
        (
            "format=xml",
            "unknown format \"xml\", expected one of json, csv\n",
        ),
        (
            "format=",
            "unknown format \"\", expected one of json, csv\n",
        ),
        (
            "format=csv&bom=1",
            "unknown bom \"1\", expected one of true, false\n",
        ),
        (
            "%1b%5b31m=1",
            "unknown parameter \"\u{fffd}[31m\", expected one of platform, status, account, verdict, q, format, bom\n",
        ),
    ] {
        for path in [PROFILES, ACCOUNTS] {
            let (status, headers, text) = get(&stack, &format!("{path}?{query}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
            assert_eq!(text, error, "{query}");
            assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
        }
    }
    let (status, _, text) = get(&stack, "/calendar.ics?format=csv").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
    let long = format!("{PROFILES}?{}=1", "x".repeat(5000));
    let (status, _, text) = get(&stack, &long).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(text.len() < 200, "{text}");
}

#[tokio::test]
async fn csv_is_a_download() {
    let stack = Stack::start().await;
    for (path, name, lines) in [
        (PROFILES, "qlara-profiles-2026-04-10.csv", 4),
        (ACCOUNTS, "qlara-accounts-2026-04-10.csv", 2),
    ] {
        let (_, headers, csv) = get(&stack, &format!("{path}?format=csv")).await;
        assert_eq!(headers["content-type"], "text/csv; charset=utf-8");
        let disposition = format!("attachment; filename=\"{name}\"");
        assert_eq!(headers["content-disposition"], disposition);
        assert_eq!(csv.lines().count(), lines, "{csv}");
    }
    let (_, _, csv) = get(&stack, "/api/v1/accounts?format=csv").await;
    assert_eq!(
        csv,
        "account,data,read_at,schema,list_complete,profiles,critical,warning,not_checked,fine,error_since,next_attempt_at,problems\r\n\
         ,current,2026-04-10T12:00:00Z,uc-017,true,3,1,0,0,2,,,\r\n"
    );
}

#[tokio::test]
async fn headers_keep_answers_private() {
    let stack = Stack::start().await;
    for path in [PROFILES, ACCOUNTS, "/calendar.ics"] {
        let (_, headers, _) = get(&stack, path).await;
        for (name, value) in [
            ("cache-control", "private, no-cache"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("vary", "accept-encoding"),
        ] {
            assert_eq!(headers[name], value, "{path}");
        }
        let gzip = stack.get(path).header("Accept-Encoding", "gzip");
        let gzip = gzip.send().await.expect("a response");
        assert_eq!(gzip.headers()["content-encoding"], "gzip", "{path}");
    }
}

/// The entity tag of an answer.
pub async fn tag(stack: &Stack, path: &str) -> String {
    let (status, headers, text) = get(stack, path).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    headers["etag"].to_str().expect("a text").to_owned()
}

/// [entity-tag]
#[tokio::test]
async fn unchanged_record_is_not_sent_again() {
    let stack = Stack::start().await;
    for path in [
        PROFILES,
        ACCOUNTS,
        "/api/v1/profiles?format=csv",
        "/api/v1/profiles?platform=facebook",
        "/calendar.ics",
    ] {
        let first = tag(&stack, path).await;
        assert!(first.starts_with("W/\""), "{first}");
        let opaque = first.trim_start_matches("W/");
        // Another second, and another reading of the same profiles.
        for seconds in [0, 1, 61] {
            stack.clock.advance(Duration::from_secs(seconds));
            for stated in [&first, opaque, "*", &format!("\"other\", {first}")] {
                for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
                    let request = stack.request(method, path).header("If-None-Match", stated);
                    let (status, headers, text) =
                        read(request.header("Accept-Encoding", "gzip")).await;
                    assert_eq!(status, StatusCode::NOT_MODIFIED, "{path} {stated}");
                    assert_eq!(headers["etag"], first.as_str());
                    assert_eq!(headers["cache-control"], "private, no-cache");
                    assert_eq!(headers["vary"], "accept-encoding");
                    assert_eq!(text, "");
                }
            }
            let request = stack
                .get(path)
                .header("If-None-Match", "W/\"other\", nonsense");
            assert_eq!(read(request).await.0, StatusCode::OK, "{path}");
        }
    }
}

/// [entity-tag]
#[tokio::test]
async fn every_change_of_the_record_changes_its_tag() {
    let page = |id: &str| profile("facebook", id, "Name");
    let stack = Setup::default().with_profiles(json!([page("p")])).await;
    let mut tags = vec![tag(&stack, PROFILES).await];
    let mut changed = async |stack: &Stack, what: &str, seconds: u64| {
        stack.clock.advance(Duration::from_secs(seconds));
        let tag = tag(stack, PROFILES).await;
        assert!(!tags.contains(&tag), "{what}");
        tags.push(tag);
    };
    for (field, value) in [
        ("name", json!("Other")),
        ("status", json!("TOKEN_EXPIRING")),
        ("status", json!("SLEEPING")),
        ("tokenExpiresAt", json!("2026-06-16T00:00:00Z")),
        ("connectedAt", json!("2026-01-11T00:00:00Z")),
        ("pageId", json!("1")),
        ("category", json!("E-commerce")),
        ("permissions", json!(["pages_messaging"])),
        ("lastActivityAt", json!("2026-04-10T11:00:00Z")),
        ("linkedAccounts", json!(1)),
    ] {
        let mut other = page("p");
        other[field] = value;
        stack.gateway.profiles(&json!([other])).await;
        changed(&stack, field, 61).await;
    }
    stack.gateway.profiles(&json!([page("p"), page("q")])).await;
    changed(&stack, "another profile", 61).await;
    stack.gateway.profiles(&json!([])).await;
    changed(&stack, "no profile", 61).await;
    let mut ends = page("p");
    ends["tokenExpiresAt"] = json!("2026-04-20T00:00:00Z");
    stack.gateway.profiles(&json!([ends])).await;
    changed(&stack, "token end", 61).await;
    // The same data, and other findings.
    changed(&stack, "token ends within the threshold", 5 * 86_400).await;
    changed(&stack, "token has ended", 7 * 86_400).await;
    stack.gateway.faults("status=503").await;
    changed(&stack, "data is kept", 61).await;
    changed(&stack, "data is too old", 901).await;
}

/// [api]
#[tokio::test]
async fn answers_come_from_the_cache() {
    let stack = Stack::start().await;
    for path in [
        PROFILES,
        ACCOUNTS,
        "/api/v1/profiles?format=csv",
        "/calendar.ics",
    ] {
        assert_eq!(get(&stack, path).await.0, StatusCode::OK);
    }
    assert_eq!(stack.gateway.stats().await.list, 1);
}
