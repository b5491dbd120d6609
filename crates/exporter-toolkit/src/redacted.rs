//! Redacts texts that may be secrets. Paths, keys and names are printed as they are, unless they look like a secret in the
//! wrong place.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;

/// A value of a configuration file or a flag that must not be printed: `Debug` does not show it. `secrecy` has no type that
/// can be compared, parsed from a flag and deserialized with its position in a file.
///
/// ```
/// use exporter_toolkit::redacted::Redacted;
///
/// let password: Redacted = "correct horse".parse()?;
/// assert_eq!(format!("{password:?}"), "[hidden]");
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Redacted<T = String>(pub T);

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[hidden]")
    }
}

impl<T: FromStr> FromStr for Redacted<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Redacted<T>, T::Err> {
        text.parse().map(Redacted)
    }
}

/// Printed instead of a secret.
const PLACEHOLDER: &str = "…";
/// Maximum length of a key, in characters.
const MAX_KEY: usize = 64;

/// The printable form of a path: the path itself, unless it looks like the content of a file. In a path without an
/// extension, a placeholder replaces the first part that looks like an API key and all parts after it.
pub fn shown_path(path: &Path) -> Cow<'_, str> {
    let text = path.to_string_lossy();
    if is_content(&text) || is_hash(&text) {
        return Cow::Borrowed(PLACEHOLDER);
    }
    let is_key = |part: &Component| {
        let part = part.as_os_str().to_string_lossy();
        is_like_a_key(&part) || is_hash(&part)
    };
    match has_extension(path) || !path.components().any(|part| is_key(&part)) {
        true => text,
        false => {
            let folders = path.components().take_while(|part| !is_key(part));
            let folders = folders.collect::<PathBuf>();
            Cow::Owned(folders.join(PLACEHOLDER).to_string_lossy().into_owned())
        }
    }
}

/// The printable form of a word, such as a host name: the word itself, unless it looks like an API key, a password hash,
/// a URL with a password, or the content of a file.
///
/// ```
/// use exporter_toolkit::redacted::shown_word;
///
/// assert_eq!(shown_word("Brand & Co"), "Brand & Co");
/// assert_eq!(shown_word("8f14e45fceea167a5a36dedd4bea2543"), "…");
/// ```
pub fn shown_word(word: &str) -> &str {
    match is_content(word) || is_hash(word) || has_password(word) || is_like_a_key(word) {
        true => PLACEHOLDER,
        false => word,
    }
}

/// The printable form of a key in a configuration file: that of a word, unless the key contains characters that no key has.
/// A missing quote or line break turns values into keys, for example a part of a URL with a password.
///
/// ```
/// use exporter_toolkit::redacted::shown_key;
///
/// assert_eq!(shown_key("modles"), "modles");
/// assert_eq!(shown_key("//user:password@host"), "…");
/// ```
pub fn shown_key(key: &str) -> &str {
    let of_keys = |char: char| char.is_alphanumeric() || "_-.".contains(char);
    match key.chars().all(of_keys) && key.chars().count() <= MAX_KEY {
        true => shown_word(key),
        false => PLACEHOLDER,
    }
}

/// The printable form of a key that users choose, for example a user name. Only a word with an optional number at its end
/// is printed. Other keys may be values that a mistake turned into keys, for example a password hash.
pub(crate) fn shown_name(name: &str) -> &str {
    let word = name.trim_end_matches(|char: char| char.is_ascii_digit());
    let of_names = |char: char| char.is_alphabetic() || "_-.@".contains(char);
    match !word.is_empty() && word.chars().all(of_names) && word.chars().count() <= MAX_KEY {
        true => shown_word(name),
        false => PLACEHOLDER,
    }
}

/// Whether a text is the content of a file, such as PEM, instead of a path.
pub(crate) fn is_content(text: &str) -> bool {
    text.contains(['\n', '\r']) || text.contains("-----")
}

/// Whether a text is a URL that may contain a password.
fn has_password(text: &str) -> bool {
    text.contains("://") && text.contains('@')
}

/// Whether a text contains a password hash in the format of crypt(5), or of Apache's `{SHA}`.
fn is_hash(text: &str) -> bool {
    text.contains('$') || text.starts_with("{SHA}")
}

/// The last part of a token such as a JWT, whose parts dots separate, is longer than any extension.
fn has_extension(path: &Path) -> bool {
    const LONGEST: usize = 16;
    let extension = path.extension().map(OsStr::len);
    extension.is_some_and(|length| (1..=LONGEST).contains(&length))
}

/// Whether a text looks like an API key: it has a random run of letters and digits, or is a UUID. Names, dates and
/// `camelCase` words do not.
fn is_like_a_key(text: &str) -> bool {
    let of_runs = |char: char| !(char.is_ascii_alphanumeric() || "+=".contains(char));
    text.split(of_runs).any(is_random) || text.split(['_', '.']).any(is_uuid)
}

/// Whether at least every fourth character differs in kind from its predecessor: lowercase, uppercase or digit. Base64
/// and hexadecimal digits change nearly twice as often, words and numbers seldom. The change from a capital to the
/// lowercase letter after it does not count, because a capital starts a word.
fn is_random(run: &str) -> bool {
    const SHORTEST: usize = 16;
    let changes = run.as_bytes().windows(2).filter(|pair| {
        let changes_case = pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase();
        changes_case || pair[0].is_ascii_alphabetic() != pair[1].is_ascii_alphabetic()
    });
    run.len() >= SHORTEST && changes.count() * 4 >= run.len()
}

/// RFC 9562, section 4.
fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').map(|group| {
        let is_hex = group.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then_some(group.len())
    });
    groups.eq([8, 4, 4, 4, 12].map(Some))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_are_shown_and_parts_of_hashes_are_not() {
        assert_eq!(shown_name("prometheus-2"), "prometheus-2");
        assert_eq!(shown_name("X0h1gDsPszWURQaxFh.zoubFi6"), PLACEHOLDER);
    }

    #[test]
    fn paths_are_shown_and_keys_are_redacted() {
        for path in [
            "/run/secrets/brandco",
            "certs/server.pem",
            "exporter.yml",
            "-",
            "/etc/my-exporter/targets/my-company-production-2-key",
            "/run/credentials/my-exporter.service/api-key",
            "k8s-prod-eu1-shop-v2",
            "backup-20260410120000",
            "backup20260410120000",
            "MyCompanyProductionKey",
            "myCompanyApiKeyFile2026",
            "/nix/store/0c5b8vw40dy178xlpddw65q9gf1h2186-shop/web.yml",
            "/var/lib/kubelet/pods/3f2b8c1e-9d4a-4c1b-8f3e-2a7b6c5d4e3f/ca.crt",
            "8f14e45fceea167a5a36dedd4bea2543.pem",
            "/etc/ssl/certs/schlüssel-der-größten-firma",
        ] {
            assert_eq!(shown_path(Path::new(path)), path);
        }
        for (path, shown) in [
            ("8f14e45fceea167a5a36dedd4bea2543", "…"),
            ("shop_live_8f14e45fceea167a5a36dedd4bea2543", "…"),
            ("/etc/shop/h8Kq2Lr9TzWm4YvX1bNc7PdQ", "/etc/shop/…"),
            ("3f2b8c1e-9d4a-4c1b-8f3e-2a7b6c5d4e3f", "…"),
            ("h8Kq2Lr9TzWm4YvX1bNc7PdQ/3gF6jS0aE5u+RoIk8w=", "…"),
            (
                "/etc/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
                "/etc/…",
            ),
            ("-----BEGIN CERTIFICATE----- MIIB", "…"),
            ("MIIB\nMIIC", "…"),
        ] {
            assert_eq!(shown_path(Path::new(path)), shown, "{path}");
        }
    }
}
