//! Where an account's secret comes from.

use std::path::Path;

use super::super::file::{Account, File};
use super::super::yaml::check_path;
use super::super::{ConfigError, Environment, Origin, Settings};
use super::in_file;
use crate::gateway::credentials::{Alphabet, Credentials, Secret, SecretError};

/// The flag for a single account's key file.
pub(super) const API_KEY_FILE: &str = "--qlara.api-key-file (QLARA_API_KEY_FILE)";
/// The variable for a single account's key.
const API_KEY: &str = "QLARA_API_KEY";

/// The secret of the one account that comes from flags and variables.
pub(super) fn of_default_account(
    settings: &Settings,
    environment: Environment,
) -> Result<(Credentials, Origin), ConfigError> {
    let (secret, origin) = match (&settings.api_key_file, environment(API_KEY)) {
        (Some(_), Some(_)) => {
            return Err(ConfigError::new(
                API_KEY_FILE,
                format!("{API_KEY} is set too: use one"),
            ));
        }
        (Some(path), None) => {
            let secret = secret_in(path, Alphabet::Header)
                .map_err(|error| ConfigError::new(API_KEY_FILE, error))?;
            // A configuration file may stand in another folder.
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            (secret, Origin::ApiKeyFile(path))
        }
        (None, Some(key)) => {
            let secret = fixed_secret("its value", &key)
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
    Ok((Credentials::ApiKey(secret), origin))
}

pub(super) fn credentials(
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
        (Some(at), None, None) => secret_in(&file.resolve(&at.value), Alphabet::Header)
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
            secret_in(&file.resolve(&at.value), Alphabet::Any)
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

/// The secret that a file holds. What stands in the place of its path may be the secret itself, so
/// that no error repeats it.
fn secret_in(path: &Path, alphabet: Alphabet) -> Result<Secret, String> {
    check_path(path)?;
    let secret = Secret::from_file(path, alphabet);
    secret.map_err(|error| nameless(error).to_string())
}

fn nameless(error: SecretError) -> SecretError {
    let place = "the file that it names".to_owned();
    match error {
        SecretError::Unreadable { source, .. } => SecretError::Unreadable {
            path: place.into(),
            source,
        },
        SecretError::Slow { .. } => SecretError::Slow { path: place.into() },
        SecretError::Empty { .. } => SecretError::Empty { place },
        SecretError::NotAHeaderValue { .. } => SecretError::NotAHeaderValue { place },
    }
}

fn environment_secret(name: &str, environment: Environment) -> Result<Secret, String> {
    let value = environment(name).ok_or("the environment variable is not set or is empty")?;
    fixed_secret("the environment variable", &value)
}

/// The value of a variable; `place` says for the error which.
fn fixed_secret(place: &str, value: &str) -> Result<Secret, String> {
    if value.contains(char::REPLACEMENT_CHARACTER) {
        return Err(format!("{place} is not text"));
    }
    let secret = Secret::fixed(place, value, Alphabet::Header);
    secret.map_err(|error| error.to_string())
}
