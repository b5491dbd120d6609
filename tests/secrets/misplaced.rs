//! Keys in the place of paths and words are not repeated; ordinary paths are.

use std::process::Command;

use tempfile::TempDir;

use crate::harness::process::{exporter, run};

const PEM: &str = "-----BEGIN PRIVATE KEY----- MIGHAgEAMBMGByqGSM49AgEG -----END PRIVATE KEY-----";
const KEYS: [&str; 7] = [
    "8f14e45fceea167a5a36dedd4bea2543",
    "qlara_live_8f14e45fceea167a5a36dedd4bea2543",
    "h8Kq2Lr9TzWm4YvX1bNc7PdQ",
    "3f2b8c1e-9d4a-4c1b-8f3e-2a7b6c5d4e3f",
    "h8Kq2Lr9TzWm4YvX1bNc7PdQ/3gF6jS0aE5u+RoIk8w=",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    PEM,
];

/// The error for this word as the value of each flag or variable, by place.
fn outputs(word: &str) -> Vec<(String, String)> {
    let folder = TempDir::new().expect("a folder");
    let mut all = Vec::new();
    let mut tell = |place: String, command: &mut Command| {
        let (code, output, error) = run(command);
        assert_ne!(code, 0, "{place}");
        all.push((place, output + &error));
    };
    let flags: [&[&str]; 21] = [
        &["--config.check", "--config.file"],
        &["--config.check", "--web.config.file"],
        &["--config.check", "--qlara.api-key-file"],
        &["--config.check", "--qlara.url"],
        &["--config.check", "--qlara.timeout"],
        &["--config.check", "--web.external-url"],
        &["--config.check", "--log.level"],
        &["--config.check", "--log.format"],
        &["check", "--config.file"],
        &["check", "--output"],
        &["check", "--status"],
        &["explain", "--from"],
        &["explain", "--output"],
        &["healthcheck", "--ca-file"],
        &["healthcheck", "--url"],
        &["healthcheck", "--web.listen-address"],
        &["simulate", "--fault"],
        &["simulate", "--schema"],
        &["simulate", "--envelope"],
        &["simulate", "--profiles"],
        &["simulate", "--web.listen-address"],
    ];
    for flags in flags {
        let mut command = exporter();
        tell(flags.join(" "), command.args(flags).arg(word));
    }
    for (flag, value) in [
        ("simulate --fault", format!("list:{word}=1")),
        ("simulate --fault", format!("status={word}")),
        ("simulate --web.listen-address", format!("{word}:80")),
        ("healthcheck --url", format!("http://127.0.0.1:9/{word}")),
    ] {
        let mut command = exporter();
        tell(flag.to_owned(), command.args(flag.split(' ')).arg(value));
    }
    let quoted = serde_json::json!(word);
    for yaml in [
        format!("gateway: {{tls_config: {{ca_file: {quoted}}}}}"),
        format!("accounts: [{{name: a, api_key_file: {quoted}}}]"),
        format!("accounts: [{{name: a, api_key_env: {quoted}}}]"),
        format!("accounts: [{{name: a, basic_auth: {{username: u, password_file: {quoted}}}}}]"),
        format!("gateway: {{timeout: {quoted}}}"),
        format!("phone_number: {quoted}"),
        format!("limits: {{response_bytes: {quoted}}}"),
    ] {
        let file = folder.path().join("qlara.yml");
        std::fs::write(&file, &yaml).expect("a file");
        let mut command = exporter();
        command.env("QLARA_API_KEY", "k");
        command.args(["--config.check", "--config.file"]);
        tell(yaml, command.arg(file));
    }
    for yaml in [
        format!("tls_server_config: {{cert_file: {quoted}, key_file: k}}"),
        format!("tls_server_config: {{cert_file: c, key_file: {quoted}}}"),
        format!("tls_server_config: {{client_ca_file: {quoted}}}"),
        format!("tls_server_config: {{client_auth_type: {quoted}}}"),
        format!("tls_server_config: {{min_version: {quoted}}}"),
        format!("tls_server_config: {{cipher_suites: [{quoted}]}}"),
        format!("rate_limit: {{interval: {quoted}}}"),
    ] {
        let file = folder.path().join("web.yml");
        std::fs::write(&file, &yaml).expect("a file");
        let mut command = exporter();
        command.env("QLARA_API_KEY", "k");
        command.args(["--config.check", "--web.config.file"]);
        tell(yaml, command.arg(file));
    }
    let named = folder.path().join("named.yml");
    let yaml = format!("accounts: [{{name: {quoted}, api_key_env: QLARA_API_KEY}}]");
    std::fs::write(&named, yaml).expect("a file");
    let mut command = exporter();
    command.env("QLARA_API_KEY", "k");
    command.args(["check", "--account", "other", "--config.file"]);
    tell("an account's name".to_owned(), command.arg(&named));
    all
}

/// [misplaced-secret]
#[test]
fn misplaced_key_is_redacted() {
    for key in KEYS {
        for (place, output) in outputs(key) {
            // A part of a key is as bad as the whole key.
            for part in key.split(['/', '.', ' ']).filter(|part| part.len() > 8) {
                assert!(!output.contains(part), "{place}: {output}");
            }
            assert!(!output.trim().is_empty(), "{place}: there is an output");
        }
    }
}

/// [misplaced-secret]
#[test]
fn ordinary_path_is_named_in_errors() {
    for path in [
        "/run/secrets-of-nobody/brandco",
        "certs/my-company-production-2.pem",
        "no-such-folder/k8s-prod-eu1-qlara-v2",
        "/nix/store/0c5b8vw40dy178xlpddw65q9gf1h2186-qlara/web.yml",
    ] {
        let outputs = outputs(path);
        for place in [
            "--config.check --config.file",
            "--config.check --web.config.file",
            "check --config.file",
            "explain --from",
            "healthcheck --ca-file",
            "ca_file",
            "cert_file",
            "key_file: \"",
            "client_ca_file",
        ] {
            let mut of_place = outputs
                .iter()
                .filter(|(command, _)| command.contains(place));
            assert!(
                of_place.any(|(_, output)| output.contains(path)),
                "{place}: {outputs:?}"
            );
        }
    }
}
