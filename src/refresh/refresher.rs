//! The refresher of one account, and the outcome of a refresh.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::clock_difference::ClockDifference;
use super::details::{Draft, LastGood, keep_last_good};
use super::limiter::{Priority, RefreshLimiter};
use super::limits::drop_excess_profiles;
use super::list::read_list;
use super::rules::Rules;
use super::shares::Share;
use crate::gateway::client::GatewayClient;
use crate::gateway::error::{GatewayError, Reason};
use crate::gateway::exchange::Exchange;
use crate::gateway::invalid::InvalidResponse;
use crate::gateway::warnings::ParseWarnings;
use crate::gateway::{ReceivedBody, SentSecret};
use crate::snapshot::ReadAt;
use crate::telemetry::account::{AccountMetrics, EndpointLabel};
use exporter_toolkit::clock::Clock;
use exporter_toolkit::reloader::ReloadError;
use exporter_toolkit::secret_file::SecretError;

/// Bodies below this size in bytes are parsed on the async thread, which is faster than waking another thread.
const PARSED_INLINE_BELOW: usize = 16 * 1024;

/// Reads snapshots of one account from the gateway.
#[derive(Debug)]
pub struct Refresher {
    pub(super) client: GatewayClient,
    pub(super) rules: Arc<Rules>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<AccountMetrics>,
    limiter: Arc<RefreshLimiter>,
    share: Arc<Share>,
}

/// The outcome of one refresh.
#[derive(Debug)]
pub struct RefreshOutcome {
    /// When the refresh got its permit, on the monotonic clock.
    pub began: std::time::Instant,
    /// Duration since `began`.
    pub took: Duration,
    /// The snapshot and its claim; `None` if the list could not be read.
    pub draft: Option<Draft>,
    /// The errors of the refresh.
    pub errors: RefreshErrors,
}

/// The errors of one refresh.
#[derive(Debug, Default)]
pub struct RefreshErrors {
    /// Why the list could not be read.
    pub list: Option<GatewayError>,
    /// Why details could not be read, by platform.
    pub details: BTreeMap<String, GatewayError>,
    /// Number of platforms above the limit of details calls.
    pub platforms_not_asked: usize,
    /// Statuses that the API's documentation does not have.
    pub unknown_statuses: BTreeSet<String>,
    /// Why the request carried the last good secret instead of the content of the secret's file.
    pub secret: Option<Arc<ReloadError<SecretError>>>,
    /// Number of entries that repeat the account's secret.
    pub entries_with_secret: u64,
    /// The difference of the clocks, if it is large enough to be reported.
    pub clock: Option<ClockDifference>,
}

impl RefreshErrors {
    /// The priority of the account's next refresh.
    pub fn priority(&self) -> Priority {
        let mut errors = self.list.iter().chain(self.details.values());
        match errors.any(|error| error.reason() == Reason::Timeout) {
            true => Priority::Slow,
            false => Priority::Prompt,
        }
    }

    /// The errors that start a backoff: an error of the list, and a 429 of details, because list and details share the
    /// quota. Other errors of details do not delay the next list.
    pub fn calling_for_backoff(&self) -> impl Iterator<Item = &GatewayError> {
        let details = self.details.values();
        let rate_limited =
            details.filter(|error| matches!(error, GatewayError::RateLimited { .. }));
        self.list.iter().chain(rate_limited)
    }
}

impl Refresher {
    /// Creates a refresher. `timeout` is the budget of a whole refresh.
    pub fn new(
        client: GatewayClient,
        rules: Rules,
        timeout: Duration,
        clock: Arc<dyn Clock>,
        metrics: Arc<AccountMetrics>,
        limiter: Arc<RefreshLimiter>,
        share: Arc<Share>,
    ) -> Refresher {
        Refresher {
            client,
            rules: Arc::new(rules),
            timeout,
            clock,
            metrics,
            limiter,
            share,
        }
    }

    /// Whether this refresher sends its requests to the same address, and with the same credentials, as `other`.
    pub fn sends_same_requests_as(&self, other: &Refresher) -> bool {
        self.sends_requests_of(&other.client)
    }

    /// Whether this refresher sends its requests to the same address, and with the same credentials, as `client`.
    pub fn sends_requests_of(&self, client: &GatewayClient) -> bool {
        self.client.sends_same_requests_as(client)
    }

    /// The rules by which responses become a snapshot.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The budget of a refresh.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The gateway metrics of the account.
    pub fn metrics(&self) -> &Arc<AccountMetrics> {
        &self.metrics
    }

    /// The account's share of `limits.exposition_bytes`.
    pub fn share(&self) -> &Arc<Share> {
        &self.share
    }

    /// Waits for a permit, then requests the list and the details of up to 32 platforms in it. The timeout begins with
    /// the permit. If details cannot be read, those of `last_good` are kept.
    pub async fn refresh(&self, priority: Priority, last_good: Option<LastGood>) -> RefreshOutcome {
        let _permit = self.limiter.acquire(priority).await;
        let began = self.clock.monotonic();
        let deadline = Instant::now() + self.timeout;
        let mut errors = RefreshErrors::default();
        let mut warnings = ParseWarnings::default();
        let draft = self
            .list_and_details(began, deadline, &mut warnings, &mut errors)
            .await;
        let draft = match draft {
            Ok(mut draft) => {
                if let Some(last_good) = last_good {
                    keep_last_good(&mut draft.snapshot, &last_good, &self.rules, began);
                }
                drop_excess_profiles(&mut draft.snapshot, &mut draft.claim);
                Some(draft)
            }
            Err(error) => {
                errors.list = Some(error);
                None
            }
        };
        self.metrics.count_invalid_fields(&warnings.invalid_fields);
        errors.unknown_statuses = warnings.unknown_statuses;
        errors.entries_with_secret = warnings.entries_with_secret;
        RefreshOutcome {
            began,
            took: self.clock.monotonic().saturating_duration_since(began),
            draft,
            errors,
        }
    }

    async fn list_and_details(
        &self,
        began: std::time::Instant,
        deadline: Instant,
        warnings: &mut ParseWarnings,
        errors: &mut RefreshErrors,
    ) -> Result<Draft, GatewayError> {
        let draft = self.list(deadline, warnings, errors).await?;
        let read_at = ReadAt {
            wall: draft.snapshot.read_at,
            monotonic: began,
        };
        self.add_details(draft, deadline, read_at, warnings, errors)
            .await
    }

    /// Requests the list and parses it to a snapshot without details.
    async fn list(
        &self,
        deadline: Instant,
        warnings: &mut ParseWarnings,
        errors: &mut RefreshErrors,
    ) -> Result<Draft, GatewayError> {
        let started = Instant::now();
        let Exchange { result, head, sent } = self.client.socials(deadline).await;
        let read_at = self.clock.now();
        self.metrics.set_quota(head.quota);
        errors.clock = head
            .date
            .and_then(|date| ClockDifference::between(read_at, date));
        errors.secret = self.client.secret_error();
        let body = result.and_then(|body| body.ok_or_else(|| self.client.no_such_list()));
        let list = match body {
            Ok(body) => {
                let (rules, mut claim) = (Arc::clone(&self.rules), self.share.claim());
                let list = parse_body(body, &sent, move |body, sent, warnings| {
                    let paging = head.paging;
                    read_list(body, paging, &rules, sent, read_at, warnings, &mut claim)
                        .map(|snapshot| Draft { snapshot, claim })
                });
                list.await
                    .and_then(|(draft, own_warnings)| Ok((draft?, own_warnings)))
            }
            Err(error) => Err(error),
        };
        let list = list.map_err(|error| error.redacted(&sent));
        self.metrics.count_request(
            EndpointLabel::Socials,
            started.elapsed(),
            list.as_ref().err(),
        );
        let (draft, own_warnings) = list?;
        warnings.merge(own_warnings);
        Ok(draft)
    }
}

/// Parses a body with `parse`. Large bodies are parsed on a blocking thread, because thousands of profiles take
/// milliseconds, which would delay the scrapes of other accounts.
///
/// # Errors
/// [`InvalidResponse::ParserPanicked`] if `parse` panics.
pub(super) async fn parse_body<T: Send + 'static>(
    body: ReceivedBody,
    sent: &SentSecret,
    parse: impl FnOnce(&[u8], &SentSecret, &mut ParseWarnings) -> T + Send + 'static,
) -> Result<(T, ParseWarnings), GatewayError> {
    let is_small = body.len() < PARSED_INLINE_BELOW;
    let sent = sent.clone();
    let parse = move || {
        let mut warnings = ParseWarnings::default();
        let parsed = parse(&body, &sent, &mut warnings);
        (parsed, warnings)
    };
    match is_small {
        true => Ok(parse()),
        false => spawn_blocking(parse)
            .await
            .map_err(|_| InvalidResponse::ParserPanicked.into()),
    }
}
