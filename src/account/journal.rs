//! The log of an account: a change of state is one line, a state that lasts is none.

use std::collections::{BTreeMap, BTreeSet};

use tracing::{debug, info, warn};

use crate::gateway::error::{GatewayError, Reason};
use crate::refresh::Troubles;

/// Unknown status words that are remembered, so that each is logged once.
const MAX_REMEMBERED_STATUSES: usize = 100;

/// What has been logged already.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    list: Option<Reason>,
    details: BTreeMap<String, Reason>,
    secret: bool,
    platforms_not_asked: usize,
    unknown_statuses: BTreeSet<String>,
}

impl Journal {
    /// Logs how the troubles of a refresh differ from those of the one before.
    pub fn write(&mut self, account: Option<&str>, troubles: &Troubles) {
        let account = account.unwrap_or_default();
        self.write_secret(account, troubles);
        self.write_list(account, troubles.list.as_ref());
        if troubles.list.is_none() {
            self.write_details(account, &troubles.details);
            self.write_not_asked(account, troubles.platforms_not_asked);
        }
        self.write_unknown_statuses(account, &troubles.unknown_statuses);
    }

    fn write_secret(&mut self, account: &str, troubles: &Troubles) {
        match &troubles.secret {
            Some(error) if !self.secret => {
                warn!(account, err = %error, "Secret file cannot be read again, the last value stays in use");
            }
            None if self.secret => info!(account, "Secret file can be read again"),
            _ => {}
        }
        self.secret = troubles.secret.is_some();
    }

    fn write_list(&mut self, account: &str, error: Option<&GatewayError>) {
        let reason = error.map(GatewayError::reason);
        match error {
            Some(error) if reason != self.list => {
                warn!(account, reason = error.reason().as_str(), err = %error, "Cannot read the list of profiles");
            }
            Some(error) => {
                debug!(account, reason = error.reason().as_str(), err = %error, "Still cannot read the list of profiles");
            }
            None if self.list.is_some() => info!(account, "Reads the list of profiles again"),
            None => debug!(account, "Read the list of profiles"),
        }
        self.list = reason;
    }

    fn write_details(&mut self, account: &str, errors: &BTreeMap<String, GatewayError>) {
        for (platform, error) in errors {
            let reason = error.reason();
            if self.details.get(platform) != Some(&reason) {
                warn!(account, platform, reason = reason.as_str(), err = %error, "Cannot read the details of a platform");
            }
        }
        for platform in self
            .details
            .keys()
            .filter(|platform| !errors.contains_key(*platform))
        {
            info!(
                account,
                platform, "No longer fails to read the details of a platform"
            );
        }
        self.details = errors
            .iter()
            .map(|(platform, error)| (platform.clone(), error.reason()))
            .collect();
    }

    fn write_not_asked(&mut self, account: &str, platforms: usize) {
        if platforms > 0 && self.platforms_not_asked == 0 {
            warn!(
                account,
                platforms, "The list names too many platforms, some are not asked for details"
            );
        }
        self.platforms_not_asked = platforms;
    }

    fn write_unknown_statuses(&mut self, account: &str, statuses: &BTreeSet<String>) {
        for status in statuses {
            let room = self.unknown_statuses.len() < MAX_REMEMBERED_STATUSES;
            if room && self.unknown_statuses.insert(status.clone()) {
                warn!(
                    account,
                    status,
                    "The gateway uses a status that its documentation does not name, shown as UNKNOWN"
                );
            }
        }
    }
}
