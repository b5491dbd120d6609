//! A command that reads a password and prints its bcrypt hash, for `basic_auth_users` in the web configuration file.
//!
//! ```no_run
//! use exporter_toolkit::hash_password::{self, Options};
//!
//! let options = Options { user: Some("prometheus".parse()?), cost: 10 };
//! hash_password::run(&options, &mut std::io::stdout())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
#[cfg(any(not(unix), test))]
mod other;
mod password;
#[cfg(unix)]
mod unix;
mod user_name;

use std::io::{self, IsTerminal, Write};

use crate::web_config::hash::hash_password;
pub use crate::web_config::hash::{HashError, USUAL_COSTS};
pub use error::HashPasswordError;
#[cfg(not(unix))]
use other as platform;
use password::Password;
use platform::Terminal;
#[cfg(unix)]
use unix as platform;
pub use user_name::UserName;

/// Options of the command.
#[derive(Debug, Clone)]
pub struct Options {
    /// The user name of the printed YAML line. Without it, only the hash is printed.
    pub user: Option<UserName>,
    /// The bcrypt cost: hashing takes 2^cost rounds.
    pub cost: u32,
}

/// Reads a password from standard input, with two prompts and without echo on a terminal, and writes its hash as one line.
///
/// # Errors
/// [`HashPasswordError`] if the password is unusable or the line cannot be written.
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
