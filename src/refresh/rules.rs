//! The configured rules by which responses become a snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::gateway::field_names::FieldNames;
use crate::snapshot::Details;
use exporter_toolkit::printable::without_line_separators;

/// How phone numbers are shown, which are personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PhoneNumber {
    /// Phone numbers are not kept.
    #[default]
    Omit,
    /// All digits except the last two are replaced by `*`.
    Mask,
    /// Phone numbers are shown.
    Show,
}

/// Tokens that never expire: a missing expiry is no problem. A stated expiry counts all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokensWithoutExpiry {
    /// Platforms of which no token expires.
    platforms: BTreeSet<String>,
    /// Ids of single profiles, by platform.
    profiles: BTreeMap<String, BTreeSet<String>>,
}

impl TokensWithoutExpiry {
    /// Adds a profile, or a whole platform without an id. Returns whether it is new.
    pub fn insert(&mut self, platform: String, id: Option<String>) -> bool {
        match id {
            Some(id) => self.profiles.entry(platform).or_default().insert(id),
            None => self.platforms.insert(platform),
        }
    }

    /// Whether the token of this profile never expires.
    pub(super) fn contains(&self, platform: &str, id: &str) -> bool {
        let ids = self.profiles.get(platform);
        self.platforms.contains(platform) || ids.is_some_and(|ids| ids.contains(id))
    }
}

/// The configured rules by which responses become a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// The names of fields in responses.
    pub names: Arc<FieldNames>,
    /// Required permissions by platform.
    pub required_permissions: BTreeMap<String, Vec<String>>,
    /// The profiles that should be listed: platform and id.
    pub expected: Vec<(String, String)>,
    /// Tokens that never expire.
    pub without_expiry: TokensWithoutExpiry,
    /// How phone numbers are shown.
    pub phone_number: PhoneNumber,
    /// Maximum number of profiles (`limits.profiles`).
    pub max_profiles: usize,
}

impl Rules {
    /// The expected profiles, each once, normalized like the identifiers in responses.
    pub(super) fn expected_identities(&self) -> BTreeSet<(String, String)> {
        let normalized = |(platform, id): &(String, String)| {
            (
                without_line_separators(platform),
                without_line_separators(id),
            )
        };
        self.expected.iter().map(normalized).collect()
    }

    /// The platforms whose profiles need permissions.
    pub(super) fn platforms_with_permissions(&self) -> BTreeSet<String> {
        let required = self.required_permissions.iter();
        let required = required.filter(|(_, permissions)| !permissions.is_empty());
        required.map(|(platform, _)| platform.clone()).collect()
    }

    /// The granted permissions (`true`), and the required ones that are not granted (`false`); `None` if the granted
    /// permissions are not known.
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

    /// Applies the required permissions of these rules to the details of an earlier refresh.
    pub(super) fn with_required_permissions(&self, platform: &str, details: &Details) -> Details {
        let granted = details.permissions.as_ref().map(|permissions| {
            let granted = permissions.iter().filter(|(_, granted)| **granted);
            granted.map(|(permission, _)| permission.clone()).collect()
        });
        Details {
            permissions: self.permissions(platform, granted),
            ..details.clone()
        }
    }

    /// The phone number as it is shown.
    pub(super) fn shown_phone_number(&self, number: String) -> Option<String> {
        match self.phone_number {
            PhoneNumber::Omit => None,
            PhoneNumber::Mask => Some(masked(&number)),
            PhoneNumber::Show => Some(number),
        }
    }
}

/// Replaces all digits except the last two characters by `*`.
pub(super) fn masked(number: &str) -> String {
    let first_shown = number.chars().count().saturating_sub(2);
    let mask = |(position, char): (usize, char)| {
        if position < first_shown && char.is_ascii_digit() {
            '*'
        } else {
            char
        }
    };
    number.chars().enumerate().map(mask).collect()
}
