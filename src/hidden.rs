//! What may hold a secret, and is not printed.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A value that must not be printed: its `Debug` output does not show it.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Hidden<T = String>(pub T);

impl<T> fmt::Debug for Hidden<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[hidden]")
    }
}

impl<T: FromStr> FromStr for Hidden<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Hidden<T>, T::Err> {
        text.parse().map(Hidden)
    }
}
