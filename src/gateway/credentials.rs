//! The credentials of an account, and what a request with them contains.

use std::path::Path;
use std::sync::Arc;

use reqwest::RequestBuilder;
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret;
use tracing::{info, warn};

use super::sent_secret::SentSecret;
use exporter_toolkit::reloader::ReloadError;
use exporter_toolkit::secret_file::{Alphabet, Observer, Secret, SecretError};

/// How an account authenticates (API page, "Errors", and the page about authentication).
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
    /// Adds the credentials to a request, after a look at the secret's file, and returns the secret that it contains.
    pub async fn authorize(&self, request: RequestBuilder) -> (RequestBuilder, SentSecret) {
        let secret = self.secret().current().await;
        let secret = secret.expose_secret();
        match self {
            Credentials::ApiKey(_) => {
                let request = request.header("X-Api-Key", header_value(secret));
                (request, SentSecret::api_key(secret))
            }
            Credentials::Basic { username, .. } => {
                let request = request.basic_auth(username, Some(secret));
                (request, SentSecret::basic(username, secret))
            }
        }
    }

    /// Why the secret is the last good one instead of the content of its file.
    pub(super) fn secret_error(&self) -> Option<Arc<ReloadError<SecretError>>> {
        self.secret().error()
    }

    /// Whether requests with `other` contain the same credentials. A secret in a file counts as last read.
    pub(super) fn same_as(&self, other: &Credentials) -> bool {
        let secrets = [self, other].map(|credentials| credentials.secret().last_good());
        let same_secret = secrets[0].expose_secret() == secrets[1].expose_secret();
        same_secret && self.scheme() == other.scheme()
    }

    fn secret(&self) -> &Secret {
        match self {
            Credentials::ApiKey(secret) => secret,
            Credentials::Basic { password, .. } => password,
        }
    }

    /// The user name of HTTP Basic; `None` for an API key.
    fn scheme(&self) -> Option<&str> {
        match self {
            Credentials::ApiKey(_) => None,
            Credentials::Basic { username, .. } => Some(username),
        }
    }
}

/// Reads the secret of an account from a file. The log tells when the file cannot be used any more.
///
/// # Errors
/// As for [`Secret::from_file`].
pub(crate) fn secret_in_file(
    account: Option<&str>,
    path: &Path,
    alphabet: Alphabet,
) -> Result<Secret, SecretError> {
    Secret::from_file(path, alphabet, log_changes(account, path))
}

fn log_changes(account: Option<&str>, path: &Path) -> Observer {
    let (account, file) = (account.map(str::to_owned), path.display().to_string());
    Box::new(move |error| match error {
        Some(err) => warn!(
            account,
            file,
            %err,
            "Secret file cannot be used, the last good value stays in use"
        ),
        None => info!(account, file, "Secret file can be used again"),
    })
}

fn header_value(secret: &str) -> HeaderValue {
    // The alphabet of an API key allows only printable ASCII, so the fallback is never sent.
    let mut header = HeaderValue::from_str(secret).unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}
