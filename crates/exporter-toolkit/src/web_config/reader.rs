//! Reads the web configuration file and the files that it names, and collects their errors.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use serde_saphyr::{Location, Spanned};

use crate::diagnostics::{ConfigError, ConfigErrors};
use crate::redacted::{Redacted, shown_path};
use crate::reloader::Fingerprint;
use crate::yaml::check_path;

/// A reader with the errors found so far.
#[derive(Debug)]
pub(super) struct ConfigReader<'a> {
    path: PathBuf,
    files: &'a mut Fingerprint,
    errors: Vec<ConfigError>,
}

/// A PEM text with its origin.
pub(super) struct Pem {
    /// The key in the web configuration file, and its location.
    pub key: String,
    pub at: Location,
    /// Where the text is, as it is printed in errors: a path, or the value of the key.
    pub place: String,
    pub bytes: Vec<u8>,
}

impl ConfigReader<'_> {
    pub(super) fn new<'a>(path: &Path, files: &'a mut Fingerprint) -> ConfigReader<'a> {
        ConfigReader {
            path: path.to_owned(),
            files,
            errors: Vec::new(),
        }
    }

    /// The text of the file itself.
    pub(super) fn text(&mut self) -> Result<String, ConfigError> {
        let text = self.files.read_text(&self.path);
        text.map_err(|error| ConfigError::new(shown_path(&self.path), error))
    }

    /// Adds an error at a key.
    pub(super) fn error_at(&mut self, at: Location, key: &str, message: impl Display) {
        self.error(ConfigError::in_file(&self.path, at, key, message));
    }

    /// Adds an error.
    pub(super) fn error(&mut self, error: ConfigError) {
        self.errors.push(error);
    }

    /// The PEM text of the key `name`: the content of `file` if present, else `inline`.
    pub(super) fn pem(
        &mut self,
        name: &str,
        file: Option<&Spanned<String>>,
        inline: Option<&Spanned<Redacted>>,
    ) -> Option<Pem> {
        let Some(file) = file else {
            return inline.map(|inline| Pem {
                key: format!("tls_server_config.{name}"),
                at: inline.referenced,
                place: format!("the value of {name}"),
                bytes: inline.value.0.clone().into_bytes(),
            });
        };
        let key = format!("tls_server_config.{name}_file");
        if let Err(message) = check_path(Path::new(&file.value)) {
            self.error_at(file.referenced, &key, message);
            return None;
        }
        // Paths in the file are relative to its directory.
        let path = self
            .path
            .parent()
            .unwrap_or(Path::new(""))
            .join(&file.value);
        let place = shown_path(&path).into_owned();
        match self.files.read(&path) {
            Ok(bytes) => Some(Pem {
                key,
                at: file.referenced,
                place,
                bytes,
            }),
            Err(error) => {
                let message = format!("cannot read {place}: {error}");
                self.error_at(file.referenced, &key, message);
                None
            }
        }
    }

    /// Returns `value`, or all errors.
    pub(super) fn finish<T>(self, value: T) -> Result<T, ConfigErrors> {
        match self.errors.is_empty() {
            true => Ok(value),
            false => Err(ConfigErrors(self.errors)),
        }
    }
}
