//! Hashes of passwords, by bcrypt.

use std::str::FromStr;

use bcrypt::HashParts;

/// What hashes of bcrypt begin with.
const PREFIXES: [&str; 3] = ["$2a$", "$2b$", "$2y$"];

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
        (4..=31).contains(&cost).then(|| Hash {
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
pub(super) fn is_like_a_hash(text: &str) -> bool {
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
