//! The errors of `hash-password`.

use std::io;

use crate::web_config::hash::{HashError, LONGEST_PASSWORD};

/// An error of the command. No message contains a part of the password.
#[derive(Debug, thiserror::Error)]
pub enum HashPasswordError {
    /// The input ended before the first line.
    #[error("no password: the input is empty")]
    NoInput,
    /// The first line is empty.
    #[error("the password is empty")]
    Empty,
    /// The input has more than one line.
    #[error("standard input has more than one line; expected the password alone")]
    MoreLines,
    /// The password is longer than the part that bcrypt uses.
    #[error("the password is longer than {LONGEST_PASSWORD} bytes; bcrypt would ignore the rest")]
    TooLong,
    /// The password is not UTF-8. The exporter requires UTF-8 with `charset="UTF-8"`.
    #[error("the password is not UTF-8, in which clients send it")]
    NotUtf8,
    /// The password has a control character, which RFC 7617 forbids.
    #[error("the password contains a control character, which HTTP Basic does not allow")]
    ControlCharacter,
    /// The answers to the two prompts differ.
    #[error("the passwords differ")]
    Mismatch,
    /// Standard input cannot be read.
    #[error("cannot read the password: {0}")]
    Input(#[source] io::Error),
    /// The password cannot be hashed.
    #[error("cannot hash the password: {0}")]
    Hash(#[from] HashError),
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[source] io::Error),
}

impl HashPasswordError {
    /// Whether the user can fix the error by entering another password.
    pub fn is_wrong_input(&self) -> bool {
        !matches!(
            self,
            HashPasswordError::Input(_) | HashPasswordError::Hash(_) | HashPasswordError::Output(_)
        )
    }
}
