//! Validates the credentials of accounts.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;

use crate::config::file::{AccountBlock, File, in_file};
use crate::config::model::CredentialSource;
use crate::config::settings::{Environment, Settings};
use crate::gateway::credentials::{Credentials, secret_in_file};
use exporter_toolkit::diagnostics::ConfigError;
use exporter_toolkit::redacted::shown_word;
use exporter_toolkit::secret_file::{Alphabet, Secret, SecretError};
use exporter_toolkit::yaml::check_path;

/// The flag for a single account's key file.
pub(super) const API_KEY_FILE: &str = "--qlara.api-key-file (QLARA_API_KEY_FILE)";
/// The variable for a single account's key.
const API_KEY: &str = "QLARA_API_KEY";

/// The credentials of the default account, from flags and environment variables.
pub(super) fn of_default_account(
    settings: &Settings,
    environment: Environment,
) -> Result<(Credentials, CredentialSource), ConfigError> {
    let (secret, source) = match (&settings.api_key_file, environment(API_KEY)) {
        (Some(_), Some(_)) => {
            return Err(ConfigError::new(
                API_KEY_FILE,
                format!("{API_KEY} is set too: use one"),
            ));
        }
        (Some(path), None) => {
            let secret = secret_in(None, path, Alphabet::Header)
                .map_err(|error| ConfigError::new(API_KEY_FILE, error))?;
            // Paths in a configuration file are relative to its folder instead.
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            (secret, CredentialSource::ApiKeyFile(path))
        }
        (None, Some(key)) => {
            let secret = fixed_secret("its value", &key)
                .map_err(|error| ConfigError::new(API_KEY, error))?;
            (secret, CredentialSource::ApiKeyEnv(API_KEY.to_owned()))
        }
        (None, None) => {
            return Err(ConfigError::new(
                "no API key",
                format!("give one by {API_KEY_FILE}, {API_KEY}, or accounts in --config.file"),
            ));
        }
    };
    Ok((Credentials::ApiKey(secret), source))
}

pub(super) fn credentials(
    file: &File,
    key: &str,
    account: &AccountBlock,
    environment: Environment,
) -> Result<(Credentials, CredentialSource), ConfigError> {
    let name = Some(account.name.value.as_str());
    match (
        &account.api_key_file,
        &account.api_key_env,
        &account.basic_auth,
    ) {
        (Some(at), None, None) => secret_in(name, &file.resolve(&at.value), Alphabet::Header)
            .map(|secret| {
                let source = CredentialSource::ApiKeyFile(at.value.clone());
                (Credentials::ApiKey(secret), source)
            })
            .map_err(|error| in_file(file, at, &format!("{key}.api_key_file"), error)),
        (None, Some(at), None) => environment_secret(&at.value, environment)
            .map(|secret| {
                let source = CredentialSource::ApiKeyEnv(at.value.clone());
                (Credentials::ApiKey(secret), source)
            })
            .map_err(|error| in_file(file, at, &format!("{key}.api_key_env"), error)),
        (None, None, Some(basic)) => {
            let key = format!("{key}.basic_auth");
            if basic.username.value.is_empty() || basic.username.value.contains(':') {
                let message = "must not be empty or contain a colon (RFC 7617)";
                return Err(in_file(
                    file,
                    &basic.username,
                    &format!("{key}.username"),
                    message,
                ));
            }
            let at = &basic.password_file;
            password_in(name, &at.value, &file.resolve(&at.value))
                .map(|password| {
                    let username = basic.username.value.clone();
                    let source = CredentialSource::BasicAuth {
                        username: username.clone(),
                        password_file: at.value.clone(),
                    };
                    (Credentials::Basic { username, password }, source)
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

/// The secret in a file.
fn secret_in(account: Option<&str>, path: &Path, alphabet: Alphabet) -> Result<Secret, String> {
    check_path(path)?;
    secret_in_file(account, path, alphabet).map_err(|error| error.to_string())
}

/// The password in the file `path`, which the configuration calls `written`. A password in the place of its file may be an
/// ordinary word, so a missing file is named only if `written` has a folder or an extension: `./key` but not `key`.
fn password_in(account: Option<&str>, written: &Path, path: &Path) -> Result<Secret, String> {
    check_path(written)?;
    secret_in_file(account, path, Alphabet::Any).map_err(|error| match error {
        SecretError::Unreadable { source, .. }
            if source.kind() == ErrorKind::NotFound && !is_path(written) =>
        {
            format!("cannot read the file: {source}; expected its path, not the password itself")
        }
        error => error.to_string(),
    })
}

/// Whether a text is a path rather than a word. Extensions are in lower case.
fn is_path(text: &Path) -> bool {
    let extension = text.extension().map(OsStr::as_encoded_bytes);
    let has_extension = extension.is_some_and(|text| text.iter().all(u8::is_ascii_lowercase));
    has_extension || text.components().count() > 1
}

fn environment_secret(name: &str, environment: Environment) -> Result<Secret, String> {
    let place = environment_variable(name);
    let value = environment(name).ok_or_else(|| format!("{place} is not set or is empty"))?;
    fixed_secret(&place, &value)
}

/// Names the variable, unless the name may be a key in the wrong place.
fn environment_variable(name: &str) -> String {
    let of_names = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    match name.bytes().all(of_names) {
        true => format!("the environment variable {}", shown_word(name)),
        false => "the environment variable".to_owned(),
    }
}

/// The value of an environment variable, which `place` names for errors.
fn fixed_secret(place: &str, value: &str) -> Result<Secret, String> {
    if value.contains(char::REPLACEMENT_CHARACTER) {
        return Err(format!("{place} is not UTF-8"));
    }
    let secret = Secret::fixed(place, value, Alphabet::Header);
    secret.map_err(|error| error.to_string())
}
