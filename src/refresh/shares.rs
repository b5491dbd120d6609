//! Divides `limits.exposition_bytes` among the accounts, so that the metrics of all accounts together stay bounded and
//! no account starves another.
//!
//! Half of the limit is reserved in equal parts, one for each account. The other half is a pool for accounts that need
//! more, divided by max-min fairness: an account above its fair part shrinks at its next refresh. With several accounts,
//! an eighth of the pool stays undivided, so that an account that grows a little need not wait until another shrinks.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;

/// Divisor of the pool: this part of it is not divided.
const SLACK: u64 = 8;
/// Divisor of the pool: a claim grows by at least this part of it, which keeps locking rare. All concurrent refreshes
/// together take less than the slack.
const STEP: u64 = 512;

/// The shared limit and the usage of every account.
#[derive(Debug)]
pub struct Shares {
    state: Mutex<SharesState>,
}

#[derive(Debug)]
struct SharesState {
    /// `limits.exposition_bytes`.
    limit: u64,
    accounts: u64,
    /// The number of the latest share or claim.
    last_number: u64,
    /// Usage by the number of the share.
    usage: HashMap<u64, Usage>,
}

/// Bytes that one account uses and would use without a limit.
#[derive(Debug, Default)]
struct Usage {
    /// Size of the latest data without any limit; during a refresh the larger one of the old and the new data.
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

/// The bytes of a snapshot's profiles.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counted {
    /// Bytes of kept profiles.
    used: u64,
    /// Bytes of dropped profiles.
    dropped: u64,
}

impl Shares {
    /// Divides `limit` bytes among `accounts`.
    pub fn new(limit: u64, accounts: usize) -> Shares {
        Shares {
            state: Mutex::new(SharesState {
                limit,
                accounts: accounts as u64,
                last_number: 0,
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
        let number = state.next_number();
        state.usage.insert(number, Usage::default());
        Arc::new(Share {
            number,
            shares: Arc::clone(self),
        })
    }
}

impl SharesState {
    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Maximum number of bytes that this share may claim now.
    fn allowed(&self, share: u64) -> u64 {
        let (reserved, pool) = (self.reserved(), self.pool());
        let slack = match self.accounts {
            0 | 1 => 0,
            _ => pool / SLACK,
        };
        let others = self.usage.iter().filter(|(number, _)| **number != share);
        let (mut taken, mut wanted) = (0, Vec::new());
        for (_, usage) in others {
            taken += usage.claimed().saturating_sub(reserved);
            wanted.push(usage.wanted.saturating_sub(reserved));
        }
        let left = pool.saturating_sub(taken);
        reserved + left.min(fair_part(pool - slack, wanted))
    }

    fn reserved(&self) -> u64 {
        self.limit / 2 / self.accounts.max(1)
    }

    fn pool(&self) -> u64 {
        self.limit - self.reserved() * self.accounts.max(1)
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
    fn claimed(&self) -> u64 {
        self.claims.values().copied().max().unwrap_or_default()
    }
}

impl Share {
    /// Creates an empty claim.
    pub fn claim(self: &Arc<Self>) -> Claim {
        let number = self.shares.state.lock().next_number();
        Claim {
            number,
            share: Arc::clone(self),
            counted: Counted::default(),
            granted: 0,
        }
    }
}

impl Claim {
    /// Creates an empty claim in the same share, for data that will replace this claim's data.
    pub fn for_replacement(&self) -> Claim {
        self.share.claim()
    }

    /// Adds `bytes` if the share allows it; returns whether it does.
    pub fn try_add(&mut self, bytes: u64) -> bool {
        let used = self.counted.used.saturating_add(bytes);
        let fits = used <= self.granted || self.grow(used);
        if fits {
            self.counted.used = used;
        }
        fits
    }

    /// Moves the bytes of added data to the dropped bytes.
    pub fn drop_added(&mut self, bytes: u64) {
        self.counted.used = self.counted.used.saturating_sub(bytes);
        self.add_dropped(bytes);
    }

    /// Counts the bytes of data that was dropped without being added.
    pub fn add_dropped(&mut self, bytes: u64) {
        self.counted.dropped = self.counted.dropped.saturating_add(bytes);
    }

    /// The counts so far.
    pub fn counted(&self) -> Counted {
        self.counted
    }

    /// Restores earlier counts.
    pub fn restore(&mut self, counted: Counted) {
        self.counted = counted;
    }

    /// Restarts counting the kept bytes.
    pub fn restart(&mut self) {
        self.counted.used = 0;
    }

    /// Returns granted bytes that are not used, and publishes how much this account wants.
    pub fn settle(&mut self) {
        let wanted = self.counted.used.saturating_add(self.counted.dropped);
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
        let step = state.pool() / STEP;
        let fits = bytes <= allowed;
        if let Some(usage) = state.usage.get_mut(&self.share.number) {
            usage.wanted = usage.wanted.max(bytes);
            if fits {
                self.granted = bytes.saturating_add(step).min(allowed);
                usage.claims.insert(self.number, self.granted);
            }
        }
        fits
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
    const PART: u64 = 16 * 1024;

    /// Claims as much as `wanted`, in parts of [`PART`].
    fn claim(share: &Arc<Share>, wanted: u64) -> Claim {
        let mut claim = share.claim();
        for _ in 0..wanted / PART {
            if !claim.try_add(PART) {
                claim.add_dropped(PART);
            }
        }
        claim.settle();
        claim
    }

    #[test]
    fn single_account_may_use_the_whole_limit() {
        let shares = Arc::new(Shares::new(8 * MIB, 1));
        assert_eq!(claim(&shares.share(), 100 * MIB).counted.used, 8 * MIB);
    }

    #[test]
    fn data_of_all_accounts_stays_within_the_limit() {
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
    fn account_uses_spare_memory_and_shrinks_when_others_need_it() {
        let shares = Arc::new(Shares::new(8 * MIB, 2));
        let [greedy, modest] = [(); 2].map(|()| shares.share());
        let before = claim(&greedy, 100 * MIB);
        assert_eq!(before.counted.used, 11 * MIB / 2, "all but the slack");
        let cut = claim(&modest, 3 * MIB);
        assert_eq!(cut.counted.used, 5 * MIB / 2, "its part, and the slack");
        let after = claim(&greedy, 100 * MIB);
        assert_eq!(after.counted.used, 9 * MIB / 2);
        drop(before);
        assert_eq!(claim(&modest, 3 * MIB).counted.used, 3 * MIB);
    }

    /// As after a reload that adds a few bytes to every account, while greedy accounts have taken their fair parts.
    #[test]
    fn accounts_that_grow_slightly_together_keep_everything() {
        const SMALL: usize = 200;
        const CONCURRENT: usize = 32;
        let shares = Arc::new(Shares::new(16 * MIB, SMALL + 3));
        let small: Vec<_> = (0..SMALL).map(|_| shares.share()).collect();
        let greedy = [(); 3].map(|()| shares.share());
        let (mut of_greedy, mut of_small) = (Vec::<Claim>::new(), Vec::<Claim>::new());
        for size in [42, 43, 44, 45].map(|kibibytes| kibibytes * 1024) {
            let (mut whole, mut replacements) = (0, Vec::new());
            for refreshing in small.chunks(CONCURRENT) {
                let mut claims: Vec<Claim> = refreshing.iter().map(Share::claim).collect();
                assert!(claims.iter_mut().all(|claim| claim.try_add(size / 2)));
                of_greedy = greedy.iter().map(|share| claim(share, 10 * MIB)).collect();
                for claim in &mut claims {
                    let fits = claim.try_add(size / 2);
                    claim.add_dropped(if fits { 0 } else { size / 2 });
                    claim.settle();
                    whole += usize::from(fits);
                }
                replacements.extend(claims);
            }
            assert!(of_small.is_empty() || whole == SMALL, "{size}: {whole}");
            of_small = replacements;
        }
        assert!(of_greedy.iter().all(|claim| claim.counted.used > MIB));
    }

    #[test]
    fn failed_claim_leaves_the_claim_of_kept_data() {
        let shares = Arc::new(Shares::new(8 * MIB, 2));
        let [large, other] = [(); 2].map(|()| shares.share());
        let _kept = claim(&large, 5 * MIB);
        drop(claim(&large, 6 * MIB));
        assert_eq!(claim(&other, 8 * MIB).counted.used, 3 * MIB);
    }

    #[test]
    fn pool_is_divided_fairly() {
        assert_eq!(fair_part(100, vec![]), 100);
        assert_eq!(fair_part(100, vec![0, 10, 0]), 90);
        assert_eq!(fair_part(100, vec![1000, 10]), 45);
        assert_eq!(fair_part(100, vec![1000, 1000, 1000]), 25);
    }
}
