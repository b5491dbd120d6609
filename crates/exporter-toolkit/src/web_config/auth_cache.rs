//! Password checks. Results are cached, so that a password is hashed once and not for each request. Uncached attempts wait
//! in fair queues, one per bcrypt cost.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use ring::error::Unspecified;
use ring::hmac;
use ring::rand::SystemRandom;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::fair_queue::FairQueue;
use super::hash::Hash;

/// Limit of cached results.
const CACHE_SIZE: usize = 100;
/// Limit of queued attempts per bcrypt cost.
const MAX_WAITING: usize = 512;

/// Identifies an attempt: a keyed hash, from which the password cannot be guessed without the key of this process.
type Tag = [u8; 32];

/// Counters of password checks. A reload that keeps users keeps the counters, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordChecks {
    /// Number of hashed passwords. Passwords with a cached result are not hashed again.
    pub hashed: u64,
    /// Number of bcrypt rounds for these passwords: a hash takes 2^cost rounds.
    pub rounds: u64,
    /// Number of login attempts that wait for a check.
    pub queued: usize,
}

/// Cached results and queued attempts.
#[derive(Debug)]
pub(super) struct AuthCache {
    key: hmac::Key,
    /// Results (whether the password is right), the oldest first.
    cached: Mutex<Vec<(Tag, bool)>>,
    /// By cost, so that a cheap hash never waits for an expensive one. Locked before `cached`.
    lanes: Mutex<BTreeMap<u32, Lane>>,
    hashed: AtomicU64,
    rounds: AtomicU64,
}

/// The attempts for hashes of one cost.
#[derive(Debug, Default)]
struct Lane {
    waiting: FairQueue<QueuedAttempt>,
    workers: usize,
    /// Running checks and the callers that share each result (single-flight).
    in_flight: HashMap<Tag, Vec<oneshot::Sender<bool>>>,
}

/// An attempt in a queue. Dropping it tells the caller that the check was rejected.
#[derive(Debug)]
struct QueuedAttempt {
    tag: Tag,
    attempt: LoginAttempt,
    result_sender: oneshot::Sender<bool>,
}

/// A user name and password from a request, and the hash to check them against.
pub(super) struct LoginAttempt {
    pub user: Vec<u8>,
    pub password: Vec<u8>,
    pub hash: Hash,
}

/// Omits the password.
impl std::fmt::Debug for LoginAttempt {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("LoginAttempt").finish_non_exhaustive()
    }
}

impl AuthCache {
    /// An empty cache with a random key.
    ///
    /// # Errors
    /// If the operating system provides no random numbers.
    pub(super) fn new() -> Result<AuthCache, Unspecified> {
        Ok(AuthCache {
            key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())?,
            cached: Mutex::default(),
            lanes: Mutex::default(),
            hashed: AtomicU64::new(0),
            rounds: AtomicU64::new(0),
        })
    }

    /// The counters.
    pub(super) fn checks(&self) -> PasswordChecks {
        let lanes = self.lanes.lock();
        PasswordChecks {
            hashed: self.hashed.load(Ordering::Relaxed),
            rounds: self.rounds.load(Ordering::Relaxed),
            queued: lanes.values().map(|lane| lane.waiting.len()).sum(),
        }
    }

    /// A number that is always the same for a user name. Clients cannot predict it, because it depends on the key of this
    /// process.
    pub(super) fn user_number(&self, user: &[u8]) -> u64 {
        let signature = hmac::sign(&self.key, user);
        let bytes = signature.as_ref().iter().take(8);
        bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// The cached result, if any.
    pub(super) fn cached(&self, attempt: &LoginAttempt) -> Option<bool> {
        self.find(&self.tag(attempt))
    }

    /// Checks a password after waiting in the queue of `path`. `None` if the queue is full. Up to `parallel` checks of the
    /// same cost run concurrently.
    pub(super) async fn check(
        self: &Arc<Self>,
        attempt: LoginAttempt,
        path: &[u64],
        parallel: usize,
    ) -> Option<bool> {
        let cost = attempt.hash.cost();
        let (result_sender, result) = oneshot::channel();
        let waiting = QueuedAttempt {
            tag: self.tag(&attempt),
            attempt,
            result_sender,
        };
        if self.enqueue(waiting, path, parallel) {
            // A separate task, so that a check finishes even if its request is cancelled.
            tokio::spawn(work(Arc::clone(self), cost));
        }
        result.await.ok()
    }

    /// Queues an attempt. Returns whether its lane needs another worker.
    fn enqueue(&self, waiting: QueuedAttempt, path: &[u64], parallel: usize) -> bool {
        let mut lanes = self.lanes.lock();
        let lane = lanes.entry(waiting.attempt.hash.cost()).or_default();
        lane.waiting.push(path, waiting);
        if lane.waiting.len() > MAX_WAITING {
            // Attempts of disconnected clients are dropped first.
            lane.waiting
                .retain(&|waiting| !waiting.result_sender.is_closed());
        }
        if lane.waiting.len() > MAX_WAITING {
            drop(lane.waiting.shed());
        }
        let needs_worker = lane.workers < parallel;
        lane.workers += usize::from(needs_worker);
        needs_worker
    }

    /// The next attempt of a lane. `None` ends the calling worker.
    fn next(&self, cost: u32) -> Option<(Tag, LoginAttempt)> {
        let mut lanes = self.lanes.lock();
        let lane = lanes.get_mut(&cost)?;
        while let Some(QueuedAttempt {
            tag,
            attempt,
            result_sender,
        }) = lane.waiting.pop()
        {
            if result_sender.is_closed() {
                continue;
            }
            if let Some(is_right) = self.find(&tag) {
                let _ = result_sender.send(is_right);
            } else if let Some(others) = lane.in_flight.get_mut(&tag) {
                others.push(result_sender);
            } else {
                lane.in_flight.insert(tag, vec![result_sender]);
                return Some((tag, attempt));
            }
        }
        lane.workers -= 1;
        if lane.workers == 0 {
            lanes.remove(&cost);
        }
        None
    }

    /// Caches a result and sends it to all callers of the check. `None` means that the check failed.
    fn finish(&self, cost: u32, tag: Tag, is_right: Option<bool>) {
        if let Some(is_right) = is_right {
            self.insert(tag, is_right);
        }
        let mut lanes = self.lanes.lock();
        let lane = lanes.get_mut(&cost);
        let callers = lane.and_then(|lane| lane.in_flight.remove(&tag));
        for result_sender in callers.into_iter().flatten() {
            if let Some(is_right) = is_right {
                let _ = result_sender.send(is_right);
            }
        }
    }

    fn compare(&self, attempt: &LoginAttempt) -> bool {
        self.hashed.fetch_add(1, Ordering::Relaxed);
        let rounds = 1 << attempt.hash.cost();
        self.rounds.fetch_add(rounds, Ordering::Relaxed);
        attempt.hash.matches(&attempt.password)
    }

    /// Each part is preceded by its length, so that different attempts never hash the same bytes (CVE-2022-46146).
    fn tag(&self, attempt: &LoginAttempt) -> Tag {
        let mut context = hmac::Context::with_key(&self.key);
        let LoginAttempt { user, password, .. } = attempt;
        for part in [user, attempt.hash.text().as_bytes(), password] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut tag = Tag::default();
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    fn find(&self, tag: &Tag) -> Option<bool> {
        let cached = self.cached.lock();
        let mut found = cached.iter().filter(|(cached, _)| cached == tag);
        found.next().map(|(_, is_right)| *is_right)
    }

    /// Wrong passwords are evicted first and never evict a right one.
    fn insert(&self, tag: Tag, is_right: bool) {
        let mut cached = self.cached.lock();
        if cached.len() >= CACHE_SIZE {
            match cached.iter().position(|(_, right)| !right) {
                Some(wrong) => cached.remove(wrong),
                None if is_right => cached.remove(0),
                None => return,
            };
        }
        cached.push((tag, is_right));
    }
}

/// Runs the checks of a lane until its queue is empty.
async fn work(cache: Arc<AuthCache>, cost: u32) {
    while let Some((tag, attempt)) = cache.next(cost) {
        let shared = Arc::clone(&cache);
        let check = spawn_blocking(move || shared.compare(&attempt));
        cache.finish(cost, tag, check.await.ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(number: usize) -> Tag {
        let mut tag = Tag::default();
        tag[..8].copy_from_slice(&number.to_be_bytes());
        tag
    }

    #[test]
    fn wrong_passwords_do_not_evict_right_ones() {
        let cache = AuthCache::new().expect("random numbers");
        cache.insert(tag(0), true);
        for number in 1..1000 {
            cache.insert(tag(number), false);
        }
        assert_eq!(cache.find(&tag(0)), Some(true));
        assert_eq!(cache.find(&tag(999)), Some(false));
        assert_eq!(cache.find(&tag(1)), None, "the oldest made room");
        assert_eq!(cache.cached.lock().len(), CACHE_SIZE);
        for number in 1000..1000 + CACHE_SIZE {
            cache.insert(tag(number), true);
        }
        assert_eq!(cache.find(&tag(0)), None, "the oldest made room");
        cache.insert(tag(5000), false);
        assert_eq!(cache.find(&tag(5000)), None);
        assert_eq!(cache.find(&tag(1000)), Some(true));
        assert_eq!(cache.cached.lock().len(), CACHE_SIZE);
    }

    #[test]
    fn different_attempts_have_different_tags() {
        let cache = AuthCache::new().expect("random numbers");
        let hash = Hash::dummy(4);
        let tag = |cache: &AuthCache, user: &str, password: &str| {
            cache.tag(&LoginAttempt {
                user: user.into(),
                hash: hash.clone(),
                password: password.into(),
            })
        };
        let text = hash.text();
        assert_eq!(tag(&cache, "a", "c"), tag(&cache, "a", "c"));
        assert_ne!(
            tag(&cache, &format!("a{text}"), "c"),
            tag(&cache, "a", &format!("{text}c"))
        );
        assert_ne!(tag(&cache, "ac", ""), tag(&cache, "a", "c"));
        let other = AuthCache::new().expect("random numbers");
        assert_ne!(tag(&other, "a", "c"), tag(&cache, "a", "c"));
    }
}
