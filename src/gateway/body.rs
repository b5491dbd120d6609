//! The body of an answer: content coding and length limit.

use std::io::{self, Write};
use std::ops::Deref;

use flate2::write::MultiGzDecoder;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use super::body_budget::Reservation;
use super::error::GatewayError;
use super::invalid::InvalidResponse;

/// What `Accept-Encoding` asks for.
pub(super) const ACCEPTED: &str = "gzip";

/// Stands for the name of a coding that is not registered.
const UNREADABLE: &str = "an unknown name";

/// A compressed body is decoded in pieces of this size in bytes, so that memory is reserved before it is used.
const PIECE: usize = 64;
/// Maximum decoded size of a piece: deflate compresses by a factor of at most 1032, and the decoder buffers up to
/// 32 KiB.
const MOST_OF_A_PIECE: usize = PIECE * 1032 + 32 * 1024;

/// A complete response body, with its reservation in the body budget.
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

/// A body while it arrives, decoded and bounded.
pub(super) struct Body {
    decoding: Decoding,
    reservation: Reservation,
}

enum Decoding {
    Plain(Bounded),
    /// Boxed: the state of the decoder takes kilobytes.
    Gzip(Box<MultiGzDecoder<Bounded>>),
}

impl Body {
    /// An empty body of at most `limit` bytes after decoding.
    ///
    /// # Errors
    /// [`InvalidResponse::ContentCoding`] for anything but gzip.
    pub(super) fn new(
        headers: &HeaderMap,
        limit: u64,
        reservation: Reservation,
    ) -> Result<Body, GatewayError> {
        let bytes = Bounded {
            bytes: Vec::new(),
            limit,
            is_full: false,
        };
        let decoding = match is_gzip(headers)? {
            true => Decoding::Gzip(Box::new(MultiGzDecoder::new(bytes))),
            false => Decoding::Plain(bytes),
        };
        Ok(Body {
            decoding,
            reservation,
        })
    }

    /// Adds a chunk after reserving memory for it; waits until the body budget has room.
    ///
    /// # Errors
    /// [`GatewayError::TooLarge`], or [`InvalidResponse::Body`] for bytes that are not gzip.
    pub(super) async fn push(&mut self, chunk: &[u8]) -> Result<(), GatewayError> {
        let (piece, most) = match &self.decoding {
            Decoding::Plain(_) => (chunk.len().max(1), chunk.len()),
            Decoding::Gzip(_) => (PIECE, MOST_OF_A_PIECE),
        };
        for piece in chunk.chunks(piece) {
            let Bounded { bytes, limit, .. } = self.bounded();
            let length = ((bytes.len() + most) as u64).min(*limit);
            self.reservation.cover(length).await;
            self.decode(piece)?;
        }
        Ok(())
    }

    fn decode(&mut self, piece: &[u8]) -> Result<(), GatewayError> {
        let written = match &mut self.decoding {
            Decoding::Plain(bytes) => bytes.write_all(piece),
            Decoding::Gzip(decoder) => decoder.write_all(piece),
        };
        written.map_err(|_| self.fault())
    }

    /// The whole body.
    ///
    /// # Errors
    /// As for [`Body::push`]; a gzip member that ends too early is not gzip, either.
    pub(super) fn finish(mut self) -> Result<ReceivedBody, GatewayError> {
        if let Decoding::Gzip(decoder) = &mut self.decoding
            && decoder.try_finish().is_err()
        {
            return Err(self.fault());
        }
        Ok(ReceivedBody {
            bytes: std::mem::take(&mut self.bounded().bytes),
            _reservation: self.reservation,
        })
    }

    fn bounded(&mut self) -> &mut Bounded {
        match &mut self.decoding {
            Decoding::Plain(bytes) => bytes,
            Decoding::Gzip(decoder) => decoder.get_mut(),
        }
    }

    fn fault(&mut self) -> GatewayError {
        let Bounded { is_full, limit, .. } = *self.bounded();
        match is_full {
            true => GatewayError::TooLarge { limit },
            false => InvalidResponse::Body.into(),
        }
    }
}

/// Bytes up to a limit.
struct Bounded {
    bytes: Vec<u8>,
    limit: u64,
    /// Whether more was written than the limit allows.
    is_full: bool,
}

impl Write for Bounded {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + chunk.len()) as u64 > self.limit {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Content codings are case-insensitive, and `x-gzip` is gzip (RFC 9110, sections 8.4.1 and 8.4.1.3).
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
                other => return Err(InvalidResponse::ContentCoding(known(other))),
            }
        }
    }
    Ok(is_gzip)
}

/// A registered coding; the text of any other is not repeated.
fn known(coding: &str) -> &'static str {
    let mut known = ["br", "compress", "deflate", "zstd"].into_iter();
    known.find(|known| *known == coding).unwrap_or(UNREADABLE)
}
