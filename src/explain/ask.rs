//! Asking the gateway of an account: the list, then each platform once.

use std::path::Path;

use reqwest::Url;
use tokio::time::Instant;

use super::answer::{Answer, Endpoint, Problem};
use super::names::Names;
use super::{Account, AccountExplained, Call};
use crate::gateway::PREFIXES;
use crate::gateway::client::Exchange;
use crate::hidden::shown_path;

/// Platforms that are asked for details, as in a refresh.
const MAX_PLATFORMS: usize = 32;

/// Asks the gateway of an account, one call after the other.
pub(super) async fn explain(mut account: Account) -> AccountExplained {
    let mut explained = AccountExplained {
        name: account.name.take(),
        calls: Vec::new(),
        problems: Vec::new(),
        likely_url: None,
    };
    let mut list = account.list().await;
    let other = other_base(account.client.base());
    if let (Some(404), Some(other)) = (list.status, other) {
        let base = account.client.base().clone();
        explained.calls.push(list);
        account.client.move_to(other.clone());
        list = account.list().await;
        explained
            .problems
            .push(Problem::of(told(&base, &other, &list)));
        explained.likely_url = list
            .status
            .filter(|status| *status != 404)
            .map(|_| other.to_string());
    }
    let platforms: Vec<String> = list
        .answer
        .iter_mut()
        .flat_map(|list| list.asked.drain(..))
        .collect();
    explained.calls.push(list);
    for platform in platforms.iter().take(MAX_PLATFORMS) {
        let details = account.details(platform).await;
        let is_limited = details.status == Some(429);
        if let Some(error) = &details.error {
            let text = format!("{}: {error}", details.about);
            explained.problems.push(Problem::of(text));
        }
        explained.calls.push(details);
        if is_limited {
            break;
        }
    }
    explained
}

/// The same gateway below the other prefix of the API's pages.
fn other_base(base: &Url) -> Option<Url> {
    let path = base.path().trim_end_matches('/');
    let is_documented = PREFIXES.contains(&path);
    let other = PREFIXES.into_iter().find(|prefix| *prefix != path)?;
    let mut url = base.clone();
    url.set_path(other);
    is_documented.then_some(url)
}

/// An address, which has neither credentials nor query.
fn shown(url: &Url) -> String {
    let path = shown_path(Path::new(url.path()));
    format!("{}{path}", url.origin().ascii_serialization())
}

/// Which of the two prefixes answers.
fn told(base: &Url, other: &Url, call: &Call) -> String {
    let (base, other) = (base.path(), other.path());
    match (call.status, &call.error) {
        (Some(200), _) => format!("gateway.url: {base} answers HTTP 404, {other} answers"),
        (Some(status), _) => format!("gateway.url: {base} answers HTTP 404, {other} HTTP {status}"),
        (None, error) => format!(
            "gateway.url: {base} answers HTTP 404, {other} not at all: {}",
            error.as_deref().unwrap_or_default()
        ),
    }
}

impl Account {
    async fn list(&self) -> Call {
        let started = Instant::now();
        let exchange = self.client.socials(started + self.timeout).await;
        let call = Call {
            address: shown(&self.client.list_address()),
            about: "list".to_owned(),
            took: Some(started.elapsed()),
            ..Call::default()
        };
        let not_found = self.client.no_such_list().to_string();
        self.answered(call, Endpoint::List, exchange, not_found)
    }

    async fn details(&self, platform: &str) -> Call {
        let started = Instant::now();
        let exchange = self.client.platform(platform, started + self.timeout).await;
        let about = Names::new(&exchange.sent).word(platform).to_owned();
        let call = Call {
            address: format!("{}/{about}", shown(&self.client.list_address())),
            about,
            took: Some(started.elapsed()),
            ..Call::default()
        };
        let not_found = "the gateway answers HTTP 404: nothing of the platform is connected";
        self.answered(call, Endpoint::Details, exchange, not_found.to_owned())
    }

    /// The call with what came of it.
    fn answered(
        &self,
        call: Call,
        endpoint: Endpoint,
        exchange: Exchange,
        not_found: String,
    ) -> Call {
        let Exchange {
            result, head, sent, ..
        } = exchange;
        let names = Names::new(&sent);
        let (body, error) = match result {
            Ok(Some(body)) => (Some(body), None),
            Ok(None) => (None, Some(not_found)),
            Err(error) => (None, Some(error.to_string())),
        };
        let read =
            |body: &[u8]| Answer::read(body, endpoint, head.paging, &self.field_names, &names);
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
