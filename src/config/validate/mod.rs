//! From what is written to what is meant. All mistakes are told at once.

mod credentials;
mod fields;
mod gateway;
mod proxy;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use serde_saphyr::Spanned;

use super::error::Mistakes;
use super::file::{Account, File};
use super::{
    AccountConfig, Config, ConfigError, ConfigErrors, DEFAULT_CONCURRENT_REFRESHES,
    DEFAULT_MAX_STALE, DEFAULT_TTL, Environment, FieldNamesByAccount, Gateway, Settings,
};
use crate::account::Freshness;
use crate::gateway::field_names::FieldNames;
use crate::printable::without_line_separators;
use crate::refresh::Rules;
use credentials::API_KEY_FILE;
use gateway::Blocks;
pub(crate) use gateway::checked_timeout;

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
    let defaults = Blocks::default(settings, file, environment);
    let reading = Reading {
        settings,
        file,
        environment,
        gateway: defaults.gateway(&mut mistakes),
        names: defaults.field_names(&mut mistakes),
        defaults,
    };
    let accounts = reading.accounts(&mut mistakes);
    let concurrent_refreshes = mistakes.or_note(concurrent_refreshes(file));
    mistakes.none_in(concurrent_refreshes.map(|concurrent_refreshes| Config {
        freshness,
        concurrent_refreshes,
        response_bytes: file.limits.response_bytes(settings.memory_limit),
        exposition_bytes: file.limits.exposition_bytes(settings.memory_limit),
        accounts,
    }))
}

/// How a configuration file names the fields of answers. No secret is looked at.
pub(super) fn field_names(
    settings: &Settings,
    file: &File,
) -> Result<FieldNamesByAccount, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let blocks = Blocks::default(settings, file, &|_| None);
    let defaults = blocks.field_names(&mut mistakes);
    let mut accounts = Vec::with_capacity(file.accounts.len());
    for (index, account) in file.accounts.iter().enumerate() {
        let own = account.gateway.as_ref();
        let own = own.map(|own| blocks.with(own, format!("accounts[{index}].gateway")));
        let names = own_or_shared_names(own.as_ref(), &defaults, &mut mistakes);
        accounts.push((account.name.value.clone(), names));
    }
    mistakes.none_in(Some(FieldNamesByAccount { defaults, accounts }))
}

/// Accounts that inherit the names share them.
fn own_or_shared_names(
    own: Option<&Blocks>,
    shared: &Arc<FieldNames>,
    mistakes: &mut Mistakes,
) -> Arc<FieldNames> {
    match own.filter(|own| own.have_own_fields()) {
        Some(own) => own.field_names(mistakes),
        None => Arc::clone(shared),
    }
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

/// The flag for the name of the account that no file names.
const ACCOUNT: &str = "--qlara.account (QLARA_ACCOUNT)";

/// What accounts are read with.
struct Reading<'a> {
    settings: &'a Settings,
    file: &'a File,
    environment: Environment<'a>,
    defaults: Blocks<'a>,
    /// What the defaults come to, if nothing is wrong with them.
    gateway: Option<Gateway>,
    names: Arc<FieldNames>,
}

impl Reading<'_> {
    fn accounts(&self, mistakes: &mut Mistakes) -> Vec<AccountConfig> {
        let file = self.file;
        if file.accounts.is_empty() {
            let secret = credentials::of_default_account(self.settings, self.environment);
            let account = mistakes.or_note(secret).zip(self.gateway.clone());
            let account = account.map(|((credentials, origin), gateway)| AccountConfig {
                name: self.settings.account.clone(),
                credentials,
                origin,
                gateway,
                rules: rules(file, Vec::new(), Arc::clone(&self.names)),
            });
            return account.into_iter().collect();
        }
        if self.settings.api_key_file.is_some() {
            let message = "the configuration file names accounts, which have keys of their own";
            mistakes.or_note::<()>(Err(ConfigError::new(API_KEY_FILE, message)));
        }
        if self.settings.account.is_some() {
            let message = "the configuration file names accounts: --qlara.account is for the account without one";
            mistakes.or_note::<()>(Err(ConfigError::new(ACCOUNT, message)));
        }
        let mut names = HashSet::new();
        let accounts = file.accounts.iter().enumerate();
        accounts
            .filter_map(|(index, account)| {
                let key = format!("accounts[{index}]");
                mistakes.or_note(check_name(file, &key, account, &mut names));
                self.account(&key, account, mistakes)
            })
            .collect()
    }

    fn account(
        &self,
        key: &str,
        account: &Account,
        mistakes: &mut Mistakes,
    ) -> Option<AccountConfig> {
        let file = self.file;
        let credentials = credentials::credentials(file, key, account, self.environment);
        let credentials = mistakes.or_note(credentials);
        let expected = expected(file, key, account, mistakes);
        let blocks = account
            .gateway
            .as_ref()
            .map(|own| self.defaults.with(own, format!("{key}.gateway")));
        let gateway = match &blocks {
            Some(blocks) => blocks.gateway(mistakes),
            None => self.gateway.clone(),
        };
        let names = own_or_shared_names(blocks.as_ref(), &self.names, mistakes);
        let ((credentials, origin), gateway) = credentials.zip(gateway)?;
        Some(AccountConfig {
            name: Some(account.name.value.clone()),
            credentials,
            origin,
            gateway,
            rules: rules(file, expected, names),
        })
    }
}

fn check_name(
    file: &File,
    key: &str,
    account: &Account,
    names: &mut HashSet<String>,
) -> Result<(), ConfigError> {
    let at = &account.name;
    let wrong = |message| in_file(file, at, &format!("{key}.name"), message);
    if at.value.trim().is_empty() {
        return Err(wrong("must not be empty"));
    }
    // As its label shows it.
    match names.insert(without_line_separators(&at.value)) {
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

fn rules(file: &File, expected: Vec<(String, String)>, names: Arc<FieldNames>) -> Rules {
    let documented = REQUIRED_PERMISSIONS.map(|(platform, permissions)| {
        (platform.to_owned(), permissions.map(str::to_owned).to_vec())
    });
    let mut required_permissions = BTreeMap::from(documented);
    required_permissions.extend(file.permissions.clone());
    Rules {
        names,
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
