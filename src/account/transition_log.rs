//! Logs the state changes of an account: one message per change, and none while a state lasts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::SecondsFormat;
use tracing::{debug, info, warn};

use super::history::{Change, ChangeKind, History};
use crate::gateway::error::{GatewayError, Reason};
use crate::gateway::fields::Schema;
use crate::refresh::RefreshErrors;
use crate::snapshot::Snapshot;

/// Maximum number of unknown statuses that are remembered, so that each is logged once.
const MAX_REMEMBERED_STATUSES: usize = 100;

/// The state that has been logged.
#[derive(Debug, Clone, Default)]
pub(super) struct TransitionLog {
    list: Option<Reason>,
    details: BTreeMap<String, Reason>,
    platforms_not_asked: usize,
    schema: Option<Schema>,
    is_incomplete: bool,
    details_in_part: BTreeSet<String>,
    linked_accounts_dropped: bool,
    profiles_dropped: bool,
    repeats_secret: bool,
    clock_differs: bool,
    unknown_statuses: BTreeSet<String>,
}

impl TransitionLog {
    /// Logs the differences of a refresh from the previous one.
    pub(super) fn write(
        &mut self,
        account: Option<&str>,
        snapshot: Option<&Snapshot>,
        errors: &RefreshErrors,
    ) {
        self.write_list(account, errors.list.as_ref());
        if errors.list.is_none() {
            self.write_details(account, &errors.details);
            self.write_not_asked(account, errors.platforms_not_asked);
        }
        if let Some(snapshot) = snapshot {
            self.write_schema(account, snapshot.schema);
            self.write_parts(account, snapshot);
            self.write_linked_accounts(account, snapshot.linked_accounts_dropped);
            self.write_limit(account, snapshot.dropped.limit);
        }
        self.write_unknown_statuses(account, &errors.unknown_statuses);
        self.write_repeated_secret(account, errors);
        self.write_clock(account, errors);
    }

    fn write_list(&mut self, account: Option<&str>, error: Option<&GatewayError>) {
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

    fn write_details(&mut self, account: Option<&str>, errors: &BTreeMap<String, GatewayError>) {
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

    fn write_not_asked(&mut self, account: Option<&str>, platforms: usize) {
        if platforms > 0 && self.platforms_not_asked == 0 {
            warn!(
                account,
                platforms, "The list has too many platforms; the details of some are not requested"
            );
        }
        self.platforms_not_asked = platforms;
    }

    /// An empty list follows no description and keeps the known one.
    fn write_schema(&mut self, account: Option<&str>, schema: Option<Schema>) {
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

    fn write_parts(&mut self, account: Option<&str>, snapshot: &Snapshot) {
        let is_incomplete = !snapshot.is_complete;
        match (is_incomplete, self.is_incomplete) {
            (true, false) => warn!(
                account,
                profiles = snapshot.profiles.len(),
                reported = snapshot.reported,
                "The list is incomplete: the gateway has more profiles than it returned"
            ),
            (false, true) => info!(account, "The list is complete again"),
            _ => {}
        }
        self.is_incomplete = is_incomplete;
        let parts = snapshot
            .details
            .iter()
            .filter(|(_, state)| state.is_incomplete);
        let parts: BTreeSet<String> = parts.map(|(platform, _)| platform.clone()).collect();
        for platform in parts.difference(&self.details_in_part) {
            warn!(
                account,
                platform,
                "The details of a platform are incomplete: the gateway has more entries than it returned"
            );
        }
        for platform in self.details_in_part.difference(&parts) {
            info!(
                account,
                platform, "The details of a platform are complete again"
            );
        }
        self.details_in_part = parts;
    }

    fn write_linked_accounts(&mut self, account: Option<&str>, dropped: u64) {
        if dropped > 0 && !self.linked_accounts_dropped {
            warn!(
                account,
                dropped, "Some linked accounts are not shown: they are past limits.profiles"
            );
        }
        self.linked_accounts_dropped = dropped > 0;
    }

    fn write_limit(&mut self, account: Option<&str>, dropped: u64) {
        if dropped > 0 && !self.profiles_dropped {
            warn!(
                account,
                dropped,
                "Some profiles are not shown: they are past limits.profiles or limits.exposition_bytes, which all accounts share"
            );
        }
        self.profiles_dropped = dropped > 0;
    }

    /// A failed list keeps the known state.
    fn write_repeated_secret(&mut self, account: Option<&str>, errors: &RefreshErrors) {
        let entries = errors.entries_with_secret;
        if entries > 0 && !self.repeats_secret {
            warn!(
                account,
                entries,
                "The gateway repeats the account's credentials; values that contain them are ignored"
            );
        }
        self.repeats_secret = entries > 0 || (self.repeats_secret && errors.list.is_some());
    }

    /// A failed list keeps the known state, because it may have no header.
    fn write_clock(&mut self, account: Option<&str>, errors: &RefreshErrors) {
        match errors.clock {
            Some(difference) if !self.clock_differs => warn!(
                account,
                %difference,
                "The clock of this machine differs from the gateway's; times until the end of a token are counted by this machine's clock"
            ),
            None if self.clock_differs && errors.list.is_none() => {
                info!(
                    account,
                    "The clock of this machine agrees with the gateway's again"
                );
            }
            _ => {}
        }
        self.clock_differs =
            errors.clock.is_some() || (self.clock_differs && errors.list.is_some());
    }

    fn write_unknown_statuses(&mut self, account: Option<&str>, statuses: &BTreeSet<String>) {
        for status in statuses {
            let has_capacity = self.unknown_statuses.len() < MAX_REMEMBERED_STATUSES;
            if has_capacity && self.unknown_statuses.insert(status.clone()) {
                warn!(
                    account,
                    status,
                    "The gateway uses a status that its documentation does not name, shown as UNKNOWN"
                );
            }
        }
    }
}

/// Logs the changes of profiles that `history` has and `former` does not.
pub(super) fn log_changes(account: Option<&str>, history: &History, former: &History) {
    let (changes, not_kept) = history.changes_after(former);
    for change in changes {
        log_change(account, change);
    }
    if not_kept > 0 {
        info!(
            account,
            changes = not_kept,
            "More profiles have changed than the log and the history show"
        );
    }
}

fn log_change(account: Option<&str>, change: &Change) {
    let (platform, profile) = (&*change.platform, &*change.id);
    match &change.kind {
        ChangeKind::Appeared => info!(account, platform, profile, "A profile is newly listed"),
        ChangeKind::Disappeared => {
            info!(account, platform, profile, "A profile is no longer listed");
        }
        ChangeKind::State { from, to } => {
            let (from, to) = (from.as_str(), to.as_str());
            info!(
                account,
                platform, profile, from, to, "The state of a profile has changed"
            );
        }
        ChangeKind::TokenEnd { from, to } => {
            let from = from.map(|from| from.to_rfc3339_opts(SecondsFormat::Secs, true));
            let to = to.to_rfc3339_opts(SecondsFormat::Secs, true);
            info!(
                account,
                platform, profile, from, to, "The token of a profile ends at another time"
            );
        }
        ChangeKind::PermissionGranted(permission) => info!(
            account,
            platform, profile, permission, "A profile has a new permission"
        ),
        ChangeKind::PermissionLost(permission) => info!(
            account,
            platform, profile, permission, "A profile has lost a permission"
        ),
    }
}
