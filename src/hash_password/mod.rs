//! `hash-password`: the bcrypt hash of a password, for `basic_auth_users` in the web configuration file.

mod password;
mod terminal;

use std::io::{self, IsTerminal, Write};

use crate::printable::escaped_yaml;
use crate::web_config::{HashError, LONGEST_PASSWORD, hash_password, is_like_a_hash};
use password::Password;
use terminal::Terminal;

/// What to print.
#[derive(Debug, Clone)]
pub struct Options {
    /// The user of the printed line; without one the hash is printed alone.
    pub user: Option<UserName>,
    /// The bcrypt cost, in powers of two.
    pub cost: u32,
}

/// A user name that HTTP Basic can carry and the web configuration file accepts.
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
        if is_like_a_hash(name) {
            return Err("expected a user name, not a hash");
        }
        Ok(UserName(name.to_owned()))
    }
}

impl UserName {
    /// The name as a key in YAML. Quotes keep YAML from reading it as another type or as syntax.
    fn yaml(&self) -> String {
        match is_plain_in_yaml(&self.0) {
            true => self.0.clone(),
            false => {
                let json = serde_json::Value::from(self.0.as_str()).to_string();
                escaped_yaml(&json).into_owned()
            }
        }
    }
}

/// The words that YAML 1.1 reads as a boolean or as null.
const YAML_WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// Whether every YAML parser reads the name without quotes as this very text.
fn is_plain_in_yaml(name: &str) -> bool {
    let is_word = YAML_WORDS
        .iter()
        .any(|word| word.eq_ignore_ascii_case(name));
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_-.@".contains(char);
    name.starts_with(|char: char| char.is_ascii_alphabetic())
        && name.chars().all(is_plain)
        && !is_word
}

/// Why there is no hash. No text repeats a part of the password.
#[derive(Debug, thiserror::Error)]
pub enum HashPasswordError {
    /// The input ended before the first line.
    #[error("no password: the input is empty")]
    NoInput,
    /// The first line is empty.
    #[error("the password is empty")]
    Empty,
    /// There is something behind the first line.
    #[error("standard input has more than one line; expected the password alone")]
    MoreLines,
    /// bcrypt ignores what is beyond its limit.
    #[error("the password is longer than {LONGEST_PASSWORD} bytes; bcrypt would ignore the rest")]
    TooLong,
    /// Clients send UTF-8, because the exporter asks for it.
    #[error("the password is not UTF-8, in which clients send it")]
    NotUtf8,
    /// RFC 7617 forbids control characters.
    #[error("the password contains a control character, which HTTP Basic does not allow")]
    ControlCharacter,
    /// The second prompt was answered differently.
    #[error("the passwords differ")]
    Mismatch,
    /// The operating system cannot read the password.
    #[error("cannot read the password: {0}")]
    Input(#[source] io::Error),
    /// There is no hash.
    #[error("cannot hash the password: {0}")]
    Hash(#[from] HashError),
    /// The hash cannot be printed.
    #[error("cannot write to standard output: {0}")]
    Output(#[source] io::Error),
}

impl HashPasswordError {
    /// Whether another password would help, rather than another system.
    pub fn is_wrong_input(&self) -> bool {
        !matches!(
            self,
            HashPasswordError::Input(_) | HashPasswordError::Hash(_) | HashPasswordError::Output(_)
        )
    }
}

/// Reads a password from the terminal or from standard input, and writes its hash as one line.
///
/// # Errors
/// [`HashPasswordError`] if there is no usable password, or the line cannot be written.
pub fn run(options: &Options, out: &mut dyn Write) -> Result<(), HashPasswordError> {
    let password = match io::stdin().is_terminal() {
        true => ask_twice()?,
        false => Password::from_input()?,
    };
    let hash = hash_password(password.bytes(), options.cost)?;
    let line = match &options.user {
        Some(user) => format!("{}: {hash}\n", user.yaml()),
        None => format!("{hash}\n"),
    };
    out.write_all(line.as_bytes())
        .and_then(|()| out.flush())
        .map_err(HashPasswordError::Output)
}

fn ask_twice() -> Result<Password, HashPasswordError> {
    let terminal = Terminal::without_echo().map_err(HashPasswordError::Input)?;
    let password = Password::from_line(terminal.ask("Password: ")?)?;
    let repeated = Password::from_line(terminal.ask("Repeat the password: ")?);
    match repeated {
        Ok(repeated) if repeated.bytes() == password.bytes() => Ok(password),
        Err(error @ (HashPasswordError::NoInput | HashPasswordError::Input(_))) => Err(error),
        _ => Err(HashPasswordError::Mismatch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_where_yaml_would_read_something_else() {
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
