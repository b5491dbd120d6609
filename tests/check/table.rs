//! The exact text of the table.

use std::collections::BTreeSet;
use std::process::Command;

use qlara_exporter::check::{CheckFormat, CheckOptions, CheckState};
use qlara_exporter::zone::Zone;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::{audit, check, gateway, page, with, written};
use crate::harness::process;
use crate::harness::tools::needs;

const YAML: &str = "
accounts:
  - {name: bad, api_key_file: bad}
  - name: brandco
    api_key_env: QLARA_API_KEY
    expected:
      - {platform: facebook, profile: fb_page_123456}
      - {platform: facebook, profile: fb_page_2}
      - {platform: instagram, profile: ig_345678}
      - {platform: instagram, profile: ig_gone}
      - {platform: instagram, profile: ig_2}
      - {platform: whatsapp, profile: wa_biz_789012}
      - {platform: whatsapp, profile: wa_2}
";
const PLAIN: CheckFormat = CheckFormat::Table {
    colours: false,
    zone: Zone::UTC,
};

fn profile(platform: &str, id: &str, name: &str, fields: Value) -> Value {
    let profile = json!({
        "platform": platform,
        "profileId": id,
        "name": name,
        "status": "CONNECTED",
        "connectedAt": "2026-01-10T14:30:00+01:00",
        "lastActivityAt": "2026-04-09T12:00:00+02:00",
    });
    with(profile, fields)
}

/// All kinds of problems, and unusual names.
fn profiles() -> Value {
    let page = ["pages_messaging", "pages_read_engagement"];
    let long = "一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十";
    json!([
        profile(
            "facebook",
            "fb_page_123456",
            "BrandCo Official",
            json!({"tokenExpiresAt": "2026-06-15T00:00:00+02:00", "permissions": page})
        ),
        profile(
            "whatsapp",
            "wa_biz_789012",
            "BrandCo WhatsApp Business",
            json!({"lastActivityAt": null})
        ),
        profile(
            "instagram",
            "ig_345678",
            "brandco_official",
            json!({"status": "TOKEN_EXPIRED", "tokenExpiresAt": "2026-03-01T00:00:00+01:00", "permissions": ["instagram_basic"]})
        ),
        profile(
            "facebook",
            "fb_page_2",
            "東京ラーメン 🍜",
            json!({"tokenExpiresAt": "2026-04-12T11:00:00Z", "permissions": page})
        ),
        profile(
            "instagram",
            "ig_2",
            "\u{1b}[31mred\u{7}\r\nOK\u{202e}dlrow",
            json!({"status": "TOKEN_EXPIRING", "tokenExpiresAt": "2026-04-15T11:00:00Z", "permissions": ["instagram_basic", "instagram_manage_messages"]})
        ),
        profile(
            "whatsapp",
            "wa_2",
            "👩‍👩‍👧‍👦 Família café",
            json!({"status": "DISCONNECTED"})
        ),
        profile(
            "telegram",
            "a_very_long_identifier_that_does_not_fit",
            long,
            json!({"status": "SLEEPING"})
        ),
    ])
}

#[tokio::test]
async fn table_matches_the_golden_file() {
    let audit = audit(&profiles(), YAML, CheckOptions::default())
        .await
        .expect("an audit");
    let (table, state) = written(&audit, PLAIN);
    assert_eq!(state, CheckState::Critical);
    assert_eq!(table, include_str!("../golden/check.txt"), "{table}");
}

#[tokio::test]
async fn documentation_shows_the_real_output() {
    let documentation = include_str!("../../docs/check.md");
    let all = profiles();
    let two = json!([all[0], all[2]]);
    let yaml = "accounts: [{name: brandco, api_key_env: QLARA_API_KEY}]";
    let audit = audit(&two, yaml, CheckOptions::default())
        .await
        .expect("an audit");
    for format in [PLAIN, CheckFormat::Nagios { verbose: false }] {
        let (text, _) = written(&audit, format);
        assert!(documentation.contains(&format!("```\n{text}```")), "{text}");
    }
}

#[tokio::test]
async fn columns_are_aligned_and_end_at_80() {
    let audit = audit(&profiles(), YAML, CheckOptions::default())
        .await
        .expect("an audit");
    let (table, _) = written(&audit, PLAIN);
    let dates = table
        .lines()
        .filter_map(|line| line.find("2026-0").map(|at| line[..at].width()));
    assert_eq!(dates.collect::<BTreeSet<_>>(), BTreeSet::from([63]));
    for line in table.lines() {
        assert!(line.width() <= 80, "{line}");
        assert!(!line.contains(|char: char| char.is_control()), "{line:?}");
    }
}

#[tokio::test]
async fn default_account_has_no_account_column() {
    let audit = audit(&json!([page("p")]), "", CheckOptions::default())
        .await
        .expect("an audit");
    let (table, state) = written(&audit, PLAIN);
    assert!(
        table.starts_with("VERDICT   PLATFORM   PROFILE "),
        "{table}"
    );
    assert!(!table.contains("ACCOUNT"), "{table}");
    assert!(
        table.ends_with("\nOK        1 profile: 0 critical, 0 warning, 1 fine\n"),
        "{table}"
    );
    assert_eq!(state, CheckState::Ok);
}

#[tokio::test]
async fn colours_do_not_change_the_text() {
    let audit = audit(&profiles(), YAML, CheckOptions::default())
        .await
        .expect("an audit");
    let (plain, _) = written(&audit, PLAIN);
    let (coloured, _) = written(
        &audit,
        CheckFormat::Table {
            colours: true,
            zone: Zone::UTC,
        },
    );
    assert!(
        coloured.contains("\u{1b}[1m\u{1b}[31mCRITICAL\u{1b}[0m"),
        "{coloured:?}"
    );
    let mut pieces = coloured.split('\u{1b}');
    let mut bare = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        bare.push_str(piece.split_once('m').expect("a style").1);
    }
    assert_eq!(bare, plain);
}

/// `script` (util-linux) runs the program at a terminal.
async fn on_a_terminal(url: String, variables: &'static str, arguments: &str) -> String {
    let program = format!(
        "env TERM=xterm NO_COLOR= {variables} QLARA_URL={url} QLARA_API_KEY=simulated {} check {arguments}",
        env!("CARGO_BIN_EXE_qlara-exporter")
    );
    let script =
        move || process::run(Command::new("script").args(["-qec", &program, "/dev/null"])).1;
    tokio::task::spawn_blocking(script)
        .await
        .expect("an output")
}

#[tokio::test]
async fn colours_are_for_terminals_or_on_request() {
    needs!("script");
    let gateway = gateway(&json!([page("p")])).await;
    assert!(!check(&gateway, &[]).await.output.contains('\u{1b}'));
    for (variables, coloured) in [("", true), ("NO_COLOR=1", false), ("TERM=dumb", false)] {
        let output = on_a_terminal(gateway.url(), variables, "").await;
        assert!(output.contains("1 fine"), "{output}");
        assert_eq!(
            output.contains("\u{1b}[32m"),
            coloured,
            "{variables} {output:?}"
        );
    }
}

#[tokio::test]
async fn progress_is_shown_only_on_a_terminal() {
    needs!("script");
    let gateway = gateway(&json!([page("p")])).await;
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("qlara.yml").display().to_string();
    let account = |number| format!("- {{name: a{number}, api_key_env: QLARA_API_KEY}}\n");
    let accounts: String = (0..3).map(account).collect();
    std::fs::write(&file, format!("accounts:\n{accounts}")).expect("a file");
    let arguments = format!("--config.file {file}");
    let output = on_a_terminal(gateway.url(), "", &arguments).await;
    for step in ["0 of 3", "1 of 3", "2 of 3"] {
        assert!(
            output.contains(&format!("\r\u{1b}[KReading accounts: {step}")),
            "{output:?}"
        );
    }
    assert!(output.contains("3 profiles: 0 critical"), "{output:?}");
    let ran = check(&gateway, &["--config.file", &file]).await;
    assert_eq!((ran.code, ran.error.as_str()), (0, ""));
    let alone = on_a_terminal(gateway.url(), "", "").await;
    assert!(!alone.contains("Reading"), "{alone:?}");
}
