//! One refresh: the list, then the details of each platform in it, within one budget.

pub mod assembly;
pub mod details;
mod linked;
mod rules;
mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::gateway::SentSecret;
use crate::gateway::client::{Client, Exchange};
use crate::gateway::credentials::SecretError;
use crate::gateway::error::{GatewayError, Reason};
use crate::gateway::invalid::InvalidResponse;
use crate::gateway::model::KNOWN_PLATFORMS;
use crate::gateway::warnings::ParseWarnings;
use crate::snapshot::{ReadAt, Snapshot};
use crate::telemetry::account::{AccountMetrics, Endpoint};
use details::DetailsAnswer;
pub use details::LastGood;
pub use rules::{PhoneNumber, Rules};
pub use turns::{Standing, Turns};

/// Details calls of one refresh that are under way at once: others use the key, and its quota, too.
const DETAILS_AT_ONCE: usize = 4;

/// Platforms whose details are asked for. The gateway documents a handful; a list that names hundreds
/// must not turn into hundreds of calls.
const MAX_PLATFORMS: usize = 32;

/// An answer below this size in bytes is read at once.
const READ_AT_ONCE: usize = 16 * 1024;

/// Makes snapshots of one account.
#[derive(Debug)]
pub struct Refresher {
    client: Client,
    rules: Arc<Rules>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    metrics: Arc<AccountMetrics>,
    turns: Arc<Turns>,
}

/// What came of one refresh.
#[derive(Debug)]
pub struct Outcome {
    /// When its turn came, on the monotonic clock.
    pub began: std::time::Instant,
    /// How long it took from there.
    pub took: Duration,
    /// The snapshot, where the list could be read.
    pub snapshot: Option<Snapshot>,
    /// What did not work.
    pub troubles: Troubles,
}

/// What did not work in one refresh.
#[derive(Debug, Default)]
pub struct Troubles {
    /// Why there is no snapshot.
    pub list: Option<GatewayError>,
    /// Details calls that failed, by platform.
    pub details: BTreeMap<String, GatewayError>,
    /// The secret's file could not be read again.
    pub secret: Option<SecretError>,
    /// Platforms past the number that is asked for details.
    pub platforms_not_asked: usize,
    /// Status words that the API's documentation does not name.
    pub unknown_statuses: BTreeSet<String>,
    /// Entries that repeat the account's secret.
    pub entries_with_secret: u64,
}

impl Troubles {
    /// How long the next turn of this account may have to wait.
    pub fn standing(&self) -> Standing {
        let mut errors = self.list.iter().chain(self.details.values());
        match errors.any(|error| error.reason() == Reason::Timeout) {
            true => Standing::Slow,
            false => Standing::Prompt,
        }
    }

    /// The failures that call for a pause. Details that fail do not hold up the list, unless the
    /// quota is used up, which both share.
    pub fn calling_for_a_pause(&self) -> impl Iterator<Item = &GatewayError> {
        let details = self.details.values();
        let used_up = details.filter(|error| matches!(error, GatewayError::RateLimited { .. }));
        self.list.iter().chain(used_up)
    }
}

impl Refresher {
    /// `timeout` is the budget of a whole refresh.
    pub fn new(
        client: Client,
        rules: Rules,
        timeout: Duration,
        clock: Arc<dyn Clock>,
        metrics: Arc<AccountMetrics>,
        turns: Arc<Turns>,
    ) -> Refresher {
        Refresher {
            client,
            rules: Arc::new(rules),
            timeout,
            clock,
            metrics,
            turns,
        }
    }

    /// Whether this refresher asks at the same address, and with the same credentials, as `other`.
    pub fn asks_as(&self, other: &Refresher) -> bool {
        self.client.asks_as(&other.client)
    }

    /// The budget of a refresh.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The gateway metrics of the account.
    pub fn metrics(&self) -> &Arc<AccountMetrics> {
        &self.metrics
    }

    /// Asks the gateway when the turn of this refresh comes: one request for the list and one for
    /// each of up to 32 platforms in it, ended by the budget, which begins with the turn.
    ///
    /// Where details cannot be read, those of `last_good` stay.
    pub async fn refresh(&self, standing: Standing, last_good: Option<LastGood>) -> Outcome {
        let _turn = self.turns.take(standing).await;
        let began = self.clock.monotonic();
        let deadline = Instant::now() + self.timeout;
        let mut troubles = Troubles::default();
        let mut warnings = ParseWarnings::default();
        let snapshot = match self.list(deadline, &mut warnings, &mut troubles).await {
            Ok(mut snapshot) => {
                let read_at = ReadAt {
                    wall: snapshot.read_at,
                    monotonic: began,
                };
                self.add_details(
                    &mut snapshot,
                    deadline,
                    read_at,
                    &mut warnings,
                    &mut troubles,
                )
                .await;
                if let Some(last_good) = last_good {
                    details::keep_last_good(&mut snapshot, &last_good, &self.rules, began);
                }
                snapshot.drop_beyond(self.rules.max_exposition_bytes);
                Some(snapshot)
            }
            Err(error) => {
                troubles.list = Some(error);
                None
            }
        };
        self.metrics.count_invalid_fields(&warnings.invalid_fields);
        troubles.unknown_statuses = warnings.unknown_statuses;
        troubles.entries_with_secret = warnings.entries_with_secret;
        Outcome {
            began,
            took: self.clock.monotonic().saturating_duration_since(began),
            snapshot,
            troubles,
        }
    }

    async fn list(
        &self,
        deadline: Instant,
        warnings: &mut ParseWarnings,
        troubles: &mut Troubles,
    ) -> Result<Snapshot, GatewayError> {
        let started = Instant::now();
        let Exchange {
            result,
            head,
            sent,
            secret,
        } = self.client.socials(deadline).await;
        let read_at = self.clock.now();
        self.metrics.set_quota(head.quota);
        troubles.secret = secret.err();
        let body = result.and_then(|body| body.ok_or_else(|| self.client.no_such_list()));
        let rules = Arc::clone(&self.rules);
        let list = self
            .read(body, sent, move |body, sent, warnings| {
                assembly::read_list(body, head.paging, &rules, sent, read_at, warnings)
            })
            .await;
        self.metrics
            .count_request(Endpoint::Socials, started.elapsed(), list.as_ref().err());
        let (snapshot, own_warnings) = list?;
        warnings.merge(own_warnings);
        Ok(snapshot)
    }

    async fn add_details(
        &self,
        snapshot: &mut Snapshot,
        deadline: Instant,
        read_at: ReadAt,
        warnings: &mut ParseWarnings,
        troubles: &mut Troubles,
    ) {
        let asked = platforms_to_ask(snapshot);
        troubles.platforms_not_asked = snapshot.details.len() - asked.len();
        let refused = &OnceLock::new();
        let answers: Vec<_> = stream::iter(asked)
            .map(|platform| async move {
                let details = match refused.get() {
                    // After a 429 nothing more is sent.
                    Some(error) => Err(GatewayError::clone(error)),
                    None => self.platform_details(&platform, deadline).await,
                };
                if let Err(error @ GatewayError::RateLimited { .. }) = &details {
                    // Whoever was refused first has said it already.
                    let _ = refused.set(error.clone());
                }
                (platform, details)
            })
            .buffer_unordered(DETAILS_AT_ONCE)
            .collect()
            .await;
        for (platform, details) in answers {
            match details {
                Ok((answer, own_warnings)) => {
                    warnings.merge(own_warnings);
                    details::join_details(snapshot, &platform, answer, read_at);
                }
                Err(error) => {
                    troubles.details.insert(platform, error);
                }
            }
        }
    }

    async fn platform_details(
        &self,
        platform: &str,
        deadline: Instant,
    ) -> Result<(DetailsAnswer, ParseWarnings), GatewayError> {
        let started = Instant::now();
        let Exchange {
            result, head, sent, ..
        } = self.client.platform(platform, deadline).await;
        self.metrics.set_quota(head.quota);
        let details = match result {
            // The platform has no connected profiles: an answer, not a failure.
            Ok(None) => Ok(Default::default()),
            Ok(Some(body)) => {
                let rules = Arc::clone(&self.rules);
                let platform = platform.to_owned();
                self.read(Ok(body), sent, move |body, sent, warnings| {
                    details::read_details(body, head.paging, &platform, &rules, sent, warnings)
                })
                .await
            }
            Err(error) => Err(error),
        };
        self.metrics.count_request(
            Endpoint::Platform,
            started.elapsed(),
            details.as_ref().err(),
        );
        details
    }

    /// Reads a body with `read`. Its error does not repeat the secret that was `sent`.
    async fn read<T: Send + 'static>(
        &self,
        body: Result<Vec<u8>, GatewayError>,
        sent: SentSecret,
        read: impl FnOnce(&[u8], &SentSecret, &mut ParseWarnings) -> Result<T, InvalidResponse>
        + Send
        + 'static,
    ) -> Result<(T, ParseWarnings), GatewayError> {
        let body = body?;
        let of_reading = sent.clone();
        let read = off_the_async_threads(body, move |body| {
            let mut warnings = ParseWarnings::default();
            let answer = read(&body, &of_reading, &mut warnings)?;
            Ok((answer, warnings))
        });
        let read = read.await;
        read.map_err(|error| GatewayError::from(error).without(&sent))
    }
}

/// The known platforms come first, so that none that somebody invents pushes them out.
fn platforms_to_ask(snapshot: &Snapshot) -> Vec<String> {
    let mut platforms: Vec<String> = snapshot.details.keys().cloned().collect();
    platforms.sort_by_key(|platform| !KNOWN_PLATFORMS.contains(&platform.as_str()));
    platforms.truncate(MAX_PLATFORMS);
    platforms
}

/// Reading thousands of profiles takes milliseconds: it must not hold up the scrapes of others. A few
/// are read before a thread could be woken for them.
async fn off_the_async_threads<T: Send + 'static>(
    body: Vec<u8>,
    read: impl FnOnce(Vec<u8>) -> Result<T, InvalidResponse> + Send + 'static,
) -> Result<T, InvalidResponse> {
    if body.len() < READ_AT_ONCE {
        return read(body);
    }
    spawn_blocking(move || read(body))
        .await
        .unwrap_or(Err(InvalidResponse::Unread))
}
