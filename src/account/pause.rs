//! How long the gateway is left alone after a failure.

use std::time::{Duration, Instant};

use crate::gateway::error::GatewayError;

/// The longest pause that a 429 can ask for.
const LONGEST_RATE_LIMIT_PAUSE: Duration = Duration::from_secs(5 * 60);
/// The pause after 401 and 403: only a person can change the outcome.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);
/// The first pause after any other failure; it doubles up to the ttl.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The pause of one account.
#[derive(Debug, Clone, Default)]
pub struct Pause {
    until: Option<Instant>,
    failures_in_a_row: u32,
}

impl Pause {
    /// Whether the gateway must not be called at `now`.
    pub fn holds(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Takes note of a refresh that ended at `now` with these failures, none if it went well.
    /// The longest pause that any of them calls for holds.
    pub fn after<'a>(
        &mut self,
        failures: impl IntoIterator<Item = &'a GatewayError>,
        now: Instant,
        ttl: Duration,
    ) {
        let backoff = (FIRST_PAUSE * 2u32.saturating_pow(self.failures_in_a_row.min(16)))
            .min(ttl.max(FIRST_PAUSE));
        let longest = failures
            .into_iter()
            .map(|failure| match failure {
                GatewayError::RateLimited {
                    retry_after: Some(pause),
                } => (*pause).clamp(FIRST_PAUSE, LONGEST_RATE_LIMIT_PAUSE),
                GatewayError::Unauthorized | GatewayError::Forbidden => REFUSED_PAUSE,
                _ => backoff,
            })
            .max();
        self.until = longest.map(|pause| now + pause);
        self.failures_in_a_row = match longest {
            Some(_) => self.failures_in_a_row.saturating_add(1),
            None => 0,
        };
    }
}
