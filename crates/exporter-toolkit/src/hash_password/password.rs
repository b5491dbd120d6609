//! Validation of passwords: they must be valid in HTTP Basic authentication, and bcrypt must use all their bytes.

use std::io::Read;

use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};

use super::error::HashPasswordError;
use super::platform::standard_input;
use crate::web_config::hash::LONGEST_PASSWORD;

/// Limit of input in bytes. It exceeds the longest password, so that longer ones are detected.
pub(super) const READ_LIMIT: usize = 4096;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Input bytes, which are zeroed on drop.
pub(super) type SecretBytes = SecretBox<Vec<u8>>;

/// A validated password.
#[derive(Debug)]
pub(super) struct Password(SecretBytes);

impl Password {
    /// Reads a password from standard input: one line, with or without a line end.
    pub(super) fn from_input() -> Result<Password, HashPasswordError> {
        let mut bytes = buffer();
        standard_input()
            .and_then(|input| {
                let mut input = input.take(READ_LIMIT as u64);
                input.read_to_end(bytes.expose_secret_mut())
            })
            .map_err(HashPasswordError::Input)?;
        // Windows programs write a byte order mark, which is not part of the password.
        if bytes.expose_secret().starts_with(BYTE_ORDER_MARK) {
            bytes.expose_secret_mut().drain(..BYTE_ORDER_MARK.len());
        }
        Password::from_line(bytes)
    }

    /// Validates a line as a password, without its LF or CRLF.
    pub(super) fn from_line(mut bytes: SecretBytes) -> Result<Password, HashPasswordError> {
        if bytes.expose_secret().is_empty() {
            return Err(HashPasswordError::NoInput);
        }
        remove_line_end(bytes.expose_secret_mut());
        check(bytes.expose_secret())?;
        Ok(Password(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

/// An empty buffer that is large enough never to be reallocated, which would leave a copy in memory.
pub(super) fn buffer() -> SecretBytes {
    SecretBox::new(Box::new(Vec::with_capacity(2 * READ_LIMIT)))
}

fn remove_line_end(line: &mut Vec<u8>) {
    if line.pop_if(|byte| *byte == b'\n').is_some() {
        line.pop_if(|byte| *byte == b'\r');
    }
}

fn check(password: &[u8]) -> Result<(), HashPasswordError> {
    if password.contains(&b'\n') {
        return Err(HashPasswordError::MoreLines);
    }
    if password.is_empty() {
        return Err(HashPasswordError::Empty);
    }
    if password.len() > LONGEST_PASSWORD {
        return Err(HashPasswordError::TooLong);
    }
    match str::from_utf8(password) {
        Err(_) => Err(HashPasswordError::NotUtf8),
        Ok(text) if text.contains(char::is_control) => Err(HashPasswordError::ControlCharacter),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_redacts_the_password() {
        let mut bytes = buffer();
        bytes.expose_secret_mut().extend(b"s3cret\r\n");
        let password = Password::from_line(bytes).expect("a password");
        assert_eq!(password.bytes(), b"s3cret");
        let debug = format!("{password:?}");
        assert!(
            !debug.contains("s3cret") && !debug.contains("115"),
            "{debug}"
        );
    }
}
