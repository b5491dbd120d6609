//! Singular and plural in texts with numbers.

use std::fmt::Display;

/// The number with the noun in singular or plural: `1 profile`, `2 profiles`, `0 entries`.
pub fn count<N: Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let noun = match (number == N::from(1), noun.strip_suffix("ry")) {
        (true, _) => noun.to_owned(),
        (false, Some(stem)) => format!("{stem}ries"),
        (false, None) => format!("{noun}s"),
    };
    format!("{number} {noun}")
}

/// `one` if the number is 1, else `others`.
pub fn choose<'a, N: PartialEq + From<u8>>(number: N, one: &'a str, others: &'a str) -> &'a str {
    match number == N::from(1) {
        true => one,
        false => others,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_1_is_singular() {
        for (number, entries, is) in [
            (0_u64, "0 entries", "are"),
            (1, "1 entry", "is"),
            (2, "2 entries", "are"),
            (21, "21 entries", "are"),
        ] {
            assert_eq!(count(number, "entry"), entries);
            assert_eq!(choose(number, "is", "are"), is);
        }
        assert_eq!(count(1_usize, "linked account"), "1 linked account");
        assert_eq!(count(2_usize, "linked account"), "2 linked accounts");
    }
}
