//! Suggestions for misspelled words ("did you mean").

/// The shortest abbreviation of a known word, in letters.
const MIN_ABBREVIATION: usize = 3;

/// The known word that is most similar to `word`; `None` if no known word is similar. A known word is similar if `word`
/// abbreviates it or differs in at most a third of its letters. Two swapped letters count once; case and separators are
/// ignored.
///
/// ```
/// use exporter_toolkit::suggest::closest;
///
/// assert_eq!(closest("modles", ["modules", "timeout"]), Some("modules"));
/// assert_eq!(closest("foo", ["modules", "timeout"]), None);
/// ```
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = letters(word);
    let similar = known.into_iter().filter_map(|known| {
        let difference = difference(&word, &letters(known))?;
        Some((difference, known))
    });
    // Of equally similar words, the last one: lists of versions end with the newest.
    let best = similar.reduce(|best, next| if next.0 <= best.0 { next } else { best });
    best.map(|(_, known)| known)
}

/// The error for an unknown word, for example `unknown key "modles"; did you mean "modules"?`. `kind` is the kind of the
/// word, and `shown` is what of `word` may be printed.
///
/// ```
/// use exporter_toolkit::suggest::unknown;
///
/// let error = unknown("key", "foo", "foo", &["modules", "timeout"]);
/// assert_eq!(error, "unknown key \"foo\", expected one of modules, timeout");
/// ```
pub fn unknown(kind: &str, word: &str, shown: &str, known: &[&str]) -> String {
    match closest(word, known.iter().copied()) {
        Some(similar) => format!("unknown {kind} \"{shown}\"; did you mean \"{similar}\"?"),
        None => format!(
            "unknown {kind} \"{shown}\", expected one of {}",
            known.join(", ")
        ),
    }
}

fn letters(word: &str) -> String {
    let letters = word.chars().filter(|char| char.is_alphanumeric());
    letters.map(|char| char.to_ascii_lowercase()).collect()
}

/// The number of different letters, if the words are similar.
fn difference(word: &str, known: &str) -> Option<usize> {
    let difference = strsim::damerau_levenshtein(word, known);
    let is_abbreviation = word.len() >= MIN_ABBREVIATION && known.starts_with(word);
    (is_abbreviation || 3 * difference <= known.chars().count()).then_some(difference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelled_word_gets_a_suggestion() {
        let known = ["ttl", "api_key_file", "max_stale"];
        for (word, similar) in [
            ("tttl", "ttl"),
            ("api_key", "api_key_file"),
            ("apiKeyFile", "api_key_file"),
            ("api-key-fil", "api_key_file"),
            ("max_stael", "max_stale"),
            ("tlt", "ttl"),
            ("ttl2", "ttl"),
        ] {
            assert_eq!(closest(word, known), Some(similar), "{word}");
        }
        for word in [
            "",
            "t",
            "hunter2",
            "api_key_file_of_somebody",
            "stale",
            "éèà",
        ] {
            assert_eq!(closest(word, known), None, "{word}");
        }
    }
}
