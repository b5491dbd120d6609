//! Fallback without Unix terminals: the echo of a terminal cannot be turned off, so a password comes from a pipe only.

use std::convert::Infallible;
use std::io::{self, StdinLock};

use super::error::HashPasswordError;
use super::password::SecretBytes;

/// Standard input. Its buffer keeps a copy of the password until the program ends, which is right after it is hashed.
pub(super) fn standard_input() -> io::Result<StdinLock<'static>> {
    Ok(io::stdin().lock())
}

/// A terminal that cannot exist, because [`Terminal::without_echo`] always fails.
#[derive(Debug)]
pub(super) struct Terminal(Infallible);

impl Terminal {
    pub(super) fn without_echo() -> io::Result<Terminal> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this terminal would show it; pass it through a pipe instead",
        ))
    }

    pub(super) fn ask(&self, _: &'static str) -> Result<SecretBytes, HashPasswordError> {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_is_refused() {
        match Terminal::without_echo() {
            Err(error) => assert_eq!(
                HashPasswordError::Input(error).to_string(),
                "cannot read the password: this terminal would show it; pass it through a pipe instead"
            ),
            Ok(terminal) => panic!("{:?}", terminal.ask("Password: ")),
        }
        assert!(standard_input().is_ok());
    }
}
