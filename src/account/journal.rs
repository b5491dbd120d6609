//! The log of an account: a change of state is one line, a state that lasts is none.

use std::collections::{BTreeMap, BTreeSet};

use tracing::{debug, info, warn};

use crate::gateway::error::{GatewayError, Reason};
use crate::gateway::fields::Schema;
use crate::refresh::Troubles;
use crate::snapshot::Snapshot;

/// Unknown status words that are remembered, so that each is logged once.
const MAX_REMEMBERED_STATUSES: usize = 100;

/// What has been logged already.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    list: Option<Reason>,
    details: BTreeMap<String, Reason>,
    secret: bool,
    platforms_not_asked: usize,
    schema: Option<Schema>,
    is_part: bool,
    details_in_part: BTreeSet<String>,
    linked_accounts_dropped: bool,
    profiles_dropped: bool,
    repeats_secret: bool,
    unknown_statuses: BTreeSet<String>,
}

impl Journal {
    /// Logs how what a refresh read and its troubles differ from those of the one before.
    pub fn write(
        &mut self,
        account: Option<&str>,
        snapshot: Option<&Snapshot>,
        troubles: &Troubles,
    ) {
        let account = account.unwrap_or_default();
        self.write_secret(account, troubles);
        self.write_list(account, troubles.list.as_ref());
        if troubles.list.is_none() {
            self.write_details(account, &troubles.details);
            self.write_not_asked(account, troubles.platforms_not_asked);
        }
        if let Some(snapshot) = snapshot {
            self.write_schema(account, snapshot.schema);
            self.write_parts(account, snapshot);
            self.write_linked_accounts(account, snapshot.linked_accounts_dropped);
            self.write_limit(account, snapshot.dropped.limit);
        }
        self.write_unknown_statuses(account, &troubles.unknown_statuses);
        self.write_repeated_secret(account, troubles);
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

    /// An empty list follows no description: what is known of the account stays.
    fn write_schema(&mut self, account: &str, schema: Option<Schema>) {
        if let Some(schema) = schema.filter(|schema| self.schema != Some(*schema)) {
            let schema_name = schema.as_str();
            info!(
                account,
                schema = schema_name,
                "The list follows this description of the API"
            );
            self.schema = Some(schema);
        }
    }

    fn write_parts(&mut self, account: &str, snapshot: &Snapshot) {
        let is_part = !snapshot.is_complete;
        match (is_part, self.is_part) {
            (true, false) => warn!(
                account,
                profiles = snapshot.profiles.len(),
                reported = snapshot.reported,
                "The list is a part: the gateway has more profiles than it lists"
            ),
            (false, true) => info!(account, "The list is whole again"),
            _ => {}
        }
        self.is_part = is_part;
        let parts = snapshot.details.iter().filter(|(_, state)| state.is_part);
        let parts: BTreeSet<String> = parts.map(|(platform, _)| platform.clone()).collect();
        for platform in parts.difference(&self.details_in_part) {
            warn!(
                account,
                platform, "The details of a platform are a part: the gateway has more of them"
            );
        }
        for platform in self.details_in_part.difference(&parts) {
            info!(
                account,
                platform, "The details of a platform are no longer a part"
            );
        }
        self.details_in_part = parts;
    }

    fn write_linked_accounts(&mut self, account: &str, dropped: u64) {
        if dropped > 0 && !self.linked_accounts_dropped {
            warn!(
                account,
                dropped, "Some linked accounts are not shown: they are past limits.profiles"
            );
        }
        self.linked_accounts_dropped = dropped > 0;
    }

    fn write_limit(&mut self, account: &str, dropped: u64) {
        if dropped > 0 && !self.profiles_dropped {
            warn!(
                account,
                dropped,
                "Some profiles are not shown: they are past limits.profiles or limits.exposition_bytes, which all accounts share"
            );
        }
        self.profiles_dropped = dropped > 0;
    }

    /// Only an answer tells: a failure leaves it open.
    fn write_repeated_secret(&mut self, account: &str, troubles: &Troubles) {
        let entries = troubles.entries_with_secret;
        if entries > 0 && !self.repeats_secret {
            warn!(
                account,
                entries,
                "The gateway repeats the account's credentials, values that do are not read"
            );
        }
        self.repeats_secret = entries > 0 || (self.repeats_secret && troubles.list.is_some());
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
