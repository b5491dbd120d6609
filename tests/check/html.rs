//! The HTML file: complete, self-contained, and safe with any name.

use std::process::Command;

use qlara_exporter::check::{CheckFormat, CheckOptions};
use qlara_exporter::zone::Zone;
use serde_json::{Value, json};

use super::{GRANTED, audit, page, with, written};
use crate::harness::process::run_with_input;
use crate::harness::tools::needs;

const HOSTILE: &str =
    "</td><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;\u{202e}\u{1b}[31m";

async fn html(profiles: &Value, yaml: &str, zone: Zone) -> String {
    let audit = audit(profiles, yaml, CheckOptions::default()).await;
    written(&audit.expect("an audit"), CheckFormat::Html { zone }).0
}

/// The pieces of text. The reader refuses elements and attributes that load or run something.
fn text(html: &str) -> Vec<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/check/read_html.py");
    let (code, output) = run_with_input(Command::new("python3").arg(script), html);
    assert_eq!(code, 0, "{output}\n{html}");
    output.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn file_is_complete_and_loads_nothing() {
    needs!("python3");
    let expired = json!({"status": "TOKEN_EXPIRED", "tokenExpiresAt": "2026-04-09T12:00:00Z", "permissions": [GRANTED[1]], "name": "Café"});
    let mut profiles: Vec<Value> = (0..30)
        .map(|number| page(&format!("fine_{number}")))
        .collect();
    profiles.push(with(page("broken"), expired));
    let yaml =
        "accounts: [{name: bad, api_key_file: bad}, {name: brandco, api_key_env: QLARA_API_KEY}]";
    let rome = "Europe/Rome".parse().expect("a zone");
    let html = html(&json!(profiles), yaml, rome).await;
    assert!(html.starts_with("<!DOCTYPE html>"), "{html}");
    assert!(html.contains("default-src 'none'"), "{html}");
    assert!(html.contains("prefers-color-scheme: dark") && html.contains("@media print"));
    let text = text(&html);
    for piece in [
        "31 profiles: 1 critical, 0 warning, 30 fine; 1 of 2 accounts not read",
        "First: reconnect",
        "(facebook, account brandco) now.",
        "Checked at 2026-04-10 14:00 CEST. All times are in Europe/Rome.",
        ": the gateway refuses the credentials (HTTP 401)",
        "1 profile to look after",
        "30 fine profiles",
        "token expired 1d 0h ago",
        "Messages fail until somebody reconnects the profile in the Qlara dashboard.",
        "cannot send: pages_messaging missing",
        "Disconnect and reconnect the profile in the Qlara dashboard, and grant all permissions.",
        "2026-04-09 14:00",
        "1d 0h ago",
    ] {
        assert!(
            text.iter().any(|line| line.contains(piece)),
            "{piece}\n{text:?}"
        );
    }
    for number in 0..30 {
        assert!(text.contains(&format!("fine_{number}")), "{number}");
    }
}

#[tokio::test]
async fn names_are_escaped_and_isolated() {
    needs!("python3");
    let named = with(
        page(HOSTILE),
        json!({"name": HOSTILE, "platform": HOSTILE, "status": "TOKEN_EXPIRED"}),
    );
    let yaml = format!(
        "accounts: [{{name: {}, api_key_env: QLARA_API_KEY}}]",
        json!("a<b>&\"'")
    );
    let html = html(&json!([named]), &yaml, Zone::UTC).await;
    assert!(
        !html.contains("<script") && !html.contains("<img"),
        "{html}"
    );
    assert!(!html.contains(['\u{202e}', '\u{1b}']), "{html:?}");
    let shown =
        "</td><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;\u{fffd}\u{fffd}[31m";
    let text = text(&html);
    // In the first step and in the table, in which identifier and platform are the same.
    assert!(
        text.iter().filter(|line| *line == shown).count() >= 3,
        "{text:?}"
    );
    assert!(text.iter().any(|line| line == "a<b>&\"'"), "{text:?}");
}

#[tokio::test]
async fn unread_and_fine_accounts_say_so() {
    needs!("python3");
    let unread = html(
        &json!([]),
        "accounts: [{name: bad, api_key_file: bad}]",
        Zone::UTC,
    )
    .await;
    let unread = text(&unread).join("\n");
    assert!(
        unread.contains("1 of 1 account not read") && !unread.contains("fine"),
        "{unread}"
    );
    let fine = html(&json!([page("p")]), "", Zone::UTC).await;
    assert!(
        text(&fine)
            .iter()
            .any(|line| line == "Nothing to do: 1 profile read, all fine."),
        "{fine}"
    );
}

#[tokio::test]
async fn token_ends_show_the_stated_day() {
    needs!("python3");
    let ending = with(
        page("p"),
        json!({"tokenExpiresAt": "2026-06-15T00:00:00+02:00"}),
    );
    for (zone, shown) in [
        ("UTC", "2026-06-14 22:00 (stated as 2026-06-15 +02:00)"),
        ("Europe/Rome", "2026-06-15 00:00"),
    ] {
        let zone = zone.parse().expect("a zone");
        let html = html(&json!([ending.clone()]), "", zone).await;
        assert!(text(&html).iter().any(|line| line == shown), "{html}");
    }
}
