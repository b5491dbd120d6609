//! An account at one time, from the cache or from a single reading.

use crate::account::history::History;
use crate::account::{ListFailure, View};
use crate::refresh::RefreshErrors;
use crate::snapshot::{PlatformDetails, Snapshot};

/// An account at one time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccountRecord<'a> {
    /// `None` for the default account.
    pub(crate) name: Option<&'a str>,
    /// `None` if the profiles are not known.
    pub(crate) snapshot: Option<&'a Snapshot>,
    /// The errors of the latest refresh; `None` before the first one has ended.
    pub(crate) errors: Option<&'a RefreshErrors>,
    /// Whether the latest refresh gave the snapshot.
    pub(crate) is_current: bool,
    /// Since when the list cannot be read.
    pub(crate) failure: Option<ListFailure>,
    /// The changes of its profiles; `None` for a single reading.
    pub(crate) history: Option<&'a History>,
}

/// Where data comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataSource {
    /// The latest refresh.
    Current,
    /// An earlier refresh, because the latest one failed.
    Kept,
    /// Nowhere: it could not be read.
    Missing,
    /// Nowhere yet: the first refresh has not ended.
    Pending,
}

impl DataSource {
    /// The name for programs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            DataSource::Current => "current",
            DataSource::Kept => "kept",
            DataSource::Missing => "none",
            DataSource::Pending => "pending",
        }
    }
}

impl<'a> AccountRecord<'a> {
    /// The account as its cache shows it.
    pub(crate) fn of_view(view: &'a View) -> AccountRecord<'a> {
        AccountRecord {
            name: view.exposed.account.as_deref(),
            snapshot: view.snapshot.as_deref(),
            errors: view.errors.as_deref(),
            is_current: view.exposed.up == Some(true) && view.snapshot.is_some(),
            failure: view.failure,
            history: Some(&*view.history),
        }
    }

    /// Where the list of profiles comes from.
    pub(crate) fn source(&self) -> DataSource {
        match (self.snapshot, self.errors) {
            (Some(_), _) if self.is_current => DataSource::Current,
            (Some(_), _) => DataSource::Kept,
            (None, None) => DataSource::Pending,
            (None, Some(_)) => DataSource::Missing,
        }
    }
}

/// Where the details of a platform come from.
pub(super) fn details_source(details: &PlatformDetails) -> DataSource {
    match (details.up, details.oldest) {
        (true, _) => DataSource::Current,
        (false, Some(_)) => DataSource::Kept,
        (false, None) => DataSource::Missing,
    }
}
