//! Response bodies over HTTP/1 that are written with few system calls.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};

use super::deadlines::ResponseGuard;

/// Limit of chunks per frame. With the response head they stay below the number of buffers that hyper writes at once.
const MAX_CHUNKS: usize = 32;

type Next = Option<Result<Frame<Bytes>, axum::Error>>;

/// A body that joins all chunks that are ready into one frame. hyper would write each large chunk separately and wake the
/// client each time.
pub(super) struct CoalescedBody {
    body: Body,
    /// Trailers, an error or the end that followed joined chunks.
    held_back: Option<Next>,
    _guard: ResponseGuard,
}

impl CoalescedBody {
    pub(super) fn new(body: Body, guard: ResponseGuard) -> CoalescedBody {
        CoalescedBody {
            body,
            held_back: None,
            _guard: guard,
        }
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        match self.held_back.take() {
            Some(next) => Poll::Ready(next),
            None => http_body::Body::poll_frame(Pin::new(&mut self.body), context),
        }
    }
}

impl http_body::Body for CoalescedBody {
    type Data = Chunks;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Chunks>, axum::Error>>> {
        let mut chunks = Chunks::default();
        while chunks.0.len() < MAX_CHUNKS && !self.is_end_stream() {
            match self.poll_next(context) {
                Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                    let data = frame.into_data().ok();
                    chunks.0.extend(data.filter(|data| !data.is_empty()));
                }
                next if chunks.0.is_empty() => {
                    return next.map_ok(|frame| frame.map_data(Chunks::from));
                }
                Poll::Ready(next) => {
                    self.held_back = Some(next);
                    break;
                }
                Poll::Pending => break,
            }
        }
        let some = !chunks.0.is_empty();
        Poll::Ready(some.then(|| Ok(Frame::data(chunks))))
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

/// Several chunks of a body, without copying them.
#[derive(Default)]
pub(super) struct Chunks(VecDeque<Bytes>);

impl From<Bytes> for Chunks {
    fn from(chunk: Bytes) -> Chunks {
        Chunks(VecDeque::from([chunk]))
    }
}

impl Buf for Chunks {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.0.front().map(Bytes::as_ref).unwrap_or_default()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = slices.iter_mut().zip(&self.0);
        filled
            .map(|(slice, chunk)| *slice = IoSlice::new(chunk))
            .count()
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(chunk) = self.0.front_mut() {
            if written < chunk.len() {
                return chunk.advance(written);
            }
            written -= chunk.len();
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_can_be_written_in_parts_of_any_size() {
        let texts = ["one", "", "two, ", "and three"];
        let whole = texts.concat();
        for portion in 1..=whole.len() {
            let mut chunks = Chunks(texts.into_iter().map(Bytes::from).collect());
            let mut written = Vec::new();
            while chunks.has_remaining() {
                let mut slices = [IoSlice::new(&[]); MAX_CHUNKS];
                let filled = chunks.chunks_vectored(&mut slices);
                let seen = slices[..filled].iter().flat_map(|slice| slice.iter());
                let mut seen: Vec<u8> = seen.copied().collect();
                assert_eq!(seen.len(), chunks.remaining());
                seen.truncate(portion);
                chunks.advance(seen.len());
                written.extend(seen);
            }
            assert_eq!(written, whole.as_bytes(), "{portion}");
        }
    }
}
