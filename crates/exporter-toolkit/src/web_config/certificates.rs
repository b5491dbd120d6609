//! Certificates in PEM.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::reader::{ConfigReader, Pem};

/// Parses a PEM text with at least one certificate. Errors are added to `reader`.
pub(super) fn certificates(
    pem: &Pem,
    reader: &mut ConfigReader,
) -> Option<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem.bytes).collect();
    let message = match read {
        Ok(certificates) if !certificates.is_empty() => return Some(certificates),
        Ok(_) => format!("{} holds no certificate", pem.place),
        // The parser's message repeats its input, which may be a misplaced key.
        Err(_) => format!("{} is not valid PEM", pem.place),
    };
    reader.error_at(pem.at, &pem.key, message);
    None
}
