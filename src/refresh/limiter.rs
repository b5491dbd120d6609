//! Limits the refreshes of all accounts in number and in rate, so that a scrape of hundreds of accounts does not send
//! all requests to the gateway at once.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Minimum time between the starts of two refreshes.
const SPACING: Duration = Duration::from_millis(10);

/// The priority of a refresh, which depends on the account's previous refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// The previous refresh ended in time, or there was none.
    Prompt,
    /// The previous refresh timed out. Slow refreshes get at most half of the permits, so that they do not delay
    /// accounts that respond.
    Slow,
}

/// Hands out permits for refreshes in the order of requests, separately for each priority.
#[derive(Debug)]
pub struct RefreshLimiter {
    state: Mutex<LimiterState>,
    /// Notified when a permit is dropped or the limit changes.
    freed: Notify,
    prompt_queue: tokio::sync::Mutex<()>,
    slow_queue: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct LimiterState {
    /// Maximum number of permits.
    limit: usize,
    /// Number of permits for prompt refreshes.
    prompt: usize,
    /// Number of permits for slow refreshes.
    slow: usize,
    /// Earliest start of the next refresh.
    next_start: Instant,
}

/// The permission to refresh, released on drop.
#[derive(Debug)]
pub struct RefreshPermit {
    limiter: Arc<RefreshLimiter>,
    priority: Priority,
}

impl RefreshLimiter {
    /// Creates a limiter for at most `limit` concurrent refreshes.
    pub fn new(limit: usize) -> RefreshLimiter {
        RefreshLimiter {
            state: Mutex::new(LimiterState {
                limit,
                prompt: 0,
                slow: 0,
                next_start: Instant::now(),
            }),
            freed: Notify::new(),
            prompt_queue: tokio::sync::Mutex::default(),
            slow_queue: tokio::sync::Mutex::default(),
        }
    }

    /// Changes the maximum number of concurrent refreshes. Running refreshes continue.
    pub fn set_limit(&self, limit: usize) {
        self.state.lock().limit = limit;
        self.freed.notify_waiters();
    }

    /// Waits for a permit, and until the previous refresh started long enough ago.
    pub async fn acquire(self: &Arc<Self>, priority: Priority) -> RefreshPermit {
        // tokio's mutex is fair: only the first waiter of each priority continues.
        let _queue = match priority {
            Priority::Prompt => self.prompt_queue.lock().await,
            Priority::Slow => self.slow_queue.lock().await,
        };
        let start = loop {
            let mut freed = pin!(self.freed.notified());
            // Registers before checking, so that no notification is lost.
            freed.as_mut().enable();
            if let Some(start) = self.state.lock().try_acquire(priority) {
                break start;
            }
            freed.await;
        };
        let permit = RefreshPermit {
            limiter: Arc::clone(self),
            priority,
        };
        // Avoids the timer if possible, because it rounds up to the next millisecond.
        if start > Instant::now() {
            sleep_until(start).await;
        }
        permit
    }
}

impl LimiterState {
    /// Takes a permit, if one is left, and returns the start of the refresh.
    fn try_acquire(&mut self, priority: Priority) -> Option<Instant> {
        let max_slow = (self.limit / 2).max(1);
        if self.prompt + self.slow >= self.limit
            || (priority == Priority::Slow && self.slow >= max_slow)
        {
            return None;
        }
        *self.permits_mut(priority) += 1;
        let start = self.next_start.max(Instant::now());
        self.next_start = start + SPACING;
        Some(start)
    }

    fn permits_mut(&mut self, priority: Priority) -> &mut usize {
        match priority {
            Priority::Prompt => &mut self.prompt,
            Priority::Slow => &mut self.slow,
        }
    }
}

impl Drop for RefreshPermit {
    fn drop(&mut self) {
        *self.limiter.state.lock().permits_mut(self.priority) -= 1;
        self.limiter.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn first_refresh_starts_at_once_and_the_second_waits() {
        let limiter = Arc::new(RefreshLimiter::new(2));
        let first = limiter.acquire(Priority::Prompt).now_or_never();
        assert!(first.is_some());
        let second = limiter.acquire(Priority::Prompt).now_or_never();
        assert!(second.is_none());
    }
}
