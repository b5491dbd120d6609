//! How answers become a snapshot: what the configuration says of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::gateway::field_names::FieldNames;
use crate::printable::without_line_separators;
use crate::snapshot::Details;

/// What becomes of a profile's phone number, which is personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PhoneNumber {
    /// It is not kept.
    #[default]
    Omit,
    /// All digits but the last two are hidden.
    Mask,
    /// It is shown.
    Show,
}

/// How a refresh turns answers into a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// The names in answers.
    pub names: Arc<FieldNames>,
    /// Required permissions per platform.
    pub required_permissions: BTreeMap<String, Vec<String>>,
    /// Profiles that should be listed: platform and id.
    pub expected: Vec<(String, String)>,
    /// What becomes of phone numbers.
    pub phone_number: PhoneNumber,
    /// How many profiles are kept.
    pub max_profiles: usize,
}

impl Rules {
    /// The expected profiles, each once, as identifiers of the gateway are read.
    pub(super) fn expected_identities(&self) -> BTreeSet<(String, String)> {
        let read = |(platform, id): &(String, String)| {
            (
                without_line_separators(platform),
                without_line_separators(id),
            )
        };
        self.expected.iter().map(read).collect()
    }

    /// Granted permissions, and required ones that are not granted; `None` where it is not known
    /// what is granted.
    pub(super) fn permissions(
        &self,
        platform: &str,
        granted: Option<BTreeSet<String>>,
    ) -> Option<BTreeMap<String, bool>> {
        let granted = granted?;
        let required = self
            .required_permissions
            .get(platform)
            .into_iter()
            .flatten();
        let mut permissions: BTreeMap<String, bool> = required
            .map(|permission| (without_line_separators(permission), false))
            .collect();
        permissions.extend(granted.into_iter().map(|permission| (permission, true)));
        Some(permissions)
    }

    /// Details of an earlier refresh, whose rules may have required other permissions.
    pub(super) fn renewed(&self, platform: &str, details: &Details) -> Details {
        let granted = details.permissions.as_ref().map(|permissions| {
            let granted = permissions.iter().filter(|(_, granted)| **granted);
            granted.map(|(permission, _)| permission.clone()).collect()
        });
        Details {
            permissions: self.permissions(platform, granted),
            ..details.clone()
        }
    }

    /// What may be shown of a phone number.
    pub(super) fn shown_phone_number(&self, number: String) -> Option<String> {
        match self.phone_number {
            PhoneNumber::Omit => None,
            PhoneNumber::Mask => Some(masked(&number)),
            PhoneNumber::Show => Some(number),
        }
    }
}

pub(super) fn masked(number: &str) -> String {
    let shown_from = number.chars().count().saturating_sub(2);
    let mask = |(position, char): (usize, char)| {
        if position < shown_from && char.is_ascii_digit() {
            '*'
        } else {
            char
        }
    };
    number.chars().enumerate().map(mask).collect()
}
