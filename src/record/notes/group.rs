//! Notes that say the same of several accounts, told once.

use std::fmt::{self, Display};

use super::Note;
use crate::record::state::CheckState;

/// Up to this many accounts of a group are named.
const MAX_NAMES: usize = 10;

/// Notes with the same text.
#[derive(Debug)]
pub(crate) struct NoteGroup<'a> {
    pub(crate) state: CheckState,
    pub(crate) text: &'a str,
    /// The names of the accounts; empty if the notes are not about a named account.
    accounts: Vec<&'a str>,
}

impl<'a> NoteGroup<'a> {
    /// The names that are shown.
    pub(crate) fn names(&self) -> &[&'a str] {
        &self.accounts[..self.accounts.len().min(MAX_NAMES)]
    }

    /// What is before the names.
    pub(crate) fn before_names(&self) -> String {
        match self.accounts.len() {
            0 => String::new(),
            1 => "account ".to_owned(),
            accounts => format!("{accounts} accounts: "),
        }
    }

    /// What is between the names and the text.
    pub(crate) fn after_names(&self) -> String {
        match (
            self.accounts.len(),
            self.accounts.len() - self.names().len(),
        ) {
            (0, _) => String::new(),
            (_, 0) => ": ".to_owned(),
            (_, others) => format!(" and {others} more: "),
        }
    }

    fn says_the_same_as(&self, note: &Note) -> bool {
        self.state == note.state
            && self.text == note.text
            && self.accounts.is_empty() == note.account.is_none()
    }
}

impl Display for NoteGroup<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (names, after) = (self.names().join(", "), self.after_names());
        write!(out, "{}{names}{after}{}", self.before_names(), self.text)
    }
}

/// The groups of the notes, those with the same advice together with it, in the order of their first notes.
pub(crate) fn by_advice<'a>(notes: &'a [Note]) -> Vec<(Vec<NoteGroup<'a>>, &'a str)> {
    let mut all: Vec<(Vec<NoteGroup>, &str)> = Vec::new();
    for note in notes {
        let mut shared = all.iter();
        let place = shared.position(|(_, advice)| *advice == note.advice);
        let place = place.unwrap_or_else(|| {
            all.push((Vec::new(), &note.advice));
            all.len() - 1
        });
        add(note, &mut all[place].0);
    }
    all
}

fn add<'a>(note: &'a Note, groups: &mut Vec<NoteGroup<'a>>) {
    let mut existing = groups.iter_mut();
    match existing.find(|group| group.says_the_same_as(note)) {
        Some(group) => group.accounts.extend(note.account),
        None => groups.push(NoteGroup {
            state: note.state,
            text: &note.text,
            accounts: Vec::from_iter(note.account),
        }),
    }
}
