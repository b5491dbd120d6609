//! A budget for the bodies that are being read, over all refreshes: answers that are long, or that
//! never end, must not fill the memory, nor keep the answers of others out.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The first bytes of each body are outside of the budget, so that usual answers never wait.
const FREE: u64 = 128 * 1024;
/// Reservations grow in steps of this size in bytes.
const STEP: u64 = 128 * 1024;

/// Bytes for bodies that are being read.
#[derive(Debug)]
pub struct BodyBudget {
    state: Mutex<State>,
    /// A reservation has ended, or there is more.
    freed: Notify,
}

#[derive(Debug)]
struct State {
    total: u64,
    reserved: u64,
}

/// The part of one account, which may be as large as what is left beside it.
#[derive(Debug)]
pub struct AccountBodies {
    budget: Arc<BodyBudget>,
    /// Of all its bodies. Changed under the lock of the budget only.
    reserved: AtomicU64,
}

/// The bytes of one body, which are free again when this is dropped.
#[derive(Debug)]
pub struct Reservation {
    account: Arc<AccountBodies>,
    bytes: u64,
}

impl BodyBudget {
    /// A budget for bodies of at most `longest` bytes: twice as much, because an account never gets more
    /// than what is left beside it.
    pub fn new(longest: u64) -> BodyBudget {
        BodyBudget {
            state: Mutex::new(State {
                total: longest.saturating_mul(2),
                reserved: 0,
            }),
            freed: Notify::new(),
        }
    }

    /// Changes the length of the longest body. What is reserved stays.
    pub fn set_longest(&self, longest: u64) {
        self.state.lock().total = longest.saturating_mul(2);
        self.freed.notify_waiters();
    }

    /// The part of another account.
    pub fn account(self: &Arc<Self>) -> Arc<AccountBodies> {
        Arc::new(AccountBodies {
            budget: Arc::clone(self),
            reserved: AtomicU64::new(0),
        })
    }
}

impl AccountBodies {
    /// A reservation of nothing yet.
    pub fn reservation(self: &Arc<Self>) -> Reservation {
        Reservation {
            account: Arc::clone(self),
            bytes: 0,
        }
    }
}

impl Reservation {
    /// Waits until there is room for a body of so many bytes. Nobody stands in line: a short body must
    /// not wait behind a long one.
    pub async fn cover(&mut self, length: u64) {
        let bytes = length.saturating_sub(FREE);
        if bytes <= self.bytes {
            return;
        }
        let account = Arc::clone(&self.account);
        loop {
            let mut freed = pin!(account.budget.freed.notified());
            // From here on nothing is missed.
            freed.as_mut().enable();
            if self.grow(bytes.next_multiple_of(STEP)) || self.grow(bytes) {
                return;
            }
            freed.await;
        }
    }

    /// The bodies of an account may be as long as what is left beside them (dynamic threshold): however
    /// many accounts with long ones wait for each other, there is room for a shorter one.
    fn grow(&mut self, bytes: u64) -> bool {
        let mut state = self.account.budget.state.lock();
        let more = bytes - self.bytes;
        let of_account = self.account.reserved.load(Ordering::Relaxed) + more;
        let reserved = state.reserved + more;
        let fits = reserved.saturating_add(of_account) <= state.total;
        if fits {
            state.reserved = reserved;
            self.account.reserved.store(of_account, Ordering::Relaxed);
            self.bytes = bytes;
        }
        fits
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            let budget = &self.account.budget;
            let mut state = budget.state.lock();
            state.reserved -= self.bytes;
            self.account
                .reserved
                .fetch_sub(self.bytes, Ordering::Relaxed);
            drop(state);
            budget.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn covers(reservation: &mut Reservation, length: u64) -> bool {
        reservation.cover(length).now_or_never().is_some()
    }

    #[test]
    fn the_longest_body_fits_and_a_longer_one_does_not() {
        let budget = Arc::new(BodyBudget::new(8 * MIB));
        let mut body = budget.account().reservation();
        assert!(covers(&mut body, 8 * MIB));
        assert!(!covers(&mut body, 9 * MIB));
    }

    #[test]
    fn many_long_bodies_leave_room_for_a_shorter_one() {
        let budget = Arc::new(BodyBudget::new(64 * MIB));
        let mut giants: Vec<Reservation> =
            (0..31).map(|_| budget.account().reservation()).collect();
        for length in 1..=64 {
            for giant in &mut giants {
                let _ = covers(giant, length * MIB);
            }
        }
        let reserved = budget.state.lock().reserved;
        assert!(reserved <= 128 * MIB);
        let mut medium = budget.account().reservation();
        assert!(covers(&mut medium, 2 * MIB));
    }

    #[test]
    fn several_long_bodies_of_one_account_get_no_more_than_one() {
        let budget = Arc::new(BodyBudget::new(8 * MIB));
        let account = budget.account();
        let [mut first, mut second] = [(); 2].map(|()| account.reservation());
        assert!(covers(&mut first, 5 * MIB));
        assert!(covers(&mut second, 3 * MIB) && !covers(&mut second, 4 * MIB));
        assert!(covers(&mut budget.account().reservation(), 4 * MIB));
    }

    #[tokio::test]
    async fn a_body_goes_on_when_another_ends() {
        let budget = Arc::new(BodyBudget::new(4 * MIB));
        let [mut first, mut second] = [(); 2].map(|()| budget.account().reservation());
        assert!(covers(&mut first, 4 * MIB));
        let waiting = tokio::spawn(async move { second.cover(4 * MIB).await });
        tokio::task::yield_now().await;
        drop(first);
        waiting.await.expect("room");
    }
}
