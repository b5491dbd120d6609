//! The result of one refresh.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::details::Draft;
use super::turns::Standing;
use crate::gateway::credentials::SecretError;
use crate::gateway::error::{GatewayError, Reason};

/// The result of one refresh.
#[derive(Debug)]
pub struct Outcome {
    /// When its turn came, on the monotonic clock.
    pub began: std::time::Instant,
    /// How long it took from there.
    pub took: Duration,
    /// The snapshot and its claim, if the list could be read.
    pub draft: Option<Draft>,
    /// What did not work.
    pub troubles: Troubles,
}

/// What did not work in one refresh.
#[derive(Debug, Default)]
pub struct Troubles {
    /// Why there is no snapshot.
    pub list: Option<GatewayError>,
    /// Details calls that failed, by platform.
    pub details: BTreeMap<String, GatewayError>,
    /// The secret's file could not be read again.
    pub secret: Option<SecretError>,
    /// Platforms past the number that is asked for details.
    pub platforms_not_asked: usize,
    /// Status words that the API's documentation does not name.
    pub unknown_statuses: BTreeSet<String>,
    /// Entries that repeat the account's secret.
    pub entries_with_secret: u64,
}

impl Troubles {
    /// How long the next turn of this account may have to wait.
    pub fn standing(&self) -> Standing {
        let mut errors = self.list.iter().chain(self.details.values());
        match errors.any(|error| error.reason() == Reason::Timeout) {
            true => Standing::Slow,
            false => Standing::Prompt,
        }
    }

    /// The failures that call for a pause. Details that fail do not hold up the list, unless the
    /// quota is used up, which both share.
    pub fn calling_for_a_pause(&self) -> impl Iterator<Item = &GatewayError> {
        let details = self.details.values();
        let used_up = details.filter(|error| matches!(error, GatewayError::RateLimited { .. }));
        self.list.iter().chain(used_up)
    }
}
