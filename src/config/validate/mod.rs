//! From what is written to what is meant. All mistakes are told at once.

mod credentials;
mod gateway;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_saphyr::Spanned;

use super::error::Mistakes;
use super::file::{Account, File};
use super::{
    AccountConfig, Config, ConfigError, ConfigErrors, DEFAULT_CONCURRENT_REFRESHES,
    DEFAULT_MAX_STALE, DEFAULT_TTL, Environment, Settings,
};
use crate::account::Freshness;
use crate::refresh::Rules;
use credentials::API_KEY_FILE;

/// Permissions that the API's documentation calls required, per platform.
const REQUIRED_PERMISSIONS: [(&str, [&str; 2]); 2] = [
    ("facebook", ["pages_messaging", "pages_read_engagement"]),
    (
        "instagram",
        ["instagram_basic", "instagram_manage_messages"],
    ),
];

pub(super) fn config(
    settings: &Settings,
    file: &File,
    environment: Environment,
) -> Result<Config, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let freshness = freshness(settings, file);
    let gateway = gateway::gateway(settings, file, freshness.ttl, &mut mistakes);
    let accounts = accounts(settings, file, environment, &mut mistakes);
    let concurrent_refreshes = mistakes.or_note(concurrent_refreshes(file));
    let config = gateway.zip(concurrent_refreshes);
    mistakes.none_in(config.map(|(gateway, concurrent_refreshes)| Config {
        gateway,
        freshness,
        concurrent_refreshes,
        accounts,
    }))
}

fn freshness(settings: &Settings, file: &File) -> Freshness {
    let ttl = settings.ttl.or(file.cache.ttl);
    let max_stale = settings.max_stale.or(file.cache.max_stale);
    Freshness {
        ttl: ttl.unwrap_or(DEFAULT_TTL),
        max_stale: max_stale.unwrap_or(DEFAULT_MAX_STALE),
    }
}

fn concurrent_refreshes(file: &File) -> Result<usize, ConfigError> {
    match &file.limits.concurrent_refreshes {
        Some(at) if at.value == 0 => Err(in_file(
            file,
            at,
            "limits.concurrent_refreshes",
            "must be at least 1",
        )),
        Some(at) => Ok(at.value),
        None => Ok(DEFAULT_CONCURRENT_REFRESHES),
    }
}

fn accounts(
    settings: &Settings,
    file: &File,
    environment: Environment,
    mistakes: &mut Mistakes,
) -> Vec<AccountConfig> {
    if file.accounts.is_empty() {
        let account = credentials::nameless_account(settings, file, environment);
        return mistakes.or_note(account).into_iter().collect();
    }
    if settings.api_key_file.is_some() {
        let message = "the configuration file names accounts, which have keys of their own";
        mistakes.or_note::<()>(Err(ConfigError::new(API_KEY_FILE, message)));
    }
    let mut names = HashSet::new();
    let accounts = file.accounts.iter().enumerate();
    accounts
        .filter_map(|(index, account)| {
            let key = format!("accounts[{index}]");
            mistakes.or_note(check_name(file, &key, account, &mut names));
            let credentials = credentials::credentials(file, &key, account, environment);
            let credentials = mistakes.or_note(credentials);
            let expected = expected(file, &key, account, mistakes);
            let (credentials, origin) = credentials?;
            Some(AccountConfig {
                name: Some(account.name.value.clone()),
                credentials,
                origin,
                rules: rules(file, expected),
            })
        })
        .collect()
}

fn check_name<'a>(
    file: &File,
    key: &str,
    account: &'a Account,
    names: &mut HashSet<&'a str>,
) -> Result<(), ConfigError> {
    let at = &account.name;
    let wrong = |message| in_file(file, at, &format!("{key}.name"), message);
    if at.value.trim().is_empty() {
        return Err(wrong("must not be empty"));
    }
    match names.insert(&at.value) {
        true => Ok(()),
        false => Err(wrong("stands twice")),
    }
}

fn expected(
    file: &File,
    key: &str,
    account: &Account,
    mistakes: &mut Mistakes,
) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    for (index, at) in account.expected.iter().enumerate() {
        let profile = (at.value.platform.clone(), at.value.profile.clone());
        let wrong = match profile.0.is_empty() || profile.1.is_empty() {
            true => Some("platform and profile must not be empty"),
            false => (!seen.insert(profile)).then_some("stands twice"),
        };
        if let Some(message) = wrong {
            let key = format!("{key}.expected[{index}]");
            mistakes.or_note::<()>(Err(in_file(file, at, &key, message)));
        }
    }
    seen.into_iter().collect()
}

fn rules(file: &File, expected: Vec<(String, String)>) -> Rules {
    let documented = REQUIRED_PERMISSIONS.map(|(platform, permissions)| {
        (platform.to_owned(), permissions.map(str::to_owned).to_vec())
    });
    let mut required_permissions = BTreeMap::from(documented);
    required_permissions.extend(file.permissions.clone());
    Rules {
        names: Default::default(),
        required_permissions,
        expected,
        phone_number: file.phone_number,
        max_profiles: file.limits.profiles,
    }
}

fn in_file<T>(
    file: &File,
    at: &Spanned<T>,
    key: &str,
    message: impl std::fmt::Display,
) -> ConfigError {
    ConfigError::in_file(&file.path, at.referenced, key, message)
}
