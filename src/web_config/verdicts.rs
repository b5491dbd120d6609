//! Which passwords were right or wrong lately: a password is hashed once, not per request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use ring::error::Unspecified;
use ring::hmac;
use ring::rand::SystemRandom;
use tokio::task::spawn_blocking;

use super::hash::Hash;

/// How many verdicts are kept.
const KEPT: usize = 100;

/// A question, without anything from which the password could be guessed outside this process.
type Tag = [u8; 32];

/// The verdicts that are kept, and the one place where passwords are hashed.
#[derive(Debug)]
pub(super) struct Verdicts {
    key: hmac::Key,
    /// From the oldest to the newest.
    kept: Mutex<Vec<(Tag, bool)>>,
    /// Held by the one comparison under way.
    turn: Arc<tokio::sync::Mutex<()>>,
    comparisons: AtomicU64,
    rounds: AtomicU64,
}

/// Whether this password of this user has this hash.
pub(super) struct Question {
    pub user: Vec<u8>,
    pub hash: Hash,
    /// What its answer costs at least, in powers of two.
    pub cost: u32,
    pub password: Vec<u8>,
}

impl Verdicts {
    /// # Errors
    /// When the operating system has no random numbers.
    pub(super) fn new() -> Result<Verdicts, Unspecified> {
        Ok(Verdicts {
            key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())?,
            kept: Mutex::default(),
            turn: Arc::default(),
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

    /// The verdict that is kept, or else that of a comparison, of which one runs at a time.
    pub(super) async fn ask(self: &Arc<Self>, question: Question) -> bool {
        let tag = self.tag(&question);
        if let Some(verdict) = self.find(&tag) {
            return verdict;
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        // Whoever had the turn before may have asked the same.
        if let Some(verdict) = self.find(&tag) {
            return verdict;
        }
        let verdicts = Arc::clone(self);
        // It runs to its end and keeps its turn, even if the request that asks is gone.
        let compared = spawn_blocking(move || {
            let verdict = verdicts.compare(&question);
            verdicts.keep(tag, verdict);
            drop(turn);
            verdict
        });
        compared.await.unwrap_or(false)
    }

    fn compare(&self, question: &Question) -> bool {
        self.comparisons.fetch_add(1, Ordering::Relaxed);
        let verdict = self.hash(question, &question.hash);
        // A cheap hash must not tell by its time whose it is. Each step doubles the rounds, so that
        // one stand-in of each makes them up to what the dearest hash takes.
        for cost in question.hash.cost()..question.cost {
            self.hash(question, &Hash::stand_in(cost));
        }
        verdict
    }

    fn hash(&self, question: &Question, hash: &Hash) -> bool {
        self.rounds.fetch_add(1 << hash.cost(), Ordering::Relaxed);
        hash.is_of(&question.password)
    }

    /// With their lengths in front, no two questions are written alike (CVE-2022-46146).
    fn tag(&self, question: &Question) -> Tag {
        let mut context = hmac::Context::with_key(&self.key);
        let Question { user, password, .. } = question;
        for part in [user, question.hash.text().as_bytes(), password] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut tag = Tag::default();
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    fn find(&self, tag: &Tag) -> Option<bool> {
        let kept = self.kept.lock();
        let mut found = kept.iter().filter(|(kept, _)| kept == tag);
        found.next().map(|(_, verdict)| *verdict)
    }

    /// Wrong passwords make room first, and never push out a right one.
    fn keep(&self, tag: Tag, verdict: bool) {
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT {
            match kept.iter().position(|(_, right)| !right) {
                Some(wrong) => kept.remove(wrong),
                None if verdict => kept.remove(0),
                None => return,
            };
        }
        kept.push((tag, verdict));
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
    fn right_verdicts_survive_a_flood_of_wrong_ones() {
        let verdicts = Verdicts::new().expect("random numbers");
        verdicts.keep(tag(0), true);
        for number in 1..1000 {
            verdicts.keep(tag(number), false);
        }
        assert_eq!(verdicts.find(&tag(0)), Some(true));
        assert_eq!(verdicts.find(&tag(999)), Some(false));
        assert_eq!(verdicts.find(&tag(1)), None, "the oldest made room");
        assert_eq!(verdicts.kept.lock().len(), KEPT);
        for number in 1000..1000 + KEPT {
            verdicts.keep(tag(number), true);
        }
        assert_eq!(verdicts.find(&tag(0)), None, "the oldest made room");
        verdicts.keep(tag(5000), false);
        assert_eq!(verdicts.find(&tag(5000)), None);
        assert_eq!(verdicts.find(&tag(1000)), Some(true));
        assert_eq!(verdicts.kept.lock().len(), KEPT);
    }

    #[test]
    fn no_two_questions_are_written_alike() {
        let verdicts = Verdicts::new().expect("random numbers");
        let hash = Hash::stand_in(4);
        let tag = |verdicts: &Verdicts, user: &str, password: &str| {
            verdicts.tag(&Question {
                user: user.into(),
                hash: hash.clone(),
                cost: hash.cost(),
                password: password.into(),
            })
        };
        let text = hash.text();
        assert_eq!(tag(&verdicts, "a", "c"), tag(&verdicts, "a", "c"));
        assert_ne!(
            tag(&verdicts, &format!("a{text}"), "c"),
            tag(&verdicts, "a", &format!("{text}c"))
        );
        assert_ne!(tag(&verdicts, "ac", ""), tag(&verdicts, "a", "c"));
        let other = Verdicts::new().expect("random numbers");
        assert_ne!(tag(&other, "a", "c"), tag(&verdicts, "a", "c"));
    }
}
