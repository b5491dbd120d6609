//! The configuration file, flags and environment: valid settings, and error messages.

use std::path::Path;
use std::time::Duration;

use qlara_exporter::config::{Config, Settings};
use qlara_exporter::gateway::fields::{Field, TABLE};
use tempfile::TempDir;

use crate::harness::make_too_long;

const SECRET: &str = "s3cret-value";

fn load(settings: Settings, directory: &Path, yaml: &str) -> Result<Config, String> {
    let file = directory.join("qlara.yml");
    std::fs::write(&file, yaml).expect("a file");
    std::fs::write(directory.join("key"), SECRET).expect("a file");
    std::fs::write(directory.join("empty"), " \n").expect("a file");
    std::fs::write(directory.join("binary"), "k\u{e9}y").expect("a file");
    let settings = Settings {
        file: Some(file),
        ..settings
    };
    let environment =
        |name: &str| (name == "KEY" || name == "QLARA_API_KEY").then(|| SECRET.to_owned());
    Config::load(&settings, &environment).map_err(|error| {
        let text = error.to_string();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.contains(SECRET), "{text}");
        text.replace(&directory.display().to_string(), "DIR")
    })
}

fn load_yaml(yaml: &str) -> Result<Config, String> {
    let directory = TempDir::new().expect("a folder");
    load(Settings::default(), directory.path(), yaml)
}

#[test]
fn every_key_of_the_file_is_read() {
    let config = load_yaml(
        "gateway:\n  url: https://gateway.example/prefix\n  timeout: 5s\n  proxy_url: http://proxy.example:3128\n  \
         tls_config: {}\n  allow_http: false\n  fields: {id: socialId, name: profile.displayName}\n\
         cache: {ttl: 2m, max_stale: 1h30m}\n\
         permissions:\n  facebook: [pages_messaging]\n  telegram: [x, y]\n\
         phone_number: mask\n\
         limits: {profiles: 7, response_bytes: 1MiB, exposition_bytes: 2MiB}\n\
         accounts:\n\
         - name: one\n  api_key_file: key\n  expected: [{platform: facebook, profile: fb_page_123456}]\n\
         - name: two\n  api_key_env: KEY\n\
         - name: three\n  basic_auth: {username: user, password_file: key}\n",
    )
    .expect("a good configuration");
    assert_eq!(
        config.accounts[0].gateway.url.as_str(),
        "https://gateway.example/prefix"
    );
    assert_eq!(config.accounts[0].gateway.timeout, Duration::from_secs(5));
    assert!(config.accounts[0].gateway.transport.proxy.is_some());
    assert_eq!(config.accounts[0].gateway.response_bytes, 1024 * 1024);
    assert_eq!(config.cache_policy.ttl, Duration::from_secs(120));
    assert_eq!(config.cache_policy.max_stale, Duration::from_secs(5400));
    let names: Vec<_> = config
        .accounts
        .iter()
        .map(|account| account.name.as_deref())
        .collect();
    assert_eq!(names, [Some("one"), Some("two"), Some("three")]);
    let fields = |path: &[&str]| config.accounts[0].rules.names.fields_at(path).to_vec();
    assert_eq!(fields(&["socialId"])[0].0, Field::Id);
    assert_eq!(fields(&["profile", "displayName"])[0].0, Field::Name);
    assert_eq!(fields(&["profileId"]), []);
    assert_eq!(fields(&["status"])[0].0, Field::Status);
    let rules = &config.accounts[0].rules;
    assert_eq!(
        rules.expected,
        [("facebook".to_owned(), "fb_page_123456".to_owned())]
    );
    assert_eq!(rules.max_profiles, 7);
    assert_eq!(config.exposition_bytes, 2 * 1024 * 1024);
    assert_eq!(rules.required_permissions["facebook"], ["pages_messaging"]);
    assert_eq!(
        rules.required_permissions["instagram"].len(),
        2,
        "the others keep their default"
    );
    assert_eq!(rules.required_permissions["telegram"], ["x", "y"]);
}

/// [default-limits]
#[test]
fn defaults_are_the_documented_ones() {
    for yaml in [
        "",
        "# nothing\n",
        "{}",
        "gateway: {}\ncache: {}\n",
        "accounts: []",
        "gateway:\ncache:\npermissions:\nlimits:\naccounts:\n",
        "gateway:\ncache:\npermissions:\nlimits:\naccounts:\n",
    ] {
        let config = load_yaml(yaml).expect(yaml);
        assert_eq!(
            config.accounts[0].gateway.url.as_str(),
            "https://lora-api.agiletelecom.com/api/v1/partner-gateway"
        );
        assert_eq!(config.accounts[0].gateway.timeout, Duration::from_secs(10));
        assert_eq!(config.cache_policy.ttl, Duration::from_secs(60));
        assert_eq!(config.cache_policy.max_stale, Duration::from_secs(900));
        assert_eq!(config.accounts[0].gateway.response_bytes, 64 << 20);
        assert_eq!(config.concurrent_refreshes, 32);
        assert_eq!(config.accounts.len(), 1);
        assert_eq!(config.accounts[0].name, None);
        assert_eq!(config.accounts[0].rules.max_profiles, 100_000);
        assert_eq!(config.exposition_bytes, 128 * 1024 * 1024);
    }
}

/// [memory-limit]
#[test]
fn memory_limit_lowers_the_defaults() {
    let directory = TempDir::new().expect("a folder");
    let limits = |memory_limit, yaml| {
        let settings = Settings {
            memory_limit,
            ..Settings::default()
        };
        let config = load(settings, directory.path(), yaml).expect("a good configuration");
        let of_gateway = config.accounts[0].gateway.response_bytes;
        assert_eq!(config.response_bytes, of_gateway);
        (config.response_bytes >> 20, config.exposition_bytes >> 20)
    };
    assert_eq!(limits(Some(256 << 20), ""), (16, 16));
    assert_eq!(limits(Some(768 << 20), ""), (48, 48));
    assert_eq!(limits(Some(64 << 30), ""), (64, 128));
    let given = "limits: {response_bytes: 100MiB, exposition_bytes: 200MiB}";
    assert_eq!(limits(Some(256 << 20), given), (100, 200));
}

#[test]
fn flags_win_over_the_file() {
    let directory = TempDir::new().expect("a folder");
    let settings = Settings {
        url: Some("https://flag.example/".to_owned()),
        timeout: Some(Duration::from_secs(1)),
        ttl: Some(Duration::from_secs(2)),
        max_stale: Some(Duration::from_secs(3)),
        ..Settings::default()
    };
    let yaml =
        "gateway: {url: 'https://file.example', timeout: 9s}\ncache: {ttl: 9s, max_stale: 9s}";
    let config = load(settings, directory.path(), yaml).expect("a good configuration");
    assert_eq!(
        config.accounts[0].gateway.url.as_str(),
        "https://flag.example/"
    );
    assert_eq!(config.accounts[0].gateway.timeout, Duration::from_secs(1));
    assert_eq!(config.cache_policy.ttl, Duration::from_secs(2));
    assert_eq!(config.cache_policy.max_stale, Duration::from_secs(3));
}

/// [configuration-mistake]
#[test]
fn errors_have_positions_and_no_values() {
    let account = "accounts:\n  - name: a\n";
    for (yaml, error) in [
        (
            "gatewy: {}",
            "1:1: unknown key \"gatewy\"; did you mean \"gateway\"?",
        ),
        (
            "$2y$10$s3cret-value.rest: {}",
            "1:1: unknown key \"…\", expected one of gateway, cache, permissions, tokens_without_expiry, phone_number, links, limits, accounts",
        ),
        (
            "permissions: {$s3cret-value.rest: x}",
            "1:35: permissions.…: expected a list",
        ),
        (
            "permissions: {$s3cret-value: [], $s3cret-value: []}",
            "1:34: permissions: duplicate key \"…\"",
        ),
        (
            "permissions: {'-----BEGINs3cret-value': x}",
            "1:41: permissions.…: expected a list",
        ),
        (
            "permissions: {'s3cret-value s3cret-value': x}",
            "1:44: permissions.…: expected a list",
        ),
        (
            "permissions: {s3cret-value0123456789012345678901234567890123456789012345678901234: x}",
            "1:84: permissions.…: expected a list",
        ),
        (
            "cache:\n  ttl: 1m\n  ttl: 2m\n",
            "3:3: cache: duplicate key \"ttl\"",
        ),
        (
            "cache: {ttl: s3cret-value}",
            "1:14: cache.ttl: expected a duration such as 30s, 15m or 1h30m",
        ),
        (
            "cache: {ttl: 30}",
            "1:14: cache.ttl: expected a duration such as 30s, 15m or 1h30m",
        ),
        ("cache: [s3cret-value]", "1:8: cache: expected a mapping"),
        (
            "gateway: {timeout: 0s}",
            "1:20: gateway.timeout: must be longer than 0 and at most 1h",
        ),
        (
            "gateway: {timeout: 61m}",
            "1:20: gateway.timeout: must be longer than 0 and at most 1h",
        ),
        (
            "phone_number: s3cret-value",
            "1:15: phone_number: expected one of omit, mask, show",
        ),
        (
            "limits: {response_bytes: lots}",
            "1:26: limits.response_bytes: expected a size such as 64MiB",
        ),
        (
            "limits: {profiles: s3cret-value}",
            "1:20: limits.profiles: expected a whole number",
        ),
        ("accounts: s3cret-value", "1:11: accounts: expected a list"),
        (
            "tokens_without_expiry: facebook",
            "1:24: tokens_without_expiry: expected a list",
        ),
        (
            "tokens_without_expiry: [{profile: x}]",
            "1:26: tokens_without_expiry[0]: key \"platform\" is missing",
        ),
        (
            "tokens_without_expiry: [{platform: facebook, profile: ''}]",
            "1:25: tokens_without_expiry[0]: platform and profile must not be empty; without the key profile, the whole platform counts",
        ),
        (
            "tokens_without_expiry: [{platform: facebook}, {platform: facebook}]",
            "1:47: tokens_without_expiry[1]: duplicate entry",
        ),
        ("cache: {ttl: 'x", "1:14: cache: not valid YAML"),
        (
            "gateway: {url: s3cret-value}",
            "1:16: gateway.url: not an absolute URL",
        ),
        (
            "gateway: {url: 'http://s3cret-value.example/'}",
            "1:16: gateway.url: http:// would send the key in clear: use https://, or set gateway.allow_http to true in the configuration file",
        ),
        (
            "gateway: {url: 'ftp://x/'}",
            "1:16: gateway.url: expected https:// or http://",
        ),
        (
            "gateway: {url: 'https://u:s3cret-value@x/'}",
            "1:16: gateway.url: the URL must not contain credentials: use an account's basic_auth",
        ),
        (
            "gateway: {url: 'https://x/?key=s3cret-value'}",
            "1:16: gateway.url: the URL must end with its path: no query, no fragment",
        ),
        (
            "gateway: {proxy_url: 's3cret-value'}",
            "1:22: gateway.proxy_url: not an absolute URL",
        ),
        (
            "gateway: {proxy_url: 'ftp://u:s3cret-value@x'}",
            "1:22: gateway.proxy_url: expected http:// or https://, or a SOCKS proxy by socks5h://, socks5://, socks4a://, socks4:// or socks://",
        ),
        (
            "gateway: {tls_config: {ca_file: none.pem}}",
            "1:33: gateway.tls_config.ca_file: cannot read certificates from DIR/none.pem: I/O error: No such file or directory (os error 2)",
        ),
        (
            "gateway: {tls_config: {ca_file: key}}",
            "1:33: gateway.tls_config.ca_file: DIR/key holds no certificate",
        ),
        (
            "accounts:\n  - {api_key_file: key}\n",
            "2:6: accounts[0]: key \"name\" is missing",
        ),
        (
            "gateway: {url: 'http://127.0.0.1/', proxy_url: 'http://proxy.example'}",
            "1:16: gateway.url: http:// would send the key in clear through gateway.proxy_url: use https://, or set gateway.allow_http to true in the configuration file",
        ),
        (
            "limits: {response_bytes: 0}",
            "1:26: limits.response_bytes: expected a size such as 64MiB",
        ),
        ("cache: {}\ncache: {}", "2:1: duplicate key \"cache\""),
        (
            "gateway: {allow_http: s3cret-value}",
            "1:23: gateway.allow_http: expected true or false",
        ),
        (
            "gateway: {url: [s3cret-value]}",
            "1:16: gateway.url: expected a text",
        ),
        (
            "accounts: [{name: a, expected: 5, api_key_env: KEY}]",
            "1:32: accounts[0].expected: expected a list",
        ),
        (
            "gateway: s3cret-value\ncache: {}",
            "1:10: gateway: expected a mapping",
        ),
        (
            "permissions: {facebook: s3cret-value}",
            "1:25: permissions.facebook: expected a list",
        ),
        (
            "permissions: {facebook: [[s3cret-value]]}",
            "1:26: permissions.facebook[0]: expected a text",
        ),
        ("s3cret-value", "1:1: expected a mapping"),
        ("- s3cret-value", "1:1: expected a mapping"),
        (
            "cache: &a {ttl: s3cret-value}\nlimits: *b",
            "1:17: cache.ttl: expected a duration such as 30s, 15m or 1h30m",
        ),
        (
            account,
            "2:11: accounts[0]: expected exactly one of api_key_file, api_key_env, basic_auth",
        ),
        (
            "accounts:\n  - {name: a, api_key: s3cret-value}\n",
            "2:15: accounts[0]: unknown key \"api_key\"; did you mean \"api_key_env\"?",
        ),
        (
            "accounts: [{name: a, api_key_file: key, api_key_env: KEY}]",
            "1:19: accounts[0]: expected exactly one of api_key_file, api_key_env, basic_auth",
        ),
        (
            "accounts: [{name: '', api_key_env: KEY}]",
            "1:19: accounts[0].name: must not be empty",
        ),
        (
            "accounts:\n- {name: a, api_key_env: KEY}\n- {name: a, api_key_env: KEY}\n",
            "3:10: accounts[1].name: duplicate account name",
        ),
        (
            "accounts: [{name: a, api_key_file: none}]",
            "1:36: accounts[0].api_key_file: cannot read DIR/none: No such file or directory (os error 2)",
        ),
        (
            "accounts: [{name: a, api_key_file: 8f14e45fceea167a5a36dedd4bea2543}]",
            "1:36: accounts[0].api_key_file: cannot read DIR/…: No such file or directory (os error 2)",
        ),
        (
            "accounts: [{name: a, api_key_file: \"s3cret-value\\n\"}]",
            "1:36: accounts[0].api_key_file: expected the path of a file, not its content",
        ),
        (
            "accounts: [{name: a, basic_auth: {username: u, password_file: \"s3cret-value\\r\"}}]",
            "1:63: accounts[0].basic_auth.password_file: expected the path of a file, not its content",
        ),
        (
            "gateway: {tls_config: {ca_file: '-----BEGIN CERTIFICATE----- s3cret-value'}}",
            "1:33: gateway.tls_config.ca_file: expected the path of a file, not its content",
        ),
        (
            "accounts: [{name: a, api_key_file: empty}]",
            "1:36: accounts[0].api_key_file: DIR/empty is empty",
        ),
        (
            "accounts: [{name: a, api_key_file: binary}]",
            "1:36: accounts[0].api_key_file: DIR/binary contains a character that cannot be in an HTTP header (not printable ASCII)",
        ),
        (
            "accounts: [{name: a, api_key_env: NONE}]",
            "1:35: accounts[0].api_key_env: the environment variable NONE is not set or is empty",
        ),
        (
            "accounts: [{name: a, basic_auth: {username: 'a:b', password_file: key}}]",
            "1:45: accounts[0].basic_auth.username: must not be empty or contain a colon (RFC 7617)",
        ),
        (
            "accounts: [{name: a, basic_auth: {username: u, password_file: ./none}}]",
            "1:63: accounts[0].basic_auth.password_file: cannot read DIR/./none: No such file or directory (os error 2)",
        ),
        (
            "accounts: [{name: a, basic_auth: {username: u, password_file: none.txt}}]",
            "1:63: accounts[0].basic_auth.password_file: cannot read DIR/none.txt: No such file or directory (os error 2)",
        ),
        (
            "accounts: [{name: a, basic_auth: {username: u, password_file: s3cret-value}}]",
            "1:63: accounts[0].basic_auth.password_file: cannot read the file: No such file or directory (os error 2); expected its path, not the password itself",
        ),
        (
            "accounts: [{name: a, basic_auth: {username: u}}]",
            "1:35: accounts[0].basic_auth: key \"password_file\" is missing",
        ),
        (
            "accounts: [{name: a, api_key_env: KEY, expected: [{platform: f, profile: ''}]}]",
            "1:51: accounts[0].expected[0]: platform and profile must not be empty",
        ),
        (
            "accounts: [{name: a, api_key_env: KEY, expected: [{platform: f, profile: x}, {platform: f, profile: x}]}]",
            "1:78: accounts[0].expected[1]: duplicate profile",
        ),
    ] {
        let actual = load_yaml(yaml).expect_err(yaml);
        assert_eq!(actual, format!("DIR/qlara.yml:{error}"), "{yaml}");
    }
}

#[test]
fn error_in_a_timeout_flag_names_the_flag() {
    let directory = TempDir::new().expect("a folder");
    let settings = Settings {
        timeout: Some(Duration::ZERO),
        ..Settings::default()
    };
    let yaml = with_block("{timeout: 9s}", "{url: 'https://own.example'}");
    assert_eq!(
        load(settings, directory.path(), &yaml).expect_err("no time"),
        "--qlara.timeout (QLARA_TIMEOUT): must be longer than 0 and at most 1h"
    );
}

/// [plain-http]
#[test]
fn plain_http_needs_a_loopback_address_or_allow_http() {
    for good in [
        "http://localhost:1/",
        "http://127.0.0.1/",
        "http://127.1.2.3:8080/x",
        "http://[::1]:1/",
    ] {
        load_yaml(&format!("gateway: {{url: '{good}'}}")).expect(good);
    }
    for bad in [
        "http://localhost.example/",
        "http://10.0.0.1/",
        "http://[::2]/",
        "http://127.0.0.1.example/",
    ] {
        load_yaml(&format!("gateway: {{url: '{bad}'}}")).expect_err(bad);
        load_yaml(&format!("gateway: {{url: '{bad}', allow_http: true}}")).expect(bad);
    }
}

/// [missing-configuration]
#[test]
fn missing_file_is_named() {
    let settings = Settings {
        file: Some("/does/not/exist.yml".into()),
        ..Settings::default()
    };
    let error = Config::load(&settings, &|_| None)
        .expect_err("no file")
        .to_string();
    assert_eq!(
        error,
        "/does/not/exist.yml: No such file or directory (os error 2)"
    );
}

/// [file-limit]
#[test]
fn oversized_file_is_rejected_and_named() {
    let directory = TempDir::new().expect("a folder");
    let long = directory.path().join("long");
    make_too_long(&long);
    let unread = "cannot read DIR/long";
    let no_certificates = "cannot read certificates from DIR/long: I/O error";
    for (yaml, place, key) in [
        (
            "accounts: [{name: a, api_key_file: long}]",
            "1:36: accounts[0].api_key_file",
            unread,
        ),
        (
            "accounts: [{name: a, basic_auth: {username: u, password_file: long}}]",
            "1:63: accounts[0].basic_auth.password_file",
            unread,
        ),
        (
            "gateway: {tls_config: {ca_file: long}}",
            "1:33: gateway.tls_config.ca_file",
            no_certificates,
        ),
    ] {
        let error = load(Settings::default(), directory.path(), yaml).expect_err(yaml);
        assert_eq!(
            error,
            format!("DIR/qlara.yml:{place}: {key}: longer than 16 MiB")
        );
    }
    let settings = Settings {
        file: Some(long.clone()),
        ..Settings::default()
    };
    let error = Config::load(&settings, &|_| None).expect_err("too long");
    let expected = format!("{}: longer than 16 MiB", long.display());
    assert_eq!(error.to_string(), expected);
}

/// [ambiguous-key]
#[test]
fn single_key_needs_exactly_one_source() {
    let directory = TempDir::new().expect("a folder");
    let key = directory.path().join("key");
    std::fs::write(&key, SECRET).expect("a file");
    let from_file = Settings {
        api_key_file: Some(key),
        ..Settings::default()
    };
    let environment = |_: &str| Some(SECRET.to_owned());
    let load_result = |settings: &Settings, environment: &dyn Fn(&str) -> Option<String>| {
        Config::load(settings, &environment)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(load_result(&from_file, &|_| None), Ok(()));
    assert_eq!(load_result(&Settings::default(), &environment), Ok(()));
    assert_eq!(
        load_result(&from_file, &environment),
        Err(
            "--qlara.api-key-file (QLARA_API_KEY_FILE): QLARA_API_KEY is set too: use one"
                .to_owned()
        )
    );
    assert_eq!(
        load_result(&Settings::default(), &|_| None),
        Err("no API key: give one by --qlara.api-key-file (QLARA_API_KEY_FILE), QLARA_API_KEY, or accounts in --config.file".to_owned())
    );
    assert_eq!(
        load_result(&Settings::default(), &|name| (name == "QLARA_API_KEY")
            .then(|| " ".to_owned())),
        Err("QLARA_API_KEY: its value is empty".to_owned())
    );
    let with_accounts = load(
        from_file,
        directory.path(),
        "accounts: [{name: a, api_key_env: KEY}]",
    );
    assert_eq!(
        with_accounts.expect_err("two sources"),
        "--qlara.api-key-file (QLARA_API_KEY_FILE): the configuration file names accounts, which have keys of their own"
    );
}

#[test]
fn key_given_as_a_file_path_is_redacted() {
    let load = |value: &str| {
        let settings = Settings {
            api_key_file: Some(value.into()),
            ..Settings::default()
        };
        let error = Config::load(&settings, &|_| None).expect_err(value);
        let flag = "--qlara.api-key-file (QLARA_API_KEY_FILE): ";
        let error = error.to_string();
        error.strip_prefix(flag).expect("the flag").to_owned()
    };
    assert_eq!(
        load("no/such-file"),
        "cannot read no/such-file: No such file or directory (os error 2)"
    );
    assert_eq!(
        load("no/8f14e45fceea167a5a36dedd4bea2543"),
        "cannot read no/…: No such file or directory (os error 2)"
    );
    assert_eq!(
        load(&format!("{SECRET}\n")),
        "expected the path of a file, not its content"
    );
}

#[test]
fn debug_output_hides_secrets() {
    let config = load_yaml(
        "gateway: {proxy_url: 'http://user:s3cret-value@proxy.example'}\n\
         accounts:\n- {name: a, api_key_env: KEY}\n- {name: b, basic_auth: {username: u, password_file: key}}\n",
    )
    .expect("a good configuration");
    let debug = format!("{config:?}");
    assert!(debug.contains("accounts"), "{debug}");
    assert!(!debug.contains(SECRET), "{debug}");
}

/// [secret-in-mistake]
#[test]
fn unknown_key_that_looks_like_a_secret_is_redacted() {
    let all =
        "gateway, cache, permissions, tokens_without_expiry, phone_number, links, limits, accounts";
    for (yaml, expected) in [
        (
            "gateway: {http://user:s3cret-value@proxy:3128, timeout: 5s}",
            "1:11: gateway: unknown key \"…\", expected one of url, timeout, proxy_url, tls_config, allow_http, fields".to_owned(),
        ),
        (
            "8f14e45fceea167a5a36dedd4bea2543: {}",
            format!("1:1: unknown key \"…\", expected one of {all}"),
        ),
        (
            "$2y$10$s3cret-value: {}",
            format!("1:1: unknown key \"…\", expected one of {all}"),
        ),
        (
            "permissions: {$2y$10$s3cret-value: [], $2y$10$s3cret-value: []}",
            "1:40: permissions: duplicate key \"…\"".to_owned(),
        ),
        (
            "permissions: {facebook: [], facebook: []}",
            "1:29: permissions: duplicate key \"facebook\"".to_owned(),
        ),
        (
            "limits2: {}",
            "1:1: unknown key \"limits2\"; did you mean \"limits\"?".to_owned(),
        ),
        (
            "acounts: []",
            "1:1: unknown key \"acounts\"; did you mean \"accounts\"?".to_owned(),
        ),
        (
            "hunter: {}",
            format!("1:1: unknown key \"hunter\", expected one of {all}"),
        ),
        (
            "accounts: [{name: a, api key file: x}]",
            "1:22: accounts[0]: unknown key \"…\"; did you mean \"api_key_file\"?".to_owned(),
        ),
        (
            "accounts: [{name: a, basic_auth: {username: u, hunter2}}]",
            "1:48: accounts[0].basic_auth: unknown key, expected one of username, password_file"
                .to_owned(),
        ),
        (
            "accounts: [{name: a, basic_auth: {hunter2: password_file}}]",
            "1:35: accounts[0].basic_auth: unknown key, expected one of username, password_file"
                .to_owned(),
        ),
        (
            "accounts: [{name: a, basic_auth: {username: u, hunter: x}}]",
            "1:48: accounts[0].basic_auth: unknown key, expected one of username, password_file"
                .to_owned(),
        ),
        (
            "accounts: [{name: a, basic_auth: {username: u, password: x}}]",
            "1:48: accounts[0].basic_auth: unknown key \"password\"; did you mean \"password_file\"?"
                .to_owned(),
        ),
    ] {
        let actual = load_yaml(yaml).expect_err(yaml);
        assert_eq!(actual, format!("DIR/qlara.yml:{expected}"), "{yaml}");
    }
}

#[test]
fn error_is_one_line_without_control_characters() {
    let actual = load_yaml("gateway: {tls_config: {ca_file: \"no\\e[1m\\x85file\"}}");
    assert_eq!(
        actual.expect_err("no such file"),
        "DIR/qlara.yml:1:33: gateway.tls_config.ca_file: cannot read certificates from DIR/no\\u{1b}[1m\\u{85}file: I/O error: No such file or directory (os error 2)"
    );
}

/// Two accounts; the second one has this block.
fn with_block(defaults: &str, own: &str) -> String {
    format!(
        "gateway: {defaults}\naccounts:\n- {{name: a, api_key_env: KEY}}\n- name: b\n  api_key_env: KEY\n  gateway: {own}\n"
    )
}

#[test]
fn account_overrides_and_inherits_gateway_settings() {
    let defaults = "{url: 'https://default.example/', timeout: 9s, proxy_url: 'http://proxy.example:1', allow_http: true, fields: {id: socialId}}";
    let own = |block: &str| {
        let config = load_yaml(&with_block(defaults, block)).expect(block);
        let [a, b] = <[_; 2]>::try_from(config.accounts).expect("two accounts");
        assert_eq!(a.gateway.url.as_str(), "https://default.example/");
        assert_eq!(a.gateway.timeout, Duration::from_secs(9));
        (a, b)
    };
    for nothing in ["", "{}", "null", "~"] {
        let (a, b) = own(nothing);
        assert_eq!((a.gateway, a.rules), (b.gateway, b.rules), "{nothing}");
    }
    let (a, b) = own("{url: 'http://own.example/x'}");
    assert_eq!(b.gateway.url.as_str(), "http://own.example/x");
    assert_eq!(b.gateway.timeout, a.gateway.timeout);
    assert_eq!(b.gateway.transport.proxy, a.gateway.transport.proxy);
    assert!(a.gateway.transport.over_tls && !b.gateway.transport.over_tls);
    assert_eq!(a.rules.names, b.rules.names);
    let (a, b) = own("{timeout: 3s, proxy_url: 'http://other.example:2'}");
    assert_eq!(b.gateway.timeout, Duration::from_secs(3));
    assert_eq!(b.gateway.url, a.gateway.url);
    assert_ne!(b.gateway.transport.proxy, a.gateway.transport.proxy);
    // An account replaces a key as a whole.
    let (a, b) = own("{fields: {name: title}}");
    let fields = |account: &qlara_exporter::config::AccountConfig, name: &str| {
        let fields = account.rules.names.fields_at(&[name]);
        fields.iter().map(|(field, _)| *field).collect::<Vec<_>>()
    };
    assert_eq!(
        (fields(&a, "socialId"), fields(&a, "title")),
        (vec![Field::Id], vec![])
    );
    assert_eq!(
        (fields(&b, "socialId"), fields(&b, "title")),
        (vec![], vec![Field::Name])
    );
    assert_eq!(fields(&b, "profileId"), [Field::Id]);
}

#[test]
fn account_settings_win_over_flags_and_flags_over_defaults() {
    let directory = TempDir::new().expect("a folder");
    let settings = Settings {
        url: Some("https://flag.example/".to_owned()),
        timeout: Some(Duration::from_secs(1)),
        ..Settings::default()
    };
    let yaml = with_block(
        "{url: 'https://file.example', timeout: 9s}",
        "{url: 'https://own.example'}",
    );
    let config = load(settings, directory.path(), &yaml).expect("a good configuration");
    let urls = config.accounts.iter().map(|at| at.gateway.url.as_str());
    assert_eq!(
        urls.collect::<Vec<_>>(),
        ["https://flag.example/", "https://own.example/"]
    );
    for account in &config.accounts {
        assert_eq!(account.gateway.timeout, Duration::from_secs(1));
    }
}

#[test]
fn errors_in_the_gateway_of_an_account_have_positions() {
    for (defaults, own, expected) in [
        (
            "{}",
            "{url: nowhere}",
            "DIR/qlara.yml:6:18: accounts[1].gateway.url: not an absolute URL",
        ),
        (
            "{}",
            "{url: 'http://own.example'}",
            "DIR/qlara.yml:6:18: accounts[1].gateway.url: http:// would send the key in clear: use https://, or set accounts[1].gateway.allow_http to true in the configuration file",
        ),
        (
            "{allow_http: true}",
            "{allow_http: false, url: 'http://own.example'}",
            "DIR/qlara.yml:6:37: accounts[1].gateway.url: http:// would send the key in clear: use https://, or set accounts[1].gateway.allow_http to true in the configuration file",
        ),
        (
            "{}",
            "{timeout: 0s}",
            "DIR/qlara.yml:6:22: accounts[1].gateway.timeout: must be longer than 0 and at most 1h",
        ),
        (
            "{}",
            "{proxy_url: nowhere}",
            "DIR/qlara.yml:6:24: accounts[1].gateway.proxy_url: not an absolute URL",
        ),
        (
            "{}",
            "{tls_config: {ca_file: nowhere.pem}}",
            "DIR/qlara.yml:6:35: accounts[1].gateway.tls_config.ca_file: cannot read certificates from DIR/nowhere.pem: I/O error: No such file or directory (os error 2)",
        ),
        (
            "{}",
            "{fields: {id: a..b}}",
            "DIR/qlara.yml:6:26: accounts[1].gateway.fields.id: expected the name of a field in the answer, or names joined by dots, such as profile.name",
        ),
        // An error in an inherited value is reported once.
        (
            "{url: nowhere}",
            "{timeout: 3s}",
            "DIR/qlara.yml:1:16: gateway.url: not an absolute URL",
        ),
        (
            "{url: 'http://clear.example'}",
            "{timeout: 3s}",
            "DIR/qlara.yml:1:16: gateway.url: http:// would send the key in clear: use https://, or set gateway.allow_http to true in the configuration file",
        ),
        // The account's proxy makes an address invalid that is valid without it.
        (
            "{url: 'http://127.0.0.1:9'}",
            "{proxy_url: 'http://proxy.example:1'}",
            "DIR/qlara.yml:1:16: gateway.url: http:// would send the key in clear through gateway.proxy_url: use https://, or set accounts[1].gateway.allow_http to true in the configuration file",
        ),
        (
            "{fields: {name: ''}}",
            "{url: 'https://own.example'}",
            "DIR/qlara.yml:1:26: gateway.fields.name: expected the name of a field in the answer, or names joined by dots, such as profile.name",
        ),
    ] {
        let error = load_yaml(&with_block(defaults, own)).expect_err(own);
        assert_eq!(error, expected);
    }
    for (block, words) in [
        (
            "{urll: x}",
            "accounts[1].gateway: unknown key \"urll\"; did you mean \"url\"?",
        ),
        ("{fields: {idd: x}}", "accounts[1].gateway.fields"),
        ("{fields: {id: x, id: y}}", "accounts[1].gateway.fields"),
        ("{fields: [id]}", "accounts[1].gateway.fields"),
        ("{fields: {id: [x]}}", "accounts[1].gateway.fields.id"),
    ] {
        let error = load_yaml(&with_block("{}", block)).expect_err(block);
        assert!(
            error.contains(words) && error.contains("DIR/qlara.yml:6:"),
            "{block}: {error}"
        );
    }
}

#[test]
fn every_field_of_the_table_can_be_mapped() {
    for row in &TABLE {
        let yaml = format!("gateway: {{fields: {{{}: one.two.three}}}}", row.key);
        let config = load_yaml(&yaml).expect(row.key);
        let names = &config.accounts[0].rules.names;
        let mapped = names.fields_at(&["one", "two", "three"]);
        assert_eq!(
            mapped.iter().map(|(field, _)| *field).collect::<Vec<_>>(),
            [row.field]
        );
        for name in row.names {
            let fields = names.fields_at(&[name]);
            assert!(
                fields.iter().all(|(field, _)| *field != row.field),
                "{name}"
            );
        }
    }
    let long = format!("a.{}", "x".repeat(129));
    for path in ["''", "' '", "'.'", "a.", ".a", "a..b", "'a. .b'", &long] {
        let yaml = format!("gateway: {{fields: {{id: {path}}}}}");
        let error = load_yaml(&yaml).expect_err(path);
        assert!(
            error.contains("gateway.fields.id: expected the name of a field"),
            "{error}"
        );
    }
}
