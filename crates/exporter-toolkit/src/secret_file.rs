//! Secrets from environment variables and from files that are replaced while the program runs.

use std::fmt::{self, Debug};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;

use crate::redacted::shown_path;
use crate::reloader::{Event, Fingerprint, Loader, ReloadError, Reloader};

/// A secret that cannot be used. The text never contains a part of the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", shown_path(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The value is empty after trimming.
    #[error("{place} is empty")]
    Empty {
        /// The file or the environment variable.
        place: String,
    },
    /// The value cannot be sent in an HTTP header.
    #[error("{place} contains a character that cannot be in an HTTP header (not printable ASCII)")]
    NotAHeaderValue {
        /// The file or the environment variable.
        place: String,
    },
}

/// The characters of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// Printable ASCII, for a secret that is sent in an HTTP header as it is.
    Header,
    /// Any text, for a secret that is encoded before it is sent.
    Any,
}

/// Receives the error when the file of a secret cannot be used any more, and `None` when it can be used again.
pub type Observer = Box<dyn Fn(Option<&ReloadError<SecretError>>) + Send + Sync>;

/// A secret, without leading and trailing white space. `Debug` does not show it.
///
/// ```
/// use exporter_toolkit::secret_file::{Alphabet, Secret};
/// use secrecy::ExposeSecret;
///
/// let secret = Secret::fixed("API_KEY", " abc\n", Alphabet::Header)?;
/// assert_eq!(secret.last_good().expose_secret(), "abc");
/// # Ok::<(), exporter_toolkit::secret_file::SecretError>(())
/// ```
#[derive(Debug)]
pub struct Secret(Source);

enum Source {
    Fixed(Arc<SecretString>),
    File(Reloader<SecretFile>),
}

struct SecretFile {
    path: PathBuf,
    alphabet: Alphabet,
    observer: Observer,
}

impl Debug for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Fixed(_) => out.write_str("Fixed"),
            Source::File(file) => write!(out, "File({:?})", file.loader().path),
        }
    }
}

impl Secret {
    /// A secret that never changes. `place` names its source in errors.
    ///
    /// # Errors
    /// [`SecretError`] if the trimmed value is empty or not of the alphabet.
    pub fn fixed(place: &str, value: &str, alphabet: Alphabet) -> Result<Secret, SecretError> {
        let value = Arc::new(alphabet.secret(place, value)?);
        Ok(Secret(Source::Fixed(value)))
    }

    /// A secret in a file. The file is read now, and again before a use if it has changed.
    ///
    /// # Errors
    /// [`SecretError`] if the file cannot be read or its trimmed content cannot be used.
    pub fn from_file(
        path: &Path,
        alphabet: Alphabet,
        observer: Observer,
    ) -> Result<Secret, SecretError> {
        let file = Reloader::new(SecretFile {
            path: path.to_owned(),
            alphabet,
            observer,
        })?;
        Ok(Secret(Source::File(file)))
    }

    /// The secret. Checks first whether its file has changed. Returns the last good value if the file cannot be used or
    /// read within a second.
    pub async fn current(&self) -> Arc<SecretString> {
        match &self.0 {
            Source::Fixed(value) => Arc::clone(value),
            Source::File(file) => file.current().await,
        }
    }

    /// The secret, without checking its file for changes.
    pub fn last_good(&self) -> Arc<SecretString> {
        match &self.0 {
            Source::Fixed(value) => Arc::clone(value),
            Source::File(file) => file.last_good(),
        }
    }

    /// Why the secret is not the content of its file; `None` if it is.
    pub fn error(&self) -> Option<Arc<ReloadError<SecretError>>> {
        match &self.0 {
            Source::Fixed(_) => None,
            Source::File(file) => file.error(),
        }
    }
}

impl Alphabet {
    fn secret(self, place: &str, value: &str) -> Result<SecretString, SecretError> {
        let place = place.to_owned();
        let value = value.trim();
        if value.is_empty() {
            return Err(SecretError::Empty { place });
        }
        let is_printable = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        match self == Alphabet::Header && !is_printable {
            true => Err(SecretError::NotAHeaderValue { place }),
            false => Ok(SecretString::from(value)),
        }
    }
}

impl Loader for SecretFile {
    type Value = SecretString;
    type Error = SecretError;

    fn load(
        &self,
        files: &mut Fingerprint,
        _: Option<&SecretString>,
    ) -> Result<SecretString, SecretError> {
        let text = files.read_text(&self.path);
        let text = text.map_err(|source| SecretError::Unreadable {
            path: self.path.clone(),
            source,
        })?;
        self.alphabet.secret(&shown_path(&self.path), &text)
    }

    fn on_event(&self, event: Event<'_, SecretFile>) {
        match event {
            Event::Failed(error) => (self.observer)(Some(error)),
            Event::Recovered => (self.observer)(None),
            _ => {}
        }
    }
}
