//! One reading of the file: the bytes that it is made of, and everything that is wrong with it.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};
use serde_saphyr::{Location, Spanned};

use crate::config::yaml::check_path;
use crate::config::{ConfigError, ConfigErrors};
use crate::hidden::{Hidden, shown_path};
use crate::reread::read_regular;

/// A reading under way.
#[derive(Debug)]
pub(super) struct Reading {
    path: PathBuf,
    contents: Contents,
    problems: Vec<ConfigError>,
}

/// What the files held that a reading looked at, as far as it takes to tell whether it is still so.
#[derive(Debug, Default)]
pub(super) struct Contents(Vec<(PathBuf, Content)>);

type Content = Result<Vec<u8>, io::ErrorKind>;

/// A PEM text, and where it comes from.
pub(super) struct Pem {
    pub key: String,
    pub at: Location,
    /// For messages.
    pub place: String,
    pub bytes: Vec<u8>,
}

impl Reading {
    pub(super) fn of(path: &Path) -> Reading {
        Reading {
            path: path.to_owned(),
            contents: Contents::default(),
            problems: Vec::new(),
        }
    }

    /// The text of the file itself.
    pub(super) fn text(&mut self) -> Result<String, ConfigError> {
        let path = self.path.clone();
        let place = shown_path(&path).into_owned();
        let bytes = self
            .bytes(&path)
            .map_err(|error| ConfigError::new(&place, error))?;
        String::from_utf8(bytes).map_err(|_| ConfigError::new(&place, "not UTF-8"))
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
        inline: Option<&Spanned<Hidden>>,
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
        match self.bytes(&path) {
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

    pub(super) fn end<T>(self, config: T) -> (Contents, Result<T, ConfigErrors>) {
        let result = match self.problems.is_empty() {
            true => Ok(config),
            false => Err(ConfigErrors(self.problems)),
        };
        (self.contents, result)
    }

    fn bytes(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let bytes = read_regular(path);
        self.contents.0.push((path.to_owned(), content(&bytes)));
        bytes
    }
}

impl Contents {
    /// Reads the files again.
    pub(super) fn are_still_there(&self) -> bool {
        let still = |(path, before): &(PathBuf, Content)| content(&read_regular(path)) == *before;
        self.0.iter().all(still)
    }
}

fn content(bytes: &io::Result<Vec<u8>>) -> Content {
    match bytes {
        Ok(bytes) => Ok(digest(&SHA256, bytes).as_ref().to_vec()),
        Err(error) => Err(error.kind()),
    }
}
