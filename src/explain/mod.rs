//! `explain`: show which fields the gateway's answers have, which of them are read, and what could not be
//! read. Values are never printed.
//!
//! An [`Explanation`] comes from the accounts' gateways, which are asked for the list and the details of
//! each platform, or from a saved answer.

mod answer;
mod explanation;
mod gateway;
mod json;
mod problems;
mod redaction;
mod saved;
mod shape;
mod suggest;
mod text;

use std::io::{self, Write};

pub use explanation::{Completeness, Explanation};
pub use gateway::{AccountClient, ExplainError, account_clients};
pub use saved::{SavedError, read_saved, saved_field_names};

/// The output formats of `explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainFormat {
    /// Text for people.
    Text,
    /// JSON for programs.
    Json,
}

impl Explanation {
    /// Writes the explanation.
    ///
    /// # Errors
    /// The error of `out`.
    pub fn write(&self, format: ExplainFormat, out: &mut dyn Write) -> io::Result<()> {
        match format {
            ExplainFormat::Text => text::write(self, out),
            ExplainFormat::Json => json::write(self, out),
        }
    }
}
