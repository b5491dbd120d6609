//! Verification of server certificates.

use std::iter;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use crate::tls::{
    HandshakeSignatures, SERVER_USAGE, UnusableKey, UsableKeys, check_key, check_server_name,
    check_validity_and_usage, parse, subject,
};

/// Verifies server certificates. As in curl, a server certificate that is itself in the CA file is trusted. webpki alone
/// would reject a self-signed certificate: either it is a CA, or its issuer is not one.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    signatures: HandshakeSignatures,
    chain: Arc<WebPkiServerVerifier>,
}

impl ServerVerifier {
    /// Trusts the certificates `trusted` directly and verifies all others with `chain`.
    pub(super) fn new(
        trusted: Vec<CertificateDer<'static>>,
        chain: Arc<WebPkiServerVerifier>,
    ) -> ServerVerifier {
        ServerVerifier {
            signatures: HandshakeSignatures::new(trusted),
            chain,
        }
    }

    /// The issuer whose key is not supported, if that is why verification failed. The TLS library reports only a bad
    /// signature or an unsupported algorithm.
    fn unusable_issuer(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> Option<UnusableIssuer> {
        let issuers = self.signatures.trusted().iter().chain(intermediates);
        let issuers: Vec<_> = issuers.filter_map(|der| parse(der).ok()).collect();
        let shown = iter::once(end_entity).chain(intermediates);
        let mut shown = shown.filter_map(|der| parse(der).ok());
        shown.find_map(|certificate| {
            let name = certificate.tbs_certificate().issuer();
            let mut named = issuers
                .iter()
                .filter(|issuer| issuer.tbs_certificate().subject() == name);
            named.find_map(|issuer| {
                let key = check_key(issuer, UsableKeys::TO_VERIFY).err()?;
                let subject = subject(issuer);
                Some(UnusableIssuer { subject, key })
            })
        })
    }
}

/// An issuer whose key the TLS library does not support.
#[derive(Debug, thiserror::Error)]
#[error("the issuer {subject} has {key}")]
struct UnusableIssuer {
    subject: String,
    key: UnusableKey,
}

fn is_about_a_signature(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::BadSignature
                | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
                | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
        )
    )
}

/// Accepts certificates that cannot be parsed; the TLS library reports them.
fn check_key_of(certificate: &CertificateDer<'_>) -> Result<(), CertificateError> {
    match parse(certificate).map(|certificate| check_key(&certificate, UsableKeys::TO_VERIFY)) {
        Ok(Err(unusable)) => Err(CertificateError::Other(OtherError(Arc::new(unusable)))),
        _ => Ok(()),
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        check_key_of(end_entity)?;
        if !self.signatures.trusts(end_entity) {
            let chain = &self.chain;
            let verified = chain.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            );
            return verified.map_err(|error| {
                let about_key = is_about_a_signature(&error);
                let issuer = about_key.then(|| self.unusable_issuer(end_entity, intermediates));
                issuer.flatten().map_or(error, |issuer| {
                    CertificateError::Other(OtherError(Arc::new(issuer))).into()
                })
            });
        }
        let certificate = parse(end_entity)?;
        check_validity_and_usage(&certificate, SERVER_USAGE, now)?;
        check_server_name(end_entity, &certificate, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.verify_tls12(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.verify_tls13(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.schemes()
    }
}
