//! User names that are valid in HTTP Basic authentication, and their form in YAML.

use crate::printable::escaped_yaml;
use crate::web_config::hash::looks_like_hash;

/// A user name that is valid in HTTP Basic authentication and in the web configuration file.
#[derive(Debug, Clone)]
pub struct UserName(String);

impl std::str::FromStr for UserName {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<UserName, &'static str> {
        if name.is_empty() {
            return Err("must not be empty");
        }
        if name.contains(':') {
            return Err("must not contain a colon, which ends the user name in HTTP Basic");
        }
        if name.contains(char::is_control) {
            return Err("must not contain a control character");
        }
        if looks_like_hash(name) {
            return Err("expected a user name, not a hash");
        }
        Ok(UserName(name.to_owned()))
    }
}

impl UserName {
    /// The name as a YAML key, quoted if YAML would parse it as another type or as syntax.
    pub(super) fn yaml(&self) -> String {
        match is_plain_in_yaml(&self.0) {
            true => self.0.clone(),
            false => {
                let json = serde_json::Value::from(self.0.as_str()).to_string();
                escaped_yaml(&json).into_owned()
            }
        }
    }
}

/// Words that YAML 1.1 parses as a boolean or null.
const YAML_WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// Whether all YAML parsers parse the unquoted name as this string.
fn is_plain_in_yaml(name: &str) -> bool {
    let is_word = YAML_WORDS
        .iter()
        .any(|word| word.eq_ignore_ascii_case(name));
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_-.@".contains(char);
    name.starts_with(|char: char| char.is_ascii_alphabetic())
        && name.chars().all(is_plain)
        && !is_word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_name_is_quoted_where_yaml_needs_it() {
        for plain in [
            "prometheus",
            "Alice",
            "a.b-c_d@example.com",
            "yesterday",
            "x1",
        ] {
            let name: UserName = plain.parse().expect("a name");
            assert_eq!(name.yaml(), plain);
        }
        for (name, yaml) in [
            ("a # b", r#""a # b""#),
            ("zoë", r#""zoë""#),
            ("1e3", r#""1e3""#),
            ("Null", r#""Null""#),
            ("y", r#""y""#),
            ("~", r#""~""#),
            ("<<", r#""<<""#),
            ("-", r#""-""#),
            (" a", r#"" a""#),
            (r#"a"b\c"#, r#""a\"b\\c""#),
            ("\u{feff}a\u{2028}\u{202e}", r#""\ufeffa\u2028\u202e""#),
        ] {
            let user: UserName = name.parse().expect("a name");
            assert_eq!(user.yaml(), yaml, "{name}");
        }
    }
}
