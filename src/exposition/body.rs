//! The answer to one scrape: shared blocks and freshly written lines, in one run of pieces.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body::{Frame, SizeHint};

use super::AccountView;
use super::families::{FAMILIES, Source};
use super::snapshot_text::account_labels;
use super::text::{Lines, gauge_header};

/// A block below this size is copied: a piece of its own would cost more than the copy.
const COPIED_BELOW: usize = 16 * 1024;

/// Writes the families of all accounts as of `now`, each with HELP and TYPE once; a family without
/// a sample is left out. `own` (the exporter's own metrics) comes last.
pub fn expose(accounts: &[AccountView], now: DateTime<Utc>, own: Bytes) -> Body {
    let mut body = BodyBuilder::default();
    let account_labels: Vec<String> = accounts
        .iter()
        .map(|view| account_labels(view.account.as_deref()))
        .collect();
    for (place, family) in FAMILIES.iter().enumerate() {
        let header = body.begin_family(family.name, family.help);
        for (view, labels) in accounts.iter().zip(&account_labels) {
            match (&family.source, &view.snapshot) {
                (Source::Account(value), _) => {
                    if let Some(value) = value(view) {
                        Lines::new(family.name, labels, &mut body.tail).sample(&[], value);
                    }
                }
                (Source::Countdown, Some(text)) => text.write_countdown(now, &mut body.tail),
                (Source::Snapshot(_) | Source::Profile(_), Some(text)) => {
                    body.push(text.block(place));
                }
                (_, None) => {}
            }
        }
        body.end_family(header);
    }
    body.push(&own);
    body.finish()
}

#[derive(Default)]
struct BodyBuilder {
    pieces: VecDeque<Bytes>,
    tail: Vec<u8>,
}

/// Where a family's header begins and ends in the tail.
struct Header {
    pieces: usize,
    start: usize,
    end: usize,
}

impl BodyBuilder {
    fn begin_family(&mut self, name: &str, help: &str) -> Header {
        let start = self.tail.len();
        gauge_header(&mut self.tail, name, help);
        Header {
            pieces: self.pieces.len(),
            start,
            end: self.tail.len(),
        }
    }

    /// Takes the header back when no sample came after it.
    fn end_family(&mut self, header: Header) {
        if self.pieces.len() == header.pieces && self.tail.len() == header.end {
            self.tail.truncate(header.start);
        }
    }

    fn push(&mut self, block: &Bytes) {
        if block.len() < COPIED_BELOW {
            self.tail.extend_from_slice(block);
        } else {
            self.flush();
            self.pieces.push_back(block.clone());
        }
    }

    fn flush(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push_back(std::mem::take(&mut self.tail).into());
        }
    }

    fn finish(mut self) -> Body {
        self.flush();
        Body {
            pieces: self.pieces,
        }
    }
}

/// A body of known length whose large pieces are shared with the cache, not copied.
#[derive(Debug)]
pub struct Body {
    pieces: VecDeque<Bytes>,
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.pieces.iter().map(|piece| piece.len() as u64).sum())
    }
}
