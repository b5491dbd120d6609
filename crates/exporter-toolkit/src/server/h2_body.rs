//! Response bodies over HTTP/2 that detect slow readers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::deadlines::ResponseGuard;

/// A body in chunks, of which the last is a single byte. The `h2` crate buffers a whole chunk once the client's window has
/// room for one byte and polls the next chunk when the window has room again. The body therefore ends, and drops its
/// guard, only when all but one byte have fitted into the client's window.
pub(super) struct H2Body {
    body: Body,
    rest: Bytes,
    _guard: ResponseGuard,
}

impl H2Body {
    const CHUNK_SIZE: usize = 16 * 1024;

    pub(super) fn new(body: Body, guard: ResponseGuard) -> H2Body {
        H2Body {
            body,
            rest: Bytes::new(),
            _guard: guard,
        }
    }
}

impl http_body::Body for H2Body {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => return Poll::Ready(Some(Ok(Frame::data(data)))),
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return Poll::Ready(other),
            }
        }
        let size = (self.rest.len() - 1).clamp(1, H2Body::CHUNK_SIZE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(size)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    /// hyper reads the hint before the first chunk only.
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
