//! An HTTP body made of shared pieces.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// A body of known length whose pieces are shared with the cache, not copied.
#[derive(Debug)]
pub struct Body {
    pieces: Arc<[Bytes]>,
    /// How many of them are taken.
    taken: usize,
}

impl Body {
    pub(super) fn new(pieces: Arc<[Bytes]>) -> Body {
        Body { pieces, taken: 0 }
    }

    /// The pieces that are left, in their order.
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces[self.taken..]
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.pieces().first().cloned();
        self.taken += usize::from(next.is_some());
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces().is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.pieces().iter().map(|piece| piece.len() as u64).sum())
    }
}
