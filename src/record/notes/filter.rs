//! Notes on the filter.

use std::collections::BTreeSet;

use super::Note;
use crate::record::account::AccountRecord;
use crate::record::advice::UNSEEN_PLATFORM;
use crate::record::row::RecordFilter;
use crate::record::state::CheckState;
use crate::snapshot::Snapshot;
use exporter_toolkit::suggest::closest;

/// A warning for each platform of the filter that no account has: it is probably misspelled. An account that could not be
/// read may have the platform, and has a note of its own.
pub(crate) fn filter_notes<'a>(
    accounts: &[AccountRecord],
    filter: &impl RecordFilter,
) -> Vec<Note<'a>> {
    let snapshots: Vec<&Snapshot> = accounts.iter().filter_map(|it| it.snapshot).collect();
    let place = match snapshots.len() {
        0 => return Vec::new(),
        read if read < accounts.len() => "connected in the accounts that were read",
        _ => "connected",
    };
    let listed = snapshots
        .iter()
        .flat_map(|snapshot| snapshot.details.keys());
    let expected = snapshots.iter().flat_map(|snapshot| &snapshot.expected);
    let seen: BTreeSet<&str> = listed
        .chain(expected.map(|expected| &expected.platform))
        .map(String::as_str)
        .collect();
    let platforms = filter.platforms().into_iter();
    let unseen = platforms.filter(|platform| !seen.contains(platform));
    unseen
        .map(|platform| Note {
            account: None,
            state: CheckState::Warning,
            text: format!(
                "no profile of the platform {platform} is {place}{}",
                other_platforms(platform, &seen)
            ),
            advice: UNSEEN_PLATFORM.into(),
        })
        .collect()
}

/// The end of a sentence on a platform that was not seen: the similar one, and all that were seen.
fn other_platforms(platform: &str, seen: &BTreeSet<&str>) -> String {
    let all = seen.iter().copied().collect::<Vec<_>>().join(", ");
    match closest(platform, seen.iter().copied()) {
        _ if seen.is_empty() => String::new(),
        Some(similar) => format!("; did you mean {similar}? There are: {all}"),
        None => format!("; there are: {all}"),
    }
}
