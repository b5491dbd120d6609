//! Invisible characters are hidden in every output for people, except joiners that real names need.

use exporter_toolkit::logging::Format;
use serde_json::{Value, json};
use tracing::Level;

use crate::check::{check, gateway};
use crate::harness::Setup;
use crate::harness::log::Log;
use crate::page::{names, page, profile};

/// Soft hyphen, joiners, fillers, blanks, variation selectors, notation controls, noncharacters.
const INVISIBLE: &str = "\u{ad}\u{34f}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180e}\u{2800}\u{3164}\
    \u{ffa0}\u{fff0}\u{1bca0}\u{1bca3}\u{1d173}\u{1d17a}\u{fdd0}\u{fdef}\u{1fffe}\u{10ffff}";
/// A family, a coloured heart and a Persian word.
const JOINED: &str = "👩\u{200d}👩\u{200d}👧 ❤\u{fe0f} می\u{200c}خواهم";

fn assert_hides(text: &str, form: &str) {
    let seen = INVISIBLE.chars().find(|char| text.contains(*char));
    assert_eq!(seen, None, "{form}: {text}");
}

fn profiles() -> Value {
    json!([
        profile("facebook", &format!("a{INVISIBLE}"), INVISIBLE),
        profile("facebook", "b", JOINED),
    ])
}

#[tokio::test]
async fn check_output_hides_invisible_characters() {
    let gateway = gateway(&profiles()).await;
    for form in [
        &["--output", "table"][..],
        &["--output", "json"],
        &["--output", "csv"],
        &["--output", "nagios", "-v"],
        &["--output", "html"],
        &["--output", "junit"],
        &["--write-expected"],
    ] {
        let ran = check(&gateway, form).await;
        assert_hides(&ran.output, &form.join(" "));
        let shows_names = !form.contains(&"nagios");
        assert_eq!(ran.output.contains(JOINED), shows_names, "{}", ran.output);
    }
    let ran = check(&gateway, &["--output", "json"]).await;
    let json: Value = serde_json::from_str(&ran.output).expect("JSON");
    let profiles = json["profiles"].as_array().expect("profiles");
    // Escaped but not lost.
    assert!(profiles.iter().any(|profile| profile["name"] == INVISIBLE));
}

#[tokio::test]
async fn written_expected_profiles_with_invisible_characters_can_be_loaded() {
    let gateway = gateway(&profiles()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let yaml = folder.path().join("qlara.yml");
    let written = check(&gateway, &["--write-expected"]).await.output;
    std::fs::write(&yaml, &written).expect("a file");
    let yaml = yaml.to_str().expect("UTF-8");
    let again = check(&gateway, &["--config.file", yaml, "--write-expected"]).await;
    assert_eq!(again.output, written);
    let read = check(&gateway, &["--config.file", yaml, "--output", "json"]).await;
    for code in ["\"missing\"", "\"not_expected\""] {
        assert!(!read.output.contains(code), "{}", read.output);
    }
}

#[tokio::test]
async fn page_hides_invisible_characters() {
    let stack = Setup::default().with_profiles(profiles()).await;
    let page = page(&stack, "/").await;
    assert_hides(&page, "page");
    let names = names(&page);
    // They are visible as what they are.
    let codes = INVISIBLE
        .chars()
        .map(|char| format!("U+{:04X}", u32::from(char)));
    let codes = codes.collect::<Vec<_>>().join(" ");
    let shown = format!("<span class=\"hidden\">{codes}</span>");
    assert!(names.contains(&&*shown), "{names:?}");
    assert!(names.contains(&JOINED), "{names:?}");
}

#[test]
fn log_hides_invisible_characters() {
    for format in [Format::Logfmt, Format::Json] {
        let log = Log::written_as(format, Level::WARN);
        tracing::warn!(platform = INVISIBLE, name = JOINED, "a platform");
        let line = log.take();
        assert_hides(&line, "log");
        assert!(line.contains("\\u00ad\\u034f") && line.contains("\\udbff\\udfff"));
        assert!(line.contains(JOINED), "{line}");
    }
}

#[test]
fn configuration_errors_hide_invisible_characters() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = folder.path().join(format!("{}.yml", INVISIBLE));
    let settings = qlara_exporter::config::Settings {
        file: Some(name),
        ..Default::default()
    };
    let error = qlara_exporter::config::Config::load(&settings, &|_| None);
    let text = error.expect_err("no file").to_string();
    assert_hides(&text, "configuration error");
    assert!(text.contains("\\u{ad}\\u{34f}\\u{115f}"), "{text}");
}
