//! Readable messages of TLS errors. The TLS library prints some certificate errors as `Debug` output.

use rustls::{CertificateError, Error, OtherError};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, SliceReader};

use super::key::name;

/// Signature algorithms that the TLS library may not support (RFC 3279; RFC 5758; RFC 4055; RFC 8410).
const SIGNATURES: [(&str, &str); 12] = [
    ("1.2.840.113549.1.1.4", "RSA with MD5"),
    ("1.2.840.113549.1.1.5", "RSA with SHA-1"),
    ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
    ("1.2.840.113549.1.1.11", "RSA with SHA-256"),
    ("1.2.840.113549.1.1.12", "RSA with SHA-384"),
    ("1.2.840.113549.1.1.13", "RSA with SHA-512"),
    ("1.2.840.10045.4.1", "ECDSA with SHA-1"),
    ("1.2.840.10045.4.3.2", "ECDSA with SHA-256"),
    ("1.2.840.10045.4.3.3", "ECDSA with SHA-384"),
    ("1.2.840.10045.4.3.4", "ECDSA with SHA-512"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
];

/// The message of a TLS error.
///
/// ```
/// use exporter_toolkit::tls::tls_error_text;
/// use rustls::{CertificateError, Error};
///
/// let error = Error::InvalidCertificate(CertificateError::UnknownIssuer);
/// assert!(tls_error_text(&error).starts_with("invalid peer certificate: "));
/// ```
pub fn tls_error_text(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => {
            let reason = certificate_error_text(error);
            format!("invalid peer certificate: {reason}")
        }
        other => other.to_string(),
    }
}

/// Whether a server shows the certificate of a CA, which only a client that trusts this very certificate accepts. OpenSSL
/// makes self-signed certificates for CAs unless told otherwise.
pub fn is_certificate_of_a_ca(error: &CertificateError) -> bool {
    let CertificateError::Other(OtherError(reason)) = error else {
        return false;
    };
    matches!(
        reason.downcast_ref(),
        Some(webpki::Error::CaUsedAsEndEntity)
    )
}

/// The message of a certificate error.
pub(crate) fn certificate_error_text(error: &CertificateError) -> String {
    match error {
        CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id,
            ..
        } => {
            let algorithm = signature_name(signature_algorithm_id);
            format!("it is signed with {algorithm}, which the TLS library cannot check")
        }
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id,
            ..
        } => {
            let algorithm = signature_name(signature_algorithm_id);
            format!(
                "it is signed with {algorithm}, which the TLS library cannot check with the signer's key"
            )
        }
        CertificateError::Other(OtherError(reason)) => match reason.downcast_ref() {
            Some(webpki::Error::UnsupportedCertVersion) => {
                "it is not of version 3 of X.509".to_owned()
            }
            Some(webpki::Error::CaUsedAsEndEntity) => {
                "it is the certificate of a CA, not of a server".to_owned()
            }
            _ => reason.to_string(),
        },
        other => other.to_string(),
    }
}

/// The name of a signature algorithm. `identifier` is the content of its `AlgorithmIdentifier`.
fn signature_name(identifier: &[u8]) -> String {
    let oid =
        SliceReader::new(identifier).and_then(|mut reader| ObjectIdentifier::decode(&mut reader));
    match oid {
        Ok(oid) => name(&SIGNATURES, oid),
        Err(_) => "an unknown algorithm".to_owned(),
    }
}
