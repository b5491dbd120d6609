//! bcrypt hashes of passwords.

use std::ops::RangeInclusive;
use std::str::FromStr;

use bcrypt::{BcryptError, HashParts};

/// Prefixes of bcrypt hashes.
const PREFIXES: [&str; 3] = ["$2a$", "$2b$", "$2y$"];

/// The valid bcrypt costs: a hash takes 2^cost rounds.
const COSTS: RangeInclusive<u32> = 4..=31;

/// Costs for which a check takes about a second or less on current hardware.
pub const USUAL_COSTS: RangeInclusive<u32> = *COSTS.start()..=14;

/// Number of password bytes that bcrypt uses; it ignores the rest.
pub(crate) const LONGEST_PASSWORD: usize = 72;

/// An error of hashing a password.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// The cost is outside bcrypt's range.
    #[error("bcrypt has no cost {0}")]
    Cost(u32),
    /// The operating system provides no random numbers for the salt.
    #[error("the operating system has no random numbers")]
    Random,
}

/// Hashes a password with a random salt.
///
/// # Errors
/// [`HashError`] if the cost is invalid or there are no random numbers.
pub(crate) fn hash_password(password: &[u8], cost: u32) -> Result<String, HashError> {
    bcrypt::hash(password, cost).map_err(|error| match error {
        BcryptError::CostNotAllowed(cost) => HashError::Cost(cost),
        _ => HashError::Random,
    })
}

/// A bcrypt hash and its cost.
#[derive(Clone)]
pub(super) struct Hash {
    text: String,
    cost: u32,
}

impl Hash {
    pub(super) fn parse(text: &str) -> Option<Hash> {
        let parts = HashParts::from_str(text).ok();
        let cost = parts.filter(|_| looks_like_hash(text))?.get_cost();
        COSTS.contains(&cost).then(|| Hash {
            text: text.to_owned(),
            cost,
        })
    }

    /// A dummy hash of this cost, so that unknown users take as long as known ones. No known password matches it.
    pub(super) fn dummy(cost: u32) -> Hash {
        Hash {
            text: format!("$2b${cost:02}${}", ".".repeat(53)),
            cost,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The cost: a check takes 2^cost rounds.
    pub(super) fn cost(&self) -> u32 {
        self.cost
    }

    /// Whether the password matches. Takes 2^cost rounds.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        bcrypt::verify(password, &self.text).unwrap_or(false)
    }
}

/// Whether a text has the prefix of a bcrypt hash.
pub(crate) fn looks_like_hash(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dummy_hash_has_its_cost_and_matches_no_empty_password() {
        for cost in [4, 10, 31] {
            let read = Hash::parse(Hash::dummy(cost).text());
            assert_eq!(read.map(|hash| hash.cost()), Some(cost));
        }
        let dummy = Hash::dummy(4);
        assert_eq!(bcrypt::verify("", dummy.text()).ok(), Some(false));
    }
}
