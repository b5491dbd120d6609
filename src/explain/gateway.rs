//! Calls to the gateway of an account: the list, then the details of each platform.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use tokio::time::Instant;

use super::answer::{Answer, Endpoint};
use super::explanation::{AccountExplanation, Call, Explanation};
use super::problems::Problem;
use super::redaction::Redactor;
use crate::account::{AccountFactory, AccountsError};
use crate::config::{Config, UnknownAccount};
use crate::gateway::PREFIXES;
use crate::gateway::client::GatewayClient;
use crate::gateway::exchange::Exchange;
use crate::gateway::field_names::FieldNames;
use exporter_toolkit::clock::Clock;
use exporter_toolkit::redacted::shown_path;

/// Maximum number of platforms that are asked for details, as in a refresh.
const MAX_PLATFORMS: usize = 32;

/// The answers cannot be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// `--account` names an account that is not in the configuration.
    #[error(transparent)]
    UnknownAccount(#[from] UnknownAccount),
    /// A saved answer belongs to one account.
    #[error("--account: a saved answer is that of one account; expected one name with --from")]
    SeveralAccounts,
    /// An account cannot be set up.
    #[error(transparent)]
    Setup(#[from] AccountsError),
}

/// A client for the gateway of one account.
#[derive(Debug)]
pub struct AccountClient {
    /// The account's name; `None` for the default account.
    pub name: Option<String>,
    /// The client.
    pub client: GatewayClient,
    /// The names under which fields are read.
    pub field_names: Arc<FieldNames>,
    /// The deadline of each call.
    pub timeout: Duration,
}

/// Clients for the accounts named in `wanted`, or for all accounts if it is empty.
///
/// # Errors
/// [`ExplainError`] if an account is unknown or cannot be set up.
pub fn account_clients(
    mut config: Config,
    wanted: &[String],
    clock: &Arc<dyn Clock>,
) -> Result<Vec<AccountClient>, ExplainError> {
    config.keep_accounts(wanted)?;
    let mut factory = AccountFactory::new(&config, clock);
    let mut clients = Vec::with_capacity(config.accounts.len());
    for account in config.accounts {
        clients.push(AccountClient {
            name: account.name,
            client: factory.client(&account.gateway, account.credentials)?,
            field_names: account.rules.names,
            timeout: account.gateway.timeout,
        });
    }
    Ok(clients)
}

impl Explanation {
    /// Asks the gateways of these accounts, one call after the other.
    pub async fn of_accounts(clients: Vec<AccountClient>) -> Explanation {
        let mut accounts = Vec::with_capacity(clients.len());
        for client in clients {
            accounts.push(explain(client).await);
        }
        Explanation { accounts }
    }
}

async fn explain(mut account: AccountClient) -> AccountExplanation {
    let mut explanation = AccountExplanation {
        name: account.name.take(),
        ..AccountExplanation::default()
    };
    let mut list = account.list().await;
    let other = other_base(account.client.base());
    if let (Some(404), Some(other)) = (list.status, other) {
        let base = account.client.base().clone();
        explanation.calls.push(list);
        account.client.set_base(other.clone());
        list = account.list().await;
        let problem = Problem::new(prefix_problem(&base, &other, &list));
        explanation.problems.push(problem);
        explanation.likely_url = list
            .status
            .filter(|status| *status != 404)
            .map(|_| other.to_string());
    }
    let platforms: Vec<String> = list
        .answer
        .iter_mut()
        .flat_map(|list| list.platforms_to_ask.drain(..))
        .collect();
    explanation.calls.push(list);
    for platform in platforms.iter().take(MAX_PLATFORMS) {
        let details = account.details(platform).await;
        let is_rate_limited = details.status == Some(429);
        if let Some(error) = &details.error {
            let text = format!("{}: {error}", details.about);
            explanation.problems.push(Problem::new(text));
        }
        explanation.calls.push(details);
        if is_rate_limited {
            break;
        }
    }
    explanation
}

/// The same gateway with the other documented prefix, if `base` has one of the two.
fn other_base(base: &Url) -> Option<Url> {
    let path = base.path().trim_end_matches('/');
    let is_documented = PREFIXES.contains(&path);
    let other = PREFIXES.into_iter().find(|prefix| *prefix != path)?;
    let mut url = base.clone();
    url.set_path(other);
    is_documented.then_some(url)
}

/// The URL without credentials and query.
fn printable(url: &Url) -> String {
    let path = shown_path(Path::new(url.path()));
    format!("{}{path}", url.origin().ascii_serialization())
}

/// Says that the configured prefix does not exist, and what the other one answers.
fn prefix_problem(base: &Url, other: &Url, call: &Call) -> String {
    let (base, other) = (base.path(), other.path());
    match (call.status, &call.error) {
        (Some(200), _) => format!("gateway.url: {base} answers HTTP 404, {other} answers"),
        (Some(status), _) => format!("gateway.url: {base} answers HTTP 404, {other} HTTP {status}"),
        (None, error) => format!(
            "gateway.url: {base} answers HTTP 404, {other} does not answer: {}",
            error.as_deref().unwrap_or_default()
        ),
    }
}

impl AccountClient {
    async fn list(&self) -> Call {
        let started = Instant::now();
        let exchange = self.client.socials(started + self.timeout).await;
        let call = Call {
            address: printable(&self.client.list_address()),
            about: "list".to_owned(),
            took: Some(started.elapsed()),
            ..Call::default()
        };
        let not_found = self.client.no_such_list().to_string();
        self.with_result(call, Endpoint::List, exchange, not_found)
    }

    async fn details(&self, platform: &str) -> Call {
        let started = Instant::now();
        let exchange = self.client.platform(platform, started + self.timeout).await;
        let about = Redactor::new(&exchange.sent).word(platform).to_owned();
        let call = Call {
            address: format!("{}/{about}", printable(&self.client.list_address())),
            about,
            took: Some(started.elapsed()),
            ..Call::default()
        };
        let not_found = "the gateway answers HTTP 404: no profile of the platform is connected";
        self.with_result(call, Endpoint::Details, exchange, not_found.to_owned())
    }

    fn with_result(
        &self,
        call: Call,
        endpoint: Endpoint,
        exchange: Exchange,
        not_found: String,
    ) -> Call {
        let Exchange {
            result, head, sent, ..
        } = exchange;
        let redactor = Redactor::new(&sent);
        let (body, error) = match result {
            Ok(Some(body)) => (Some(body), None),
            Ok(None) => (None, Some(not_found)),
            Err(error) => (None, Some(error.to_string())),
        };
        let read =
            |body: &[u8]| Answer::read(body, endpoint, head.paging, &self.field_names, &redactor);
        Call {
            status: head.status.map(|status| status.as_u16()),
            media_type: head.media_type,
            bytes: body.as_ref().map(|body| body.len()),
            answer: body.as_deref().map(read),
            error,
            ..call
        }
    }
}
