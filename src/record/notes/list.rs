//! Notes on the list of an account: what it lacks, and what of it is left out.

use super::AccountNote;
use crate::plural::{choose, count};
use crate::record::advice;
use crate::snapshot::Snapshot;

/// An empty list is a warning, as in the alerts. An incomplete list leaves profiles unchecked.
pub(super) fn notes(snapshot: &Snapshot) -> Vec<AccountNote> {
    let mut notes = Vec::new();
    if !snapshot.is_complete {
        notes.push(AccountNote::unknown(
            incomplete_list(snapshot),
            advice::INCOMPLETE_LIST,
        ));
    }
    if snapshot.profiles.is_empty() && snapshot.is_complete {
        notes.push(AccountNote::warning(
            "no profile is connected".to_owned(),
            advice::EMPTY_LIST,
        ));
    }
    let dropped = snapshot.linked_accounts_dropped;
    if dropped > 0 {
        let text = format!(
            "{} {} past limits.profiles",
            count(dropped, "linked account"),
            choose(dropped, "is left out: it is", "are left out: they are")
        );
        notes.push(AccountNote::warning(text, advice::LINKED_ACCOUNTS));
    }
    notes.extend(dropped_entries_notes(snapshot));
    notes
}

/// Entries that are left out have not been judged, apart from duplicates, of which one is.
fn dropped_entries_notes(snapshot: &Snapshot) -> impl Iterator<Item = AccountNote> {
    let dropped = snapshot.dropped;
    let left_out = |number, reason_of_one, reason| {
        let entries = count(number, "entry");
        let (are, reason) = (
            choose(number, "is", "are"),
            choose(number, reason_of_one, reason),
        );
        (number > 0).then(|| format!("{entries} of the list {are} left out: {reason}"))
    };
    let duplicates = left_out(
        dropped.duplicate,
        "it is a duplicate",
        "they are duplicates",
    );
    let invalid = left_out(dropped.invalid, "it cannot be read", "they cannot be read");
    let past_limits = left_out(
        dropped.limit,
        "it is past limits.profiles or limits.exposition_bytes, which all accounts share",
        "they are past limits.profiles or limits.exposition_bytes, which all accounts share",
    );
    let notes = [
        duplicates.map(|text| AccountNote::warning(text, advice::ODD_LIST)),
        invalid.map(|text| AccountNote::unknown(text, advice::ODD_LIST)),
        past_limits.map(|text| AccountNote::unknown(text, advice::LONG_LIST)),
    ];
    notes.into_iter().flatten()
}

fn incomplete_list(snapshot: &Snapshot) -> String {
    let shown = snapshot.profiles.len();
    match snapshot.reported {
        Some(total) if total > shown as u64 => {
            let total = count(total, "profile");
            format!("the list is incomplete: it holds {shown} of {total}; the others are not known")
        }
        _ => format!(
            "the list is incomplete: it holds {} and refers to more pages; the others are not known",
            count(shown, "profile")
        ),
    }
}
