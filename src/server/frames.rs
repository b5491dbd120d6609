//! The body of an answer over HTTP/2, under the eyes of the watch.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::watch::Sending;

/// A body in pieces of which the last is a single byte. HTTP/2 buffers a piece whole as soon as the
/// client has room for one byte of it, and asks for the next when it has room again: so the end of
/// the body is the end of what waits for the client, but for that byte.
pub(super) struct Frames {
    body: Body,
    rest: Bytes,
    _sending: Sending,
}

impl Frames {
    const SIZE: usize = 16 * 1024;

    pub(super) fn new(body: Body, sending: Sending) -> Frames {
        Frames {
            body,
            rest: Bytes::new(),
            _sending: sending,
        }
    }
}

impl http_body::Body for Frames {
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
        let size = (self.rest.len() - 1).clamp(1, Frames::SIZE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(size)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    /// Asked for before the first piece only.
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
