//! `check`: read every account once, without the cache, and judge its profiles.
//!
//! [`run`] reads the accounts into an [`Audit`]. [`Audit::report`] judges the profiles and collects notes,
//! and [`Audit::write`] writes the result in one of the formats of [`CheckFormat`].

mod audit;
mod expected;
mod nagios;
mod output;
mod output_file;
mod read;
mod table;

pub use crate::record::{CheckState, Note, ProfileRow, Report, Summary};
pub use audit::{Audit, CheckFilter};
pub use nagios::unknown as nagios_unknown;
pub use output::CheckFormat;
pub use output_file::{OutputError, write_file};
pub use read::{CheckError, CheckOptions, run, show_progress};
