//! The body of an answer over HTTP/1, under the eyes of the watch.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};

use super::watch::Sending;

/// Pieces that are handed over at once. With the head they stay below what hyper writes at once.
const GATHERED: usize = 32;

type Next = Option<Result<Frame<Bytes>, axum::Error>>;

/// A body whose pieces, as far as they are ready, go out together: hyper would write each large one
/// on its own, and wake the client each time.
pub(super) struct Sent {
    body: Body,
    /// What came after gathered pieces and is none.
    held_back: Option<Next>,
    _sending: Sending,
}

impl Sent {
    pub(super) fn new(body: Body, sending: Sending) -> Sent {
        Sent {
            body,
            held_back: None,
            _sending: sending,
        }
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        match self.held_back.take() {
            Some(next) => Poll::Ready(next),
            None => http_body::Body::poll_frame(Pin::new(&mut self.body), context),
        }
    }
}

impl http_body::Body for Sent {
    type Data = Pieces;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Pieces>, axum::Error>>> {
        let mut pieces = Pieces::default();
        while pieces.0.len() < GATHERED && !self.is_end_stream() {
            match self.poll_next(context) {
                Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                    let data = frame.into_data().ok();
                    pieces.0.extend(data.filter(|data| !data.is_empty()));
                }
                next if pieces.0.is_empty() => {
                    return next.map_ok(|frame| frame.map_data(Pieces::from));
                }
                Poll::Ready(next) => {
                    self.held_back = Some(next);
                    break;
                }
                Poll::Pending => break,
            }
        }
        let some = !pieces.0.is_empty();
        Poll::Ready(some.then(|| Ok(Frame::data(pieces))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.held_back {
            Some(next) => next.is_none(),
            None => http_body::Body::is_end_stream(&self.body),
        }
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.body)
    }
}

/// Several pieces of a body, not copied.
#[derive(Default)]
pub(super) struct Pieces(VecDeque<Bytes>);

impl From<Bytes> for Pieces {
    fn from(piece: Bytes) -> Pieces {
        Pieces(VecDeque::from([piece]))
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.0.front().map(Bytes::as_ref).unwrap_or_default()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = slices.iter_mut().zip(&self.0);
        filled
            .map(|(slice, piece)| *slice = IoSlice::new(piece))
            .count()
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(piece) = self.0.front_mut() {
            if written < piece.len() {
                return piece.advance(written);
            }
            written -= piece.len();
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_written_in_any_portions() {
        let texts = ["one", "", "two, ", "and three"];
        let whole = texts.concat();
        for portion in 1..=whole.len() {
            let mut pieces = Pieces(texts.into_iter().map(Bytes::from).collect());
            let mut written = Vec::new();
            while pieces.has_remaining() {
                let mut slices = [IoSlice::new(&[]); GATHERED];
                let filled = pieces.chunks_vectored(&mut slices);
                let seen = slices[..filled].iter().flat_map(|slice| slice.iter());
                let mut seen: Vec<u8> = seen.copied().collect();
                assert_eq!(seen.len(), pieces.remaining());
                seen.truncate(portion);
                pieces.advance(seen.len());
                written.extend(seen);
            }
            assert_eq!(written, whole.as_bytes(), "{portion}");
        }
    }
}
