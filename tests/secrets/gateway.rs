//! A gateway that returns the key in well-formed JSON of an undocumented shape.

use std::sync::Arc;

use exporter_toolkit::clock::Clock;
use qlara_exporter::check::{Auditor, CheckFormat, CheckOptions, TableStyle};
use qlara_exporter::config::{Config, Settings};
use qlara_exporter::explain::{self, Explanation};
use qlara_exporter::zone::Zone;
use serde_json::{Value, json};
use tracing::Level;

use super::MARK;
use crate::harness::listener::{Recorder, http_response};
use crate::harness::log::Log;
use crate::harness::{Setup, Stack};

const KEY: &str = "mArKeD-key";
pub(super) const YAML: &str = "accounts:\n- {name: file, api_key_file: key}\n\
                    - {name: variable, api_key_env: QLARA_API_KEY}\n\
                    - {name: basic, basic_auth: {username: user, password_file: key}}\n";
const ERRORS: [&str; 8] = [
    "302 Found",
    "400 Bad Request",
    "401 Unauthorized",
    "403 Forbidden",
    "404 Not Found",
    "429 Too Many Requests",
    "500 Internal Server Error",
    "503 Service Unavailable",
];
const LEVELS: [Level; 4] = [Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];

/// The requests with a response of another shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    List,
    Details,
}

/// Status and body of each odd response.
fn responses() -> Vec<(&'static str, Value)> {
    let shapes = shapes().into_iter().map(|body| ("200 OK", body));
    let error = json!({"error": KEY, "message": KEY, "retryAfter": KEY, "details": {KEY: KEY}});
    let errors = ERRORS.map(|status| (status, error.clone()));
    shapes.chain(errors).collect()
}

fn shapes() -> Vec<Value> {
    vec![
        json!(KEY),
        json!([KEY]),
        json!({KEY: KEY}),
        json!({KEY: []}),
        json!({"profiles": KEY}),
        json!({"profiles": {KEY: KEY}}),
        json!({"profiles": [], "total": KEY, KEY: KEY}),
        json!({"profiles": [], "total": {KEY: KEY}}),
        json!({"profiles": [KEY, [KEY], {KEY: KEY}, {"platform": [KEY], "profileId": {KEY: KEY}}]}),
        json!({"profiles": [
            entry("1", &json!({KEY: KEY})),
            entry("2", &json!([[KEY]])),
            entry_of_words("3"),
        ]}),
    ]
}

/// An entry in which every field has the wrong type.
fn entry(id: &str, wrong: &Value) -> Value {
    json!({
        "platform": "facebook", "profileId": id, "name": wrong, "status": wrong,
        "tokenExpiresAt": wrong, "connectedAt": wrong, "phoneNumber": wrong, "pageId": wrong,
        "category": wrong, "permissions": wrong, "lastActivityAt": wrong, KEY: KEY,
    })
}

/// An entry with a word in place of dates and of a list.
fn entry_of_words(id: &str) -> Value {
    json!({
        "platform": "facebook", "profileId": id, "name": "A profile", "status": "CONNECTED",
        "tokenExpiresAt": KEY, "connectedAt": KEY, "permissions": KEY, "lastActivityAt": KEY,
    })
}

async fn gateway(target: Call, status: &'static str, body: &Value) -> Recorder {
    let headers = [
        "Content-Type",
        "Retry-After",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-Api-Key",
        "Location",
    ];
    let headers = headers.map(|name| format!("{name}: {KEY}\r\n")).concat();
    let body = body.to_string();
    let list = json!({"profiles": [{
        "platform": "facebook", "profileId": "1", "name": "A profile", "status": "CONNECTED",
    }]});
    Recorder::start(move |request| {
        let call = match request.starts_with("GET /socials HTTP") {
            true => Call::List,
            false => Call::Details,
        };
        match call == target {
            true => http_response(status, &headers, &body),
            false => http_response("200 OK", "", list.to_string()),
        }
    })
    .await
}

/// Every endpoint of the exporter.
pub(super) async fn served(stack: &Stack) -> String {
    let mut texts = String::new();
    for path in [
        "/metrics",
        "/",
        "/?account=file",
        "/probe?account=file",
        "/probe?account=variable",
        "/probe?account=basic",
        "/sd",
        "/api/v1/profiles",
        "/api/v1/accounts",
        "/calendar.ics",
        "/-/ready",
    ] {
        let answer = stack.get(path).send().await.expect("a response");
        let head = format!("{path} {:?}\n", answer.headers());
        texts += &(head + &answer.text().await.expect("a text"));
    }
    texts
}

/// Every output format of `check` against the same gateway, the `Debug` output of its types, and the output of
/// `explain`.
pub(super) async fn audited(stack: &Stack, url: String, key: &'static str) -> String {
    let settings = Settings {
        file: Some(stack.file("qlara.yml")),
        url: Some(url),
        ..Settings::default()
    };
    let key = |name: &str| (name == "QLARA_API_KEY").then(|| key.to_owned());
    let load = || Config::load(&settings, &key).expect("a good configuration");
    let clock: Arc<dyn Clock> = stack.clock.clone();
    let accounts = explain::account_clients(load(), &[], &clock).expect("accounts");
    let explanation = Explanation::of_accounts(accounts).await;
    let config = load();
    let auditor = Auditor::new(config, CheckOptions::default(), clock).expect("accounts");
    let audit = auditor.audit(|_| ()).await;
    let mut text = format!("{audit:?}").into_bytes();
    for format in [
        CheckFormat::Table(TableStyle {
            colours: true,
            ..TableStyle::default()
        }),
        CheckFormat::Table(TableStyle::default()),
        CheckFormat::Json,
        CheckFormat::Html { zone: Zone::UTC },
        CheckFormat::Junit,
        CheckFormat::Csv { bom: false },
        CheckFormat::Metrics,
        CheckFormat::Nagios { verbose: true },
        CheckFormat::Expected,
    ] {
        audit.write(format, &mut text).expect("written");
    }
    for format in [explain::ExplainFormat::Text, explain::ExplainFormat::Json] {
        explanation.write(format, &mut text).expect("written");
    }
    String::from_utf8(text).expect("UTF-8")
}

/// [repeated-key]
#[tokio::test]
async fn key_in_a_response_of_any_shape_is_redacted() {
    for target in [Call::List, Call::Details] {
        for (status, body) in responses() {
            for level in LEVELS {
                let what = format!("{target:?}, {status}, {level}: {body}");
                let gateway = gateway(target, status, &body).await;
                let url = format!("http://{}", gateway.address);
                let log = Log::collect(level);
                let setup = Setup {
                    files: vec![("key", KEY)],
                    api_key: Some(KEY.to_owned()),
                    url: Some(url.clone()),
                    ..Setup::yaml(YAML)
                };
                let stack = setup.start().await;
                let mut texts = vec![served(&stack).await];
                if level == Level::DEBUG {
                    texts.push(audited(&stack, url, KEY).await);
                }
                texts.push(log.take());
                for text in texts {
                    assert!(!text.contains(MARK), "{what}: {text}");
                }
                let requests = gateway.requests().concat();
                assert!(requests.contains(KEY), "it has the key: {what}");
                let asked = requests.contains("GET /socials/facebook HTTP");
                assert!(target == Call::List || asked, "{what}");
            }
        }
    }
}
