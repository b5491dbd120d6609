//! TLS clients, readable TLS errors, and checks of directly trusted certificates, which the TLS library does not do.

pub mod client;
mod error;
mod handshake;
mod key;
mod server_verifier;

use std::net::IpAddr;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectAltName};

use crate::printable::neutral;

pub(crate) use error::certificate_error_text;
pub use error::{is_certificate_of_a_ca, tls_error_text};
pub(crate) use handshake::HandshakeSignatures;
pub(crate) use key::{
    UnusableCertificate, UnusableKey, UsableKeys, check_key, unusable_certificates,
};

pub(crate) fn parse(certificate: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding.into())
}

/// The subject as RFC 4514 writes it, safe to print.
pub(crate) fn subject(certificate: &Certificate) -> String {
    neutral(&certificate.tbs_certificate().subject().to_string())
}

/// `id-kp-clientAuth` (RFC 5280, section 4.2.1.12).
pub(crate) const CLIENT_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
/// `id-kp-serverAuth`.
pub(crate) const SERVER_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
/// `anyExtendedKeyUsage`.
const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// Checks the validity period and extended key usage of a directly trusted certificate.
///
/// # Errors
/// The same errors as for a certificate with an issuer.
pub(crate) fn check_validity_and_usage(
    certificate: &Certificate,
    needed: ObjectIdentifier,
    now: UnixTime,
) -> Result<(), Error> {
    let certificate = certificate.tbs_certificate();
    let validity = certificate.validity();
    let not_before = UnixTime::since_unix_epoch(validity.not_before.to_unix_duration());
    let not_after = UnixTime::since_unix_epoch(validity.not_after.to_unix_duration());
    if now < not_before {
        let time = now;
        return Err(CertificateError::NotValidYetContext { time, not_before }.into());
    }
    if now > not_after {
        let time = now;
        return Err(CertificateError::ExpiredContext { time, not_after }.into());
    }
    let usage = certificate.get_extension::<ExtendedKeyUsage>();
    match usage.map_err(|_| CertificateError::BadEncoding)? {
        Some((_, usage))
            if !usage
                .0
                .iter()
                .any(|usage| [needed, ANY_USAGE].contains(usage)) =>
        {
            Err(CertificateError::InvalidPurpose.into())
        }
        _ => Ok(()),
    }
}

/// Checks that a directly trusted certificate names the server. As in curl with OpenSSL, the common name counts if there
/// is no subject alternative name, because `openssl req -x509 -subj /CN=…` writes only a common name.
///
/// # Errors
/// The same errors as for a certificate with an issuer.
pub(crate) fn check_server_name(
    der: &CertificateDer<'_>,
    certificate: &Certificate,
    server: &ServerName<'_>,
) -> Result<(), Error> {
    if has_alternative_names(certificate) {
        return verify_server_name(&ParsedCertificate::try_from(der)?, server);
    }
    let subject = certificate.tbs_certificate().subject();
    let common_name = subject.common_name().ok().flatten();
    let common_name = common_name.map(|name| name.value().into_owned());
    match common_name {
        Some(name) if name.eq_ignore_ascii_case(&server.to_str()) => Ok(()),
        other => Err(CertificateError::NotValidForNameContext {
            expected: server.to_owned(),
            presented: other.into_iter().collect(),
        }
        .into()),
    }
}

fn has_alternative_names(certificate: &Certificate) -> bool {
    let names = certificate
        .tbs_certificate()
        .get_extension::<SubjectAltName>();
    let is_of_a_server =
        |name: &GeneralName| matches!(name, GeneralName::DnsName(_) | GeneralName::IpAddress(_));
    match names {
        Ok(None) => false,
        Ok(Some((_, names))) => names.0.iter().any(is_of_a_server),
        // The TLS library cannot parse the extension either and reports it.
        Err(_) => true,
    }
}

/// Whether a subject alternative name is one of `allowed`. Names are compared byte by byte, addresses in their canonical
/// notation.
pub(crate) fn has_allowed_name(certificate: &Certificate, allowed: &[String]) -> bool {
    let names = certificate
        .tbs_certificate()
        .get_extension::<SubjectAltName>();
    let Ok(Some((_, names))) = names else {
        return false;
    };
    let is_allowed = |name: &str| allowed.iter().any(|allowed| allowed == name);
    names.0.iter().any(|name| match name {
        GeneralName::DnsName(name)
        | GeneralName::Rfc822Name(name)
        | GeneralName::UniformResourceIdentifier(name) => is_allowed(name.as_str()),
        GeneralName::IpAddress(bytes) => {
            address(bytes.as_bytes()).is_some_and(|address| is_allowed(&address.to_string()))
        }
        _ => false,
    })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}
