//! `--account`: selects accounts of a configuration by name.

use std::sync::Arc;

use super::model::Config;
use crate::gateway::field_names::FieldNames;
use exporter_toolkit::printable::neutral;
use exporter_toolkit::redacted::shown_word;
use exporter_toolkit::suggest::unknown;

/// `--account` has a name that no account of the configuration has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--account: {}", self.describe())]
pub struct UnknownAccount {
    name: String,
    known: Vec<String>,
}

impl UnknownAccount {
    fn describe(&self) -> String {
        let known: Vec<&str> = self.known.iter().map(|name| shown_word(name)).collect();
        neutral(&match known.as_slice() {
            [] => format!(
                "unknown account \"{}\": the configuration names no accounts",
                shown_word(&self.name)
            ),
            known => unknown("account", &self.name, shown_word(&self.name), known),
        })
    }
}

impl Config {
    /// Keeps only the accounts with these names, or all accounts if there are no names.
    ///
    /// # Errors
    /// [`UnknownAccount`] if no account has one of the names.
    pub fn keep_accounts(&mut self, wanted: &[String]) -> Result<(), UnknownAccount> {
        let names = self.accounts.iter().filter_map(|at| at.name.clone());
        let names: Vec<String> = names.collect();
        if let Some(name) = wanted.iter().find(|name| !names.contains(name)) {
            return Err(UnknownAccount {
                name: name.clone(),
                known: names,
            });
        }
        if !wanted.is_empty() {
            let is_wanted = |name: &String| wanted.contains(name);
            self.accounts
                .retain(|account| account.name.as_ref().is_some_and(is_wanted));
        }
        Ok(())
    }
}

/// The names of fields in responses, by account.
#[derive(Debug)]
pub struct FieldNamesByAccount {
    /// The names in the top-level `gateway` block.
    pub(super) defaults: Arc<FieldNames>,
    /// The names of each account, with its name.
    pub(super) accounts: Vec<(String, Arc<FieldNames>)>,
}

impl FieldNamesByAccount {
    /// The field names of the account with this name, or the defaults without a name.
    ///
    /// # Errors
    /// [`UnknownAccount`] if no account has the name.
    pub fn select(self, account: Option<&str>) -> Result<Arc<FieldNames>, UnknownAccount> {
        let Some(wanted) = account else {
            return Ok(self.defaults);
        };
        let mut accounts = self.accounts.iter();
        match accounts.find(|(name, _)| name == wanted) {
            Some((_, names)) => Ok(Arc::clone(names)),
            None => Err(UnknownAccount {
                name: wanted.to_owned(),
                known: self.accounts.into_iter().map(|(name, _)| name).collect(),
            }),
        }
    }
}
