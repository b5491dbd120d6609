//! Client certificates: whether they are required, and how they are verified.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use serde_saphyr::Location;
use tracing::warn;

use super::certificates::certificates;
use super::file::TlsSection;
use super::names::unknown;
use super::reader::{ConfigReader, Pem};
use crate::tls::{
    CLIENT_USAGE, HandshakeSignatures, check_validity_and_usage, has_allowed_name, parse,
    tls_error_text, unusable_certificates,
};

/// `client_auth_type`, in Go's terms (<https://pkg.go.dev/crypto/tls#ClientAuthType>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClientAuthType {
    /// The server requests no certificate.
    None,
    /// The server requests a certificate, but also accepts clients without one.
    Ask { verify: bool },
    /// The server requires a certificate.
    Require { verify: bool },
}

const CLIENT_AUTH_TYPES: [(&str, ClientAuthType); 6] = [
    ("NoClientCert", ClientAuthType::None),
    ("RequestClientCert", ClientAuthType::Ask { verify: false }),
    (
        "RequireAnyClientCert",
        ClientAuthType::Require { verify: false },
    ),
    (
        "RequireClientCert",
        ClientAuthType::Require { verify: false },
    ),
    (
        "VerifyClientCertIfGiven",
        ClientAuthType::Ask { verify: true },
    ),
    (
        "RequireAndVerifyClientCert",
        ClientAuthType::Require { verify: true },
    ),
];

impl ClientAuthType {
    fn named(name: &str) -> Option<ClientAuthType> {
        let mut named = CLIENT_AUTH_TYPES.iter().filter(|(known, _)| *known == name);
        named.next().map(|(_, client_auth_type)| *client_auth_type)
    }
}

/// The verifier of client certificates; `None` on errors, which are added to `reader`.
pub(super) fn verifier(
    tls: &TlsSection,
    reader: &mut ConfigReader,
) -> Option<Arc<dyn ClientCertVerifier>> {
    let client_auth_type = client_auth_type(tls, reader);
    let ca = reader.pem(
        "client_ca",
        tls.client_ca_file.as_ref(),
        tls.client_ca.as_ref(),
    );
    let certificates = match &ca {
        Some(pem) => certificates(pem, reader)?,
        None => Vec::new(),
    };
    let (required, verify) = match client_auth_type? {
        ClientAuthType::None => {
            reject_unused_keys(tls, reader);
            return Some(WebPkiClientVerifier::no_client_auth());
        }
        ClientAuthType::Ask { verify } => (false, verify),
        ClientAuthType::Require { verify } => (true, verify),
    };
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        if let (Some(pem), Err(error)) = (&ca, roots.add(certificate.clone())) {
            let message = format!("{}: {}", pem.place, tls_error_text(&error));
            reader.error_at(pem.at, &pem.key, message);
            return None;
        }
    }
    if let Some(pem) = ca.as_ref().filter(|_| verify) {
        check_keys(pem, &certificates, reader)?;
    }
    if verify && certificates.is_empty() {
        warn!(
            "Client certificates are checked against the system's roots: the web configuration names no client_ca"
        );
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let allowed_sans = tls.client_allowed_sans.as_ref();
    Some(Arc::new(ClientVerifier {
        // A client without a certificate has no allowed name either.
        required: required || allowed_sans.is_some(),
        hints: roots.subjects(),
        chain: verify.then(|| ChainVerifier::new(roots)),
        allowed_sans: allowed_sans.map(|at| at.value.clone()),
        signatures: HandshakeSignatures::new(if verify { certificates } else { Vec::new() }),
    }))
}

/// Logs a warning for CA certificates whose keys are not supported. It is an error if no other certificate remains.
fn check_keys(
    pem: &Pem,
    certificates: &[CertificateDer<'_>],
    reader: &mut ConfigReader,
) -> Option<()> {
    let unusable = unusable_certificates(certificates);
    if unusable.len() == certificates.len() {
        let unusable: Vec<_> = unusable.iter().map(ToString::to_string).collect();
        let message = format!(
            "{} holds no certificate that can be used: {}",
            pem.place,
            unusable.join("; ")
        );
        reader.error_at(pem.at, &pem.key, message);
        return None;
    }
    for err in unusable {
        let (key, place) = (&pem.key, &pem.place);
        warn!(key, place, %err, "A certificate of the client CAs cannot be used");
    }
    Some(())
}

fn client_auth_type(tls: &TlsSection, reader: &mut ConfigReader) -> Option<ClientAuthType> {
    let Some(at) = &tls.client_auth_type else {
        return Some(ClientAuthType::None);
    };
    let client_auth_type = ClientAuthType::named(&at.value);
    if client_auth_type.is_none() {
        let names = CLIENT_AUTH_TYPES.map(|(name, _)| name);
        let message = unknown("invalid ClientAuth", &at.value, &names);
        reader.error_at(at.referenced, "tls_server_config.client_auth_type", message);
    }
    client_auth_type
}

/// Rejects keys that have no effect, because they look like a restriction that is enforced.
fn reject_unused_keys(tls: &TlsSection, reader: &mut ConfigReader) {
    let file = tls.client_ca_file.as_ref().map(|at| at.referenced);
    let inline = tls.client_ca.as_ref().map(|at| at.referenced);
    let mut refuse = |at: Option<Location>, key: &str, what: &str| {
        if let Some(at) = at {
            let message = format!("{what} have been configured without a Client Auth Policy");
            reader.error_at(at, &format!("tls_server_config.{key}"), message);
        }
    };
    match file {
        Some(_) => refuse(file, "client_ca_file", "client CA's"),
        None => refuse(inline, "client_ca", "client CA's"),
    }
    let sans = tls.client_allowed_sans.as_ref().map(|at| at.referenced);
    refuse(sans, "client_allowed_sans", "allowed SANs");
}

#[derive(Debug)]
struct ClientVerifier {
    required: bool,
    /// Names of the accepted issuers, which clients use to select a certificate.
    hints: Vec<DistinguishedName>,
    /// `None` accepts any certificate whose private key the client has.
    chain: Option<ChainVerifier>,
    allowed_sans: Option<Vec<String>>,
    /// Also holds the directly trusted certificates.
    signatures: HandshakeSignatures,
}

/// Verifies that a trusted CA issued a certificate.
#[derive(Debug)]
struct ChainVerifier {
    /// `None` without root certificates.
    issuers: Option<Arc<dyn ClientCertVerifier>>,
}

impl ChainVerifier {
    fn new(roots: RootCertStore) -> ChainVerifier {
        let provider = Arc::new(default_provider());
        let issuers = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        ChainVerifier {
            issuers: issuers.build().ok(),
        }
    }

    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let issuers = self
            .issuers
            .as_ref()
            .ok_or(CertificateError::UnknownIssuer)?;
        issuers.verify_client_cert(end_entity, intermediates, now)?;
        Ok(())
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match &self.chain {
            None => {}
            Some(_) if self.signatures.trusts(end_entity) => {
                check_validity_and_usage(&parse(end_entity)?, CLIENT_USAGE, now)?;
            }
            Some(chain) => chain.verify(end_entity, intermediates, now)?,
        }
        if let Some(allowed) = &self.allowed_sans
            && !has_allowed_name(&parse(end_entity)?, allowed)
        {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ClientCertVerified::assertion())
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
