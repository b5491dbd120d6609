//! Since when profiles are in their states, as a running exporter has observed it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono::DateTime;
use serde::Deserialize;

use crate::account::history::Since;
use crate::build;
use crate::record::{CheckState, Note, ProfileRow, Report};
use exporter_toolkit::exporter_client::{Request, RequestError, Target};

const PATH: &str = "/api/v1/profiles";
const TIMEOUT: Duration = Duration::from_secs(10);
/// Enough for 100,000 profiles.
const MAX_BYTES: usize = 128 << 20;

/// What to do if the exporter does not answer.
const EXPORTER_URL: &str = "Give --exporter the URL of a running qlara-exporter, with user and password if it has some, and --exporter-ca-file its certificate if it is not publicly trusted.";
/// What to do if the exporter does not have an account.
const OTHER_ACCOUNTS: &str = "Give --exporter the URL of the exporter of this account, and the account the same name in both.";

/// A running exporter that watches the same accounts.
#[derive(Debug, Clone)]
pub struct RunningExporter {
    /// The URL at which it is reached, with user and password if it has some.
    pub url: Target,
    /// Certificates in this file are trusted in addition to the system's roots.
    pub ca_file: Option<PathBuf>,
}

/// Why a running exporter does not tell since when profiles are in their states.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("{url}: not the API of qlara-exporter: {error}")]
    Answer {
        url: String,
        error: serde_json::Error,
    },
}

/// What a running exporter has observed.
#[derive(Debug)]
pub(super) struct Observed {
    exporter: Target,
    accounts: Result<HashMap<Option<String>, Profiles>, Failure>,
}

/// Profiles of an account, by platform and id.
type Profiles = HashMap<(String, String), ObservedState>;

#[derive(Debug)]
struct ObservedState {
    status: String,
    since: Since,
}

impl RunningExporter {
    pub(super) async fn observed(&self) -> Observed {
        Observed {
            exporter: self.url.clone(),
            accounts: self.read().await,
        }
    }

    async fn read(&self) -> Result<HashMap<Option<String>, Profiles>, Failure> {
        let request = Request {
            target: self.url.clone().join(PATH),
            ca_file: self.ca_file.as_deref(),
            timeout: TIMEOUT,
            user_agent: build::USER_AGENT,
        };
        let body = request.read(MAX_BYTES).await?;
        let document: Document =
            serde_json::from_slice(&body).map_err(|error| Failure::Answer {
                url: request.target.to_string(),
                error,
            })?;
        Ok(document.by_account())
    }
}

impl Observed {
    /// Adds to each profile since when it is in its state, and notes on what is not known.
    pub(super) fn complete(&self, report: &mut Report) {
        match &self.accounts {
            Ok(accounts) => {
                for row in &mut report.rows {
                    row.since = since(accounts, row);
                }
                let unwatched = report.accounts.iter().map(|account| account.name);
                let unwatched =
                    unwatched.filter(|name| !accounts.contains_key(&name.map(str::to_owned)));
                let text = format!(
                    "the exporter at {} has no account of this name, so it does not tell since when profiles are in their states",
                    self.exporter
                );
                let notes: Vec<Note> = unwatched
                    .map(|account| unknown(account, text.clone(), OTHER_ACCOUNTS))
                    .collect();
                report.add_notes(notes);
            }
            Err(failure) => report.add_notes([unknown(
                None,
                format!("since when profiles are in their states is not known: {failure}"),
                EXPORTER_URL,
            )]),
        }
    }
}

fn unknown<'a>(account: Option<&'a str>, text: String, advice: &'static str) -> Note<'a> {
    Note {
        account,
        state: CheckState::Unknown,
        text,
        advice: advice.into(),
    }
}

/// `None` if the exporter last read another state.
fn since(accounts: &HashMap<Option<String>, Profiles>, row: &ProfileRow) -> Option<Since> {
    let profiles = accounts.get(&row.account.map(str::to_owned))?;
    let key = (row.judged.platform.to_owned(), row.judged.id.to_owned());
    let observed = profiles.get(&key)?;
    (observed.status == row.status_text()).then_some(observed.since)
}

/// The keys of the API that are needed here.
#[derive(Deserialize)]
struct Document {
    accounts: Vec<AccountIn>,
    profiles: Vec<ProfileIn>,
}

#[derive(Deserialize)]
struct AccountIn {
    account: Option<String>,
}

#[derive(Deserialize)]
struct ProfileIn {
    account: Option<String>,
    platform: String,
    profile: String,
    status: String,
    since: Option<String>,
    since_at_least: Option<String>,
}

impl Document {
    fn by_account(self) -> HashMap<Option<String>, Profiles> {
        let accounts = self.accounts.into_iter();
        let mut accounts: HashMap<_, Profiles> = accounts
            .map(|account| (account.account, Profiles::new()))
            .collect();
        for profile in self.profiles {
            if let Some(since) = profile.since() {
                let of_account = accounts.entry(profile.account).or_default();
                let status = profile.status;
                of_account.insert(
                    (profile.platform, profile.profile),
                    ObservedState { status, since },
                );
            }
        }
        accounts
    }
}

impl ProfileIn {
    fn since(&self) -> Option<Since> {
        let time = |text: &Option<String>| {
            let time = DateTime::parse_from_rfc3339(text.as_deref()?).ok()?;
            Some(time.to_utc())
        };
        let observed = time(&self.since).map(Since::Observed);
        observed.or_else(|| time(&self.since_at_least).map(Since::AtLeast))
    }
}
