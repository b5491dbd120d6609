//! The answer to a scrape: what all accounts show at one second, in one run of pieces, as it is or
//! compressed.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::families::{FAMILIES, Source};
use super::gzip::{self, Run};
use super::snapshot_text::{Block, account_labels};
use super::text::{Lines, gauge_header};
use super::{AccountView, Body};

/// The latest answer, which serves every scrape of the same second: nothing in it changes faster,
/// but the exporter's own counters, where a lag of less than a second cannot be noticed.
#[derive(Debug, Default)]
pub struct Page {
    latest: Mutex<Option<Written>>,
}

#[derive(Debug)]
struct Written {
    second: i64,
    shown: Vec<Shown>,
    pieces: Vec<Block>,
    plain: Arc<[Bytes]>,
    /// Once somebody has asked for it.
    gzip: Option<Arc<[Bytes]>>,
}

/// How an answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As it is.
    Plain,
    /// `Content-Encoding: gzip`.
    Gzip,
}

impl Written {
    fn body(&mut self, encoding: Encoding) -> Body {
        match encoding {
            Encoding::Plain => Body::new(Arc::clone(&self.plain)),
            Encoding::Gzip => {
                let pieces = &self.pieces;
                let gzip = self.gzip.get_or_insert_with(|| {
                    let runs: Vec<Arc<Run>> = pieces.iter().map(Block::run).collect();
                    Arc::new([gzip::member(runs.iter().map(Arc::as_ref))])
                });
                Body::new(Arc::clone(gzip))
            }
        }
    }
}

/// What makes two views of an account look alike.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    revision: u64,
    has_snapshot: bool,
}

impl Page {
    /// The families of all accounts as of `now`, then `own`, the exporter's own metrics.
    ///
    /// # Errors
    /// Those of `own`, which is asked only when something is written.
    pub fn expose<E>(
        &self,
        accounts: &[&AccountView],
        now: DateTime<Utc>,
        own: impl FnOnce() -> Result<Bytes, E>,
        encoding: Encoding,
    ) -> Result<Body, E> {
        let second = now.timestamp();
        let looks = |view: &AccountView| Shown {
            revision: view.revision,
            has_snapshot: view.snapshot.is_some(),
        };
        // Others wait for the one that writes: they want the same.
        let mut latest = self.latest.lock();
        if let Some(written) = latest.as_mut()
            && written.second == second
            && written.shown.len() == accounts.len()
            && written
                .shown
                .iter()
                .zip(accounts)
                .all(|(shown, view)| *shown == looks(view))
        {
            return Ok(written.body(encoding));
        }
        let pieces = write(accounts, now, &own()?);
        let written = latest.insert(Written {
            second,
            shown: accounts.iter().map(|view| looks(view)).collect(),
            plain: pieces.iter().map(|piece| piece.text.clone()).collect(),
            pieces,
            gzip: None,
        });
        Ok(written.body(encoding))
    }
}

/// Each family has HELP and TYPE once; one without a sample is left out.
fn write(accounts: &[&AccountView], now: DateTime<Utc>, own: &Bytes) -> Vec<Block> {
    let mut pieces = Pieces::default();
    let account_labels: Vec<String> = accounts
        .iter()
        .map(|view| account_labels(view.account.as_deref()))
        .collect();
    for (place, family) in FAMILIES.iter().enumerate() {
        let header = pieces.begin_family(family.name, family.help);
        for (view, labels) in accounts.iter().zip(&account_labels) {
            match (&family.source, &view.snapshot) {
                (Source::Account(value), _) => {
                    if let Some(value) = value(view) {
                        Lines::new(family.name, labels, &mut pieces.tail).sample(&[], value);
                    }
                }
                (Source::Countdown, Some(text)) => text.write_countdown(now, &mut pieces.tail),
                (Source::Snapshot(_) | Source::Profile(_), Some(text)) => {
                    pieces.push(text.block(place));
                }
                (_, None) => {}
            }
        }
        pieces.end_family(&header);
    }
    pieces.tail.extend_from_slice(own);
    pieces.finish()
}

/// Large blocks as they are, with everything small written together between them.
#[derive(Default)]
struct Pieces {
    done: Vec<Block>,
    tail: Vec<u8>,
}

/// Where a family's header stands.
struct Header {
    pieces_before: usize,
    start: usize,
    end: usize,
}

impl Pieces {
    fn begin_family(&mut self, name: &str, help: &str) -> Header {
        let start = self.tail.len();
        gauge_header(&mut self.tail, name, help);
        Header {
            pieces_before: self.done.len(),
            start,
            end: self.tail.len(),
        }
    }

    /// Takes the header back when no sample came after it.
    fn end_family(&mut self, header: &Header) {
        if self.done.len() == header.pieces_before && self.tail.len() == header.end {
            self.tail.truncate(header.start);
        }
    }

    fn push(&mut self, block: &Block) {
        if block.run.is_none() {
            self.tail.extend_from_slice(&block.text);
        } else {
            self.flush();
            self.done.push(block.clone());
        }
    }

    fn flush(&mut self) {
        if !self.tail.is_empty() {
            self.done.push(Block {
                text: std::mem::take(&mut self.tail).into(),
                run: None,
            });
        }
    }

    fn finish(mut self) -> Vec<Block> {
        self.flush();
        self.done
    }
}
