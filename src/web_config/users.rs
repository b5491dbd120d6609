//! Who may ask: users with bcrypt hashes of their passwords.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_saphyr::Spanned;

use super::hash::{Hash, is_like_a_hash};
use super::reading::Reading;
use super::verdicts::{Question, Verdicts};
use crate::config::{ConfigError, shown};
use crate::hidden::Hidden;

/// The users of `basic_auth_users`, at least one.
pub struct Users {
    hashes: BTreeMap<String, Hash>,
    /// What every question costs, whomever it is about.
    highest_cost: u32,
    verdicts: Arc<Verdicts>,
}

/// Only names: a hash is as good as a weak password.
impl fmt::Debug for Users {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.hashes.keys()).finish()
    }
}

impl Users {
    /// What is wrong is left with the reading; `None` lets everybody in.
    pub(super) fn read(
        written: BTreeMap<String, Spanned<Hidden>>,
        reading: &mut Reading,
    ) -> Option<Users> {
        if written.is_empty() {
            return None;
        }
        let mut hashes = BTreeMap::new();
        for (name, at) in written {
            match user_hash(&name, &at.value.0) {
                Ok(hash) => {
                    hashes.insert(name, hash);
                }
                Err(message) => {
                    let key = format!("basic_auth_users.{}", shown(&name));
                    reading.problem(at.referenced, &key, message);
                }
            }
        }
        match Verdicts::new() {
            Ok(verdicts) => Some(Users {
                highest_cost: hashes.values().map(Hash::cost).max().unwrap_or_default(),
                hashes,
                verdicts: Arc::new(verdicts),
            }),
            Err(_) => {
                let message = "the operating system has no random numbers";
                reading.broken(ConfigError::new("basic_auth_users", message));
                None
            }
        }
    }

    /// Goes on with the verdicts of an earlier reading; those on other hashes do no harm.
    pub(super) fn inherit(&mut self, earlier: &Users) {
        self.verdicts = Arc::clone(&earlier.verdicts);
    }

    /// Whether a request shows a user's name and password (RFC 7617). It waits for its turn where a
    /// password must be hashed.
    pub async fn admit(&self, headers: &HeaderMap) -> bool {
        let Some((user, password)) = credentials(headers) else {
            return false;
        };
        let hash = str::from_utf8(&user)
            .ok()
            .and_then(|user| self.hashes.get(user));
        let stand_in = || Hash::stand_in(self.highest_cost);
        let question = Question {
            hash: hash.cloned().unwrap_or_else(stand_in),
            cost: self.highest_cost,
            user,
            password,
        };
        self.verdicts.ask(question).await && hash.is_some()
    }

    /// How many passwords have been hashed, since the file was first read with users in it.
    pub fn comparisons(&self) -> u64 {
        self.verdicts.comparisons()
    }

    /// How many rounds of hashing that took: a hash takes two to the power of its cost.
    pub fn rounds(&self) -> u64 {
        self.verdicts.rounds()
    }
}

fn user_hash(name: &str, hash: &str) -> Result<Hash, &'static str> {
    match is_like_a_hash(name) {
        true => Err("the name looks like a hash: user and hash are swapped?"),
        false => Hash::parse(hash).ok_or("not a bcrypt hash"),
    }
}

fn credentials(headers: &HeaderMap) -> Option<(Vec<u8>, Vec<u8>)> {
    let header = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, encoded) = header.split_at_checked("Basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(encoded).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (user, password) = decoded.split_at(colon);
    Some((user.to_vec(), password[1..].to_vec()))
}
