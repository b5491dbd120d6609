//! `--account`: some of the accounts of a configuration.

use std::sync::Arc;

use super::Config;
use crate::gateway::field_names::FieldNames;
use crate::hidden::shown_word;
use crate::printable::neutral;

/// `--account` names none of the accounts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--account: the configuration has no account of that name{}", known(.0))]
pub struct UnknownAccount(Vec<String>);

impl Config {
    /// Keeps only the accounts with these names; all where none is given.
    ///
    /// # Errors
    /// [`UnknownAccount`] when a name is none of theirs.
    pub fn keep_accounts(&mut self, wanted: &[String]) -> Result<(), UnknownAccount> {
        let names = self.accounts.iter().filter_map(|at| at.name.clone());
        let names: Vec<String> = names.collect();
        if !wanted.iter().all(|name| names.contains(name)) {
            return Err(UnknownAccount(names));
        }
        if !wanted.is_empty() {
            let is_wanted = |name: &String| wanted.contains(name);
            self.accounts
                .retain(|account| account.name.as_ref().is_some_and(is_wanted));
        }
        Ok(())
    }
}

/// How a configuration names the fields of answers, account by account.
#[derive(Debug)]
pub struct FieldNamesByAccount {
    pub(super) defaults: Arc<FieldNames>,
    pub(super) accounts: Vec<(String, Arc<FieldNames>)>,
}

impl FieldNamesByAccount {
    /// Those of the account with this name, or of the block of defaults.
    ///
    /// # Errors
    /// [`UnknownAccount`] when no account has the name.
    pub fn of(self, account: Option<&str>) -> Result<Arc<FieldNames>, UnknownAccount> {
        let Some(wanted) = account else {
            return Ok(self.defaults);
        };
        let mut accounts = self.accounts.iter();
        match accounts.find(|(name, _)| name == wanted) {
            Some((_, names)) => Ok(Arc::clone(names)),
            None => Err(UnknownAccount(
                self.accounts.into_iter().map(|(name, _)| name).collect(),
            )),
        }
    }
}

fn known(names: &[String]) -> String {
    match names {
        [] => ", it names none".to_owned(),
        names => format!(", expected one of {}", neutral(&shown(names))),
    }
}

fn shown(names: &[String]) -> String {
    let names: Vec<&str> = names.iter().map(|name| shown_word(name)).collect();
    names.join(", ")
}
