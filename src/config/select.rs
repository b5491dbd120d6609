//! `--account`: some of the accounts of a configuration.

use super::Config;
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

fn known(names: &[String]) -> String {
    match names {
        [] => ", it names none".to_owned(),
        names => format!(", expected one of {}", neutral(&names.join(", "))),
    }
}
