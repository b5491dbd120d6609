//! Refreshes of different accounts take turns: a scrape that finds hundreds of accounts due must not
//! hit the gateway with all of them at once.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The least time between the beginnings of two refreshes.
const SPACING: Duration = Duration::from_millis(10);

/// How the last refresh of an account went, as far as its next turn goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It ended in time, or there was none yet.
    Prompt,
    /// It ran into the timeout. Such accounts may take half of the places, so that they do not hold
    /// up those that answer.
    Slow,
}

/// Who may refresh, in the order of asking.
#[derive(Debug)]
pub struct Turns {
    state: Mutex<State>,
    /// A place has become free, or there are more.
    freed: Notify,
    prompt: tokio::sync::Mutex<()>,
    slow: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    places: usize,
    prompt: usize,
    slow: usize,
    next: Instant,
}

/// A turn, which ends when it is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Arc<Turns>,
    standing: Standing,
}

impl Turns {
    /// At most so many refreshes are under way at once.
    pub fn new(places: usize) -> Turns {
        Turns {
            state: Mutex::new(State {
                places,
                prompt: 0,
                slow: 0,
                next: Instant::now(),
            }),
            freed: Notify::new(),
            prompt: tokio::sync::Mutex::default(),
            slow: tokio::sync::Mutex::default(),
        }
    }

    /// Changes how many may be under way at once. Those that are go on.
    pub fn set_places(&self, places: usize) {
        self.state.lock().places = places;
        self.freed.notify_waiters();
    }

    /// Waits for a turn: for a free place, and until the last beginning is long enough ago.
    pub async fn take(self: &Arc<Self>, standing: Standing) -> Turn {
        let _first_in_line = match standing {
            Standing::Prompt => self.prompt.lock().await,
            Standing::Slow => self.slow.lock().await,
        };
        let begin = loop {
            let mut freed = pin!(self.freed.notified());
            // From here on nothing is missed.
            freed.as_mut().enable();
            if let Some(begin) = self.state.lock().enter(standing) {
                break begin;
            }
            freed.await;
        };
        let turn = Turn {
            turns: Arc::clone(self),
            standing,
        };
        // A timer rounds up to the next millisecond, even if there is nothing to wait for.
        if begin > Instant::now() {
            sleep_until(begin).await;
        }
        turn
    }
}

impl State {
    /// When to begin, if there is a place.
    fn enter(&mut self, standing: Standing) -> Option<Instant> {
        let half = (self.places / 2).max(1);
        if self.prompt + self.slow >= self.places
            || (standing == Standing::Slow && self.slow >= half)
        {
            return None;
        }
        *self.under_way(standing) += 1;
        let begin = self.next.max(Instant::now());
        self.next = begin + SPACING;
        Some(begin)
    }

    fn under_way(&mut self, standing: Standing) -> &mut usize {
        match standing {
            Standing::Prompt => &mut self.prompt,
            Standing::Slow => &mut self.slow,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.turns.state.lock().under_way(self.standing) -= 1;
        self.turns.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_first_turn_begins_at_once_and_the_next_waits() {
        let turns = Arc::new(Turns::new(2));
        let first = turns.take(Standing::Prompt).now_or_never();
        assert!(first.is_some());
        let second = turns.take(Standing::Prompt).now_or_never();
        assert!(second.is_none());
    }
}
