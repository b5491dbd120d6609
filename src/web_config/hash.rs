//! Hashes of passwords, by bcrypt.

use std::ops::RangeInclusive;
use std::str::FromStr;

use bcrypt::{BcryptError, HashParts};

/// What hashes of bcrypt begin with.
const PREFIXES: [&str; 3] = ["$2a$", "$2b$", "$2y$"];

/// The costs that bcrypt has, in powers of two.
const COSTS: RangeInclusive<u32> = 4..=31;

/// The costs of which a check takes about a second or less on current hardware.
pub(crate) const USUAL_COSTS: RangeInclusive<u32> = *COSTS.start()..=14;

/// The bytes of a password that bcrypt uses. It ignores further ones.
pub(crate) const LONGEST_PASSWORD: usize = 72;

/// Why a password cannot be hashed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// bcrypt has no hashes of this cost.
    #[error("bcrypt has no cost {0}")]
    Cost(u32),
    /// The salt must be random.
    #[error("the operating system has no random numbers")]
    Random,
}

/// The hash of a password, with a random salt.
///
/// # Errors
/// [`HashError`] for a cost that bcrypt does not have, and without random numbers.
pub(crate) fn hash_password(password: &[u8], cost: u32) -> Result<String, HashError> {
    bcrypt::hash(password, cost).map_err(|error| match error {
        BcryptError::CostNotAllowed(cost) => HashError::Cost(cost),
        _ => HashError::Random,
    })
}

/// A hash, and the cost of a comparison with it.
#[derive(Clone)]
pub(super) struct Hash {
    text: String,
    cost: u32,
}

impl Hash {
    pub(super) fn parse(text: &str) -> Option<Hash> {
        let parts = HashParts::from_str(text).ok();
        let cost = parts.filter(|_| is_like_a_hash(text))?.get_cost();
        COSTS.contains(&cost).then(|| Hash {
            text: text.to_owned(),
            cost,
        })
    }

    /// A dummy hash of this cost, which no known password has.
    pub(super) fn stand_in(cost: u32) -> Hash {
        Hash {
            text: format!("$2b${cost:02}${}", ".".repeat(53)),
            cost,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// In powers of two.
    pub(super) fn cost(&self) -> u32 {
        self.cost
    }

    /// Takes `2^cost` rounds.
    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        bcrypt::verify(password, &self.text).unwrap_or(false)
    }
}

/// Whether a text begins as a hash does.
pub(crate) fn is_like_a_hash(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stand_in_costs_what_it_says_and_is_no_hash_of_nothing() {
        for cost in [4, 10, 31] {
            let read = Hash::parse(Hash::stand_in(cost).text());
            assert_eq!(read.map(|hash| hash.cost()), Some(cost));
        }
        let stand_in = Hash::stand_in(4);
        assert_eq!(bcrypt::verify("", stand_in.text()).ok(), Some(false));
    }
}
