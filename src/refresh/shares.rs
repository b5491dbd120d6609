//! Divides `limits.exposition_bytes` among the accounts, so that the metrics of all accounts together stay
//! bounded and no account starves another.
//!
//! Half of the limit is reserved in equal parts, one for each account. The other half is a pool for
//! accounts that need more than their part, divided by max-min fairness: an account above its fair part
//! shrinks at its next refresh.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;

/// Claims grow in steps of this size in bytes, which keeps locking rare.
const STEP: u64 = 64 * 1024;

/// The shared limit and the usage of every account.
#[derive(Debug)]
pub struct Shares {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: u64,
    accounts: u64,
    /// Shares and claims are numbered in the order in which they are made.
    next: u64,
    usage: HashMap<u64, Usage>,
}

/// Bytes that one account uses and would use without a limit.
#[derive(Debug, Default)]
struct Usage {
    /// Size of the latest data without any limit.
    wanted: u64,
    /// Claims of the current data and of its replacement by number; the larger one counts.
    claims: BTreeMap<u64, u64>,
}

/// The share of one account, returned on drop.
#[derive(Debug)]
pub struct Share {
    number: u64,
    shares: Arc<Shares>,
}

/// The bytes of one snapshot's metrics, released on drop.
#[derive(Debug)]
pub struct Claim {
    number: u64,
    share: Arc<Share>,
    counted: Counted,
    /// Bytes granted so far, at least `counted.used`.
    granted: u64,
}

/// Bytes that a claim has counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counted {
    /// Bytes of kept profiles.
    used: u64,
    /// Bytes of dropped profiles.
    missed: u64,
}

impl Shares {
    /// Divides `limit` bytes among `accounts`.
    pub fn new(limit: u64, accounts: usize) -> Shares {
        Shares {
            state: Mutex::new(State {
                limit,
                accounts: accounts as u64,
                next: 0,
                usage: HashMap::new(),
            }),
        }
    }

    /// Changes the limit and the number of accounts. Existing claims stay.
    pub fn set_limit(&self, limit: u64, accounts: usize) {
        let mut state = self.state.lock();
        state.limit = limit;
        state.accounts = accounts as u64;
    }

    /// Adds the share of another account.
    pub fn share(self: &Arc<Self>) -> Arc<Share> {
        let mut state = self.state.lock();
        let number = state.number();
        state.usage.insert(number, Usage::default());
        Arc::new(Share {
            number,
            shares: Arc::clone(self),
        })
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Maximum bytes that this share may claim now.
    fn allowed(&self, share: u64) -> u64 {
        let reserved = self.limit / 2 / self.accounts.max(1);
        let pool = self.limit - reserved * self.accounts.max(1);
        let others = self.usage.iter().filter(|(number, _)| **number != share);
        let (mut taken, mut wanted) = (0, Vec::new());
        for (_, usage) in others {
            taken += usage.taken().saturating_sub(reserved);
            wanted.push(usage.wanted.saturating_sub(reserved));
        }
        let left = pool.saturating_sub(taken);
        reserved + left.min(fair_part(pool, wanted))
    }
}

/// The max-min fair part of a pool for an account that wants all of it, given what the others want.
fn fair_part(pool: u64, mut wanted: Vec<u64>) -> u64 {
    wanted.sort_unstable();
    let mut left = pool;
    let mut sharers = wanted.len() as u64 + 1;
    for wanted in wanted {
        if wanted >= left / sharers {
            break;
        }
        left -= wanted;
        sharers -= 1;
    }
    left / sharers
}

impl Usage {
    fn taken(&self) -> u64 {
        self.claims.values().copied().max().unwrap_or_default()
    }
}

impl Share {
    /// An empty claim.
    pub fn claim(self: &Arc<Self>) -> Claim {
        let number = self.shares.state.lock().number();
        Claim {
            number,
            share: Arc::clone(self),
            counted: Counted::default(),
            granted: 0,
        }
    }
}

impl Claim {
    /// An empty claim in the same share, for data that will replace this claim's data.
    pub fn of_replacement(&self) -> Claim {
        self.share.claim()
    }

    /// Adds `bytes` if the share allows it; returns whether it does.
    pub fn take(&mut self, bytes: u64) -> bool {
        let used = self.counted.used.saturating_add(bytes);
        let fits = used <= self.granted || self.grow(used);
        if fits {
            self.counted.used = used;
        }
        fits
    }

    /// Removes the bytes of data that is dropped after all.
    pub fn give_back(&mut self, bytes: u64) {
        self.counted.used = self.counted.used.saturating_sub(bytes);
        self.miss(bytes);
    }

    /// Records bytes that were dropped without being counted.
    pub fn miss(&mut self, bytes: u64) {
        self.counted.missed = self.counted.missed.saturating_add(bytes);
    }

    /// The counts so far.
    pub fn counted(&self) -> Counted {
        self.counted
    }

    /// Restores earlier counts.
    pub fn return_to(&mut self, counted: Counted) {
        self.counted = counted;
    }

    /// Restarts counting the kept bytes.
    pub fn restart(&mut self) {
        self.counted.used = 0;
    }

    /// Returns granted bytes that are not used, and publishes how much this account wants.
    pub fn settle(&mut self) {
        let wanted = self.counted.used.saturating_add(self.counted.missed);
        self.granted = self.counted.used;
        let mut state = self.share.shares.state.lock();
        if let Some(usage) = state.usage.get_mut(&self.share.number) {
            usage.wanted = wanted;
            usage.claims.insert(self.number, self.counted.used);
        }
    }

    fn grow(&mut self, bytes: u64) -> bool {
        let mut state = self.share.shares.state.lock();
        let allowed = state.allowed(self.share.number);
        if bytes > allowed {
            return false;
        }
        self.granted = bytes.next_multiple_of(STEP).min(allowed);
        if let Some(usage) = state.usage.get_mut(&self.share.number) {
            usage.claims.insert(self.number, self.granted);
        }
        true
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut state = self.share.shares.state.lock();
        if let Some(usage) = state.usage.get_mut(&self.share.number) {
            usage.claims.remove(&self.number);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.shares.state.lock().usage.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    /// Claims as much as `wanted`, in small parts.
    fn claim(share: &Arc<Share>, wanted: u64) -> Claim {
        let mut claim = share.claim();
        for _ in 0..wanted / 1024 {
            if !claim.take(1024) {
                claim.miss(1024);
            }
        }
        claim.settle();
        claim
    }

    #[test]
    fn a_single_account_may_take_the_limit() {
        let shares = Arc::new(Shares::new(8 * MIB, 1));
        assert_eq!(claim(&shares.share(), 100 * MIB).counted.used, 8 * MIB);
    }

    #[test]
    fn the_data_of_all_accounts_stays_within_the_limit() {
        let shares = Arc::new(Shares::new(8 * MIB, 4));
        let greedy = [(); 4].map(|()| shares.share());
        for _ in 0..3 {
            let claims = greedy.each_ref().map(|share| claim(share, 100 * MIB));
            let used: u64 = claims.iter().map(|claim| claim.counted.used).sum();
            assert!(used <= 8 * MIB, "{used}");
            assert!(claims.iter().all(|claim| claim.counted.used >= MIB));
        }
    }

    #[test]
    fn an_account_takes_what_others_leave_and_shrinks_when_they_need_it() {
        let shares = Arc::new(Shares::new(8 * MIB, 2));
        let [greedy, modest] = [(); 2].map(|()| shares.share());
        let before = claim(&greedy, 100 * MIB);
        assert_eq!(before.counted.used, 6 * MIB);
        let cut = claim(&modest, 3 * MIB);
        assert_eq!(cut.counted.used, 2 * MIB, "its part is reserved");
        let after = claim(&greedy, 100 * MIB);
        assert_eq!(after.counted.used, 5 * MIB);
        drop(before);
        assert_eq!(claim(&modest, 3 * MIB).counted.used, 3 * MIB);
    }

    #[test]
    fn the_claim_of_data_that_is_kept_outlives_that_of_a_failure() {
        let shares = Arc::new(Shares::new(8 * MIB, 2));
        let [large, other] = [(); 2].map(|()| shares.share());
        let _kept = claim(&large, 5 * MIB);
        drop(claim(&large, 6 * MIB));
        assert_eq!(claim(&other, 8 * MIB).counted.used, 3 * MIB);
    }

    #[test]
    fn a_pool_is_divided_fairly() {
        assert_eq!(fair_part(100, vec![]), 100);
        assert_eq!(fair_part(100, vec![0, 10, 0]), 90);
        assert_eq!(fair_part(100, vec![1000, 10]), 45);
        assert_eq!(fair_part(100, vec![1000, 1000, 1000]), 25);
    }
}
