//! Numbers, time spans and sentences in texts, with singular and plural.

use std::fmt::Display;

use chrono::TimeDelta;

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

/// A time span in its two largest units, such as `66d 12h`, without the sign.
pub(crate) fn span(time: TimeDelta) -> String {
    let minutes = time.num_minutes().abs();
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => "less than 1m".to_owned(),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

/// A sentence as it continues another one: with a small initial, and without its full stop.
pub(crate) fn continued(sentence: &str) -> String {
    let (initial, rest) = sentence.split_at(sentence.len().min(1));
    let rest = rest.strip_suffix('.').unwrap_or(rest);
    initial.to_ascii_lowercase() + rest
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
