//! The causes of an error, such as the I/O or TLS error behind an error of an HTTP client.
//!
//! ```
//! use std::io::{Error, ErrorKind};
//!
//! use exporter_toolkit::error_chain::{root_cause, root_io_kind};
//!
//! let error = Error::other(Error::new(ErrorKind::ConnectionReset, "connection reset by peer"));
//! assert_eq!(root_io_kind(&error), Some(ErrorKind::ConnectionReset));
//! assert_eq!(root_cause(&error), "connection reset by peer");
//! ```

use std::error::Error as StdError;
use std::io::ErrorKind;

use crate::tls::tls_error_text;

/// The error and its causes, from the outermost to the innermost.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| {
        let error: &'a (dyn StdError + 'static) = *error;
        // `source` of an io::Error skips the error that it wraps; `get_ref` returns it.
        match error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}

/// The first error of this type in the chain of causes.
pub fn find_cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The kind of the innermost I/O error in the chain of causes.
pub fn root_io_kind(error: &(dyn StdError + 'static)) -> Option<ErrorKind> {
    let io = causes(error).filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.last().map(std::io::Error::kind)
}

/// The text of the innermost cause. [`tls_error_text`] formats TLS errors.
pub fn root_cause(error: &(dyn StdError + 'static)) -> String {
    match causes(error)
        .last()
        .map(|cause| (cause, cause.downcast_ref()))
    {
        Some((_, Some(tls))) => tls_error_text(tls),
        Some((cause, None)) => cause.to_string(),
        None => String::new(),
    }
}
