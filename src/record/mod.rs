//! What is known of the accounts and their profiles, as JSON and CSV: one record for `check` and the HTTP API.
//!
//! [`Report::new`] judges the profiles of accounts and collects notes. [`json`] and [`csv`] write the report.

mod account;
pub(crate) mod advice;
pub(crate) mod csv;
pub(crate) mod json;
mod notes;
mod report;
mod row;
mod state;

pub(crate) use account::AccountRecord;
pub use notes::Note;
pub(crate) use notes::{NoteGroup, filter_notes};
pub use report::{Report, Summary};
pub use row::ProfileRow;
pub(crate) use row::{MISSING, RecordFilter};
pub use state::CheckState;

use chrono::{DateTime, SecondsFormat, Utc};

/// RFC 3339 in UTC, to the second.
pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
