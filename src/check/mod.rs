//! `check`: read every account once, without the cache, and judge its profiles.
//!
//! An [`Auditor`] reads the accounts into an [`Audit`]. [`Audit::report`] judges the profiles and collects notes,
//! and [`Audit::write`] writes the result in one of the formats of [`CheckFormat`].

mod audit;
mod csv;
mod expected;
mod first_step;
mod json;
mod layout;
mod nagios;
mod notes;
mod output;
mod output_file;
mod read;
mod report;
mod state;
mod table;
mod watch;

pub use audit::{Audit, CheckFilter, ProfileRow};
pub use nagios::unknown as nagios_unknown;
pub use notes::Note;
pub use output::CheckFormat;
pub use output_file::{OutputError, write_file};
pub use read::{Auditor, CheckError, CheckOptions, Progress, show_progress};
pub use report::{Report, Summary};
pub use state::CheckState;
pub use table::TableStyle;
pub use watch::{Destination, watch};
