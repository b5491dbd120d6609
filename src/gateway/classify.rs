//! Classifies errors of the HTTP client by their causes.

use std::io::ErrorKind;

use super::error::GatewayError;
use super::invalid::InvalidResponse;
use super::resolver::LookupError;
use exporter_toolkit::error_chain::{find_cause, root_cause, root_io_kind};
use exporter_toolkit::tls::tls_error_text;

/// Whether an established connection ended before the head of the response: the peer closed it, perhaps without TLS
/// close_notify or while the request was on its way, or the kernel gave it up because the peer acknowledged nothing.
pub(super) fn ended_before_response(error: &reqwest::Error) -> bool {
    let is_broken = matches!(
        root_io_kind(error),
        Some(
            ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::BrokenPipe
                | ErrorKind::TimedOut
        )
    );
    let is_incomplete =
        find_cause::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message);
    !error.is_connect() && (is_broken || is_incomplete)
}

/// Converts an error of the HTTP client. Timeouts are checked first, because a timeout while reading the body is
/// reported as a decoding error, too.
pub(super) fn classify(error: reqwest::Error) -> GatewayError {
    let error = error.without_url();
    if let Some(error @ LookupError::TooLong(_)) = find_cause(&error) {
        return GatewayError::Unreached(error.to_string());
    }
    if error.is_timeout() {
        return GatewayError::Unreached(root_cause(&error));
    }
    if let Some(tls) = find_cause::<rustls::Error>(&error) {
        return GatewayError::Tls(tls_error_text(tls));
    }
    if error.is_connect() && root_io_kind(&error) == Some(ErrorKind::UnexpectedEof) {
        // While connecting, only a TLS handshake can end with this error.
        return GatewayError::Tls("the handshake breaks off".to_owned());
    }
    if error.is_body() || error.is_decode() {
        return InvalidResponse::Body.into();
    }
    if find_cause::<hyper::Error>(&error).is_some_and(hyper::Error::is_parse) {
        return InvalidResponse::NotHttp.into();
    }
    GatewayError::Connect(root_cause(&error))
}
