//! What to do about an account that cannot be read: below its note, in the last line, and in the formats for programs.

use qlara_exporter::check::{CheckFormat, CheckOptions};
use qlara_exporter::zone::Zone;
use serde_json::{Value, json};

use super::{audit, check_yaml, gateway, page, written};
use crate::harness::port::free_port;

const YAML: &str = "{limits: {response_bytes: 1MiB}}";

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The advice in lower case, as the table has it below the note and in its last line. JSON has the same one.
async fn advice(gateway: &crate::harness::Gateway, arguments: &[&str]) -> String {
    let json = check_yaml(gateway, YAML, &[arguments, &["--output", "json"]].concat()).await;
    let json: Value = serde_json::from_str(&json.output).expect("JSON");
    let (text, advice) = (&json["notes"][0]["text"], &json["notes"][0]["advice"]);
    let (text, advice) = (text.as_str().expect("a text"), advice.as_str());
    let advice = advice.expect("an advice");
    let table = one_line(&check_yaml(gateway, YAML, arguments).await.output);
    assert!(table.contains(&format!("{text} {advice}")), "{table}");
    let (above, step) = table.split_once("First: ").expect("a first step");
    assert_eq!(step.to_lowercase(), advice.to_lowercase(), "{table}");
    // Each is said once above the first step.
    let hint = step.trim_end_matches('.').to_lowercase();
    assert_eq!(above.to_lowercase().matches(&hint).count(), 1, "{table}");
    advice.to_lowercase()
}

#[tokio::test]
async fn every_failure_says_what_to_do() {
    let gateway = gateway(&json!([page("p")])).await;
    for (fault, expected) in [
        ("status=401", "check that the api key is the right one"),
        ("status=403", "check the key's permissions"),
        ("status=404", "the api's pages also use the prefix"),
        ("status=400", "its scheme and the whole prefix"),
        ("retry-after=30s", "find out what else uses the key"),
        ("status=500", "if it lasts, ask the gateway's support"),
        ("hang", "check name resolution, the network and the proxy"),
        ("reset", "(--qlara.url) to https, else check the gateway"),
        (
            "redirect=http://127.0.0.1:9/login",
            "if that is a login page",
        ),
        ("truncated", "check that gateway.url leads to the gateway"),
        ("garbage", "check that gateway.url leads to the gateway"),
        ("gzip-bomb", "raise limits.response_bytes"),
        (
            "details:status=503",
            "if it lasts, ask the gateway's support",
        ),
    ] {
        gateway.faults(fault).await;
        let arguments: &[&str] = if fault == "hang" { &["-t", "1"] } else { &[] };
        let advice = advice(&gateway, arguments).await;
        assert!(advice.contains(expected), "{fault}: {advice}");
    }
    gateway.faults("").await;
    let closed = format!("http://127.0.0.1:{}", free_port());
    for url in [&closed, "https://gateway.invalid"] {
        let advice = advice(&gateway, &["--qlara.url", url]).await;
        assert!(advice.contains("name resolution, the network"), "{advice}");
    }
    let encrypted = gateway.url().replace("http:", "https:");
    let doubled = format!("{}/socials", gateway.url());
    for (url, expected) in [
        (encrypted, "the server there does not speak tls"),
        (doubled, "remove /socials and what follows it"),
    ] {
        let advice = advice(&gateway, &["--qlara.url", &url]).await;
        assert!(advice.contains(expected), "{advice}");
    }
    let advice = advice(&gateway, &["--exporter", &closed]).await;
    assert!(advice.contains("give --exporter the url"), "{advice}");
}

/// Notes with the same advice share it, as the findings of a profile do.
#[tokio::test]
async fn accounts_with_the_same_problem_share_the_advice() {
    let yaml = "accounts: [{name: a, api_key_file: bad}, {name: b, api_key_file: bad}, {name: good, api_key_env: QLARA_API_KEY}]";
    let audit = audit(&json!([]), yaml, CheckOptions::default()).await;
    let audit = audit.expect("an audit");
    let formats = [
        CheckFormat::Table(Default::default()),
        CheckFormat::Html { zone: Zone::UTC },
    ];
    for format in formats {
        let text = one_line(&written(&audit, format).0);
        let times = |piece: &str| text.matches(piece).count();
        assert_eq!(times("refuses the credentials"), 1, "{text}");
        assert_eq!(
            times("Check that the API key is the right one"),
            1,
            "{text}"
        );
        assert_eq!(times("Check that the key is that of"), 1, "{text}");
    }
    let (table, _) = written(&audit, CheckFormat::Table(Default::default()));
    let grouped = "2 accounts: a, b: the gateway refuses the credentials";
    assert!(one_line(&table).contains(grouped), "{table}");
    let (html, _) = written(&audit, CheckFormat::Html { zone: Zone::UTC });
    let grouped = "2 accounts: <bdi>a</bdi>, <bdi>b</bdi>: the gateway refuses the credentials";
    assert!(html.contains(grouped), "{html}");
    let (junit, _) = written(&audit, CheckFormat::Junit);
    assert_eq!(junit.matches("Check that the ").count(), 3, "{junit}");
    let step = "First: account a: check that the API key is the right one and active;";
    assert!(one_line(&table).contains(step), "{table}");
}

/// Accounts with two kinds of problems take turns; JSON, CSV and JUnit have each of them.
#[tokio::test]
async fn many_accounts_with_the_same_problems_are_a_few_lines() {
    let pair = |number: usize| {
        format!(
            "{{name: bad{number:02}, api_key_file: bad}}, {{name: empty{number:02}, api_key_env: QLARA_API_KEY}}"
        )
    };
    let accounts: Vec<String> = (1..=12).map(pair).collect();
    let yaml = format!("accounts: [{}]", accounts.join(", "));
    let audit = audit(&json!([]), &yaml, CheckOptions::default()).await;
    let audit = audit.expect("an audit");
    let table = written(&audit, CheckFormat::Table(Default::default())).0;
    assert!(table.lines().count() < 25, "{table}");
    let text = one_line(&table);
    for piece in [
        "12 accounts: bad01, bad02, bad03, bad04, bad05, bad06, bad07, bad08, bad09, bad10 and 2 more: the gateway refuses",
        "empty10 and 2 more: no profile is connected",
    ] {
        assert!(text.contains(piece), "{piece}: {text}");
    }
    assert_eq!(text.matches("of the right account").count(), 1, "{text}");
    let html = written(&audit, CheckFormat::Html { zone: Zone::UTC }).0;
    assert!(html.contains("<bdi>bad10</bdi> and 2 more: the"), "{html}");
    assert!(!html.contains("bad11"), "{html}");
    let json: Value = serde_json::from_str(&written(&audit, CheckFormat::Json).0).expect("JSON");
    assert_eq!(json["notes"].as_array().map(Vec::len), Some(24));
    for format in [CheckFormat::Csv { bom: false }, CheckFormat::Junit] {
        let text = written(&audit, format).0;
        assert_eq!(
            text.matches("refuses the credentials").count() % 12,
            0,
            "{text}"
        );
        assert!(text.contains("bad12") && text.contains("empty12"), "{text}");
    }
}
