//! What of an answer may be printed: names of fields, and words that are codes. Names, numbers and
//! tokens are other people's.

use crate::gateway::SentSecret;
use crate::gateway::invalid::shown_name;
use crate::gateway::model::{KNOWN_PLATFORMS, Status};

/// Stands for whatever is not printed.
pub(super) const HIDDEN: &str = "(not shown)";

/// Decides what may be printed.
pub(super) struct Names<'a> {
    sent: &'a SentSecret,
}

impl<'a> Names<'a> {
    /// Nothing that repeats the secret of the call is printed.
    pub(super) fn new(sent: &'a SentSecret) -> Names<'a> {
        Names { sent }
    }

    /// The secret of the call.
    pub(super) fn sent(&self) -> &SentSecret {
        self.sent
    }

    /// A name, if it looks like that of a field: some answers use identifiers as names.
    pub(super) fn name<'n>(&self, name: &'n str) -> &'n str {
        match self.is_usable(name) {
            true => name,
            false => HIDDEN,
        }
    }

    /// A path with dots; elements of arrays are `[]`.
    pub(super) fn path(&self, path: &[&str]) -> String {
        let mut shown = String::new();
        for name in path {
            match *name {
                "[]" => shown.push_str("[]"),
                name => {
                    let dot = if shown.is_empty() { "" } else { "." };
                    shown.push_str(dot);
                    shown.push_str(self.name(name));
                }
            }
        }
        shown
    }

    /// A path that may stand in `gateway.fields`.
    pub(super) fn usable_path(&self, path: &[&str]) -> Option<Vec<String>> {
        let usable = path.iter().all(|name| self.is_usable(name));
        usable.then(|| path.iter().map(|name| (*name).to_owned()).collect())
    }

    /// A platform or a status: a known word in any case, or one that is written like a code, in one
    /// case and without spaces. Anything else may be a name that stands in the wrong place.
    pub(super) fn word<'w>(&self, word: &'w str) -> &'w str {
        const LONGEST: usize = 32;
        let statuses = Status::ALL.map(Status::as_str);
        let known = statuses.iter().chain(&KNOWN_PLATFORMS);
        let is_known = known
            .into_iter()
            .any(|known| known.eq_ignore_ascii_case(word));
        let one_case = |is: fn(&u8) -> bool| word.bytes().all(|byte| is(&byte) || byte == b'_');
        let is_code = !word.is_empty()
            && word.len() <= LONGEST
            && (one_case(u8::is_ascii_lowercase) || one_case(u8::is_ascii_uppercase));
        match (is_known || is_code) && !self.sent.is_repeated_in(word) {
            true => word,
            false => HIDDEN,
        }
    }

    fn is_usable(&self, name: &str) -> bool {
        shown_name(name).starts_with('"') && !self.sent.is_repeated_in(name)
    }
}
