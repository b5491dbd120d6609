//! A memory budget for the response bodies of all concurrent refreshes, so that large or endless responses neither
//! exhaust memory nor block the responses of other accounts.
//!
//! A semaphore would be fair in order of arrival: a large body that waits for its permits would block the small bodies
//! behind it, and one account could take all permits. Hence the thresholds here.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Bytes at the start of each body that need no reservation, so that responses of normal size never wait.
const UNRESERVED_BYTES: u64 = 128 * 1024;
/// Reservations grow in steps of this size in bytes, which keeps locking rare.
const RESERVATION_STEP: u64 = 128 * 1024;

/// The budget that all accounts share.
#[derive(Debug)]
pub struct BodyBudget {
    state: Mutex<BudgetState>,
    /// Notified when a reservation is dropped or the budget grows.
    freed: Notify,
}

/// Sizes in bytes.
#[derive(Debug)]
struct BudgetState {
    total: u64,
    reserved: u64,
}

/// The reservations of one account, which together never exceed the unreserved rest of the budget.
#[derive(Debug)]
pub struct AccountBodyBudget {
    budget: Arc<BodyBudget>,
    /// Bytes reserved for all bodies of the account. Changed only while the budget is locked.
    reserved: AtomicU64,
}

/// The reserved bytes of one body, released on drop.
#[derive(Debug)]
pub struct Reservation {
    account: Arc<AccountBodyBudget>,
    bytes: u64,
}

impl BodyBudget {
    /// Creates a budget of twice the maximum size of a body in bytes. An account gets at most the unreserved rest, so
    /// a single body of the maximum size fits.
    pub fn new(max_body_bytes: u64) -> BodyBudget {
        BodyBudget {
            state: Mutex::new(BudgetState {
                total: max_body_bytes.saturating_mul(2),
                reserved: 0,
            }),
            freed: Notify::new(),
        }
    }

    /// Changes the maximum size of a body in bytes. Existing reservations stay.
    pub fn set_max_body_bytes(&self, max_body_bytes: u64) {
        self.state.lock().total = max_body_bytes.saturating_mul(2);
        self.freed.notify_waiters();
    }

    /// Adds an account.
    pub fn account(self: &Arc<Self>) -> Arc<AccountBodyBudget> {
        Arc::new(AccountBodyBudget {
            budget: Arc::clone(self),
            reserved: AtomicU64::new(0),
        })
    }
}

impl AccountBodyBudget {
    /// Creates an empty reservation.
    pub fn reservation(self: &Arc<Self>) -> Reservation {
        Reservation {
            account: Arc::clone(self),
            bytes: 0,
        }
    }
}

impl Reservation {
    /// Reserves a body of `size` bytes, and waits until it fits. Waiters are not served in order of arrival, so that a
    /// small body never waits behind a large one.
    pub async fn reserve(&mut self, size: u64) {
        let bytes = size.saturating_sub(UNRESERVED_BYTES);
        if bytes <= self.bytes {
            return;
        }
        let account = Arc::clone(&self.account);
        loop {
            let mut freed = pin!(account.budget.freed.notified());
            // Registers before checking, so that no notification is lost.
            freed.as_mut().enable();
            if self.try_grow(bytes.next_multiple_of(RESERVATION_STEP)) || self.try_grow(bytes) {
                return;
            }
            freed.await;
        }
    }

    /// Grows the reservation to `bytes`, if they fit. The threshold is dynamic: an account may reserve as much as is
    /// left unreserved, so that a smaller body always fits, however many accounts wait with large ones.
    fn try_grow(&mut self, bytes: u64) -> bool {
        let mut state = self.account.budget.state.lock();
        let growth = bytes - self.bytes;
        let account_reserved = self.account.reserved.load(Ordering::Relaxed) + growth;
        let reserved = state.reserved + growth;
        let fits = reserved.saturating_add(account_reserved) <= state.total;
        if fits {
            state.reserved = reserved;
            self.account
                .reserved
                .store(account_reserved, Ordering::Relaxed);
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

    fn fits(reservation: &mut Reservation, size: u64) -> bool {
        reservation.reserve(size).now_or_never().is_some()
    }

    #[test]
    fn largest_body_fits_and_a_larger_one_does_not() {
        let budget = Arc::new(BodyBudget::new(8 * MIB));
        let mut body = budget.account().reservation();
        assert!(fits(&mut body, 8 * MIB));
        assert!(!fits(&mut body, 9 * MIB));
    }

    #[test]
    fn large_bodies_leave_memory_for_a_smaller_one() {
        let budget = Arc::new(BodyBudget::new(64 * MIB));
        let mut large_bodies: Vec<Reservation> =
            (0..31).map(|_| budget.account().reservation()).collect();
        for size in 1..=64 {
            for large in &mut large_bodies {
                let _ = fits(large, size * MIB);
            }
        }
        let reserved = budget.state.lock().reserved;
        assert!(reserved <= 128 * MIB);
        let mut medium = budget.account().reservation();
        assert!(fits(&mut medium, 2 * MIB));
    }

    #[test]
    fn large_bodies_of_one_account_share_the_memory_of_one() {
        let budget = Arc::new(BodyBudget::new(8 * MIB));
        let account = budget.account();
        let [mut first, mut second] = [(); 2].map(|()| account.reservation());
        assert!(fits(&mut first, 5 * MIB));
        assert!(fits(&mut second, 3 * MIB) && !fits(&mut second, 4 * MIB));
        assert!(fits(&mut budget.account().reservation(), 4 * MIB));
    }

    #[tokio::test]
    async fn body_continues_when_another_ends() {
        let budget = Arc::new(BodyBudget::new(4 * MIB));
        let [mut first, mut second] = [(); 2].map(|()| budget.account().reservation());
        assert!(fits(&mut first, 4 * MIB));
        let waiting = tokio::spawn(async move { second.reserve(4 * MIB).await });
        tokio::task::yield_now().await;
        drop(first);
        waiting.await.expect("the second body fits");
    }
}
