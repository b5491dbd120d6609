//! The parts of responses, which responses share instead of copying them.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::gzip::GzipSegment;
use exporter_toolkit::shared_text::{SharedText, SharedTexts};

/// Texts below this size in bytes are copied into each response and compressed with the text around them, because a
/// chunk of their own would cost more.
pub(super) const COPIED_BELOW: usize = 16 * 1024;

/// A part of responses.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    pub(super) text: Bytes,
    /// The compressed text, once a response has needed it.
    segment: Arc<OnceLock<GzipSegment>>,
}

impl Chunk {
    fn new(text: Bytes) -> Chunk {
        Chunk {
            text,
            segment: Arc::default(),
        }
    }

    /// A chunk with the text of `text`, which many scrapes will ask for in gzip.
    pub(super) fn compressed(text: &SharedText) -> Chunk {
        let chunk = Chunk::new(text.bytes());
        chunk.segment();
        chunk
    }

    /// The compressed text.
    pub(super) fn segment(&self) -> &GzipSegment {
        self.segment
            .get_or_init(|| GzipSegment::compress(&self.text))
    }
}

/// Collects chunks: large ones are shared, and everything small between them is copied into one chunk.
pub(super) struct ChunkWriter<'a> {
    texts: &'a SharedTexts,
    chunks: Vec<Chunk>,
    /// The texts of the chunks that this writer made.
    owned: Vec<SharedText>,
    /// Text that is not yet in a chunk.
    pub(super) tail: Vec<u8>,
}

impl<'a> ChunkWriter<'a> {
    pub(super) fn new(texts: &'a SharedTexts) -> ChunkWriter<'a> {
        ChunkWriter {
            texts,
            chunks: Vec::new(),
            owned: Vec::new(),
            tail: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, chunk: &Chunk) {
        if chunk.text.len() < COPIED_BELOW {
            self.tail.extend_from_slice(&chunk.text);
        } else {
            self.flush();
            self.chunks.push(chunk.clone());
        }
    }

    /// Ends the chunk of the text so far.
    fn flush(&mut self) {
        if !self.tail.is_empty() {
            let text = self.texts.add(std::mem::take(&mut self.tail));
            self.chunks.push(Chunk::new(text.bytes()));
            self.owned.push(text);
        }
    }

    /// The chunks, and the texts that keep them current.
    pub(super) fn finish(mut self) -> (Vec<Chunk>, Vec<SharedText>) {
        self.flush();
        (self.chunks, self.owned)
    }
}
