//! From what is written to what is meant.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Proxy, Url};
use serde_saphyr::Spanned;

use super::file::{Account, File, Hidden};
use super::{
    AccountConfig, Config, ConfigError, Environment, Gateway, GatewayProxy, Origin, Settings,
};
use super::{DEFAULT_MAX_STALE, DEFAULT_TIMEOUT, DEFAULT_TTL, DEFAULT_URL};
use crate::account::Freshness;
use crate::gateway::credentials::{Alphabet, Credentials, Secret, SecretError};
use crate::gateway::tls;
use crate::refresh::Rules;

/// The flag for a single account's key file.
const API_KEY_FILE: &str = "--qlara.api-key-file (QLARA_API_KEY_FILE)";
/// Nobody waits longer for metrics.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// The variable for a single account's key.
const API_KEY: &str = "QLARA_API_KEY";

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
    file: File,
    environment: Environment,
) -> Result<Config, ConfigError> {
    Ok(Config {
        gateway: gateway(settings, &file)?,
        freshness: Freshness {
            ttl: settings.ttl.or(file.cache.ttl).unwrap_or(DEFAULT_TTL),
            max_stale: settings
                .max_stale
                .or(file.cache.max_stale)
                .unwrap_or(DEFAULT_MAX_STALE),
        },
        accounts: accounts(settings, &file, environment)?,
    })
}

fn gateway(settings: &Settings, file: &File) -> Result<Gateway, ConfigError> {
    let ca_file = file.gateway.tls_config.ca_file.as_ref();
    let ca_path = ca_file.map(|path| file.resolve(&path.value));
    let tls = tls::client_config(ca_path.as_deref()).map_err(|error| match ca_file {
        Some(at) => in_file(file, at, "gateway.tls_config.ca_file", error),
        None => ConfigError::new("TLS", error),
    })?;
    let timeout = settings
        .timeout
        .or(file.gateway.timeout)
        .unwrap_or(DEFAULT_TIMEOUT);
    if timeout.is_zero() || timeout > LONGEST_TIMEOUT {
        let message = "must be longer than 0 and at most 1h";
        return Err(ConfigError::new(
            "gateway.timeout (--qlara.timeout)",
            message,
        ));
    }
    Ok(Gateway {
        url: url(settings, file)?,
        timeout,
        proxy: file
            .gateway
            .proxy_url
            .as_ref()
            .map(|at| proxy(file, at))
            .transpose()?,
        tls,
        response_bytes: file.limits.response_bytes,
    })
}

fn url(settings: &Settings, file: &File) -> Result<Url, ConfigError> {
    // Through a proxy even a loopback address is somewhere else.
    let proxied = file.gateway.proxy_url.is_some();
    let clear = match (file.gateway.allow_http, proxied) {
        (true, _) => ClearText::Anywhere,
        (false, false) => ClearText::Loopback,
        (false, true) => ClearText::Nowhere,
    };
    match (&settings.url, &file.gateway.url) {
        (Some(url), _) => checked_url(url, clear)
            .map_err(|message| ConfigError::new("--qlara.url (QLARA_URL)", message)),
        (None, Some(at)) => checked_url(&at.value, clear)
            .map_err(|message| in_file(file, at, "gateway.url", message)),
        (None, None) => checked_url(DEFAULT_URL, clear)
            .map_err(|message| ConfigError::new("gateway.url", message)),
    }
}

/// Where a key may travel without TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ClearText {
    Anywhere,
    Loopback,
    Nowhere,
}

fn checked_url(text: &str, clear: ClearText) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "not an absolute URL")?;
    let Some(host) = url.host_str() else {
        return Err("the URL names no host");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("credentials do not belong into the URL: use an account's basic_auth");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the URL must end with its path: no query, no fragment");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if clear == ClearText::Anywhere => Ok(url),
        "http" if clear == ClearText::Loopback && is_loopback(host) => Ok(url),
        "http" => Err(
            "http:// would send the key in clear: use https://, or set gateway.allow_http to true in the configuration file",
        ),
        _ => Err("expected https:// or http://"),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

fn proxy(file: &File, at: &Spanned<Hidden>) -> Result<GatewayProxy, ConfigError> {
    let wrong = |message| in_file(file, at, "gateway.proxy_url", message);
    let url = Url::parse(&at.value.0).map_err(|_| wrong("not an absolute URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("expected http:// or https://"));
    }
    Proxy::all(url)
        .map(GatewayProxy)
        .map_err(|_| wrong("not the URL of a proxy"))
}

fn accounts(
    settings: &Settings,
    file: &File,
    environment: Environment,
) -> Result<Vec<AccountConfig>, ConfigError> {
    if file.accounts.is_empty() {
        return Ok(vec![nameless_account(settings, file, environment)?]);
    }
    if settings.api_key_file.is_some() {
        return Err(ConfigError::new(
            API_KEY_FILE,
            "the configuration file names accounts, which have keys of their own",
        ));
    }
    let mut names = HashSet::new();
    let mut accounts = Vec::new();
    for (index, account) in file.accounts.iter().enumerate() {
        let key = format!("accounts[{index}]");
        let name = &account.name;
        if name.value.trim().is_empty() {
            return Err(in_file(
                file,
                name,
                &format!("{key}.name"),
                "must not be empty",
            ));
        }
        if !names.insert(&name.value) {
            return Err(in_file(file, name, &format!("{key}.name"), "stands twice"));
        }
        let (credentials, origin) = credentials(file, &key, account, environment)?;
        accounts.push(AccountConfig {
            name: Some(name.value.clone()),
            credentials,
            origin,
            rules: rules(file, expected(file, &key, account)?),
        });
    }
    Ok(accounts)
}

fn nameless_account(
    settings: &Settings,
    file: &File,
    environment: Environment,
) -> Result<AccountConfig, ConfigError> {
    let (secret, origin) = match (&settings.api_key_file, environment(API_KEY)) {
        (Some(_), Some(_)) => {
            return Err(ConfigError::new(
                API_KEY_FILE,
                format!("{API_KEY} is set too: use one"),
            ));
        }
        (Some(path), None) => {
            let secret = Secret::from_file(path, Alphabet::Header)
                .map_err(|error| ConfigError::new(API_KEY_FILE, error))?;
            // A configuration file may stand in another folder.
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            (secret, Origin::ApiKeyFile(path))
        }
        (None, Some(key)) => {
            let secret = Secret::fixed("its value", &key, Alphabet::Header)
                .map_err(|error| ConfigError::new(API_KEY, error))?;
            (secret, Origin::ApiKeyEnv(API_KEY.to_owned()))
        }
        (None, None) => {
            return Err(ConfigError::new(
                "no API key",
                format!("give one by {API_KEY_FILE}, {API_KEY}, or accounts in --config.file"),
            ));
        }
    };
    Ok(AccountConfig {
        name: None,
        credentials: Credentials::ApiKey(secret),
        origin,
        rules: rules(file, Vec::new()),
    })
}

fn credentials(
    file: &File,
    key: &str,
    account: &Account,
    environment: Environment,
) -> Result<(Credentials, Origin), ConfigError> {
    match (
        &account.api_key_file,
        &account.api_key_env,
        &account.basic_auth,
    ) {
        (Some(at), None, None) => Secret::from_file(&file.resolve(&at.value), Alphabet::Header)
            .map(|secret| {
                let origin = Origin::ApiKeyFile(at.value.clone());
                (Credentials::ApiKey(secret), origin)
            })
            .map_err(|error| in_file(file, at, &format!("{key}.api_key_file"), error)),
        (None, Some(at), None) => environment_secret(&at.value, environment)
            .map(|secret| {
                let origin = Origin::ApiKeyEnv(at.value.clone());
                (Credentials::ApiKey(secret), origin)
            })
            .map_err(|error| in_file(file, at, &format!("{key}.api_key_env"), error)),
        (None, None, Some(basic)) => {
            let key = format!("{key}.basic_auth");
            if basic.username.value.is_empty() || basic.username.value.contains(':') {
                let message = "must be neither empty nor hold a colon (RFC 7617)";
                return Err(in_file(
                    file,
                    &basic.username,
                    &format!("{key}.username"),
                    message,
                ));
            }
            let at = &basic.password_file;
            Secret::from_file(&file.resolve(&at.value), Alphabet::Any)
                .map(|password| {
                    let username = basic.username.value.clone();
                    let origin = Origin::BasicAuth {
                        username: username.clone(),
                        password_file: at.value.clone(),
                    };
                    (Credentials::Basic { username, password }, origin)
                })
                .map_err(|error| in_file(file, at, &format!("{key}.password_file"), error))
        }
        _ => Err(in_file(
            file,
            &account.name,
            key,
            "expected exactly one of api_key_file, api_key_env, basic_auth",
        )),
    }
}

/// A missing variable is an empty secret.
fn environment_secret(name: &str, environment: Environment) -> Result<Secret, SecretError> {
    Secret::fixed(
        "the environment variable is not set or",
        &environment(name).unwrap_or_default(),
        Alphabet::Header,
    )
}

fn expected(
    file: &File,
    key: &str,
    account: &Account,
) -> Result<Vec<(String, String)>, ConfigError> {
    let mut seen = BTreeSet::new();
    for (index, at) in account.expected.iter().enumerate() {
        let profile = (at.value.platform.clone(), at.value.profile.clone());
        let key = format!("{key}.expected[{index}]");
        if profile.0.is_empty() || profile.1.is_empty() {
            return Err(in_file(
                file,
                at,
                &key,
                "platform and profile must not be empty",
            ));
        }
        if !seen.insert(profile) {
            return Err(in_file(file, at, &key, "stands twice"));
        }
    }
    Ok(seen.into_iter().collect())
}

fn rules(file: &File, expected: Vec<(String, String)>) -> Rules {
    let documented = REQUIRED_PERMISSIONS.map(|(platform, permissions)| {
        (platform.to_owned(), permissions.map(str::to_owned).to_vec())
    });
    let mut required_permissions = BTreeMap::from(documented);
    required_permissions.extend(file.permissions.clone());
    Rules {
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
