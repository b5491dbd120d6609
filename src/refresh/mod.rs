//! One refresh: the list, then the details of each platform in it, within one budget.

pub mod assembly;
pub mod details;
mod join;
mod linked;
mod outcome;
mod reading;
mod reapply;
mod rules;
mod shares;
mod turns;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::gateway::client::{Client, Exchange};
use crate::gateway::error::GatewayError;
use crate::gateway::model::KNOWN_PLATFORMS;
use crate::gateway::warnings::ParseWarnings;
use crate::gateway::{Paging, ReceivedBody, SentSecret};
use crate::snapshot::{ReadAt, Snapshot};
use crate::telemetry::account::{AccountMetrics, Endpoint};
pub use details::{Draft, LastGood};
pub use outcome::{Outcome, Troubles};
use reading::read;
pub use rules::{PhoneNumber, Rules};
pub use shares::{Claim, Share, Shares};
pub use turns::{Standing, Turns};

/// Details calls of one refresh that are under way at once: others use the key, and its quota, too.
const DETAILS_AT_ONCE: usize = 4;

/// Platforms whose details are asked for. The gateway documents a handful; a list that names hundreds
/// must not turn into hundreds of calls.
const MAX_PLATFORMS: usize = 32;

/// Makes snapshots of one account.
#[derive(Debug)]
pub struct Refresher {
    client: Client,
    rules: Arc<Rules>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    metrics: Arc<AccountMetrics>,
    turns: Arc<Turns>,
    share: Arc<Share>,
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
        share: Arc<Share>,
    ) -> Refresher {
        Refresher {
            client,
            rules: Arc::new(rules),
            timeout,
            clock,
            metrics,
            turns,
            share,
        }
    }

    /// Whether this refresher asks at the same address, and with the same credentials, as `other`.
    pub fn asks_as(&self, other: &Refresher) -> bool {
        self.client.asks_as(&other.client)
    }

    /// How answers become a snapshot.
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

    /// The account's share of the metrics of all accounts.
    pub fn share(&self) -> &Arc<Share> {
        &self.share
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
        let read = self
            .list_and_details(began, deadline, &mut warnings, &mut troubles)
            .await;
        let draft = match read {
            Ok(mut draft) => {
                if let Some(last_good) = last_good {
                    let snapshot = &mut draft.snapshot;
                    details::keep_last_good(snapshot, &last_good, &self.rules, began);
                }
                draft.snapshot.drop_beyond(&mut draft.claim);
                Some(draft)
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
            draft,
            troubles,
        }
    }

    async fn list_and_details(
        &self,
        began: std::time::Instant,
        deadline: Instant,
        warnings: &mut ParseWarnings,
        troubles: &mut Troubles,
    ) -> Result<Draft, GatewayError> {
        let draft = self.list(deadline, warnings, troubles).await?;
        let read_at = ReadAt {
            wall: draft.snapshot.read_at,
            monotonic: began,
        };
        self.add_details(draft, deadline, read_at, warnings, troubles)
            .await
    }

    async fn list(
        &self,
        deadline: Instant,
        warnings: &mut ParseWarnings,
        troubles: &mut Troubles,
    ) -> Result<Draft, GatewayError> {
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
        let list = match body {
            Ok(body) => {
                let (rules, mut claim) = (Arc::clone(&self.rules), self.share.claim());
                let list = read(body, &sent, move |body, sent, warnings| {
                    let paging = head.paging;
                    assembly::read_list(body, paging, &rules, sent, read_at, warnings, &mut claim)
                        .map(|snapshot| Draft { snapshot, claim })
                });
                let list = list.await;
                list.and_then(|(draft, own_warnings)| Ok((draft?, own_warnings)))
            }
            Err(error) => Err(error),
        };
        let list = list.map_err(|error| error.without(&sent));
        self.metrics
            .count_request(Endpoint::Socials, started.elapsed(), list.as_ref().err());
        let (draft, own_warnings) = list?;
        warnings.merge(own_warnings);
        Ok(draft)
    }

    /// Joins one answer after the other as they arrive.
    async fn add_details(
        &self,
        mut draft: Draft,
        deadline: Instant,
        read_at: ReadAt,
        warnings: &mut ParseWarnings,
        troubles: &mut Troubles,
    ) -> Result<Draft, GatewayError> {
        let asked = platforms_to_ask(&draft.snapshot);
        troubles.platforms_not_asked = draft.snapshot.details.len() - asked.len();
        let refused = &OnceLock::new();
        let answers = stream::iter(asked).map(|platform| async move {
            let answer = match refused.get() {
                // After a 429 nothing more is sent.
                Some(error) => Err(GatewayError::clone(error)),
                None => self.platform_details(&platform, deadline).await,
            };
            if let Err(error @ GatewayError::RateLimited { .. }) = &answer {
                // Whoever was refused first has said it already.
                let _ = refused.set(error.clone());
            }
            (platform, answer)
        });
        let mut answers = answers.buffer_unordered(DETAILS_AT_ONCE);
        while let Some((platform, answer)) = answers.next().await {
            let joined = match answer {
                Ok(Some(answer)) => {
                    let joined;
                    (draft, joined) = self.join(draft, &platform, read_at, answer).await?;
                    joined.map(|own_warnings| warnings.merge(own_warnings))
                }
                // The platform has no connected profiles: an answer, not a failure.
                Ok(None) => {
                    details::note_answer(&mut draft.snapshot, &platform, read_at, false);
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if let Err(error) = joined {
                troubles.details.insert(platform, error);
            }
        }
        Ok(draft)
    }

    /// Asks for the details of a platform. `None` is a 404.
    async fn platform_details(
        &self,
        platform: &str,
        deadline: Instant,
    ) -> Result<Option<DetailsAnswer>, GatewayError> {
        let started = Instant::now();
        let Exchange {
            result, head, sent, ..
        } = self.client.platform(platform, deadline).await;
        self.metrics.set_quota(head.quota);
        match result {
            Ok(Some(body)) => Ok(Some(DetailsAnswer {
                started,
                body,
                paging: head.paging,
                sent,
            })),
            Ok(None) => {
                self.count_details(started, None);
                Ok(None)
            }
            Err(error) => {
                self.count_details(started, Some(&error));
                Err(error)
            }
        }
    }

    /// Reads an answer into the draft; an answer that cannot be read leaves it as it was.
    ///
    /// # Errors
    /// When there is no draft any more, because the code that reads answers failed.
    async fn join(
        &self,
        mut draft: Draft,
        platform: &str,
        read_at: ReadAt,
        answer: DetailsAnswer,
    ) -> Result<(Draft, Result<ParseWarnings, GatewayError>), GatewayError> {
        let DetailsAnswer {
            started,
            body,
            paging,
            sent,
        } = answer;
        let (rules, owner) = (Arc::clone(&self.rules), platform.to_owned());
        let ((draft, joined), own_warnings) = read(body, &sent, move |body, sent, warnings| {
            let of = (&*owner, read_at);
            let joined =
                details::read_details(body, paging, of, &rules, sent, warnings, &mut draft);
            (draft, joined)
        })
        .await?;
        let joined = joined.map_err(|error| GatewayError::from(error).without(&sent));
        self.count_details(started, joined.as_ref().err());
        Ok((draft, joined.map(|()| own_warnings)))
    }

    fn count_details(&self, started: Instant, error: Option<&GatewayError>) {
        self.metrics
            .count_request(Endpoint::Platform, started.elapsed(), error);
    }
}

/// The answer to a details call, which is not read yet.
struct DetailsAnswer {
    started: Instant,
    body: ReceivedBody,
    paging: Paging,
    sent: SentSecret,
}

/// The known platforms come first, so that none that somebody invents pushes them out.
fn platforms_to_ask(snapshot: &Snapshot) -> Vec<String> {
    let mut platforms: Vec<String> = snapshot.details.keys().cloned().collect();
    platforms.sort_by_key(|platform| !KNOWN_PLATFORMS.contains(&platform.as_str()));
    platforms.truncate(MAX_PLATFORMS);
    platforms
}
