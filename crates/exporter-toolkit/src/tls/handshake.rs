//! Verification of handshake signatures, which prove that the peer has the private key of its certificate.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring::default_provider;
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};
use webpki::RawPublicKeyEntity;
use x509_cert::der::Encode;

use super::parse;

/// Verifies handshake signatures. For a directly trusted certificate, it uses only the key: the TLS library would parse the
/// certificate and reject X.509 version 1, which `openssl x509 -req -signkey` writes.
#[derive(Debug)]
pub(crate) struct HandshakeSignatures {
    trusted: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl HandshakeSignatures {
    /// `trusted` are the directly trusted certificates.
    pub(crate) fn new(trusted: Vec<CertificateDer<'static>>) -> HandshakeSignatures {
        HandshakeSignatures {
            trusted,
            algorithms: default_provider().signature_verification_algorithms,
        }
    }

    /// The directly trusted certificates.
    pub(crate) fn trusted(&self) -> &[CertificateDer<'static>] {
        &self.trusted
    }

    /// Whether the certificate is directly trusted. It is compared byte by byte.
    pub(crate) fn trusts(&self, certificate: &CertificateDer<'_>) -> bool {
        self.trusted.contains(certificate)
    }

    /// Verifies a TLS 1.2 signature.
    ///
    /// # Errors
    /// If the signature does not match the key, or its algorithm is not supported.
    pub(crate) fn verify_tls12(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if !self.trusts(certificate) {
            return verify_tls12_signature(message, certificate, signed, &self.algorithms);
        }
        let key = public_key(certificate)?;
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
        let mut schemes = self.algorithms.mapping.iter();
        let (_, candidates) = schemes
            .find(|(scheme, _)| *scheme == signed.scheme)
            .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        let signature = signed.signature();
        let is_valid = candidates
            .iter()
            .any(|algorithm| key.verify_signature(*algorithm, message, signature).is_ok());
        match is_valid {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(CertificateError::BadSignature.into()),
        }
    }

    /// Verifies a TLS 1.3 signature.
    ///
    /// # Errors
    /// As for [`HandshakeSignatures::verify_tls12`].
    pub(crate) fn verify_tls13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.trusts(certificate) {
            true => {
                let key = public_key(certificate)?;
                verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
            }
            false => verify_tls13_signature(message, certificate, signed, &self.algorithms),
        }
    }

    /// The supported signature schemes.
    pub(crate) fn schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn public_key(certificate: &CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    let certificate = parse(certificate)?;
    let key = certificate.tbs_certificate().subject_public_key_info();
    let key = key.to_der().map_err(|_| CertificateError::BadEncoding)?;
    Ok(SubjectPublicKeyInfoDer::from(key))
}
