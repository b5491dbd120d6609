//! A saved answer, from a file or from standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::answer::{Answer, Endpoint};
use super::explanation::{AccountExplanation, Call, Explanation};
use super::gateway::ExplainError;
use super::redaction::Redactor;
use crate::config::FieldNamesByAccount;
use crate::gateway::field_names::FieldNames;
use crate::gateway::{Paging, SentSecret};
use exporter_toolkit::redacted::shown_path;

/// Maximum number of bytes that are read: the default of `limits.response_bytes`.
const MAX_BYTES: u64 = 64 << 20;

/// A saved answer cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// The operating system reports an error.
    #[error("--from: cannot read {}: {source}", shown_path(path))]
    Unreadable {
        /// The file, or `-` for standard input.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file is longer than any answer of the gateway.
    #[error("--from: {} is longer than 64 MiB", shown_path(path))]
    TooLong {
        /// The file, or `-` for standard input.
        path: PathBuf,
    },
    /// The file is empty.
    #[error("--from: {} is empty", shown_path(path))]
    Empty {
        /// The file, or `-` for standard input.
        path: PathBuf,
    },
}

/// Reads a saved answer; `-` is standard input.
///
/// # Errors
/// [`SavedError`] if it cannot be read, is too long, or is empty.
pub fn read_saved(path: &Path) -> Result<Vec<u8>, SavedError> {
    let body = match path.as_os_str() == "-" {
        true => read(io::stdin().lock()),
        false => File::open(path).and_then(read),
    };
    let path = path.to_owned();
    let body = match body {
        Ok(body) => body,
        Err(source) => return Err(SavedError::Unreadable { path, source }),
    };
    if body.len() as u64 > MAX_BYTES {
        return Err(SavedError::TooLong { path });
    }
    match body.iter().all(u8::is_ascii_whitespace) {
        true => Err(SavedError::Empty { path }),
        false => Ok(body),
    }
}

fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut body)?;
    Ok(body)
}

/// The field names by which a saved answer is read: those of the `wanted` account, or the defaults.
///
/// # Errors
/// [`ExplainError`] if the account is unknown, or `wanted` names several.
pub fn saved_field_names(
    names: FieldNamesByAccount,
    wanted: &[String],
) -> Result<Arc<FieldNames>, ExplainError> {
    match wanted {
        [] => Ok(names.select(None)?),
        [account] => Ok(names.select(Some(account))?),
        _ => Err(ExplainError::SeveralAccounts),
    }
}

impl Explanation {
    /// Explains a saved answer, which is a list or the details of a platform. `source` names the file.
    pub fn of_saved(source: &str, body: &[u8], field_names: &FieldNames) -> Explanation {
        let no_secret = SentSecret::default();
        let redactor = Redactor::new(&no_secret);
        let (endpoint, about) = match is_details(body) {
            true => (Endpoint::Details, "details"),
            false => (Endpoint::List, "list"),
        };
        let answer = Answer::read(body, endpoint, Paging::default(), field_names, &redactor);
        let call = Call {
            address: source.to_owned(),
            about: about.to_owned(),
            bytes: Some(body.len()),
            answer: Some(answer),
            ..Call::default()
        };
        let account = AccountExplanation {
            calls: vec![call],
            ..AccountExplanation::default()
        };
        Explanation {
            accounts: vec![account],
        }
    }
}

/// Whether the answer has a platform beside its entries, as UC-017 describes for details only.
fn is_details(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let data = document.get("data").unwrap_or(&document);
    data.get("platform").is_some_and(Value::is_string)
}
