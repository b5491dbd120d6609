//! A snapshot as text: everything in it that stays the same until the next refresh.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::families::{COUNTDOWN, FAMILIES, Source};
use super::gzip::Run;
use super::text::{Lines, label};
use crate::snapshot::{Profile, Snapshot};

/// A block below this size in bytes is copied and compressed with what is around it: a piece of its
/// own would cost more.
const COPIED_BELOW: usize = 16 * 1024;

/// A run of lines. A large one is compressed when it is written, since many scrapes will ask for that.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) text: Bytes,
    pub(super) run: Option<Arc<Run>>,
}

impl Block {
    fn of(text: Vec<u8>) -> Block {
        Block {
            run: (text.len() >= COPIED_BELOW).then(|| Arc::new(Run::of(&text))),
            text: text.into(),
        }
    }

    /// The block for a compressed answer.
    pub(super) fn run(&self) -> Arc<Run> {
        let made = self.run.clone();
        made.unwrap_or_else(|| Arc::new(Run::of(&self.text)))
    }
}

/// The sample lines of one snapshot, written once and shown by many scrapes.
#[derive(Debug)]
pub struct SnapshotText {
    /// One block per family of the table, empty where this snapshot has no such sample.
    blocks: Vec<Block>,
    countdown: Countdown,
}

impl SnapshotText {
    /// Writes all lines of `snapshot`; `account` is the account's name, where it has one.
    pub fn render(snapshot: &Snapshot, account: Option<&str>) -> SnapshotText {
        let account_labels = account_labels(account);
        let profiles: Vec<(&Profile, String)> = snapshot
            .profiles
            .iter()
            .map(|profile| (profile, profile_labels(&account_labels, profile)))
            .collect();
        let blocks = FAMILIES
            .iter()
            .map(|family| {
                let mut out = Vec::new();
                match family.source {
                    Source::Snapshot(write) => {
                        write(
                            snapshot,
                            &mut Lines::new(family.name, &account_labels, &mut out),
                        );
                    }
                    Source::Profile(write) => {
                        for (profile, labels) in &profiles {
                            write(profile, &mut Lines::new(family.name, labels, &mut out));
                        }
                    }
                    Source::Account(_) | Source::Countdown => {}
                }
                Block::of(out)
            })
            .collect();
        SnapshotText {
            blocks,
            countdown: Countdown::prepare(&profiles),
        }
    }

    /// The lines of the family at this place of the table.
    pub(super) fn block(&self, family: usize) -> &Block {
        &self.blocks[family]
    }

    /// The time left of each token as of `now`.
    pub(super) fn write_countdown(&self, now: DateTime<Utc>, out: &mut Vec<u8>) {
        self.countdown.write(now, out);
    }
}

/// The labels that every sample of an account starts with.
pub(super) fn account_labels(account: Option<&str>) -> String {
    let mut labels = Vec::new();
    if let Some(account) = account {
        label(&mut labels, "account", account);
    }
    into_text(labels)
}

fn profile_labels(account_labels: &str, profile: &Profile) -> String {
    let mut labels = account_labels.as_bytes().to_vec();
    label(&mut labels, "platform", &profile.platform);
    label(&mut labels, "profile", &profile.id);
    into_text(labels)
}

fn into_text(labels: Vec<u8>) -> String {
    // Labels are made of strings and ASCII.
    String::from_utf8(labels).unwrap_or_default()
}

/// The lines of `qlara_token_seconds_to_expiry` but for their values.
#[derive(Debug)]
struct Countdown {
    prefixes: Vec<u8>,
    /// Where each prefix ends, and the Unix second at which the token does.
    tokens: Vec<(usize, i64)>,
}

impl Countdown {
    fn prepare(profiles: &[(&Profile, String)]) -> Countdown {
        let mut countdown = Countdown {
            prefixes: Vec::new(),
            tokens: Vec::new(),
        };
        for (profile, labels) in profiles {
            let Some(expires_at) = profile.token_expires_at else {
                continue;
            };
            let labels = labels.trim_end_matches(',');
            for part in [COUNTDOWN, "{", labels, "} "] {
                countdown.prefixes.extend_from_slice(part.as_bytes());
            }
            let end = countdown.prefixes.len();
            countdown.tokens.push((end, expires_at.timestamp()));
        }
        countdown
    }

    fn write(&self, now: DateTime<Utc>, out: &mut Vec<u8>) {
        let now = now.timestamp();
        // A value has at most 12 characters: years end at 9999.
        out.reserve(self.prefixes.len() + self.tokens.len() * 13);
        let mut start = 0;
        for (end, expires_at) in &self.tokens {
            out.extend_from_slice(&self.prefixes[start..*end]);
            // Writing into a Vec cannot fail.
            let _ = writeln!(out, "{}", expires_at - now);
            start = *end;
        }
    }
}
