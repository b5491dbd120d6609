//! Linked pages and sub-accounts of a profile: their number, or the whole list.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::value::RawValue;

use super::fields::{Field, LINKED_ACCOUNT_IDS, LINKED_ACCOUNT_NAMES, folded};
use super::warnings::{ParseWarnings, identifier};

/// What an entry says of the pages or sub-accounts behind its profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedAccounts {
    /// How many there are.
    pub count: u64,
    /// Those that it lists, each once; empty where it states only their number.
    pub listed: Vec<LinkedAccount>,
}

/// A linked page or sub-account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedAccount {
    /// The identifier, never empty; the name where there is no other.
    pub id: String,
    /// The human name, where one is stated.
    pub name: Option<String>,
}

/// A whole number, or an array of objects, texts and numbers. A broken one counts, and is not listed.
pub(super) fn read(raw: Option<&RawValue>, warnings: &mut ParseWarnings) -> Option<LinkedAccounts> {
    let raw = raw?;
    if !raw.get().starts_with('[') {
        let count = warnings.read(Field::LinkedAccounts, Some(raw))?;
        let listed = Vec::new();
        return Some(LinkedAccounts { count, listed });
    }
    let entries: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
    let mut seen = BTreeSet::new();
    let mut listed = Vec::new();
    let mut broken = false;
    for entry in &entries {
        match account(entry) {
            Some(account) if seen.insert(account.id.clone()) => listed.push(account),
            Some(_) => {}
            None => broken = true,
        }
    }
    if broken {
        warnings.invalid(Field::LinkedAccounts);
    }
    let count = entries.len() as u64;
    Some(LinkedAccounts { count, listed })
}

fn account(entry: &RawValue) -> Option<LinkedAccount> {
    if !entry.get().starts_with('{') {
        let id = identifier(entry)?;
        return Some(LinkedAccount { id, name: None });
    }
    let fields: Vec<(String, Value)> = serde_json::from_str::<serde_json::Map<_, _>>(entry.get())
        .ok()?
        .into_iter()
        .collect();
    let id = first_text(&fields, &LINKED_ACCOUNT_IDS)?;
    let name = first_text(&fields, &LINKED_ACCOUNT_NAMES);
    Some(LinkedAccount { id, name })
}

/// The usable text under the first of these names that has one.
fn first_text(fields: &[(String, Value)], names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let name = folded(name);
        let (_, value) = fields.iter().find(|(key, _)| folded(key) == name)?;
        let raw = serde_json::value::to_raw_value(value).ok()?;
        identifier(&raw)
    })
}
