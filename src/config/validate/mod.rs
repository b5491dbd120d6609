//! Merges flags, file and defaults into a [`Config`], validates the values, and collects all errors.

mod credentials;
mod fields;
mod gateway;
mod links;
mod proxy;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::file::{AccountBlock, File, in_file};
use super::links::Links;
use super::model::{
    AccountConfig, CachePolicy, Config, DEFAULT_CONCURRENT_REFRESHES, DEFAULT_MAX_STALE,
    DEFAULT_TTL, Gateway,
};
use super::select::FieldNamesByAccount;
use super::settings::{Environment, Settings};
use crate::gateway::field_names::FieldNames;
use crate::refresh::{Rules, TokensWithoutExpiry};
use credentials::API_KEY_FILE;
use exporter_toolkit::diagnostics::{ConfigError, ConfigErrors, Diagnostics};
use exporter_toolkit::printable::without_line_separators;
use gateway::GatewaySources;
pub(crate) use gateway::checked_timeout;

/// Permissions that the API's documentation requires, by platform.
const REQUIRED_PERMISSIONS: [(&str, [&str; 2]); 2] = [
    ("facebook", ["pages_messaging", "pages_read_engagement"]),
    (
        "instagram",
        ["instagram_basic", "instagram_manage_messages"],
    ),
];

/// The validated configuration.
///
/// # Errors
/// All errors in the file, the flags and the secret files.
pub(super) fn config(
    settings: &Settings,
    file: &File,
    environment: Environment,
) -> Result<Config, ConfigErrors> {
    let mut diagnostics = Diagnostics::default();
    let cache_policy = cache_policy(settings, file);
    let defaults = GatewaySources::default(settings, file, environment);
    let validator = AccountValidator {
        settings,
        file,
        environment,
        gateway: defaults.gateway(&mut diagnostics),
        names: defaults.field_names(&mut diagnostics),
        without_expiry: without_expiry(file, &mut diagnostics),
        links: links::shared(file, &mut diagnostics),
        defaults,
    };
    let accounts = validator.accounts(&mut diagnostics);
    let concurrent_refreshes = diagnostics.collect(concurrent_refreshes(file));
    diagnostics.into_result(concurrent_refreshes.map(|concurrent_refreshes| Config {
        cache_policy,
        concurrent_refreshes,
        response_bytes: file.limits.response_bytes(settings.memory_limit),
        exposition_bytes: file.limits.exposition_bytes(settings.memory_limit),
        accounts,
    }))
}

/// The names of fields in responses. Does not read secrets.
///
/// # Errors
/// All errors in field names.
pub(super) fn field_names(
    settings: &Settings,
    file: &File,
) -> Result<FieldNamesByAccount, ConfigErrors> {
    let mut diagnostics = Diagnostics::default();
    let blocks = GatewaySources::default(settings, file, &|_| None);
    let defaults = blocks.field_names(&mut diagnostics);
    let mut accounts = Vec::with_capacity(file.accounts.len());
    for (index, account) in file.accounts.iter().enumerate() {
        let own = account.gateway.as_ref();
        let own = own.map(|own| blocks.with_own_block(own, format!("accounts[{index}].gateway")));
        let names = own_or_shared_names(own.as_ref(), &defaults, &mut diagnostics);
        accounts.push((account.name.value.clone(), names));
    }
    diagnostics.into_result(Some(FieldNamesByAccount { defaults, accounts }))
}

/// The account's own field names, or the defaults, which the other accounts share.
fn own_or_shared_names(
    own: Option<&GatewaySources>,
    shared: &Arc<FieldNames>,
    diagnostics: &mut Diagnostics,
) -> Arc<FieldNames> {
    match own.filter(|own| own.has_own_fields()) {
        Some(own) => own.field_names(diagnostics),
        None => Arc::clone(shared),
    }
}

fn cache_policy(settings: &Settings, file: &File) -> CachePolicy {
    let ttl = settings.ttl.or(file.cache.ttl);
    let max_stale = settings.max_stale.or(file.cache.max_stale);
    CachePolicy {
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

/// The flag for the name of the default account.
const ACCOUNT: &str = "--qlara.account (QLARA_ACCOUNT)";

/// Validates the accounts.
struct AccountValidator<'a> {
    settings: &'a Settings,
    file: &'a File,
    environment: Environment<'a>,
    defaults: GatewaySources<'a>,
    /// The gateway of accounts without a block of their own; `None` if it has errors.
    gateway: Option<Gateway>,
    /// The field names of accounts without names of their own.
    names: Arc<FieldNames>,
    without_expiry: TokensWithoutExpiry,
    links: Links,
}

impl AccountValidator<'_> {
    fn accounts(&self, diagnostics: &mut Diagnostics) -> Vec<AccountConfig> {
        let file = self.file;
        if file.accounts.is_empty() {
            let secret = credentials::of_default_account(self.settings, self.environment);
            let account = diagnostics.collect(secret).zip(self.gateway.clone());
            let account = account.map(|((credentials, source), gateway)| AccountConfig {
                name: self.settings.account.clone(),
                credentials,
                source,
                gateway,
                rules: self.rules(Vec::new(), Arc::clone(&self.names)),
                links: self.links.clone(),
            });
            return account.into_iter().collect();
        }
        if self.settings.api_key_file.is_some() {
            let message = "the configuration file names accounts, which have keys of their own";
            diagnostics.collect::<()>(Err(ConfigError::new(API_KEY_FILE, message)));
        }
        if self.settings.account.is_some() {
            let message = "the configuration file names accounts: --qlara.account is for the account without one";
            diagnostics.collect::<()>(Err(ConfigError::new(ACCOUNT, message)));
        }
        let mut names = HashSet::new();
        let accounts = file.accounts.iter().enumerate();
        accounts
            .filter_map(|(index, account)| {
                let key = format!("accounts[{index}]");
                diagnostics.collect(check_name(file, &key, account, &mut names));
                self.account(&key, account, diagnostics)
            })
            .collect()
    }

    fn account(
        &self,
        key: &str,
        account: &AccountBlock,
        diagnostics: &mut Diagnostics,
    ) -> Option<AccountConfig> {
        let file = self.file;
        let credentials = credentials::credentials(file, key, account, self.environment);
        let credentials = diagnostics.collect(credentials);
        let expected = expected(file, key, account, diagnostics);
        let blocks = account
            .gateway
            .as_ref()
            .map(|own| self.defaults.with_own_block(own, format!("{key}.gateway")));
        let gateway = match &blocks {
            Some(blocks) => blocks.gateway(diagnostics),
            None => self.gateway.clone(),
        };
        let names = own_or_shared_names(blocks.as_ref(), &self.names, diagnostics);
        let links = links::of_account(file, key, account, &self.links, diagnostics);
        let ((credentials, source), gateway) = credentials.zip(gateway)?;
        Some(AccountConfig {
            name: Some(account.name.value.clone()),
            credentials,
            source,
            gateway,
            rules: self.rules(expected, names),
            links,
        })
    }

    fn rules(&self, expected: Vec<(String, String)>, names: Arc<FieldNames>) -> Rules {
        let documented = REQUIRED_PERMISSIONS.map(|(platform, permissions)| {
            (platform.to_owned(), permissions.map(str::to_owned).to_vec())
        });
        let mut required_permissions = BTreeMap::from(documented);
        required_permissions.extend(self.file.permissions.clone());
        Rules {
            names,
            required_permissions,
            expected,
            without_expiry: self.without_expiry.clone(),
            phone_number: self.file.phone_number,
            max_profiles: self.file.limits.profiles,
        }
    }
}

fn check_name(
    file: &File,
    key: &str,
    account: &AccountBlock,
    names: &mut HashSet<String>,
) -> Result<(), ConfigError> {
    let at = &account.name;
    let wrong = |message| in_file(file, at, &format!("{key}.name"), message);
    if at.value.trim().is_empty() {
        return Err(wrong("must not be empty"));
    }
    // Two names are duplicates if their labels are equal.
    match names.insert(without_line_separators(&at.value)) {
        true => Ok(()),
        false => Err(wrong("duplicate account name")),
    }
}

fn expected(
    file: &File,
    key: &str,
    account: &AccountBlock,
    diagnostics: &mut Diagnostics,
) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    for (index, at) in account.expected.iter().enumerate() {
        let profile = (at.value.platform.clone(), at.value.profile.clone());
        let wrong = match profile.0.is_empty() || profile.1.is_empty() {
            true => Some("platform and profile must not be empty"),
            false => (!seen.insert(profile)).then_some("duplicate profile"),
        };
        if let Some(message) = wrong {
            let key = format!("{key}.expected[{index}]");
            diagnostics.collect::<()>(Err(in_file(file, at, &key, message)));
        }
    }
    seen.into_iter().collect()
}

/// `tokens_without_expiry`, normalized like the identifiers in responses.
fn without_expiry(file: &File, diagnostics: &mut Diagnostics) -> TokensWithoutExpiry {
    let mut tokens = TokensWithoutExpiry::default();
    for (index, at) in file.tokens_without_expiry.iter().enumerate() {
        let platform = without_line_separators(&at.value.platform);
        let profile = at.value.profile.as_deref().map(without_line_separators);
        let wrong = if platform.is_empty() || profile.as_deref() == Some("") {
            Some(
                "platform and profile must not be empty; without the key profile, the whole platform counts",
            )
        } else {
            (!tokens.insert(platform, profile)).then_some("duplicate entry")
        };
        if let Some(message) = wrong {
            let key = format!("tokens_without_expiry[{index}]");
            diagnostics.collect::<()>(Err(in_file(file, at, &key, message)));
        }
    }
    tokens
}
