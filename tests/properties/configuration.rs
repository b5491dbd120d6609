//! Any valid configuration loads with the values that it states.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::collection::{btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use qlara_exporter::config::{Config, Settings};
use qlara_exporter::gateway::fields::Field;
use serde_json::{Value, json};

use super::cases;
use super::entries::{SEPARATORS, odd_text};

proptest! {
    #![proptest_config(cases(64))]

    /// [good-configuration]
    #[test]
    fn every_valid_configuration_loads_with_its_values(file in file()) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("qlara.yml");
        std::fs::write(folder.path().join("key"), "secret").expect("a file");
        std::fs::write(&path, file.yaml()).expect("a file");
        let settings = Settings { file: Some(path), ..Settings::default() };
        let environment = |name: &str| (name == "KEY").then(|| "secret".to_owned());
        let config = Config::load(&settings, &environment);
        let config = config.map_err(|error| TestCaseError::fail(format!("{error}\n{}", file.yaml())))?;
        let meant = |given: Option<Span>, default| given.map_or(default, |span| span.meant());
        prop_assert_eq!(config.cache_policy.ttl, meant(file.ttl, Duration::from_secs(60)));
        prop_assert_eq!(config.cache_policy.max_stale, meant(file.max_stale, Duration::from_secs(900)));
        let names: Vec<_> = config.accounts.iter().filter_map(|account| account.name.clone()).collect();
        let meant: Vec<_> = file.accounts.iter().map(|account| account.name.clone()).collect();
        prop_assert_eq!(names, meant);
        for (read, account) in config.accounts.iter().zip(&file.accounts) {
            prop_assert_eq!(&read.rules.expected, &account.expected);
            let permissions = read.rules.required_permissions.get(&file.platform);
            prop_assert_eq!(permissions, Some(&file.permissions));
            let own = account.gateway.clone();
            let url = own.url.as_ref().unwrap_or(&file.url);
            prop_assert_eq!(read.gateway.url.as_str(), url);
            prop_assert_eq!(read.gateway.timeout, own.timeout.unwrap_or(file.timeout).meant());
            let path = own.id_path.as_ref().or(file.id_path.as_ref());
            let default = vec!["profileId".to_owned()];
            let path: Vec<&str> = path.unwrap_or(&default).iter().map(String::as_str).collect();
            let fields = read.rules.names.fields_at(&path);
            prop_assert!(fields.iter().any(|(field, _)| *field == Field::Id), "{:?}", path);
        }
    }
}

#[derive(Debug, Clone)]
struct File {
    url: String,
    timeout: Span,
    /// `gateway.fields.id`
    id_path: Option<Vec<String>>,
    ttl: Option<Span>,
    max_stale: Option<Span>,
    platform: String,
    permissions: Vec<String>,
    accounts: Vec<Account>,
}

#[derive(Debug, Clone)]
struct Account {
    name: String,
    /// The key, and its value.
    credentials: (&'static str, Value),
    expected: Vec<(String, String)>,
    gateway: Own,
}

/// The keys that an account sets instead of the defaults.
#[derive(Debug, Clone)]
struct Own {
    url: Option<String>,
    timeout: Option<Span>,
    id_path: Option<Vec<String>>,
}

impl Own {
    fn json(&self) -> Value {
        let mut block = serde_json::Map::new();
        if let Some(url) = &self.url {
            block.insert("url".to_owned(), json!(url));
        }
        if let Some(timeout) = self.timeout {
            block.insert("timeout".to_owned(), json!(timeout.written()));
        }
        if let Some(path) = &self.id_path {
            block.insert("fields".to_owned(), json!({"id": path.join(".")}));
        }
        Value::Object(block)
    }
}

/// Hours, minutes and seconds.
#[derive(Debug, Clone, Copy)]
struct Span(u64, u64, u64);

impl Span {
    fn written(self) -> String {
        let Span(hours, minutes, seconds) = self;
        format!("{hours}h{minutes}m{seconds}s")
    }

    fn meant(self) -> Duration {
        let Span(hours, minutes, seconds) = self;
        Duration::from_secs(hours * 3600 + minutes * 60 + seconds)
    }
}

impl File {
    /// A section in each YAML notation.
    fn yaml(&self) -> String {
        let span = |span: Option<Span>| json!(span.map(Span::written)).to_string().replace('"', "");
        let times = [("ttl", self.ttl), ("max_stale", self.max_stale)];
        let times = times.into_iter().filter(|(_, given)| given.is_some());
        let times: String = times
            .map(|(key, given)| format!("  {key}: {}\n", span(given)))
            .collect();
        let accounts = self.accounts.iter().map(Account::json);
        let accounts: String = accounts
            .map(|account| format!("  - {}\n", quoted(&account)))
            .collect();
        format!(
            "---\ngateway: {{url: '{}', timeout: {}, fields: {}}}\n# A comment.\ncache:\n{times}permissions: {}\naccounts:\n{accounts}",
            self.url,
            self.timeout.written(),
            match &self.id_path {
                Some(path) => quoted(&json!({"id": path.join(".")})),
                None => "{}".to_owned(),
            },
            quoted(&json!({ self.platform.as_str(): self.permissions })),
        )
    }
}

/// JSON is YAML, except for characters that YAML requires to be escaped.
fn quoted(json: &Value) -> String {
    let text = json.to_string();
    let escaped = text.chars().map(|char| match char {
        ' '..='~' => char.to_string(),
        other => format!("\\U{:08X}", u32::from(other)),
    });
    escaped.collect()
}

impl Account {
    fn json(&self) -> Value {
        let expected = self.expected.iter();
        let expected =
            expected.map(|(platform, profile)| json!({"platform": platform, "profile": profile}));
        let (key, value) = &self.credentials;
        json!({"name": self.name, *key: value, "expected": expected.collect::<Vec<_>>(),
            "gateway": self.gateway.json()})
    }
}

fn url() -> impl Strategy<Value = String> {
    let urls = [
        "https://gateway.example/api/v1/partner-gateway",
        "https://[2001:db8::1]:8443/",
        "http://127.0.0.1:10018/api",
    ];
    prop::sample::select(urls.map(str::to_owned).to_vec())
}

fn timeout() -> impl Strategy<Value = Span> {
    (0..1_u64, 0..59_u64, 1..60_u64)
        .prop_map(|(hours, minutes, seconds)| Span(hours, minutes, seconds))
}

/// The path of a field: names without dots, none of which is blank.
fn path() -> impl Strategy<Value = Vec<String>> {
    let name = odd_text(1..6).prop_map(|name| format!("n{}", name.replace('.', "")));
    vec(name, 1..4)
}

fn file() -> impl Strategy<Value = File> {
    let name = odd_text(1..8).prop_filter("a name", |name| !name.trim().is_empty());
    let names = vec(name, 1..4).prop_map(with_distinct_labels);
    let accounts = names.prop_flat_map(|names| names.into_iter().map(account).collect::<Vec<_>>());
    let span = || {
        (0..9_u64, 0..99_u64, 0..99_u64)
            .prop_map(|(hours, minutes, seconds)| Span(hours, minutes, seconds))
    };
    let permissions = (odd_text(1..8), vec(odd_text(0..8), 0..3));
    let gateway = (url(), timeout(), of(path()));
    (gateway, of(span()), of(span()), permissions, accounts).prop_map(
        |((url, timeout, id_path), ttl, max_stale, (platform, permissions), accounts)| File {
            url,
            timeout,
            id_path,
            ttl,
            max_stale,
            platform,
            permissions,
            accounts,
        },
    )
}

/// Two names that differ only in line separators are duplicates, because label values replace them with spaces.
fn with_distinct_labels(mut names: Vec<String>) -> Vec<String> {
    let mut labels = BTreeSet::new();
    names.retain(|name| labels.insert(name.replace(SEPARATORS, " ")));
    names
}

fn account(name: String) -> impl Strategy<Value = Account> {
    let user = odd_text(1..8).prop_map(|name| format!("u{}", name.replace(':', "")));
    let credentials = prop_oneof![
        Just(("api_key_file", json!("key"))),
        Just(("api_key_env", json!("KEY"))),
        user.prop_map(|user| (
            "basic_auth",
            json!({"username": user, "password_file": "key"})
        )),
    ];
    let expected = btree_set((odd_text(1..4), odd_text(1..4)), 0..3);
    let own = (of(url()), of(timeout()), of(path()));
    let own = own.prop_map(|(url, timeout, id_path)| Own {
        url,
        timeout,
        id_path,
    });
    (credentials, expected, own).prop_map(move |(credentials, expected, gateway)| Account {
        name: name.clone(),
        credentials,
        expected: expected.into_iter().collect(),
        gateway,
    })
}
