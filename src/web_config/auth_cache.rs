//! Password checks. Answers are cached, so a password is hashed once, not per request; attempts that
//! have to be hashed wait in fair queues, one for each bcrypt cost.

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

/// Answers that are cached.
const CACHED: usize = 100;
/// Attempts that may wait for checks of one cost.
const MAX_WAITING: usize = 512;

/// Identifies an attempt. The password cannot be guessed from it without this process' key.
type Tag = [u8; 32];

/// Cached answers, and the attempts that wait for theirs.
#[derive(Debug)]
pub(super) struct AuthCache {
    key: hmac::Key,
    /// From the oldest to the newest.
    cached: Mutex<Vec<(Tag, bool)>>,
    /// By cost: a cheap hash never waits for an expensive one. Locked before `cached`.
    lanes: Mutex<BTreeMap<u32, Lane>>,
    comparisons: AtomicU64,
    rounds: AtomicU64,
}

/// The attempts at hashes of one cost.
#[derive(Debug, Default)]
struct Lane {
    waiting: FairQueue<Waiting>,
    workers: usize,
    /// Checks under way, and who waits for each (single-flight).
    in_flight: HashMap<Tag, Vec<oneshot::Sender<bool>>>,
}

/// An attempt in a queue. Dropping it tells the caller that there will be no check.
#[derive(Debug)]
struct Waiting {
    tag: Tag,
    attempt: LoginAttempt,
    answer: oneshot::Sender<bool>,
}

/// A user's password, to be checked against a hash.
pub(super) struct LoginAttempt {
    pub user: Vec<u8>,
    pub password: Vec<u8>,
    pub hash: Hash,
}

/// Without the password.
impl std::fmt::Debug for LoginAttempt {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("LoginAttempt").finish_non_exhaustive()
    }
}

impl AuthCache {
    /// # Errors
    /// When the operating system has no random numbers.
    pub(super) fn new() -> Result<AuthCache, Unspecified> {
        Ok(AuthCache {
            key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())?,
            cached: Mutex::default(),
            lanes: Mutex::default(),
            comparisons: AtomicU64::new(0),
            rounds: AtomicU64::new(0),
        })
    }

    /// How many passwords have been hashed.
    pub(super) fn comparisons(&self) -> u64 {
        self.comparisons.load(Ordering::Relaxed)
    }

    /// How many rounds that took.
    pub(super) fn rounds(&self) -> u64 {
        self.rounds.load(Ordering::Relaxed)
    }

    /// How many attempts wait for a check.
    pub(super) fn waiting(&self) -> usize {
        let lanes = self.lanes.lock();
        lanes.values().map(|lane| lane.waiting.len()).sum()
    }

    /// A number that only this process can derive from a user's name, and always the same.
    pub(super) fn number_of(&self, user: &[u8]) -> u64 {
        let signature = hmac::sign(&self.key, user);
        let bytes = signature.as_ref().iter().take(8);
        bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// The cached answer, if there is one.
    pub(super) fn cached(&self, attempt: &LoginAttempt) -> Option<bool> {
        self.find(&self.tag(attempt))
    }

    /// The answer of a check, after a wait in the queue of `path`; `None` if too many attempts wait.
    /// Up to `parallel` checks of the same cost run at once.
    pub(super) async fn check(
        self: &Arc<Self>,
        attempt: LoginAttempt,
        path: &[u64],
        parallel: usize,
    ) -> Option<bool> {
        let cost = attempt.hash.cost();
        let (answer, verdict) = oneshot::channel();
        let waiting = Waiting {
            tag: self.tag(&attempt),
            attempt,
            answer,
        };
        if self.enqueue(waiting, path, parallel) {
            // It finishes its checks even if the requests that asked for them are gone.
            tokio::spawn(work(Arc::clone(self), cost));
        }
        verdict.await.ok()
    }

    /// Whether the attempt's lane needs another worker.
    fn enqueue(&self, waiting: Waiting, path: &[u64], parallel: usize) -> bool {
        let mut lanes = self.lanes.lock();
        let lane = lanes.entry(waiting.attempt.hash.cost()).or_default();
        lane.waiting.push(path, waiting);
        if lane.waiting.len() > MAX_WAITING {
            // Those first whose clients are gone.
            lane.waiting.retain(&|waiting| !waiting.answer.is_closed());
        }
        if lane.waiting.len() > MAX_WAITING {
            drop(lane.waiting.shed());
        }
        let needs_worker = lane.workers < parallel;
        lane.workers += usize::from(needs_worker);
        needs_worker
    }

    /// The next attempt to check in a lane; after `None`, the worker is no longer counted.
    fn next(&self, cost: u32) -> Option<(Tag, LoginAttempt)> {
        let mut lanes = self.lanes.lock();
        let lane = lanes.get_mut(&cost)?;
        while let Some(Waiting {
            tag,
            attempt,
            answer,
        }) = lane.waiting.pop()
        {
            if answer.is_closed() {
                continue;
            }
            if let Some(verdict) = self.find(&tag) {
                let _ = answer.send(verdict);
            } else if let Some(others) = lane.in_flight.get_mut(&tag) {
                others.push(answer);
            } else {
                lane.in_flight.insert(tag, vec![answer]);
                return Some((tag, attempt));
            }
        }
        lane.workers -= 1;
        if lane.workers == 0 {
            lanes.remove(&cost);
        }
        None
    }

    /// Answers everybody who waits for this check.
    fn finish(&self, cost: u32, tag: Tag, verdict: Option<bool>) {
        if let Some(verdict) = verdict {
            self.keep(tag, verdict);
        }
        let mut lanes = self.lanes.lock();
        let lane = lanes.get_mut(&cost);
        let callers = lane.and_then(|lane| lane.in_flight.remove(&tag));
        for answer in callers.into_iter().flatten() {
            if let Some(verdict) = verdict {
                let _ = answer.send(verdict);
            }
        }
    }

    fn compare(&self, attempt: &LoginAttempt) -> bool {
        self.comparisons.fetch_add(1, Ordering::Relaxed);
        let rounds = 1 << attempt.hash.cost();
        self.rounds.fetch_add(rounds, Ordering::Relaxed);
        attempt.hash.is_of(&attempt.password)
    }

    /// Each part follows its length, so that no two attempts have the same bytes (CVE-2022-46146).
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
        found.next().map(|(_, verdict)| *verdict)
    }

    /// Wrong passwords are evicted first, and never evict a right one.
    fn keep(&self, tag: Tag, verdict: bool) {
        let mut cached = self.cached.lock();
        if cached.len() >= CACHED {
            match cached.iter().position(|(_, right)| !right) {
                Some(wrong) => cached.remove(wrong),
                None if verdict => cached.remove(0),
                None => return,
            };
        }
        cached.push((tag, verdict));
    }
}

/// Makes the checks of a lane until none is left.
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
    fn right_answers_survive_a_flood_of_wrong_ones() {
        let cache = AuthCache::new().expect("random numbers");
        cache.keep(tag(0), true);
        for number in 1..1000 {
            cache.keep(tag(number), false);
        }
        assert_eq!(cache.find(&tag(0)), Some(true));
        assert_eq!(cache.find(&tag(999)), Some(false));
        assert_eq!(cache.find(&tag(1)), None, "the oldest made room");
        assert_eq!(cache.cached.lock().len(), CACHED);
        for number in 1000..1000 + CACHED {
            cache.keep(tag(number), true);
        }
        assert_eq!(cache.find(&tag(0)), None, "the oldest made room");
        cache.keep(tag(5000), false);
        assert_eq!(cache.find(&tag(5000)), None);
        assert_eq!(cache.find(&tag(1000)), Some(true));
        assert_eq!(cache.cached.lock().len(), CACHED);
    }

    #[test]
    fn no_two_attempts_have_the_same_tag() {
        let cache = AuthCache::new().expect("random numbers");
        let hash = Hash::stand_in(4);
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
