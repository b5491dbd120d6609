//! The exact text of the table, and how it fits into a width.

use std::collections::BTreeSet;
use std::path::Path;

use qlara_exporter::check::{Audit, CheckFormat, CheckOptions, CheckState, TableStyle};
use qlara_exporter::zone::Zone;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::{audit, page, with, written};

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
      - {platform: instagram, profile: ig_unread}
      - {platform: whatsapp, profile: wa_rtl}
";
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
            "instagram",
            "ig_unread",
            "\u{2066}not\u{2069} read",
            json!({"tokenExpiresAt": "2026-05-20T00:00:00Z"})
        ),
        profile("whatsapp", "wa_rtl", "شركة القهوة קפה", json!({})),
        profile(
            "telegram",
            "a_very_long_identifier_that_does_not_fit",
            long,
            json!({"status": "SLEEPING"})
        ),
    ])
}

fn table(width: usize) -> CheckFormat {
    CheckFormat::Table(TableStyle {
        width,
        ..TableStyle::default()
    })
}

async fn audited(profiles: &Value, yaml: &str) -> Audit {
    let audit = audit(profiles, yaml, CheckOptions::default()).await;
    audit.expect("an audit")
}

/// `UPDATE_GOLDEN=1` replaces the files.
#[tokio::test]
async fn table_matches_the_golden_files() {
    let audit = audited(&profiles(), YAML).await;
    for width in [60, 80, 120, 200] {
        let (text, state) = written(&audit, table(width));
        assert_eq!(state, CheckState::Critical);
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(format!("check-{width}.txt"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &text).expect("a file");
        }
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(text, golden, "set UPDATE_GOLDEN=1 to replace it:\n{text}");
    }
}

#[tokio::test]
async fn documentation_shows_the_real_output() {
    let documentation = include_str!("../../docs/check.md");
    let all = profiles();
    let two = json!([all[0], all[2]]);
    let yaml = "accounts: [{name: brandco, api_key_env: QLARA_API_KEY}]";
    let audit = audited(&two, yaml).await;
    for format in [table(80), CheckFormat::Nagios { verbose: false }] {
        let (text, _) = written(&audit, format);
        assert!(documentation.contains(&format!("```\n{text}```")), "{text}");
    }
}

fn without_spaces(text: &str) -> String {
    text.chars()
        .filter(|char| *char != ' ' && *char != '\n')
        .collect()
}

#[tokio::test]
async fn every_width_is_kept_aligned_and_complete() {
    let audit = audited(&profiles(), YAML).await;
    for width in 60..=200 {
        let (text, _) = written(&audit, table(width));
        for line in text.lines() {
            assert!(line.width() <= width, "{width}: {line}");
            assert!(!line.contains(|char: char| char.is_control()), "{line:?}");
        }
        let dates = text
            .lines()
            .filter(|line| !line.starts_with(' '))
            .filter_map(|line| line.find(" 2026-0").map(|at| line[..at].width()))
            .skip(1);
        let places: BTreeSet<usize> = dates.collect();
        assert!(places.len() <= 2, "{width}: {places:?}\n{text}");
        // Nothing about a profile with a problem is left out or cut.
        let all = without_spaces(&text);
        for value in [
            "a_very_long_identifier_that_does_not_fit",
            "一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十",
            "TOKEN_EXPIRING",
            "DISCONNECTED",
            "👩\u{200d}👩\u{200d}👧\u{200d}👦Famíliacafé",
            "brandco_official",
            "\u{fffd}[31mred\u{fffd}\u{fffd}\u{fffd}OK\u{fffd}dlrow",
            "cannotsend:instagram_manage_messagesmissing",
        ] {
            assert!(all.contains(value), "{width} {value}:\n{text}");
        }
    }
}

#[tokio::test]
async fn from_120_columns_on_each_profile_is_one_line_with_all_columns() {
    let headings = [
        "VERDICT",
        "PLATFORM",
        "ACCOUNT",
        "PROFILE",
        "NAME",
        "STATUS",
        "TOKEN ENDS",
        "LEFT",
        "LAST ACTIVITY",
    ];
    let audit = audited(&profiles(), YAML).await;
    for width in 120..=200 {
        let (text, _) = written(&audit, table(width));
        let line = text.lines().find(|line| line.starts_with("VERDICT"));
        let line = line.expect("a heading");
        let shown: Vec<&str> = line
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect();
        assert_eq!(shown, headings, "{width}");
    }
}

#[tokio::test]
async fn width_has_limits() {
    let audit = audited(&profiles(), YAML).await;
    for (width, used) in [(0, 60), (59, 60), (201, 200), (usize::MAX, 200)] {
        let (text, _) = written(&audit, table(width));
        assert_eq!(text, written(&audit, table(used)).0, "{width}");
    }
}

#[tokio::test]
async fn default_account_has_no_account_column() {
    let audit = audited(&json!([page("p")]), "").await;
    let (table, state) = written(&audit, table(120));
    assert!(
        table.contains("\nVERDICT      PLATFORM  PROFILE  NAME  "),
        "{table}"
    );
    assert!(!table.contains("ACCOUNT"), "{table}");
    assert!(
        table.contains("\nFINE         1 profile: 0 critical, 0 warning, 1 fine\n"),
        "{table}"
    );
    assert_eq!(state, CheckState::Ok);
}

#[tokio::test]
async fn times_are_in_the_zone_that_the_first_line_names() {
    let audit = audited(&profiles(), YAML).await;
    let (utc, _) = written(&audit, table(80));
    let heading = |text: &str| {
        let lines = text.lines().take_while(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(" ")
    };
    let days = "Days of token ends are as the gateway states them.";
    assert_eq!(
        heading(&utc),
        format!("Checked at 2026-04-10 12:00 UTC. All times are in UTC. {days}")
    );
    let in_zone = |zone: &str| {
        let style = TableStyle {
            zone: zone.parse::<Zone>().expect("a zone"),
            ..TableStyle::default()
        };
        written(&audit, CheckFormat::Table(style)).0
    };
    assert_eq!(
        heading(&in_zone("Europe/Rome")),
        format!("Checked at 2026-04-10 14:00 CEST. All times are in Europe/Rome. {days}")
    );
    // The gateway states midnight of 15 June in Rome and 1 March in Berlin.
    for text in [utc, in_zone("Europe/Rome"), in_zone("America/New_York")] {
        for day in [" 2026-06-15", " 2026-03-01"] {
            assert!(text.contains(day), "{day}: {text}");
        }
    }
}

/// The formats for programs keep what the gateway states.
#[tokio::test]
async fn name_without_visible_characters_is_no_name() {
    for name in ["", " ", "\u{fe0f}"] {
        let audit = audited(&json!([with(page("p"), json!({"name": name}))]), "").await;
        let (text, _) = written(&audit, table(80));
        assert!(text.contains(" p        no name  CONNECTED"), "{text}");
        assert!(!text.contains('\u{fe0f}'), "{text}");
        let (json, _) = written(&audit, CheckFormat::Json);
        let json: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(json["profiles"][0]["name"], name);
        let (csv, _) = written(&audit, CheckFormat::Csv { bom: false });
        assert!(!csv.contains("no name"), "{csv}");
    }
}

#[tokio::test]
async fn each_finding_has_its_advice_once() {
    let ends_soon = json!({"tokenExpiresAt": "2026-04-11T12:00:00Z", "permissions": []});
    let audit = audited(&json!([with(page("p"), ends_soon)]), "").await;
    let (text, _) = written(&audit, table(120));
    let below: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("CRITICAL"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(str::trim)
        .collect();
    assert_eq!(
        below,
        [
            "- token ends in 1d 0h",
            "Reconnect the profile in the Qlara dashboard before messages fail.",
            "- cannot send: pages_messaging missing",
            "- cannot read metrics: pages_read_engagement missing",
            "Disconnect and reconnect the profile in the Qlara dashboard, and grant all permissions.",
            "- token refresh overdue",
            "The gateway refreshes tokens 7 days before their end. If it does not, reconnect the profile.",
        ],
        "{text}"
    );
}

/// Fine profiles, and one that was not checked: its permissions are not known.
fn fine_profiles_and_an_unchecked_one(fine: usize) -> Value {
    let fine = (0..fine).map(|number| page(&format!("fine_{number}")));
    let mut unchecked = page("unchecked");
    unchecked
        .as_object_mut()
        .expect("an object")
        .remove("permissions");
    fine.chain([unchecked]).collect()
}

#[tokio::test]
async fn more_than_10_fine_profiles_are_folded() {
    for (fine, folds_fine, folded) in [(11, true, true), (11, false, false), (10, true, false)] {
        let audit = audited(&fine_profiles_and_an_unchecked_one(fine), "").await;
        let (text, state) = written(
            &audit,
            CheckFormat::Table(TableStyle {
                folds_fine,
                ..TableStyle::default()
            }),
        );
        assert_eq!(state, CheckState::Unknown);
        assert_eq!(
            text.contains(&format!("FINE         +{fine} fine; --all lists them\n")),
            folded,
            "{text}"
        );
        assert_eq!(
            text.matches("fine_").count(),
            if folded { 0 } else { fine },
            "{text}"
        );
        assert!(text.contains("NOT CHECKED  facebook  unchecked"), "{text}");
        assert!(
            text.contains(&format!("1 not checked, {fine} fine")),
            "{text}"
        );
    }
}

#[tokio::test]
async fn colours_do_not_change_the_text() {
    let audit = audited(&profiles(), YAML).await;
    let (plain, _) = written(&audit, table(80));
    let (coloured, _) = written(
        &audit,
        CheckFormat::Table(TableStyle {
            colours: true,
            ..TableStyle::default()
        }),
    );
    assert!(
        coloured.contains("\u{1b}[1m\u{1b}[31mCRITICAL   \u{1b}[0m"),
        "{coloured:?}"
    );
    let mut pieces = coloured.split('\u{1b}');
    let mut bare = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        bare.push_str(piece.split_once('m').expect("a style").1);
    }
    assert_eq!(bare, plain);
}
