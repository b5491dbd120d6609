//! A memory budget for the response bodies of all concurrent refreshes, so that large or endless responses
//! neither exhaust memory nor block the responses of other accounts.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Bytes at the start of each body that need no reservation, so that responses of normal size never wait.
const FREE: u64 = 128 * 1024;
/// Reservations grow in steps of this size in bytes.
const STEP: u64 = 128 * 1024;

/// The budget that all accounts share.
#[derive(Debug)]
pub struct BodyBudget {
    state: Mutex<State>,
    /// Notified when a reservation is dropped or the budget grows.
    freed: Notify,
}

#[derive(Debug)]
struct State {
    total: u64,
    reserved: u64,
}

/// The reservations of one account, which together never exceed the unreserved rest of the budget.
#[derive(Debug)]
pub struct AccountBodies {
    budget: Arc<BodyBudget>,
    /// Sum over the account's bodies. Changed only under the lock of the budget.
    reserved: AtomicU64,
}

/// The reserved bytes of one body, released on drop.
#[derive(Debug)]
pub struct Reservation {
    account: Arc<AccountBodies>,
    bytes: u64,
}

impl BodyBudget {
    /// Creates a budget of twice `longest`, the maximum size of a body in bytes: an account never gets more than
    /// the unreserved rest.
    pub fn new(longest: u64) -> BodyBudget {
        BodyBudget {
            state: Mutex::new(State {
                total: longest.saturating_mul(2),
                reserved: 0,
            }),
            freed: Notify::new(),
        }
    }

    /// Changes the maximum size of a body. Existing reservations stay.
    pub fn set_longest(&self, longest: u64) {
        self.state.lock().total = longest.saturating_mul(2);
        self.freed.notify_waiters();
    }

    /// The reservations of another account.
    pub fn account(self: &Arc<Self>) -> Arc<AccountBodies> {
        Arc::new(AccountBodies {
            budget: Arc::clone(self),
            reserved: AtomicU64::new(0),
        })
    }
}

impl AccountBodies {
    /// An empty reservation.
    pub fn reservation(self: &Arc<Self>) -> Reservation {
        Reservation {
            account: Arc::clone(self),
            bytes: 0,
        }
    }
}

impl Reservation {
    /// Waits until a body of `length` bytes fits. Waiters are not served in order, so that a small body never
    /// waits behind a large one.
    pub async fn cover(&mut self, length: u64) {
        let bytes = length.saturating_sub(FREE);
        if bytes <= self.bytes {
            return;
        }
        let account = Arc::clone(&self.account);
        loop {
            let mut freed = pin!(account.budget.freed.notified());
            // Registers before checking, so that no notification is lost.
            freed.as_mut().enable();
            if self.grow(bytes.next_multiple_of(STEP)) || self.grow(bytes) {
                return;
            }
            freed.await;
        }
    }

    /// Dynamic threshold: an account may reserve as much as is left unreserved, so that a smaller body always
    /// fits, however many accounts wait with large ones.
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
