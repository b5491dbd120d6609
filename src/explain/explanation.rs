//! The result of `explain`: accounts, their calls to the gateway, and the problems of both.

use std::time::Duration;

use super::answer::Answer;
use super::problems::Problem;

/// How much of the answers could be read, ordered from good to bad. It decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Completeness {
    /// Everything that the metrics need was read.
    Complete,
    /// Something is missing.
    Incomplete,
    /// There was no answer to read.
    NoAnswer,
}

impl Completeness {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Completeness::Complete => 0,
            Completeness::Incomplete => 1,
            Completeness::NoAnswer => 3,
        }
    }
}

/// The answers of one or more accounts, explained.
#[derive(Debug, Default)]
pub struct Explanation {
    pub(super) accounts: Vec<AccountExplanation>,
}

/// The calls of one account.
#[derive(Debug, Default)]
pub(super) struct AccountExplanation {
    /// `None` for the default account and for a saved answer.
    pub(super) name: Option<String>,
    pub(super) calls: Vec<Call>,
    /// Problems that belong to no answer.
    pub(super) problems: Vec<Problem>,
    /// A `gateway.url` that answers, if the configured one does not.
    pub(super) likely_url: Option<String>,
}

/// One call and its answer.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// The URL, or the file of a saved answer.
    pub(super) address: String,
    /// `list`, `details`, or the redacted platform.
    pub(super) about: String,
    pub(super) status: Option<u16>,
    pub(super) media_type: Option<String>,
    /// The size of the body after decompression.
    pub(super) bytes: Option<usize>,
    pub(super) took: Option<Duration>,
    /// The answer, if the call returned a body.
    pub(super) answer: Option<Answer>,
    /// Why there is no answer.
    pub(super) error: Option<String>,
}

impl Explanation {
    /// The worst completeness of the accounts.
    pub fn completeness(&self) -> Completeness {
        let accounts = self.accounts.iter().map(AccountExplanation::completeness);
        accounts.max().unwrap_or(Completeness::NoAnswer)
    }
}

impl AccountExplanation {
    fn completeness(&self) -> Completeness {
        match (self.has_answer(), self.problems().next()) {
            (false, _) => Completeness::NoAnswer,
            (true, Some(_)) => Completeness::Incomplete,
            (true, None) => Completeness::Complete,
        }
    }

    /// Whether at least one call returned an answer.
    pub(super) fn has_answer(&self) -> bool {
        self.calls.iter().any(|call| call.answer.is_some())
    }

    /// All problems, each with the call that it is about, or an empty text.
    pub(super) fn problems(&self) -> impl Iterator<Item = (&str, &Problem)> {
        let of_calls = self.calls.iter().flat_map(|call| {
            let answer = call.answer.iter();
            let problems = answer.flat_map(|answer| &answer.problems);
            problems.map(|problem| (&*call.about, problem))
        });
        of_calls.chain(self.problems.iter().map(|problem| ("", problem)))
    }

    /// Keys of `gateway.fields` and paths that would probably solve the problems.
    pub(super) fn likely_fields(&self) -> Vec<(&'static str, &str)> {
        let likely = self.problems().filter_map(|(_, problem)| {
            let (key, path) = problem.likely_field.as_ref()?;
            Some((*key, path.as_str()))
        });
        let mut fields: Vec<(&str, &str)> = likely.collect();
        fields.sort_unstable();
        fields.dedup_by_key(|(key, _)| *key);
        fields
    }
}
