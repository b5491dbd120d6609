//! The Prometheus text exposition format, version 0.0.4, for the accounts' metrics.
//!
//! A snapshot is written once per refresh, one block of sample lines per family. A scrape joins the
//! blocks of all accounts under each family's HELP and TYPE, and writes only what changes between
//! two refreshes: the state of each account and the time left of each token. Scrapes of the same
//! second share one answer.

mod body;
mod families;
mod gzip;
mod page;
mod snapshot_text;
mod text;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use body::Body;
pub use families::{FAMILIES, Family};
pub use page::{Encoding, Page};
pub use snapshot_text::SnapshotText;

/// `Content-Type` of an exposition.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What one scrape shows of one account.
#[derive(Debug, Clone)]
pub struct AccountView {
    /// The account's name, where it has one.
    pub account: Option<Arc<str>>,
    /// Grows whenever the account shows something else: two views of one revision differ only in whether the
    /// snapshot is still young enough to be shown.
    pub revision: u64,
    /// Whether the latest refresh read the list; `None` before the first has ended.
    pub up: Option<bool>,
    /// When the data was read, if ever.
    pub read_at: Option<DateTime<Utc>>,
    /// How long the latest refresh took.
    pub refresh_took: Option<Duration>,
    /// The data, where it is not too old to be shown.
    pub snapshot: Option<Arc<SnapshotText>>,
}
