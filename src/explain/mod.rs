//! `explain`: what the gateway answers, without values. It asks the list and each platform once, or
//! reads a saved answer, and says which fields were met, which are read, and what could not be read.

mod answer;
mod ask;
mod json;
mod names;
mod read_as;
mod saved;
mod shape;
mod suggest;
mod text;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::{Config, FieldNamesByAccount, UnknownAccount};
use crate::gateway::client::Client;
use crate::gateway::field_names::FieldNames;
use crate::gateway::{Paging, SentSecret};
use crate::roster::{RosterError, Workshop};
use answer::{Answer, Endpoint, Problem};
use names::Names;
pub use saved::{SavedError, read_saved};

/// How much could be read: the exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Everything that the metrics need.
    Whole,
    /// Something is missing.
    Lacking,
    /// There was no answer to read.
    NoAnswer,
}

impl Verdict {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Verdict::Whole => 0,
            Verdict::Lacking => 1,
            Verdict::NoAnswer => 3,
        }
    }
}

/// The forms of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// An account to be explained.
#[derive(Debug)]
pub struct Account {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Its gateway.
    pub client: Client,
    /// How its answers are read.
    pub field_names: Arc<FieldNames>,
    /// The time that each call may take.
    pub timeout: Duration,
}

/// What was explained.
#[derive(Debug, Default)]
pub struct Explanation {
    accounts: Vec<AccountExplained>,
}

/// The calls of one account.
#[derive(Debug)]
struct AccountExplained {
    name: Option<String>,
    calls: Vec<Call>,
    /// What concerns the account as a whole.
    problems: Vec<Problem>,
    /// `gateway.url`, where another one answers.
    likely_url: Option<String>,
}

/// One call and its answer.
#[derive(Debug, Default)]
struct Call {
    /// The URL, or where a saved answer comes from.
    address: String,
    /// `list` or the platform, as it may be printed.
    about: String,
    status: Option<u16>,
    media_type: Option<String>,
    /// Of the body, after decompression.
    bytes: Option<usize>,
    took: Option<Duration>,
    /// The answer, where there is one to take apart.
    answer: Option<Answer>,
    /// Why there is none.
    error: Option<String>,
}

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// `--account` names none of the accounts.
    #[error(transparent)]
    UnknownAccount(#[from] UnknownAccount),
    /// A saved answer cannot be that of several accounts.
    #[error("--account: a saved answer is that of one account; expected one name with --from")]
    SeveralAccounts,
    /// The accounts cannot be set up.
    #[error(transparent)]
    Setup(#[from] RosterError),
}

/// How the fields of a saved answer are named: as those of the `wanted` account, or as the defaults
/// say.
///
/// # Errors
/// [`ExplainError`] when there is no such account.
pub fn names_of_saved(
    names: FieldNamesByAccount,
    wanted: &[String],
) -> Result<Arc<FieldNames>, ExplainError> {
    match wanted {
        [] => Ok(names.of(None)?),
        [account] => Ok(names.of(Some(account))?),
        _ => Err(ExplainError::SeveralAccounts),
    }
}

/// The accounts of a configuration that are `wanted`; all where no name is given.
///
/// # Errors
/// [`ExplainError`] when there is no such account, or no way to its gateway.
pub fn accounts(
    mut config: Config,
    wanted: &[String],
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Account>, ExplainError> {
    config.keep_accounts(wanted)?;
    let mut workshop = Workshop::of(&config, clock);
    let mut accounts = Vec::with_capacity(config.accounts.len());
    for account in config.accounts {
        accounts.push(Account {
            name: account.name,
            client: workshop.client(&account.gateway, account.credentials)?,
            field_names: account.rules.names,
            timeout: account.gateway.timeout,
        });
    }
    Ok(accounts)
}

impl Explanation {
    /// Takes a saved answer apart: a list, or the details of a platform, which name it beside their
    /// entries.
    pub fn of_saved(source: &str, body: &[u8], field_names: &FieldNames) -> Explanation {
        let nothing_sent = SentSecret::default();
        let names = Names::new(&nothing_sent);
        let endpoint = match is_details(body) {
            true => Endpoint::Details,
            false => Endpoint::List,
        };
        let about = match endpoint {
            Endpoint::List => "list",
            Endpoint::Details => "details",
        };
        let answer = Answer::read(body, endpoint, Paging::default(), field_names, &names);
        let call = Call {
            address: source.to_owned(),
            about: about.to_owned(),
            bytes: Some(body.len()),
            answer: Some(answer),
            ..Call::default()
        };
        Explanation {
            accounts: vec![AccountExplained {
                name: None,
                calls: vec![call],
                problems: Vec::new(),
                likely_url: None,
            }],
        }
    }

    /// Asks the gateways of these accounts, one call after the other.
    pub async fn of_accounts(accounts: Vec<Account>) -> Explanation {
        let mut explained = Vec::with_capacity(accounts.len());
        for account in accounts {
            explained.push(ask::explain(account).await);
        }
        Explanation {
            accounts: explained,
        }
    }

    /// How much could be read, of the account of which the least could be.
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.accounts.iter().map(AccountExplained::verdict);
        verdicts.max().unwrap_or(Verdict::NoAnswer)
    }

    /// Writes it down.
    ///
    /// # Errors
    /// When nothing can be written.
    pub fn write(&self, format: Format, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Text => text::write(self, out),
            Format::Json => json::write(self, out),
        }
    }
}

impl AccountExplained {
    fn verdict(&self) -> Verdict {
        let has_answer = self.calls.iter().any(|call| call.answer.is_some());
        match (has_answer, self.problems().next()) {
            (false, _) => Verdict::NoAnswer,
            (true, Some(_)) => Verdict::Lacking,
            (true, None) => Verdict::Whole,
        }
    }

    /// What could not be read, each with what it concerns.
    fn problems(&self) -> impl Iterator<Item = (&str, &Problem)> {
        let of_calls = self.calls.iter().flat_map(|call| {
            let answer = call.answer.iter();
            let problems = answer.flat_map(|answer| &answer.problems);
            problems.map(|problem| (&*call.about, problem))
        });
        of_calls.chain(self.problems.iter().map(|problem| ("", problem)))
    }

    /// The lines of `gateway.fields` that would likely mend it.
    fn likely_fields(&self) -> Vec<(&'static str, &str)> {
        let likely = self.problems().filter_map(|(_, problem)| {
            let (key, path) = problem.likely.as_ref()?;
            Some((*key, path.as_str()))
        });
        let mut fields: Vec<(&str, &str)> = likely.collect();
        fields.sort_unstable();
        fields.dedup_by_key(|(key, _)| *key);
        fields
    }
}

/// UC-017 names the platform beside the entries of details, and nothing of the kind beside a list's.
fn is_details(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let document: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let data = document.get("data").unwrap_or(&document);
    data.get("platform")
        .is_some_and(serde_json::Value::is_string)
}
