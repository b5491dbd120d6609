//! Joins segments that were compressed beforehand into one gzip member (RFC 1951 and 1952), as pigz does.
//!
//! Deflated text that ends with a full flush ends at a byte boundary, and nothing after it refers back to it. Such
//! segments can be joined in any order, and their checksums combined. flate2 cannot join compressed parts, so the header
//! and the trailer are written here.

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// gzip, deflate, no flags, no time, fastest compression, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
/// An empty last block, which ends the deflate stream.
const END: [u8; 2] = [0x03, 0x00];

/// Deflated text that can be part of any gzip member.
#[derive(Debug)]
pub(super) struct GzipSegment {
    deflated: Vec<u8>,
    /// Checksum and length of the text.
    crc: Crc,
}

impl GzipSegment {
    /// Compresses `text` at the fastest level.
    pub(super) fn compress(text: &[u8]) -> GzipSegment {
        let mut crc = Crc::new();
        crc.update(text);
        GzipSegment {
            deflated: deflate(text),
            crc,
        }
    }
}

fn deflate(text: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::fast(), false);
    let mut out = Vec::with_capacity(text.len() / 8 + 64);
    loop {
        let consumed = usize::try_from(compress.total_in()).unwrap_or(text.len());
        let status = compress.compress_vec(&text[consumed..], &mut out, FlushCompress::Full);
        let is_consumed = compress.total_in() == text.len() as u64;
        // The flush is complete when it leaves capacity unused. Errors are impossible: the text is in memory, and
        // the parameters are valid.
        if !matches!(status, Ok(Status::Ok)) || (is_consumed && out.len() < out.capacity()) {
            return out;
        }
        out.reserve(out.capacity());
    }
}

/// Returns the gzip member of the joined texts. It is copied into one buffer, which is small compared to the text
/// and cheaper to send than many chunks.
pub(super) fn join<'a>(segments: impl Iterator<Item = &'a GzipSegment> + Clone) -> Vec<u8> {
    let deflated: usize = segments.clone().map(|segment| segment.deflated.len()).sum();
    let mut crc = Crc::new();
    let mut out = Vec::with_capacity(HEADER.len() + deflated + END.len() + 8);
    out.extend_from_slice(&HEADER);
    for segment in segments {
        crc.combine(&segment.crc);
        out.extend_from_slice(&segment.deflated);
    }
    out.extend_from_slice(&END);
    out.extend_from_slice(&crc.sum().to_le_bytes());
    out.extend_from_slice(&crc.amount().to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn text_of(segments: &[GzipSegment]) -> Vec<u8> {
        let member = join(segments.iter());
        let mut text = Vec::new();
        // The decoder reads one member and leaves the rest.
        let mut decoder = flate2::bufread::GzDecoder::new(&member[..]);
        decoder.read_to_end(&mut text).expect("one valid member");
        assert!(
            decoder.into_inner().is_empty(),
            "nothing follows the member"
        );
        text
    }

    #[test]
    fn segments_of_any_size_join_into_one_gzip_member() {
        let noise: Vec<u8> = (0..300_000).map(|_| fastrand::u8(..)).collect();
        let repeated = b"qlara_up 1\n".repeat(100_000);
        let texts: [&[u8]; 6] = [b"", b"a", &noise, &repeated, b"", &noise[..64]];
        let segments: Vec<GzipSegment> = texts
            .iter()
            .map(|text| GzipSegment::compress(text))
            .collect();
        assert!(text_of(&segments) == texts.concat());
    }

    #[test]
    fn zero_segments_make_an_empty_text() {
        assert!(text_of(&[]).is_empty());
    }

    #[test]
    fn text_that_fills_its_buffer_exactly_is_flushed_completely() {
        // Incompressible text of every length around powers of two.
        for length in (0..2048).step_by(7) {
            let text: Vec<u8> = (0..length).map(|_| fastrand::u8(..)).collect();
            assert!(text_of(&[GzipSegment::compress(&text)]) == text, "{length}");
        }
    }
}
