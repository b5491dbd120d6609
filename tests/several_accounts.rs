//! Accounts from the configuration file: names, keys, and isolation from each other.

use std::path::Path;

use qlara_exporter::config::Settings;
use tempfile::TempDir;
use tracing::Level;

use crate::harness::log::Log;
use crate::harness::{API_KEY, Setup, eventually, make_too_long};

const UP: &str = "qlara_up";

fn secret(directory: &Path, name: &str, content: &str) -> String {
    let file = directory.join(name);
    std::fs::write(&file, content).expect("a file");
    file.display().to_string()
}

fn two_accounts(directory: &TempDir) -> String {
    let good = secret(directory.path(), "good", &format!("  {API_KEY}\n\n"));
    let bad = secret(directory.path(), "bad", "another-key");
    format!(
        "accounts:\n  - {{name: good, api_key_file: {good}}}\n  - {{name: bad, api_key_file: {bad}}}\n"
    )
}

#[tokio::test]
async fn accounts_share_families_and_have_their_own_series() {
    let directory = TempDir::new().expect("a folder");
    let stack = Setup::yaml(&two_accounts(&directory)).start().await;
    // The harness rejects a response in which a family is announced twice.
    let scrape = stack.scrape().await;
    assert_eq!(
        scrape.family(UP),
        [(r#"{account="bad"}"#, 0.0), (r#"{account="good"}"#, 1.0)]
    );
    let status = r#"qlara_profile_status{account="good",platform="facebook",profile="fb_page_123456",status="CONNECTED"}"#;
    assert_eq!(scrape.value(status), 1.0);
    let countdown = r#"qlara_token_seconds_to_expiry{account="good",platform="facebook",profile="fb_page_123456"}"#;
    assert!(scrape.get(countdown).is_some());
    assert!(!scrape.text.contains(r#"{account="bad",platform"#));
    let requests = |account: &str, endpoint: &str| {
        let labels = format!(r#"{{account="{account}",endpoint="{endpoint}"}}"#);
        scrape.value(&format!("qlara_gateway_requests_total{labels}"))
    };
    assert_eq!(
        (requests("good", "socials"), requests("good", "platform")),
        (1.0, 3.0)
    );
    assert_eq!(
        (requests("bad", "socials"), requests("bad", "platform")),
        (1.0, 0.0)
    );
    let refused = r#"qlara_gateway_request_failures_total{account="bad",endpoint="socials",reason="unauthorized"}"#;
    assert_eq!(scrape.value(refused), 1.0);
    assert_eq!(
        scrape.value(r#"qlara_gateway_ratelimit_limit{account="good"}"#),
        1000.0
    );
}

/// [account-isolation]
#[tokio::test]
async fn backoff_of_one_account_leaves_others_alone() {
    let directory = TempDir::new().expect("a folder");
    let yaml = format!("cache: {{ttl: 10s}}\n{}", two_accounts(&directory));
    let stack = Setup::yaml(&yaml).start().await;
    stack.scrape().await;
    // The wrong key is followed by a backoff of one minute; the right one refreshes after the ttl.
    let scrape = stack.scrape_after(11).await;
    let requests = |account: &str| {
        scrape.value(&format!(
            r#"qlara_gateway_requests_total{{account="{account}",endpoint="socials"}}"#
        ))
    };
    assert_eq!((requests("good"), requests("bad")), (2.0, 1.0));
}

#[tokio::test]
async fn keys_come_from_files_variables_and_basic_auth() {
    let directory = TempDir::new().expect("a folder");
    let password = secret(directory.path(), "password", API_KEY);
    let yaml = format!(
        "accounts:\n  - {{name: variable, api_key_env: QLARA_API_KEY}}\n  \
         - {{name: basic, basic_auth: {{username: brandco, password_file: {password}}}}}\n"
    );
    let scrape = Setup::yaml(&yaml).start().await.scrape().await;
    assert_eq!(
        scrape.family(UP),
        [
            (r#"{account="basic"}"#, 1.0),
            (r#"{account="variable"}"#, 1.0)
        ]
    );
}

#[tokio::test]
async fn password_may_contain_any_characters() {
    let directory = TempDir::new().expect("a folder");
    let password = secret(directory.path(), "password", "pässwörd");
    let yaml =
        format!("accounts: [{{name: a, basic_auth: {{username: u, password_file: {password}}}}}]");
    let mut setup = Setup::yaml(&yaml);
    setup.simulator.api_key = "pässwörd".into();
    assert_eq!(
        setup
            .start()
            .await
            .scrape()
            .await
            .value(r#"qlara_up{account="a"}"#),
        1.0
    );
}

/// [changed-secret-file]
#[tokio::test]
async fn changed_secret_file_is_reread() {
    let directory = TempDir::new().expect("a folder");
    let file = secret(directory.path(), "key", "wrong");
    let yaml = format!("accounts: [{{name: a, api_key_file: {file}}}]");
    let stack = Setup::yaml(&yaml).start().await;
    assert_eq!(stack.scrape().await.value(r#"qlara_up{account="a"}"#), 0.0);
    secret(directory.path(), "key", &format!("\n{API_KEY}\n"));
    assert_eq!(
        stack
            .scrape_after(61)
            .await
            .value(r#"qlara_up{account="a"}"#),
        1.0
    );
    // While the file is missing or empty, the last good key stays in use.
    secret(directory.path(), "key", "\n");
    assert_eq!(
        stack
            .scrape_after(61)
            .await
            .value(r#"qlara_up{account="a"}"#),
        1.0
    );
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(
        stack
            .scrape_after(61)
            .await
            .value(r#"qlara_up{account="a"}"#),
        1.0
    );
}

/// [secret-pipe]
#[tokio::test]
async fn named_pipe_as_secret_file_keeps_the_last_key() {
    let directory = TempDir::new().expect("a folder");
    let file = secret(directory.path(), "key", API_KEY);
    let yaml = format!("accounts: [{{name: a, api_key_file: {file}}}]");
    let stack = Setup::yaml(&yaml).start().await;
    stack.scrape().await;
    // Opening a pipe for reading waits for a writer.
    std::fs::remove_file(&file).expect("removed");
    let made = std::process::Command::new("mkfifo")
        .arg(&file)
        .status()
        .expect("a program");
    assert!(made.success());
    for asked in 2..=3 {
        let scrape = stack.scrape_after(61).await;
        assert_eq!(
            scrape.value(r#"qlara_up{account="a"}"#),
            1.0,
            "with the last good key"
        );
        assert_eq!(stack.gateway.stats().await.list, asked);
    }
    std::fs::remove_file(&file).expect("removed");
    secret(directory.path(), "key", "wrong");
    eventually("the new key", async || {
        let scrape = stack.scrape_after(61).await;
        (scrape.value(r#"qlara_up{account="a"}"#) == 0.0).then_some(())
    })
    .await;
}

/// [file-limit]
#[tokio::test]
async fn oversized_secret_file_keeps_the_last_key() {
    const GOOD: &str = "qlara_exporter_config_last_reload_successful";
    let directory = TempDir::new().expect("a folder");
    let space = " ".repeat(16 * 1024 * 1024 - API_KEY.len());
    let longest = format!("{API_KEY}{space}");
    let file = secret(directory.path(), "key", &longest);
    let yaml = format!("accounts: [{{name: a, api_key_file: {file}}}]");
    let stack = Setup::yaml(&yaml).start().await;
    let seen = async || {
        let scrape = stack.scrape_after(61).await;
        (scrape.value(r#"qlara_up{account="a"}"#), scrape.value(GOOD))
    };
    assert_eq!(seen().await, (1.0, 1.0));
    make_too_long(Path::new(&file));
    let log = Log::collect(Level::WARN);
    assert_eq!(seen().await, (1.0, 0.0));
    assert_eq!(seen().await, (1.0, 0.0));
    let lines = log.take();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    let expected = format!("cannot read {file}: longer than 16 MiB");
    assert!(lines.contains(&expected), "{lines}");
    secret(directory.path(), "key", API_KEY);
    assert_eq!(seen().await, (1.0, 1.0));
}

#[tokio::test]
async fn single_key_can_come_from_a_file_flag() {
    let directory = TempDir::new().expect("a folder");
    let file = secret(directory.path(), "key", API_KEY);
    let setup = Setup {
        settings: Settings {
            api_key_file: Some(file.into()),
            ..Settings::default()
        },
        api_key: None,
        ..Setup::default()
    };
    assert_eq!(setup.start().await.scrape().await.value(UP), 1.0);
}

#[tokio::test]
async fn account_names_of_any_kind_are_label_values() {
    let yaml =
        "accounts: [{name: \"Müller \\\"& Söhne\\\" \\\\ 東京\", api_key_env: QLARA_API_KEY}]";
    let scrape = Setup::yaml(yaml).start().await.scrape().await;
    let label = r#"{account="Müller \"& Söhne\" \\ 東京"}"#;
    assert_eq!(scrape.value(&format!("qlara_up{label}")), 1.0);
    // The exporter's own metrics spell the label in the same way.
    let own = r#"qlara_gateway_ratelimit_limit{account="Müller \"& Söhne\" \\ 東京"}"#;
    assert_eq!(scrape.value(own), 1000.0);
}

#[tokio::test]
async fn hundred_accounts_are_read_concurrently() {
    let entries: Vec<String> = (0..100)
        .map(|number| format!("  - {{name: brand-{number:03}, api_key_env: QLARA_API_KEY}}\n"))
        .collect();
    let mut setup = Setup::yaml(&format!("accounts:\n{}", entries.concat()));
    setup.simulator.rate_limit.burst = 1000;
    let scrape = setup.start().await.scrape().await;
    let up = scrape.family(UP);
    assert_eq!(up.len(), 100);
    assert!(up.iter().all(|(_, up)| *up == 1.0), "{up:?}");
}
