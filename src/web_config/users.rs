//! Who may ask: users with bcrypt hashes of their passwords.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bcrypt::HashParts;
use serde_saphyr::Spanned;

use super::reading::Reading;
use super::verdicts::{Question, Verdicts};
use crate::config::ConfigError;
use crate::config::yaml::{Hidden, shown_key};

/// The users of `basic_auth_users`, at least one.
pub struct Users {
    hashes: BTreeMap<String, String>,
    /// What the password of an unknown user is compared with, so that it takes as long.
    stand_in: String,
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
        let mut highest_cost = 0;
        for (name, at) in written {
            match cost(&at.value.0) {
                Some(cost) => highest_cost = highest_cost.max(cost),
                None => {
                    let key = format!("basic_auth_users.{}", shown_key(&name));
                    reading.problem(at.referenced, &key, "not a bcrypt hash");
                }
            }
            hashes.insert(name, at.value.0);
        }
        match Verdicts::new() {
            Ok(verdicts) => Some(Users {
                hashes,
                stand_in: stand_in(highest_cost),
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
        let question = Question {
            hash: hash.unwrap_or(&self.stand_in).clone(),
            user,
            password,
        };
        self.verdicts.ask(question).await && hash.is_some()
    }

    /// How often a password has been hashed, since the file was first read with users in it.
    pub fn comparisons(&self) -> u64 {
        self.verdicts.comparisons()
    }
}

/// The cost of a bcrypt hash, in powers of two.
fn cost(hash: &str) -> Option<u32> {
    let known = ["$2a$", "$2b$", "$2y$"]
        .iter()
        .any(|prefix| hash.starts_with(prefix));
    let parts = HashParts::from_str(hash).ok().filter(|_| known)?;
    Some(parts.get_cost()).filter(|cost| (4..=31).contains(cost))
}

/// A hash of this cost that is none of any password that could be found.
fn stand_in(cost: u32) -> String {
    format!("$2b${cost:02}${}", ".".repeat(53))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stand_in_costs_what_it_says_and_is_no_hash_of_nothing() {
        for number in [4, 10, 31] {
            assert_eq!(cost(&stand_in(number)), Some(number));
        }
        assert_eq!(bcrypt::verify("", &stand_in(4)).ok(), Some(false));
    }
}
