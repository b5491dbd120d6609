//! Parses the linked pages and sub-accounts of a profile: a number, or a list.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::value::RawValue;

use super::fields::{Field, LINKED_ACCOUNT_IDS, LINKED_ACCOUNT_NAMES, folded};
use super::model::{LinkedAccount, LinkedAccounts};
use super::warnings::{ParseWarnings, identifier};

/// Parses a whole number, or an array of objects, strings and numbers. Invalid elements count, but are not listed.
pub(super) fn parse(
    raw: Option<&RawValue>,
    warnings: &mut ParseWarnings,
) -> Option<LinkedAccounts> {
    let raw = raw?;
    if !raw.get().starts_with('[') {
        let count = warnings.parse(Field::LinkedAccounts, Some(raw))?;
        let listed = Vec::new();
        return Some(LinkedAccounts { count, listed });
    }
    let elements: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
    let mut seen = BTreeSet::new();
    let mut listed = Vec::new();
    let mut has_invalid = false;
    for element in &elements {
        match linked_account(element) {
            Some(account) if seen.insert(account.id.clone()) => listed.push(account),
            Some(_) => {}
            None => has_invalid = true,
        }
    }
    if has_invalid {
        warnings.count_invalid(Field::LinkedAccounts);
    }
    let count = elements.len() as u64;
    Some(LinkedAccounts { count, listed })
}

fn linked_account(element: &RawValue) -> Option<LinkedAccount> {
    if !element.get().starts_with('{') {
        let id = identifier(element)?;
        return Some(LinkedAccount { id, name: None });
    }
    let fields: Vec<(String, Value)> = serde_json::from_str::<serde_json::Map<_, _>>(element.get())
        .ok()?
        .into_iter()
        .collect();
    let id = first_text(&fields, &LINKED_ACCOUNT_IDS)?;
    let name = first_text(&fields, &LINKED_ACCOUNT_NAMES);
    Some(LinkedAccount { id, name })
}

/// The first usable value under one of these names.
fn first_text(fields: &[(String, Value)], names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let name = folded(name);
        let (_, value) = fields.iter().find(|(key, _)| folded(key) == name)?;
        let raw = serde_json::value::to_raw_value(value).ok()?;
        identifier(&raw)
    })
}
