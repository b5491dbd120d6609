//! What the snapshots so far showed of a profile, as far as its changes are recorded.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, TimeDelta};

use super::{ChangeKind, News, Since};
use crate::gateway::model::Status;
use crate::snapshot::Profile;

/// What the snapshots so far showed of a profile. Facts that a snapshot does not have stay as they were last read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KnownProfile {
    pub(super) name: Arc<str>,
    status: Status,
    pub(super) since: Since,
    token_expires_at: Option<DateTime<FixedOffset>>,
    /// The granted permissions; `None` until they are read.
    granted: Option<Arc<BTreeSet<String>>>,
    /// Whether any whole list had the profile.
    pub(super) is_in_whole_list: bool,
}

impl KnownProfile {
    pub(super) fn new(profile: &Profile, since: Since) -> KnownProfile {
        KnownProfile {
            name: profile.name.as_str().into(),
            status: profile.status,
            since,
            token_expires_at: profile.token_expires_at,
            granted: None,
            is_in_whole_list: false,
        }
    }

    /// Compares with a newer read of the profile, and takes over what it has.
    pub(super) fn update(&mut self, profile: &Profile, news: &mut News, sets: &mut PermissionSets) {
        if *self.name != *profile.name {
            self.name = profile.name.as_str().into();
        }
        if self.status != profile.status {
            let (from, to) = (self.status, profile.status);
            news.add(profile, ChangeKind::State { from, to });
            self.status = to;
            self.since = Since::Observed(news.at);
        }
        if let Some(to) = profile.token_expires_at {
            let from = self.token_expires_at.replace(to);
            if has_moved(from, to) {
                news.add(profile, ChangeKind::TokenEnd { from, to });
            }
        }
        if profile.has_permissions() {
            self.update_permissions(profile, news, sets);
        }
    }

    fn update_permissions(
        &mut self,
        profile: &Profile,
        news: &mut News,
        sets: &mut PermissionSets,
    ) {
        let granted = || {
            let granted = profile.permissions().filter(|(_, granted)| *granted);
            granted.map(|(permission, _)| permission)
        };
        let before = self.granted.as_deref();
        if before.is_some_and(|before| before.iter().map(String::as_str).eq(granted())) {
            return;
        }
        let now = sets.shared(granted());
        if let Some(before) = before {
            for permission in before.difference(&now) {
                news.add(profile, ChangeKind::PermissionLost(permission.clone()));
            }
            for permission in now.difference(before) {
                news.add(profile, ChangeKind::PermissionGranted(permission.clone()));
            }
        }
        self.granted = Some(now);
    }
}

/// The sets of permissions of one snapshot, each once, because most profiles of a platform have the same.
#[derive(Default)]
pub(super) struct PermissionSets(HashSet<Arc<BTreeSet<String>>>);

impl PermissionSets {
    fn shared<'a>(&mut self, permissions: impl Iterator<Item = &'a str>) -> Arc<BTreeSet<String>> {
        let set: BTreeSet<String> = permissions.map(str::to_owned).collect();
        if let Some(known) = self.0.get(&set) {
            return Arc::clone(known);
        }
        let set = Arc::new(set);
        self.0.insert(Arc::clone(&set));
        set
    }
}

/// Whether the end of a token is another one. A gateway that counts it from the present states another second each time.
fn has_moved(from: Option<DateTime<FixedOffset>>, to: DateTime<FixedOffset>) -> bool {
    from.is_none_or(|from| (to - from).abs() >= TimeDelta::hours(1))
}
