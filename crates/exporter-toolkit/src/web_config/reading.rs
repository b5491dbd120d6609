//! Reads the web configuration file and the files that it names, and collects everything that is wrong with them.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use serde_saphyr::{Location, Spanned};

use crate::diagnostics::{ConfigError, ConfigErrors};
use crate::redacted::{Redacted, shown_path};
use crate::reloader::Fingerprint;
use crate::yaml::check_path;

/// The mistakes found so far.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    path: PathBuf,
    files: &'a mut Fingerprint,
    problems: Vec<ConfigError>,
}

/// A PEM text, and where it comes from.
pub(super) struct Pem {
    pub key: String,
    pub at: Location,
    /// For messages.
    pub place: String,
    pub bytes: Vec<u8>,
}

impl Reading<'_> {
    pub(super) fn new<'a>(path: &Path, files: &'a mut Fingerprint) -> Reading<'a> {
        Reading {
            path: path.to_owned(),
            files,
            problems: Vec::new(),
        }
    }

    /// The text of the file itself.
    pub(super) fn text(&mut self) -> Result<String, ConfigError> {
        let text = self.files.read_text(&self.path);
        text.map_err(|error| ConfigError::new(shown_path(&self.path), error))
    }

    /// Something is wrong at a key.
    pub(super) fn problem(&mut self, at: Location, key: &str, message: impl Display) {
        let problem = ConfigError::in_file(&self.path, at, key, message);
        self.problems.push(problem);
    }

    /// Something is wrong with the whole.
    pub(super) fn broken(&mut self, problem: ConfigError) {
        self.problems.push(problem);
    }

    /// The PEM text under `name`: that of the file, if one is named, else the one in place.
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
            self.problem(file.referenced, &key, message);
            return None;
        }
        // Paths in the file are relative to it.
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
                self.problem(file.referenced, &key, message);
                None
            }
        }
    }

    /// The result, if nothing is wrong.
    pub(super) fn end<T>(self, result: T) -> Result<T, ConfigErrors> {
        match self.problems.is_empty() {
            true => Ok(result),
            false => Err(ConfigErrors(self.problems)),
        }
    }
}
