//! The latest changes of an account's profiles, and since when each profile has been in its state.
//!
//! A history compares each snapshot with what the snapshots before it showed. It records only what the gateway stated:
//! a profile that a partial list leaves out has not disappeared, and permissions that cannot be read are not lost.

mod known_profile;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, Utc};

use crate::gateway::model::Status;
use crate::snapshot::{Profile, Snapshot};
use crate::zone::Zone;
use known_profile::{KnownProfile, PermissionSets};

/// Maximum number of changes that an account keeps.
pub(crate) const MAX_CHANGES: usize = 50;

/// A change of a profile between two reads of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When the exporter read the changed data. The change itself happened after the read before it.
    pub at: DateTime<Utc>,
    /// The channel, for example `facebook`.
    pub platform: String,
    /// The stable identifier.
    pub id: String,
    /// The human name as it was last read, empty if there is none.
    pub name: String,
    /// What has changed.
    pub kind: ChangeKind,
}

/// What has changed of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// The gateway lists a profile that it did not list before.
    Appeared,
    /// The gateway no longer lists the profile.
    Disappeared,
    /// The connection state.
    State {
        /// The state that was read before.
        from: Status,
        /// The state since this change.
        to: Status,
    },
    /// The expiry of the OAuth token. An expiry that is no longer stated is not a change.
    TokenEnd {
        /// The expiry that was last stated; `None` if there was none.
        from: Option<DateTime<FixedOffset>>,
        /// The new expiry, with the offset that the gateway states.
        to: DateTime<FixedOffset>,
    },
    /// This permission is granted, and was not.
    PermissionGranted(String),
    /// This permission was granted, and no longer is.
    PermissionLost(String),
}

/// Since when a profile has been in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// The exporter read the state at this time, and another state, or no such profile, in the read before.
    Observed(DateTime<Utc>),
    /// The profile was in this state when the exporter first read it, at this time, so it may have been for longer.
    AtLeast(DateTime<Utc>),
}

impl Since {
    /// The time of the change to the state, if the exporter observed it.
    pub fn observed(self) -> Option<DateTime<Utc>> {
        match self {
            Since::Observed(at) => Some(at),
            Since::AtLeast(_) => None,
        }
    }

    /// The time as text, for a column whose heading says that a state has lasted since then.
    pub(crate) fn in_column(self, zone: Zone) -> String {
        match self {
            Since::Observed(at) => zone.column_minute(at),
            Since::AtLeast(at) => format!("{} or earlier", zone.column_minute(at)),
        }
    }

    /// The time of the first read, if the exporter observed no change to the state.
    pub fn at_least(self) -> Option<DateTime<Utc>> {
        match self {
            Since::Observed(_) => None,
            Since::AtLeast(at) => Some(at),
        }
    }
}

/// The latest changes of an account's profiles. It starts empty with the exporter, and when the account gets another
/// gateway or other credentials.
///
/// Its size is limited by [`MAX_CHANGES`], and by the profiles of the latest list and of the last whole list.
#[derive(Debug, Clone, Default)]
pub struct History {
    started_at: Option<DateTime<Utc>>,
    /// Newest first.
    changes: Vec<Change>,
    /// Number of changes so far, including those that are no longer in `changes`.
    observed: u64,
    /// By platform and id.
    profiles: HashMap<String, HashMap<String, KnownProfile>>,
    /// The number of invalid entries of the last whole list. `None` if an unknown profile may have been there before.
    invalid_entries: Option<u64>,
    /// Whether the next snapshot is read with other field names, so that its differences are no changes.
    reads_other_fields: bool,
}

impl History {
    /// When the first list was read; `None` before that. Nothing is known about earlier changes.
    pub fn started_at(&self) -> Option<DateTime<Utc>> {
        self.started_at
    }

    /// The latest changes, newest first, at most [`MAX_CHANGES`].
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The number of earlier changes since `started_at` that are no longer kept.
    pub fn dropped(&self) -> u64 {
        self.observed - self.changes.len() as u64
    }

    /// Since when a profile has been in its state; `None` for a profile that the gateway does not list.
    pub fn since(&self, platform: &str, id: &str) -> Option<Since> {
        Some(self.profile(platform, id)?.since)
    }

    /// The changes that `former` does not have yet, and the number of those that are not kept.
    pub(super) fn changes_after(&self, former: &History) -> (&[Change], u64) {
        let new = self.observed.saturating_sub(former.observed);
        let kept =
            usize::try_from(new).map_or(self.changes.len(), |new| new.min(self.changes.len()));
        (&self.changes[..kept], new - kept as u64)
    }

    /// Copies the history for snapshots that are read with other field names.
    pub(super) fn reading_other_fields(&self) -> History {
        History {
            reads_other_fields: true,
            ..self.clone()
        }
    }

    /// The history with the changes that `snapshot` shows; the same one if nothing has changed. Sets `state_since` of
    /// the profiles in the snapshot.
    pub(super) fn advanced(self: &Arc<History>, snapshot: &mut Snapshot) -> Arc<History> {
        let before = match self.reads_other_fields {
            true => Arc::new(self.without_profiles()),
            false => Arc::clone(self),
        };
        let mut advance = Advance {
            news: News::new(snapshot.read_at),
            permission_sets: PermissionSets::default(),
            is_whole: before.is_whole(snapshot),
            shows_appearance: before.shows_appearance(snapshot),
            next: Arc::clone(&before),
        };
        for profile in &mut snapshot.profiles {
            profile.state_since = advance.read(&before, profile);
        }
        advance.miss(&before, snapshot);
        advance.finish(&before, snapshot)
    }

    fn without_profiles(&self) -> History {
        History {
            profiles: HashMap::new(),
            invalid_entries: None,
            reads_other_fields: false,
            ..self.clone()
        }
    }

    fn profile(&self, platform: &str, id: &str) -> Option<&KnownProfile> {
        self.profiles.get(platform)?.get(id)
    }

    /// The known profiles that are not in `snapshot`, in a stable order.
    fn missing<'a>(&'a self, snapshot: &Snapshot) -> Vec<(&'a str, &'a str, &'a KnownProfile)> {
        let known = self.profiles.values().map(HashMap::len).sum::<usize>();
        let is_known = |profile: &&Profile| self.profile(&profile.platform, &profile.id).is_some();
        if snapshot.profiles.iter().filter(is_known).count() == known {
            return Vec::new();
        }
        let listed = snapshot.profiles.iter();
        let listed: HashSet<_> = listed.map(|it| (&*it.platform, &*it.id)).collect();
        let known = self.profiles.iter().flat_map(|(platform, profiles)| {
            let profiles = profiles.iter();
            profiles.map(|(id, known)| (platform.as_str(), id.as_str(), known))
        });
        let missing = known.filter(|(platform, id, _)| !listed.contains(&(*platform, *id)));
        let mut missing: Vec<_> = missing.collect();
        missing.sort_unstable_by_key(|(platform, id, _)| (*platform, *id));
        missing
    }

    /// Whether a profile that is not in `snapshot` is not connected. An invalid entry that the last whole list did not
    /// have may be the missing profile.
    fn is_whole(&self, snapshot: &Snapshot) -> bool {
        let is_complete = snapshot.is_complete && snapshot.dropped.limit == 0;
        let invalid_before = self.invalid_entries.unwrap_or_default();
        is_complete
            && (snapshot.dropped.invalid <= invalid_before || self.missing(snapshot).is_empty())
    }

    /// Whether an unknown profile in `snapshot` was not listed before. An entry that is no longer invalid may be that
    /// profile.
    fn shows_appearance(&self, snapshot: &Snapshot) -> bool {
        let invalid_before = self.invalid_entries;
        invalid_before.is_some_and(|before| snapshot.dropped.invalid >= before)
    }
}

/// A comparison of a history with the next snapshot.
struct Advance {
    news: News,
    permission_sets: PermissionSets,
    is_whole: bool,
    shows_appearance: bool,
    /// Shared with the former history until something differs.
    next: Arc<History>,
}

impl Advance {
    /// Compares a listed profile. Returns when the exporter observed the change to its state.
    fn read(&mut self, before: &History, profile: &Profile) -> Option<DateTime<Utc>> {
        let former = before.profile(&profile.platform, &profile.id);
        let mut known = match former {
            Some(former) => former.clone(),
            None => {
                let since = match self.shows_appearance {
                    true => Since::Observed(self.news.at),
                    false => Since::AtLeast(self.news.at),
                };
                KnownProfile::new(profile, since)
            }
        };
        if former.is_none() && self.shows_appearance {
            self.news.add(profile, ChangeKind::Appeared);
        }
        known.update(profile, &mut self.news, &mut self.permission_sets);
        known.is_in_whole_list |= self.is_whole;
        let since = known.since;
        if former != Some(&known) {
            let profiles = &mut Arc::make_mut(&mut self.next).profiles;
            let of_platform = profiles.entry(profile.platform.clone()).or_default();
            of_platform.insert(profile.id.clone(), known);
        }
        match since {
            Since::Observed(at) => Some(at),
            Since::AtLeast(_) => None,
        }
    }

    /// Compares the profiles that are not listed. A partial list says nothing about them; those that no whole list had
    /// are forgotten, so that lists that differ each time cannot fill the memory.
    fn miss(&mut self, before: &History, snapshot: &Snapshot) {
        for (platform, id, known) in before.missing(snapshot) {
            if self.is_whole {
                let identity = (platform, id, &*known.name);
                self.news.add_identified(identity, ChangeKind::Disappeared);
            } else if known.is_in_whole_list {
                continue;
            }
            let next = Arc::make_mut(&mut self.next);
            if !self.is_whole {
                next.invalid_entries = None;
            }
            if let Some(profiles) = next.profiles.get_mut(platform) {
                profiles.remove(id);
            }
        }
    }

    fn finish(mut self, before: &History, snapshot: &Snapshot) -> Arc<History> {
        let invalid_entries = match self.is_whole {
            true => Some(snapshot.dropped.invalid),
            false => self.next.invalid_entries,
        };
        let is_unchanged = before.started_at.is_some()
            && invalid_entries == self.next.invalid_entries
            && self.news.count == 0;
        if !is_unchanged {
            let next = Arc::make_mut(&mut self.next);
            next.started_at.get_or_insert(snapshot.read_at);
            next.invalid_entries = invalid_entries;
            next.profiles.retain(|_, profiles| !profiles.is_empty());
            next.observed += self.news.count;
            let older = std::mem::take(&mut next.changes);
            let changes = self.news.kept.into_iter().chain(older);
            next.changes = changes.take(MAX_CHANGES).collect();
        }
        self.next
    }
}

/// The changes that one snapshot shows.
struct News {
    at: DateTime<Utc>,
    /// The first [`MAX_CHANGES`] of them.
    kept: Vec<Change>,
    count: u64,
}

impl News {
    fn new(at: DateTime<Utc>) -> News {
        News {
            at,
            kept: Vec::new(),
            count: 0,
        }
    }

    fn add(&mut self, profile: &Profile, kind: ChangeKind) {
        self.add_identified((&profile.platform, &profile.id, &profile.name), kind);
    }

    /// Adds a change of the profile with this platform, id and name.
    fn add_identified(&mut self, (platform, id, name): (&str, &str, &str), kind: ChangeKind) {
        self.count += 1;
        if self.kept.len() < MAX_CHANGES {
            self.kept.push(Change {
                at: self.at,
                platform: platform.to_owned(),
                id: id.to_owned(),
                name: name.to_owned(),
                kind,
            });
        }
    }
}
