//! Decodes response bodies: content coding, size limit, and reservation of memory.

use std::io::{self, Write};
use std::ops::Deref;

use flate2::write::MultiGzDecoder;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use super::body_budget::Reservation;
use super::error::GatewayError;
use super::invalid::InvalidResponse;

/// The value of `Accept-Encoding`.
pub(super) const ACCEPTED: &str = "gzip";

/// Replaces the name of a coding that is not registered.
const UNREADABLE: &str = "an unknown name";

/// A compressed body is decoded in steps of this many bytes, so that memory is reserved before it is used.
const COMPRESSED_STEP: usize = 64;
/// Maximum decoded size of a step in bytes: deflate compresses by a factor of at most 1032, and the decoder buffers up
/// to 32 KiB.
const MAX_DECODED_STEP: usize = COMPRESSED_STEP * 1032 + 32 * 1024;

/// A complete response body with its reservation in the body budget.
#[derive(Debug)]
pub struct ReceivedBody {
    bytes: Vec<u8>,
    _reservation: Reservation,
}

impl Deref for ReceivedBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Decodes a body while it arrives.
pub(super) struct BodyDecoder {
    decoder: Decoder,
    reservation: Reservation,
}

enum Decoder {
    Plain(LimitedBuffer),
    /// Boxed, because the state of the decoder takes kilobytes.
    Gzip(Box<MultiGzDecoder<LimitedBuffer>>),
}

impl BodyDecoder {
    /// Creates a decoder for at most `limit` decoded bytes.
    ///
    /// # Errors
    /// [`InvalidResponse::ContentCoding`] for anything but gzip.
    pub(super) fn new(
        headers: &HeaderMap,
        limit: u64,
        reservation: Reservation,
    ) -> Result<BodyDecoder, GatewayError> {
        let buffer = LimitedBuffer {
            bytes: Vec::new(),
            limit,
            exceeds_limit: false,
        };
        let decoder = match is_gzip(headers)? {
            true => Decoder::Gzip(Box::new(MultiGzDecoder::new(buffer))),
            false => Decoder::Plain(buffer),
        };
        Ok(BodyDecoder {
            decoder,
            reservation,
        })
    }

    /// Decodes a chunk after reserving memory for it. Waits until the body budget has enough memory.
    ///
    /// # Errors
    /// [`GatewayError::TooLarge`], or [`InvalidResponse::Body`] for bytes that are not gzip.
    pub(super) async fn push(&mut self, chunk: &[u8]) -> Result<(), GatewayError> {
        let (step, max_decoded) = match &self.decoder {
            Decoder::Plain(_) => (chunk.len().max(1), chunk.len()),
            Decoder::Gzip(_) => (COMPRESSED_STEP, MAX_DECODED_STEP),
        };
        for step in chunk.chunks(step) {
            let LimitedBuffer { bytes, limit, .. } = self.buffer();
            let size = ((bytes.len() + max_decoded) as u64).min(*limit);
            self.reservation.reserve(size).await;
            self.decode(step)?;
        }
        Ok(())
    }

    fn decode(&mut self, step: &[u8]) -> Result<(), GatewayError> {
        let result = match &mut self.decoder {
            Decoder::Plain(buffer) => buffer.write_all(step),
            Decoder::Gzip(decoder) => decoder.write_all(step),
        };
        result.map_err(|_| self.error())
    }

    /// Returns the whole body.
    ///
    /// # Errors
    /// As for [`BodyDecoder::push`]; also if a gzip member is incomplete.
    pub(super) fn finish(mut self) -> Result<ReceivedBody, GatewayError> {
        if let Decoder::Gzip(decoder) = &mut self.decoder
            && decoder.try_finish().is_err()
        {
            return Err(self.error());
        }
        Ok(ReceivedBody {
            bytes: std::mem::take(&mut self.buffer().bytes),
            _reservation: self.reservation,
        })
    }

    fn buffer(&mut self) -> &mut LimitedBuffer {
        match &mut self.decoder {
            Decoder::Plain(buffer) => buffer,
            Decoder::Gzip(decoder) => decoder.get_mut(),
        }
    }

    /// The reason why the decoder could not write.
    fn error(&mut self) -> GatewayError {
        let LimitedBuffer {
            exceeds_limit,
            limit,
            ..
        } = *self.buffer();
        match exceeds_limit {
            true => GatewayError::TooLarge { limit },
            false => InvalidResponse::Body.into(),
        }
    }
}

/// A buffer that refuses bytes above its limit.
struct LimitedBuffer {
    bytes: Vec<u8>,
    limit: u64,
    /// Whether a write exceeded the limit.
    exceeds_limit: bool,
}

impl Write for LimitedBuffer {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + chunk.len()) as u64 > self.limit {
            self.exceeds_limit = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether the body is compressed with gzip. Content codings are case-insensitive, and `x-gzip` is gzip (RFC 9110,
/// sections 8.4.1 and 8.4.1.3).
fn is_gzip(headers: &HeaderMap) -> Result<bool, InvalidResponse> {
    let mut is_gzip = false;
    for value in headers.get_all(CONTENT_ENCODING) {
        let codings = value.to_str().unwrap_or(UNREADABLE).split(',');
        for coding in codings.map(|coding| coding.trim().to_ascii_lowercase()) {
            match coding.as_str() {
                "" | "identity" => {}
                "gzip" | "x-gzip" if is_gzip => {
                    return Err(InvalidResponse::ContentCoding("gzip twice"));
                }
                "gzip" | "x-gzip" => is_gzip = true,
                other => return Err(InvalidResponse::ContentCoding(registered_name(other))),
            }
        }
    }
    Ok(is_gzip)
}

/// The name of a registered coding. Other names are not repeated, because they may be data.
fn registered_name(coding: &str) -> &'static str {
    let mut registered = ["br", "compress", "deflate", "zstd"].into_iter();
    registered
        .find(|name| *name == coding)
        .unwrap_or(UNREADABLE)
}
