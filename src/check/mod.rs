//! `check`: read every account once, without the cache, and judge its profiles.
//!
//! An [`Auditor`] reads the accounts into an [`Audit`]. [`Audit::report`] judges the profiles and collects notes,
//! and [`Audit::write`] writes the result in one of the formats of [`CheckFormat`].

mod audit;
mod expected;
mod first_step;
mod html;
mod junit;
mod layout;
mod nagios;
mod output;
mod output_file;
mod read;
mod running_exporter;
mod table;
mod watch;

pub use crate::record::{CheckState, Note, ProfileRow, Report, Summary};
pub use audit::{Audit, CheckFilter};
pub use nagios::unknown as nagios_unknown;
pub use output::CheckFormat;
pub use output_file::{OutputError, write_file};
pub use read::{Auditor, CheckError, CheckOptions, Progress, show_progress};
pub use running_exporter::RunningExporter;
pub use table::TableStyle;
pub use watch::{Destination, watch};
