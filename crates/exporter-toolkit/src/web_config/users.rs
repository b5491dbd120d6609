//! Authentication of users with bcrypt-hashed passwords.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_saphyr::Spanned;
use tracing::warn;

use super::auth_cache::{AuthCache, LoginAttempt, PasswordChecks};
use super::client::Client;
use super::hash::{Hash, USUAL_COSTS, looks_like_hash};
use super::reader::ConfigReader;
use crate::diagnostics::ConfigError;
use crate::redacted::Redacted;
use crate::redacted::shown_name;

/// The users of `basic_auth_users`, at least one.
pub(crate) struct Users {
    hashes: BTreeMap<String, Hash>,
    /// Limit of concurrent checks per bcrypt cost.
    parallel: usize,
    cache: Arc<AuthCache>,
}

/// The result of authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    /// The password is right.
    Accepted,
    /// The password is missing or wrong.
    Rejected,
    /// The queue of password checks is full.
    Overloaded,
}

/// Prints only names, because weak passwords can be guessed from their hashes.
impl fmt::Debug for Users {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.hashes.keys()).finish()
    }
}

impl Users {
    /// Parses the section; `None` without users or on errors, which are added to `reader`.
    pub(super) fn read(
        written: BTreeMap<String, Spanned<Redacted>>,
        reader: &mut ConfigReader,
    ) -> Option<Users> {
        if written.is_empty() {
            return None;
        }
        let mut hashes = BTreeMap::new();
        for (name, at) in written {
            match user_hash(&name, &at.value.0) {
                Ok(hash) => {
                    warn_about_cost(&name, &hash);
                    hashes.insert(name, hash);
                }
                Err(message) => {
                    let key = format!("basic_auth_users.{}", shown_name(&name));
                    reader.error_at(at.referenced, &key, message);
                }
            }
        }
        match AuthCache::new() {
            Ok(cache) => Some(Users {
                parallel: parallel_checks(&hashes),
                hashes,
                cache: Arc::new(cache),
            }),
            Err(_) => {
                let message = "the operating system has no random numbers";
                reader.error(ConfigError::new("basic_auth_users", message));
                None
            }
        }
    }

    /// Takes over the cache of the previous configuration. Entries are bound to a hash, so outdated ones never match.
    pub(super) fn inherit(&mut self, earlier: &Users) {
        self.cache = Arc::clone(&earlier.cache);
    }

    /// Checks a request's user name and password (RFC 7617). Uncached attempts wait in a queue that is shared fairly between
    /// networks, then between first and repeated attempts of connections, then between user names.
    pub(crate) async fn admit(&self, headers: &HeaderMap, client: &Client) -> Login {
        let Some((user, password)) = credentials(headers) else {
            return Login::Rejected;
        };
        let number = self.cache.user_number(&user);
        let known = str::from_utf8(&user)
            .ok()
            .and_then(|user| self.hashes.get(user));
        let attempt = LoginAttempt {
            hash: known.cloned().unwrap_or_else(|| self.dummy(number)),
            user,
            password,
        };
        let is_right = match self.cache.cached(&attempt) {
            Some(is_right) => Some(is_right),
            None => {
                let is_repeated = !client.is_first_attempt();
                let path = [client.network(), is_repeated.into(), number];
                self.cache.check(attempt, &path, self.parallel).await
            }
        };
        match is_right {
            Some(true) if known.is_some() => Login::Accepted,
            Some(_) => Login::Rejected,
            None => Login::Overloaded,
        }
    }

    /// A dummy hash for an unknown user. Its cost is one of the users' costs and is always the same for a name, so that the
    /// duration of one or several attempts does not reveal whether a user exists.
    fn dummy(&self, number: u64) -> Hash {
        let users = self.hashes.len().max(1) as u64;
        let model = self.hashes.values().nth((number % users) as usize);
        Hash::dummy(model.map_or(*USUAL_COSTS.end(), Hash::cost))
    }

    /// The counters of the cache.
    pub(super) fn checks(&self) -> PasswordChecks {
        self.cache.checks()
    }
}

/// Concurrent checks per cost: the number of cores (at least two) divided by the number of different costs.
fn parallel_checks(hashes: &BTreeMap<String, Hash>) -> usize {
    let cores = available_parallelism().map_or(2, NonZeroUsize::get).max(2);
    let costs: BTreeSet<u32> = hashes.values().map(Hash::cost).collect();
    (cores / costs.len().max(1)).max(1)
}

fn warn_about_cost(name: &str, hash: &Hash) {
    let cost = hash.cost();
    if cost > *USUAL_COSTS.end() {
        let key = format!("basic_auth_users.{}", shown_name(name));
        warn!(
            key,
            cost,
            "Checking a password against this hash takes more than a second; prefer a cost of 10 to 12"
        );
    }
}

fn user_hash(name: &str, hash: &str) -> Result<Hash, &'static str> {
    match looks_like_hash(name) {
        true => Err("the name looks like a hash; are user name and hash swapped?"),
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
