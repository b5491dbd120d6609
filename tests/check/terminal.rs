//! What differs on a terminal: colours, width, folded profiles, progress.

use std::process::Command;

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::{check, gateway, page};
use crate::harness::process;
use crate::harness::tools::needs;

/// `script` (util-linux) runs the program at a terminal.
async fn on_a_terminal(url: String, variables: &'static str, arguments: &str) -> String {
    on_a_terminal_after("true", url, variables, arguments).await
}

/// Runs a command at the terminal before.
async fn on_a_terminal_after(
    before: &str,
    url: String,
    variables: &'static str,
    arguments: &str,
) -> String {
    let program = format!(
        "{before}; env -u COLUMNS TERM=xterm NO_COLOR= {variables} QLARA_URL={url} QLARA_API_KEY=simulated {} check {arguments}",
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
}

/// The width of the longest line of a table with a long name.
async fn table_width(url: String, variables: &'static str, before: &str) -> usize {
    let output = on_a_terminal_after(before, url, variables, "").await;
    // What follows the progress that was erased, without the sequences for colours.
    let lines = output
        .lines()
        .map(|line| line.rsplit("\u{1b}[K").next().unwrap_or(line));
    let texts = lines.map(|line| {
        let mut parts = line.split('\u{1b}');
        let first = parts.next().unwrap_or_default();
        let others = parts.map(|part| part.split_once('m').map_or(part, |(_, text)| text));
        first.to_owned() + &others.collect::<String>()
    });
    texts.map(|text| text.trim_end().width()).max().unwrap_or(0)
}

#[tokio::test]
async fn table_is_as_wide_as_the_terminal() {
    needs!("script", "stty");
    let long = "A name as long as two lines ".repeat(8);
    let mut profile = page("p");
    profile["name"] = json!(long);
    profile["status"] = json!("TOKEN_EXPIRED");
    let gateway = gateway(&json!([profile])).await;
    for (before, variables, width) in [
        ("stty rows 30 cols 70", "", 70),
        ("stty rows 30 cols 133", "", 133),
        ("stty rows 30 cols 300", "", 200),
        ("stty rows 30 cols 20", "", 60),
        ("stty rows 30 cols 133", "COLUMNS=90", 90),
        ("stty rows 30 cols 133", "COLUMNS=wide", 133),
    ] {
        let found = table_width(gateway.url(), variables, before).await;
        // Lines break at words.
        assert!(
            (width - 12..=width).contains(&found),
            "{before} {variables}: {found}"
        );
    }
    let widest = |output: &str| output.lines().map(UnicodeWidthStr::width).max();
    let ran = check(&gateway, &[]).await;
    assert!(
        (68..=80).contains(&widest(&ran.output).unwrap_or(0)),
        "{}",
        ran.output
    );
}

#[tokio::test]
async fn many_fine_profiles_are_folded_only_on_a_terminal() {
    needs!("script");
    let profiles: Value = (0..12)
        .map(|number| page(&format!("fine_{number}")))
        .collect();
    let gateway = gateway(&profiles).await;
    for (arguments, listed) in [
        ("", 0),
        ("--all", 12),
        ("--verdict fine", 12),
        ("--verdict warning", 0),
    ] {
        let output = on_a_terminal(gateway.url(), "", arguments).await;
        assert_eq!(
            output.matches("fine_").count(),
            listed,
            "{arguments} {output}"
        );
        assert_eq!(
            output.contains("+12 fine; --all lists them"),
            arguments.is_empty(),
            "{output}"
        );
    }
    let piped = check(&gateway, &[]).await.output;
    assert_eq!(piped.matches("fine_").count(), 12, "{piped}");
}

#[tokio::test]
async fn slow_single_account_shows_progress() {
    needs!("script");
    let gateway = gateway(&json!([page("p")])).await;
    gateway.faults("latency=1300ms").await;
    let output = on_a_terminal(gateway.url(), "", "").await;
    assert!(
        output.contains("\r\u{1b}[KReading the profiles (1s)"),
        "{output:?}"
    );
    assert!(
        output.contains("\r\u{1b}[KChecked at"),
        "cleared: {output:?}"
    );
}
