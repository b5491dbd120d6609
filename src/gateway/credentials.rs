//! What an account shows to the gateway, and how a secret that lives in a file is kept current.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use reqwest::RequestBuilder;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::sent_secret::SentSecret;
use crate::hidden::shown_path;
use crate::reread::{Rereader, read_regular_text};

/// How an account proves who it is (API page, "Errors" and the authentication page).
#[derive(Debug)]
pub enum Credentials {
    /// Header `X-Api-Key`.
    ApiKey(Secret),
    /// HTTP Basic, the documented alternative.
    Basic {
        /// The user name.
        username: String,
        /// The password.
        password: Secret,
    },
}

impl Credentials {
    /// Adds the credentials to a request, after a look at the secret's file, and says what it sends.
    ///
    /// # Errors
    /// [`SecretError`] when the file can no longer be read; the request then carries the last good value.
    pub async fn authorize(
        &self,
        request: RequestBuilder,
    ) -> (RequestBuilder, SentSecret, Result<(), SecretError>) {
        match self {
            Credentials::ApiKey(secret) => {
                let fresh = secret.read_again().await;
                let key = secret.value();
                let request = request.header("X-Api-Key", header_value(&key));
                (request, SentSecret::api_key(key.expose_secret()), fresh)
            }
            Credentials::Basic { username, password } => {
                let fresh = password.read_again().await;
                let password = password.value();
                let password = password.expose_secret();
                let request = request.basic_auth(username, Some(password));
                (request, SentSecret::basic(username, password), fresh)
            }
        }
    }
}

impl Credentials {
    /// Whether the gateway is shown the same as by `other`. A secret in a file counts as it was last
    /// read.
    pub(super) fn are_those_of(&self, other: &Credentials) -> bool {
        let same = |one: &Secret, other: &Secret| {
            one.value().expose_secret() == other.value().expose_secret()
        };
        match (self, other) {
            (Credentials::ApiKey(one), Credentials::ApiKey(other)) => same(one, other),
            (
                Credentials::Basic { username, password },
                Credentials::Basic {
                    username: other_name,
                    password: other_password,
                },
            ) => username == other_name && same(password, other_password),
            _ => false,
        }
    }
}

/// A secret that cannot be used. The text never holds a piece of the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", shown_path(path))]
    Unreadable {
        /// The secret's file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file does not answer, as on a network drive that is gone.
    #[error("reading {} takes too long", shown_path(path))]
    Slow {
        /// The secret's file.
        path: PathBuf,
    },
    /// Nothing is left after trimming.
    #[error("{place} is empty")]
    Empty {
        /// The file or the environment variable.
        place: String,
    },
    /// The value cannot stand in an HTTP header.
    #[error("{place} holds a character that cannot stand in an HTTP header (not printable ASCII)")]
    NotAHeaderValue {
        /// The file or the environment variable.
        place: String,
    },
}

/// What a secret may be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// It stands in a header as it is: printable ASCII.
    Header,
    /// It is encoded before it is sent: any text.
    Any,
}

/// A secret from the environment or from a file.
#[derive(Debug)]
pub struct Secret {
    file: Option<PathBuf>,
    alphabet: Alphabet,
    value: Mutex<SecretString>,
    rereader: Rereader<std::io::Result<String>>,
}

impl Secret {
    /// A secret whose value is known; `place` names where it stands, for the error.
    ///
    /// # Errors
    /// [`SecretError`] when the trimmed value is empty or not of the alphabet.
    pub fn fixed(place: &str, value: &str, alphabet: Alphabet) -> Result<Secret, SecretError> {
        Ok(Secret {
            file: None,
            alphabet,
            value: Mutex::new(usable(place, value, alphabet)?),
            rereader: Rereader::default(),
        })
    }

    /// A secret in a file, which is read now and again before each use.
    ///
    /// # Errors
    /// [`SecretError`] when the file cannot be read or its trimmed content cannot be used.
    pub fn from_file(path: &Path, alphabet: Alphabet) -> Result<Secret, SecretError> {
        let text = read_regular_text(path);
        Ok(Secret {
            value: Mutex::new(usable_content(path, text, alphabet)?),
            file: Some(path.to_owned()),
            alphabet,
            rereader: Rereader::default(),
        })
    }

    async fn read_again(&self) -> Result<(), SecretError> {
        let Some(path) = &self.file else {
            return Ok(());
        };
        let look = {
            let path = path.clone();
            move || read_regular_text(&path)
        };
        let Some(text) = self.rereader.look(look).await else {
            return Err(SecretError::Slow { path: path.clone() });
        };
        *self.value.lock() = usable_content(path, text, self.alphabet)?;
        Ok(())
    }

    fn value(&self) -> SecretString {
        self.value.lock().clone()
    }
}

fn header_value(secret: &SecretString) -> HeaderValue {
    // The alphabet let only printable ASCII in, so the fallback is never sent.
    let mut header = HeaderValue::from_str(secret.expose_secret())
        .unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

fn usable_content(
    path: &Path,
    text: std::io::Result<String>,
    alphabet: Alphabet,
) -> Result<SecretString, SecretError> {
    let text = text.map_err(|source| SecretError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    usable(&shown_path(path), &text, alphabet)
}

fn usable(place: &str, value: &str, alphabet: Alphabet) -> Result<SecretString, SecretError> {
    let value = value.trim();
    if value.is_empty() {
        return Err(SecretError::Empty {
            place: place.to_owned(),
        });
    }
    let printable = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if alphabet == Alphabet::Header && !printable {
        return Err(SecretError::NotAHeaderValue {
            place: place.to_owned(),
        });
    }
    Ok(SecretString::from(value))
}
