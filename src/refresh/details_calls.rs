//! The details calls of a refresh: a few concurrent requests, whose responses are joined as they arrive.

use std::sync::{Arc, OnceLock};

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use super::details::{Draft, mark_failed, mark_read, read_details};
use super::refresher::{RefreshErrors, Refresher, parse_body};
use crate::gateway::error::GatewayError;
use crate::gateway::exchange::Exchange;
use crate::gateway::model::KNOWN_PLATFORMS;
use crate::gateway::warnings::ParseWarnings;
use crate::gateway::{Paging, ReceivedBody, SentSecret};
use crate::snapshot::{ReadAt, Snapshot};
use crate::telemetry::account::EndpointLabel;

/// Maximum number of concurrent details calls of one refresh, because other clients share the key and its quota.
const MAX_CONCURRENT_CALLS: usize = 4;

/// Maximum number of platforms whose details are requested. The gateway documents a handful; a list with hundreds of
/// platforms must not cause hundreds of calls.
const MAX_PLATFORMS: usize = 32;

/// The response to a details call, not yet parsed.
struct DetailsResponse {
    started: Instant,
    body: ReceivedBody,
    paging: Paging,
    sent: SentSecret,
}

impl Refresher {
    /// Requests the details of the platforms in the draft, and joins each response as it arrives. No request is sent
    /// after a 429.
    ///
    /// # Errors
    /// [`GatewayError`] if the draft is lost because the parser panicked. All other errors are added to `errors`.
    pub(super) async fn add_details(
        &self,
        mut draft: Draft,
        deadline: Instant,
        read_at: ReadAt,
        warnings: &mut ParseWarnings,
        errors: &mut RefreshErrors,
    ) -> Result<Draft, GatewayError> {
        let platforms = platforms_to_request(&draft.snapshot);
        errors.platforms_not_asked = draft.snapshot.details.len() - platforms.len();
        let rate_limited = &OnceLock::new();
        let responses = stream::iter(platforms).map(|platform| async move {
            let response = match rate_limited.get() {
                Some(error) => Err(GatewayError::clone(error)),
                None => self.platform_details(&platform, deadline).await,
            };
            if let Err(error @ GatewayError::RateLimited { .. }) = &response {
                // Fails if another call has already stored its 429.
                let _ = rate_limited.set(error.clone());
            }
            (platform, response)
        });
        let mut responses = responses.buffer_unordered(MAX_CONCURRENT_CALLS);
        while let Some((platform, response)) = responses.next().await {
            let joined = match response {
                Ok(Some(response)) => {
                    let joined;
                    (draft, joined) = self.join(draft, &platform, read_at, response).await?;
                    joined.map(|own_warnings| warnings.merge(own_warnings))
                }
                // A 404 means that the platform has no connected profiles, which is not a failure.
                Ok(None) => {
                    mark_read(&mut draft.snapshot, &platform, read_at, false);
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if let Err(error) = joined {
                mark_failed(&mut draft.snapshot, &platform, &error);
                errors.details.insert(platform, error);
            }
        }
        Ok(draft)
    }

    /// Requests the details of a platform; `None` for a 404.
    async fn platform_details(
        &self,
        platform: &str,
        deadline: Instant,
    ) -> Result<Option<DetailsResponse>, GatewayError> {
        let started = Instant::now();
        let Exchange {
            result, head, sent, ..
        } = self.client.platform(platform, deadline).await;
        self.metrics.set_quota(head.quota);
        match result {
            Ok(Some(body)) => Ok(Some(DetailsResponse {
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

    /// Parses a response and joins it to the draft. An invalid response leaves the draft unchanged.
    ///
    /// # Errors
    /// [`GatewayError`] if the draft is lost because the parser panicked.
    async fn join(
        &self,
        mut draft: Draft,
        platform: &str,
        read_at: ReadAt,
        response: DetailsResponse,
    ) -> Result<(Draft, Result<ParseWarnings, GatewayError>), GatewayError> {
        let DetailsResponse {
            started,
            body,
            paging,
            sent,
        } = response;
        let (rules, name) = (Arc::clone(&self.rules), platform.to_owned());
        let parsed = parse_body(body, &sent, move |body, sent, warnings| {
            let call = (&*name, read_at);
            let joined = read_details(body, paging, call, &rules, sent, warnings, &mut draft);
            (draft, joined)
        });
        let ((draft, joined), own_warnings) = parsed.await?;
        let joined = joined.map_err(|error| GatewayError::from(error).redacted(&sent));
        self.count_details(started, joined.as_ref().err());
        Ok((draft, joined.map(|()| own_warnings)))
    }

    fn count_details(&self, started: Instant, error: Option<&GatewayError>) {
        self.metrics
            .count_request(EndpointLabel::Platform, started.elapsed(), error);
    }
}

/// The platforms of the list up to the limit. Known platforms come first, so that invented ones do not displace them.
fn platforms_to_request(snapshot: &Snapshot) -> Vec<String> {
    let mut platforms: Vec<String> = snapshot.details.keys().cloned().collect();
    platforms.sort_by_key(|platform| !KNOWN_PLATFORMS.contains(&platform.as_str()));
    platforms.truncate(MAX_PLATFORMS);
    platforms
}
