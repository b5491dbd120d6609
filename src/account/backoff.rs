//! The backoff of an account after a failure, during which it sends no requests.

use std::time::{Duration, Instant};

use crate::gateway::error::GatewayError;

/// Maximum backoff after a 429, whatever the gateway asks for.
const MAX_RATE_LIMIT_BACKOFF: Duration = Duration::from_secs(5 * 60);
/// Backoff after 401 and 403, which only the operator can fix.
const REFUSED_BACKOFF: Duration = Duration::from_secs(60);
/// Initial backoff after any other failure. It doubles up to the ttl.
const INITIAL_BACKOFF: Duration = Duration::from_secs(1);

/// The backoff of one account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backoff {
    until: Option<Instant>,
    consecutive_failures: u32,
}

impl Backoff {
    /// Whether no request may be sent at `now`.
    pub(super) fn is_active(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// The time until a request may be sent.
    pub(crate) fn remaining(&self, now: Instant) -> Duration {
        let until = self.until.map(|until| until.saturating_duration_since(now));
        until.unwrap_or_default()
    }

    /// Records a refresh that ended at `now` with these failures, or without any. The longest backoff counts.
    pub(crate) fn record<'a>(
        &mut self,
        failures: impl IntoIterator<Item = &'a GatewayError>,
        now: Instant,
        ttl: Duration,
    ) {
        let exponential = (INITIAL_BACKOFF
            * 2u32.saturating_pow(self.consecutive_failures.min(16)))
        .min(ttl.max(INITIAL_BACKOFF));
        let longest = failures
            .into_iter()
            .map(|failure| match failure {
                GatewayError::RateLimited {
                    retry_after: Some(retry_after),
                } => (*retry_after).clamp(INITIAL_BACKOFF, MAX_RATE_LIMIT_BACKOFF),
                GatewayError::Unauthorized | GatewayError::Forbidden => REFUSED_BACKOFF,
                _ => exponential,
            })
            .max();
        self.until = longest.map(|backoff| now + backoff);
        self.consecutive_failures = match longest {
            Some(_) => self.consecutive_failures.saturating_add(1),
            None => 0,
        };
    }
}
