//! Redaction: of an answer only names of fields, platforms and status words are printed. Other values, such
//! as names, phone numbers and tokens, are private.

use crate::gateway::SentSecret;
use crate::gateway::invalid::shown_name;
use crate::gateway::model::{KNOWN_PLATFORMS, Status};

/// Replaces redacted text.
const REDACTED: &str = "(not shown)";

/// Redacts names and words of an answer.
pub(super) struct Redactor<'a> {
    secret: &'a SentSecret,
}

impl<'a> Redactor<'a> {
    /// A redactor for the answer to a call that sent this secret.
    pub(super) fn new(secret: &'a SentSecret) -> Redactor<'a> {
        Redactor { secret }
    }

    /// The secret that the call sent.
    pub(super) fn secret(&self) -> &'a SentSecret {
        self.secret
    }

    /// The name of a key, if it looks like the name of a field. Some answers use identifiers as keys.
    pub(super) fn name<'n>(&self, name: &'n str) -> &'n str {
        match self.is_usable(name) {
            true => name,
            false => REDACTED,
        }
    }

    /// A path with dots between names; `[]` stands for the elements of an array.
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

    /// A path that `gateway.fields` accepts and that may be printed.
    pub(super) fn usable_path(&self, path: &[&str]) -> Option<Vec<String>> {
        let usable = path.iter().all(|name| self.is_usable(name));
        usable.then(|| path.iter().map(|name| (*name).to_owned()).collect())
    }

    /// A platform or a status word: a known one in any case, or a word that looks like a code, in one case
    /// and without spaces. Other text may be a person's name.
    pub(super) fn word<'w>(&self, word: &'w str) -> &'w str {
        const MAX_LENGTH: usize = 32;
        let statuses = Status::ALL.map(Status::as_str);
        let known = statuses.iter().chain(&KNOWN_PLATFORMS);
        let is_known = known
            .into_iter()
            .any(|known| known.eq_ignore_ascii_case(word));
        let one_case = |is: fn(&u8) -> bool| word.bytes().all(|byte| is(&byte) || byte == b'_');
        let is_code = !word.is_empty()
            && word.len() <= MAX_LENGTH
            && (one_case(u8::is_ascii_lowercase) || one_case(u8::is_ascii_uppercase));
        match (is_known || is_code) && !self.secret.is_repeated_in(word) {
            true => word,
            false => REDACTED,
        }
    }

    fn is_usable(&self, name: &str) -> bool {
        shown_name(name).starts_with('"') && !self.secret.is_repeated_in(name)
    }
}
