//! The data of one account that a scrape shows: its state and its rendered snapshot.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::chunk::{COPIED_BELOW, Chunk};
use exporter_toolkit::shared_text::{SharedText, SharedTexts};

/// The data of one account that a scrape shows.
#[derive(Debug, Clone)]
pub struct AccountView {
    /// The account's name, `None` for the default account.
    pub account: Option<Arc<str>>,
    /// A number that grows whenever the account's data or state changes. Two views of the same revision differ only
    /// in whether the snapshot is still young enough to be shown.
    pub revision: u64,
    /// Whether the latest refresh read the list; `None` before the first refresh has ended.
    pub up: Option<bool>,
    /// When the data was read; `None` before the first success.
    pub read_at: Option<DateTime<Utc>>,
    /// Duration of the latest refresh.
    pub refresh_took: Option<Duration>,
    /// The rendered snapshot; `None` if there is none or it is too old to be shown.
    pub snapshot: Option<Arc<SnapshotText>>,
}

/// The sample lines of one snapshot, rendered once and shared by all scrapes.
#[derive(Debug)]
pub struct SnapshotText {
    /// One block for each entry of `FAMILIES`, empty if the snapshot has no such sample.
    pub(super) blocks: Vec<Block>,
    pub(super) countdown: Countdown,
}

impl SnapshotText {
    /// The lines of the family at this index of `FAMILIES`.
    pub(super) fn block(&self, family: usize) -> &Block {
        &self.blocks[family]
    }
}

/// The sample lines of one family.
#[derive(Debug)]
pub(super) enum Block {
    /// Copied into each response.
    Small(Box<[u8]>),
    /// Shared by all responses.
    Large {
        chunk: Chunk,
        /// Keeps the text current.
        _text: SharedText,
    },
}

impl Block {
    pub(super) fn new(text: &[u8], texts: &SharedTexts) -> Block {
        match text.len() < COPIED_BELOW {
            true => Block::Small(text.into()),
            false => {
                let text = texts.add(text.to_vec());
                Block::Large {
                    chunk: Chunk::compressed(&text),
                    _text: text,
                }
            }
        }
    }
}

/// The lines of `qlara_token_seconds_to_expiry` without their values, which change every second.
#[derive(Debug, Default)]
pub(super) struct Countdown {
    /// Metric name and labels of all samples, one after the other.
    prefixes: Vec<u8>,
    /// End of each prefix in `prefixes`, and the Unix second at which the token expires.
    tokens: Vec<(usize, i64)>,
}

impl Countdown {
    /// Adds the sample of a token that expires at this Unix second; `prefix` is joined to one text.
    pub(super) fn add(&mut self, prefix: &[&str], expires_at: i64) {
        for part in prefix {
            self.prefixes.extend_from_slice(part.as_bytes());
        }
        self.tokens.push((self.prefixes.len(), expires_at));
    }

    /// Appends the lines with the seconds left at `now`.
    pub(super) fn write(&self, now: DateTime<Utc>, out: &mut Vec<u8>) {
        let now = now.timestamp();
        // A value has at most 12 characters, because dates end with the year 9999.
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
