//! A profile of the record, and the filter of profiles.

use chrono::{DateTime, Utc};

use crate::account::history::Since;
use crate::gateway::model::Status;
use crate::snapshot::Profile;
use crate::verdict::{Action, Finding, JudgedProfile};
use exporter_toolkit::printable::is_blank;

/// The state of an expected profile that is not connected, as text.
pub(crate) const MISSING: &str = "MISSING";

/// A listed profile, or an expected profile that is missing, with its account.
#[derive(Debug)]
pub struct ProfileRow<'a> {
    /// The account's name; `None` for the default account.
    pub account: Option<&'a str>,
    /// The profile and its verdict.
    pub judged: JudgedProfile<'a>,
    /// Since when it has been in its state; `None` for a missing profile, and for a single reading.
    pub(crate) since: Option<Since>,
}

impl ProfileRow<'_> {
    /// The connection state; `None` for a missing profile. That of an expected profile that was not read is unknown.
    pub fn status(&self) -> Option<Status> {
        let findings = &self.judged.verdict.findings;
        match self.judged.profile {
            Some(profile) => Some(profile.status),
            None => (!findings.contains(&Finding::Missing)).then_some(Status::Unknown),
        }
    }

    /// The connection state as text; `MISSING` for a missing profile.
    pub fn status_text(&self) -> &'static str {
        self.status().map_or(MISSING, Status::as_str)
    }

    /// The name, empty if there is none.
    pub(crate) fn name(&self) -> &str {
        self.judged.profile.map_or("", |profile| &profile.name)
    }

    /// The name without spaces around it; `None` if it has no visible character.
    pub(crate) fn visible_name(&self) -> Option<&str> {
        let name = self.name().trim();
        (!is_blank(name)).then_some(name)
    }

    /// The time of the last activity, if the details have it.
    pub(crate) fn last_activity_at(&self) -> Option<DateTime<Utc>> {
        self.judged.profile.and_then(Profile::last_activity_at)
    }

    /// What somebody has to do about the profile.
    pub(crate) fn action(&self) -> Action {
        self.judged.verdict.action()
    }
}

/// Which accounts and profiles are in a record.
pub(crate) trait RecordFilter {
    /// Whether the account with this name is in the record.
    fn matches_account(&self, name: Option<&str>) -> bool;

    /// The platforms that are asked for. None means all.
    fn platforms(&self) -> Vec<&str>;

    /// Whether a profile of a matching account is in the record.
    fn matches(&self, row: &ProfileRow) -> bool;

    /// Whether profiles of this platform may be in the record.
    fn matches_platform(&self, platform: &str) -> bool {
        let platforms = self.platforms();
        platforms.is_empty() || platforms.contains(&platform)
    }
}
