//! A gzip member put together from runs that were compressed beforehand (RFC 1951 and 1952).
//!
//! A run of deflated text that ends with a full flush ends at a byte, and nothing after it refers
//! back to it: such runs can be joined in any order, and their checksums combined, as pigz does.

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Of the first bytes only these matter: gzip, deflate, no name, no time, fastest, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
/// An empty last block: the deflate stream ends.
const END: [u8; 2] = [0x03, 0x00];

/// Deflated text that can stand anywhere in a member.
#[derive(Debug)]
pub(super) struct Run {
    deflated: Vec<u8>,
    /// Checksum and length of the text.
    crc: Crc,
}

impl Run {
    /// Compresses `text`, at the level that costs least.
    pub(super) fn of(text: &[u8]) -> Run {
        let mut crc = Crc::new();
        crc.update(text);
        Run {
            deflated: deflate(text),
            crc,
        }
    }
}

fn deflate(text: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::fast(), false);
    let mut out = Vec::with_capacity(text.len() / 8 + 64);
    loop {
        let done = usize::try_from(compress.total_in()).unwrap_or(text.len());
        let status = compress.compress_vec(&text[done..], &mut out, FlushCompress::Full);
        let whole = compress.total_in() == text.len() as u64;
        // With room left in the buffer, the flush is through. Nothing else can happen: the text is
        // in memory, and the parameters are good.
        if !matches!(status, Ok(Status::Ok)) || (whole && out.len() < out.capacity()) {
            return out;
        }
        out.reserve(out.capacity());
    }
}

/// The member whose text is that of the runs one after the other. It is in one piece, which costs
/// less to send than many, and is small beside the text.
pub(super) fn member<'a>(runs: impl Iterator<Item = &'a Run> + Clone) -> Bytes {
    let deflated: usize = runs.clone().map(|run| run.deflated.len()).sum();
    let mut crc = Crc::new();
    let mut out = Vec::with_capacity(HEADER.len() + deflated + END.len() + 8);
    out.extend_from_slice(&HEADER);
    for run in runs {
        crc.combine(&run.crc);
        out.extend_from_slice(&run.deflated);
    }
    out.extend_from_slice(&END);
    out.extend_from_slice(&crc.sum().to_le_bytes());
    out.extend_from_slice(&crc.amount().to_le_bytes());
    out.into()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn text_of(runs: &[Run]) -> Vec<u8> {
        let member = member(runs.iter());
        let mut text = Vec::new();
        // A decoder of one member: whatever came after it would be left over.
        let mut decoder = flate2::bufread::GzDecoder::new(&member[..]);
        decoder.read_to_end(&mut text).expect("one valid member");
        assert!(decoder.into_inner().is_empty(), "and nothing after it");
        text
    }

    #[test]
    fn runs_of_any_size_join_into_one_member() {
        let noise: Vec<u8> = (0..300_000).map(|_| fastrand::u8(..)).collect();
        let repeated = b"qlara_up 1\n".repeat(100_000);
        let texts: [&[u8]; 6] = [b"", b"a", &noise, &repeated, b"", &noise[..64]];
        let runs: Vec<Run> = texts.iter().map(|text| Run::of(text)).collect();
        assert!(text_of(&runs) == texts.concat());
    }

    #[test]
    fn no_run_is_an_empty_text() {
        assert!(text_of(&[]).is_empty());
    }

    #[test]
    fn text_that_fills_its_buffer_to_the_brim_is_flushed_to_its_end() {
        // Incompressible text of every length around powers of two.
        for length in (0..2048).step_by(7) {
            let text: Vec<u8> = (0..length).map(|_| fastrand::u8(..)).collect();
            assert!(text_of(&[Run::of(&text)]) == text, "{length}");
        }
    }
}
