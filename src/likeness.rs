//! Whether a word is a known one with a mistake in it. What is like none may be a secret in the wrong
//! place, and is not repeated.

/// The shortest beginning of a known word that is taken for it.
const SHORTEST_BEGINNING: usize = 3;

/// Whether the word is the beginning of a known one, or differs from it in a third of its letters at
/// most, where two that are swapped count once. Upper and lower case and what separates parts of words make no difference.
pub(crate) fn is_like_one_of<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> bool {
    let word = letters(word);
    let mut known = known.into_iter().map(letters);
    known.any(|known| is_like(&word, &known))
}

fn letters(word: &str) -> String {
    let letters = word.chars().filter(|char| char.is_alphanumeric());
    letters.map(|char| char.to_ascii_lowercase()).collect()
}

fn is_like(word: &str, known: &str) -> bool {
    let begins = word.len() >= SHORTEST_BEGINNING && known.starts_with(word);
    begins || 3 * strsim::damerau_levenshtein(word, known) <= known.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_a_mistake_is_like_the_known_one() {
        let known = ["ttl", "api_key_file", "max_stale"];
        for word in [
            "tttl",
            "api_key",
            "apiKeyFile",
            "api-key-fil",
            "max_stael",
            "tlt",
            "ttl2",
        ] {
            assert!(is_like_one_of(word, known), "{word}");
        }
        for word in [
            "",
            "t",
            "hunter2",
            "api_key_file_of_somebody",
            "stale",
            "éèà",
        ] {
            assert!(!is_like_one_of(word, known), "{word}");
        }
    }
}
