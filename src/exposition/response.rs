//! The response to a scrape: an HTTP body of chunks, most of which are shared with other responses.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use prometheus::proto::MetricType;

use super::chunk::{Chunk, ChunkWriter};
use super::gzip;
use super::samples::Samples;
use exporter_toolkit::content_encoding::Encoding;
use exporter_toolkit::metrics_format::{Format, write_metadata};
use exporter_toolkit::shared_text::{SharedText, SharedTexts};

/// An HTTP body of known length. Its chunks are shared with the cache, not copied.
#[derive(Debug)]
pub struct ResponseBody {
    chunks: Arc<[Bytes]>,
    /// Number of chunks that have been sent.
    sent: usize,
}

impl ResponseBody {
    fn new(chunks: Arc<[Bytes]>) -> ResponseBody {
        ResponseBody { chunks, sent: 0 }
    }

    /// The chunks that have not been sent.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks[self.sent..]
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.chunks().first().cloned();
        self.sent += usize::from(next.is_some());
        Poll::Ready(next.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks().is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.chunks().iter().map(|chunk| chunk.len() as u64).sum())
    }
}

/// A response in one format, which serves any number of scrapes in any encoding.
#[derive(Debug)]
pub(super) struct Response {
    chunks: Vec<Chunk>,
    plain: Arc<[Bytes]>,
    /// Compressed when a scrape first asks for it.
    gzip: Option<SharedText>,
    /// Keeps the texts that belong to this response alone current.
    _owned: Vec<SharedText>,
}

impl Response {
    /// Joins the samples under the metadata of their families, followed by `exporter_metrics`, which are in the same
    /// format.
    pub(super) fn new(
        samples: &Samples,
        format: Format,
        exporter_metrics: &[u8],
        texts: &SharedTexts,
    ) -> Response {
        let mut writer = ChunkWriter::new(texts);
        for (family, chunks) in samples.families() {
            let (name, help) = (family.name, family.help);
            write_metadata(format, name, MetricType::GAUGE, help, &mut writer.tail);
            chunks.iter().for_each(|chunk| writer.push(chunk));
        }
        writer.tail.extend_from_slice(exporter_metrics);
        writer.tail.extend_from_slice(format.end().as_bytes());
        let (chunks, owned) = writer.finish();
        Response {
            plain: chunks.iter().map(|chunk| chunk.text.clone()).collect(),
            chunks,
            gzip: None,
            _owned: owned,
        }
    }

    /// A body that sends this response; `texts` counts its memory if it has to be compressed.
    pub(super) fn body(&mut self, encoding: Encoding, texts: &SharedTexts) -> ResponseBody {
        match encoding {
            Encoding::Plain => ResponseBody::new(Arc::clone(&self.plain)),
            Encoding::Gzip => {
                let segments = self.chunks.iter().map(Chunk::segment);
                let gzip = self
                    .gzip
                    .get_or_insert_with(|| texts.add(gzip::join(segments)));
                ResponseBody::new(Arc::new([gzip.bytes()]))
            }
        }
    }
}
