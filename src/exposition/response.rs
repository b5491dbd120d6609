//! The response to a scrape: an HTTP body of chunks, most of which are shared with other responses.
use exporter_toolkit::content_encoding::Encoding;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body::{Frame, SizeHint};

use super::account_view::{AccountView, Block};
use super::families::{FAMILIES, Source};
use super::gzip::{self, GzipSegment};
use super::render::account_labels;
use super::text::{Lines, gauge_header};
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

/// A rendered response, which serves any number of scrapes in any encoding.
#[derive(Debug)]
pub(super) struct Response {
    chunks: Vec<Chunk>,
    plain: Arc<[Bytes]>,
    /// Compressed when a scrape first asks for it.
    gzip: Option<SharedText>,
    /// Keeps the texts that belong to this response alone current.
    _unshared: Vec<SharedText>,
}

impl Response {
    /// Renders the families of all accounts at `now`, followed by `exporter_metrics`. HELP and TYPE of a family are
    /// written once, and only if the family has a sample.
    pub(super) fn render(
        accounts: &[&AccountView],
        now: DateTime<Utc>,
        exporter_metrics: &[u8],
        texts: &SharedTexts,
    ) -> Response {
        let mut writer = ChunkWriter::new(texts);
        let account_labels: Vec<String> = accounts
            .iter()
            .map(|view| account_labels(view.account.as_deref()))
            .collect();
        for (index, family) in FAMILIES.iter().enumerate() {
            let header = writer.begin_family(family.name, family.help);
            for (view, labels) in accounts.iter().zip(&account_labels) {
                match (&family.source, &view.snapshot) {
                    (Source::Account(value), _) => {
                        if let Some(value) = value(view) {
                            Lines::new(family.name, labels, &mut writer.tail).sample(&[], value);
                        }
                    }
                    (Source::Countdown, Some(text)) => text.countdown.write(now, &mut writer.tail),
                    (Source::Snapshot(_) | Source::Profile(_), Some(text)) => {
                        writer.push(text.block(index));
                    }
                    (_, None) => {}
                }
            }
            writer.end_family(&header);
        }
        writer.tail.extend_from_slice(exporter_metrics);
        writer.finish()
    }

    /// A body that sends this response; `texts` counts its memory if it has to be compressed.
    pub(super) fn body(&mut self, encoding: Encoding, texts: &SharedTexts) -> ResponseBody {
        match encoding {
            Encoding::Plain => ResponseBody::new(Arc::clone(&self.plain)),
            Encoding::Gzip => {
                let chunks = &self.chunks;
                let gzip = self.gzip.get_or_insert_with(|| {
                    let segments: Vec<Arc<GzipSegment>> =
                        chunks.iter().map(Chunk::segment).collect();
                    texts.add(gzip::join(segments.iter().map(Arc::as_ref)))
                });
                ResponseBody::new(Arc::new([gzip.bytes()]))
            }
        }
    }
}

/// A part of a response.
#[derive(Debug)]
struct Chunk {
    text: Bytes,
    /// The compressed text, if the block has it.
    segment: Option<Arc<GzipSegment>>,
}

impl Chunk {
    fn segment(&self) -> Arc<GzipSegment> {
        let compressed = self.segment.clone();
        compressed.unwrap_or_else(|| Arc::new(GzipSegment::compress(&self.text)))
    }
}

/// Collects the chunks of a response: large blocks are shared, and everything small between them is copied into
/// one chunk.
struct ChunkWriter<'a> {
    texts: &'a SharedTexts,
    chunks: Vec<Chunk>,
    /// The texts of the chunks that are not shared.
    unshared: Vec<SharedText>,
    /// Text that is not yet in a chunk.
    tail: Vec<u8>,
}

/// The position of a family's HELP and TYPE lines.
struct HeaderPosition {
    chunks_before: usize,
    start: usize,
    end: usize,
}

impl<'a> ChunkWriter<'a> {
    fn new(texts: &'a SharedTexts) -> ChunkWriter<'a> {
        ChunkWriter {
            texts,
            chunks: Vec::new(),
            unshared: Vec::new(),
            tail: Vec::new(),
        }
    }

    fn begin_family(&mut self, name: &str, help: &str) -> HeaderPosition {
        let start = self.tail.len();
        gauge_header(&mut self.tail, name, help);
        HeaderPosition {
            chunks_before: self.chunks.len(),
            start,
            end: self.tail.len(),
        }
    }

    /// Removes the header if no sample follows it.
    fn end_family(&mut self, header: &HeaderPosition) {
        if self.chunks.len() == header.chunks_before && self.tail.len() == header.end {
            self.tail.truncate(header.start);
        }
    }

    fn push(&mut self, block: &Block) {
        match block {
            Block::Small(text) => self.tail.extend_from_slice(text),
            Block::Large { text, segment } => {
                self.flush();
                self.chunks.push(Chunk {
                    text: text.bytes(),
                    segment: Some(Arc::clone(segment)),
                });
            }
        }
    }

    fn flush(&mut self) {
        if !self.tail.is_empty() {
            let text = self.texts.add(std::mem::take(&mut self.tail));
            self.chunks.push(Chunk {
                text: text.bytes(),
                segment: None,
            });
            self.unshared.push(text);
        }
    }

    fn finish(mut self) -> Response {
        self.flush();
        Response {
            plain: self.chunks.iter().map(|chunk| chunk.text.clone()).collect(),
            chunks: self.chunks,
            gzip: None,
            _unshared: self.unshared,
        }
    }
}
