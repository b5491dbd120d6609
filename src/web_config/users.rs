//! Who may ask: users with bcrypt hashes of their passwords.

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

use super::auth_cache::{AuthCache, LoginAttempt};
use super::client::Client;
use super::hash::{Hash, USUAL_COSTS, is_like_a_hash};
use super::reading::Reading;
use crate::config::{ConfigError, shown};
use crate::hidden::Hidden;

/// The users of `basic_auth_users`, at least one.
pub struct Users {
    hashes: BTreeMap<String, Hash>,
    /// Checks of one cost that may run at once.
    parallel: usize,
    cache: Arc<AuthCache>,
}

/// The answer to a request that has to show a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// The password is right.
    Accepted,
    /// No password, or a wrong one.
    Rejected,
    /// Too many passwords wait to be checked.
    Overloaded,
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
                    warn_of_cost(&name, &hash);
                    hashes.insert(name, hash);
                }
                Err(message) => {
                    let key = format!("basic_auth_users.{}", shown(&name));
                    reading.problem(at.referenced, &key, message);
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
                reading.broken(ConfigError::new("basic_auth_users", message));
                None
            }
        }
    }

    /// Keeps the cache of an earlier reading; its answers on other hashes do no harm.
    pub(super) fn inherit(&mut self, earlier: &Users) {
        self.cache = Arc::clone(&earlier.cache);
    }

    /// Checks a request's user name and password (RFC 7617). An answer that is not cached waits in a
    /// queue, shared fairly between addresses, first and further attempts of connections, and names.
    pub async fn admit(&self, headers: &HeaderMap, client: &Client) -> Login {
        let Some((user, password)) = credentials(headers) else {
            return Login::Rejected;
        };
        let number = self.cache.number_of(&user);
        let known = str::from_utf8(&user)
            .ok()
            .and_then(|user| self.hashes.get(user));
        let attempt = LoginAttempt {
            hash: known.cloned().unwrap_or_else(|| self.stand_in(number)),
            user,
            password,
        };
        let verdict = match self.cache.cached(&attempt) {
            Some(verdict) => Some(verdict),
            None => {
                let is_repeated = !client.is_first_attempt();
                let path = [client.network(), is_repeated.into(), number];
                self.cache.check(attempt, &path, self.parallel).await
            }
        };
        match verdict {
            Some(true) if known.is_some() => Login::Accepted,
            Some(_) => Login::Rejected,
            None => Login::Overloaded,
        }
    }

    /// A dummy hash for an unknown name. It always has the same one of the users' costs, so that
    /// neither time nor a second attempt tells an unknown name from a known one.
    fn stand_in(&self, number: u64) -> Hash {
        let users = self.hashes.len().max(1) as u64;
        let model = self.hashes.values().nth((number % users) as usize);
        Hash::stand_in(model.map_or(*USUAL_COSTS.end(), Hash::cost))
    }

    /// How many passwords have been hashed, since the file was first read with users in it.
    pub fn comparisons(&self) -> u64 {
        self.cache.comparisons()
    }

    /// How many rounds of hashing that took: a hash takes two to the power of its cost.
    pub fn rounds(&self) -> u64 {
        self.cache.rounds()
    }

    /// How many login attempts wait for a check.
    pub fn waiting(&self) -> usize {
        self.cache.waiting()
    }
}

/// The cores, at least two, divided between the costs, so that no cost is left without a check.
fn parallel_checks(hashes: &BTreeMap<String, Hash>) -> usize {
    let cores = available_parallelism().map_or(2, NonZeroUsize::get).max(2);
    let costs: BTreeSet<u32> = hashes.values().map(Hash::cost).collect();
    (cores / costs.len().max(1)).max(1)
}

fn warn_of_cost(name: &str, hash: &Hash) {
    let cost = hash.cost();
    if cost > *USUAL_COSTS.end() {
        let key = format!("basic_auth_users.{}", shown(name));
        warn!(
            key,
            cost,
            "Checking a password against this hash takes more than a second; prefer a cost of 10 to 12"
        );
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
