//! Certificates of clients: who must show one, and which is good.

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

use super::file::Tls;
use super::names::unknown;
use super::reading::{Pem, Reading};
use super::tls::certificates;
use crate::certificate::{
    CLIENT_USAGE, HandshakeSignatures, carries_one_of, good_by_itself, parse, tls_error_text,
    unusable_certificates,
};

/// `client_auth_type`, in Go's terms (<https://pkg.go.dev/crypto/tls#ClientAuthType>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    /// Nobody is asked.
    None,
    /// A client without a certificate is let in, too.
    Ask { verify: bool },
    /// Nobody is let in without one.
    Require { verify: bool },
}

const POLICIES: [(&str, Policy); 6] = [
    ("NoClientCert", Policy::None),
    ("RequestClientCert", Policy::Ask { verify: false }),
    ("RequireAnyClientCert", Policy::Require { verify: false }),
    ("RequireClientCert", Policy::Require { verify: false }),
    ("VerifyClientCertIfGiven", Policy::Ask { verify: true }),
    (
        "RequireAndVerifyClientCert",
        Policy::Require { verify: true },
    ),
];

impl Policy {
    fn named(name: &str) -> Option<Policy> {
        let mut named = POLICIES.iter().filter(|(known, _)| *known == name);
        named.next().map(|(_, policy)| *policy)
    }
}

/// What is wrong is left with the reading.
pub(super) fn verifier(tls: &Tls, reading: &mut Reading) -> Option<Arc<dyn ClientCertVerifier>> {
    let policy = policy(tls, reading);
    let ca = reading.pem(
        "client_ca",
        tls.client_ca_file.as_ref(),
        tls.client_ca.as_ref(),
    );
    let certificates = match &ca {
        Some(pem) => certificates(pem, reading)?,
        None => Vec::new(),
    };
    let (required, verify) = match policy? {
        Policy::None => {
            refuse_what_has_no_effect(tls, reading);
            return Some(WebPkiClientVerifier::no_client_auth());
        }
        Policy::Ask { verify } => (false, verify),
        Policy::Require { verify } => (true, verify),
    };
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        if let (Some(pem), Err(error)) = (&ca, roots.add(certificate.clone())) {
            let message = format!("{}: {}", pem.place, tls_error_text(&error));
            reading.problem(pem.at, &pem.key, message);
            return None;
        }
    }
    if let Some(pem) = ca.as_ref().filter(|_| verify) {
        check_keys(pem, &certificates, reading)?;
    }
    if verify && certificates.is_empty() {
        warn!(
            "Client certificates are checked against the system's roots: the web configuration names no client_ca"
        );
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let allowed_sans = tls.client_allowed_sans.as_ref();
    Some(Arc::new(Verifier {
        // Whom an optional certificate does not name has none of the allowed names, either.
        required: required || allowed_sans.is_some(),
        hints: roots.subjects(),
        chain: verify.then(|| Chain::new(roots)),
        allowed_sans: allowed_sans.map(|at| at.value.clone()),
        signatures: HandshakeSignatures::new(if verify { certificates } else { Vec::new() }),
    }))
}

/// Warns of certificates that can verify no client, because of their keys. If there are no others it is a
/// mistake.
fn check_keys(pem: &Pem, certificates: &[CertificateDer<'_>], reading: &mut Reading) -> Option<()> {
    let unusable = unusable_certificates(certificates);
    if unusable.len() == certificates.len() {
        let unusable: Vec<_> = unusable.iter().map(ToString::to_string).collect();
        let message = format!(
            "{} holds no certificate that can be used: {}",
            pem.place,
            unusable.join("; ")
        );
        reading.problem(pem.at, &pem.key, message);
        return None;
    }
    for err in unusable {
        let (key, place) = (&pem.key, &pem.place);
        warn!(key, place, %err, "A certificate of the client CAs cannot be used");
    }
    Some(())
}

fn policy(tls: &Tls, reading: &mut Reading) -> Option<Policy> {
    let Some(at) = &tls.client_auth_type else {
        return Some(Policy::None);
    };
    let policy = Policy::named(&at.value);
    if policy.is_none() {
        let names = POLICIES.map(|(name, _)| name);
        let message = unknown("invalid ClientAuth", &at.value, names);
        reading.problem(at.referenced, "tls_server_config.client_auth_type", message);
    }
    policy
}

/// A restriction that nobody enforces must not look like one.
fn refuse_what_has_no_effect(tls: &Tls, reading: &mut Reading) {
    let file = tls.client_ca_file.as_ref().map(|at| at.referenced);
    let inline = tls.client_ca.as_ref().map(|at| at.referenced);
    let mut refuse = |at: Option<Location>, key: &str, what: &str| {
        if let Some(at) = at {
            let message = format!("{what} have been configured without a Client Auth Policy");
            reading.problem(at, &format!("tls_server_config.{key}"), message);
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
struct Verifier {
    required: bool,
    /// Whose certificates a client may choose from.
    hints: Vec<DistinguishedName>,
    /// `None` takes any certificate, as long as the client has its key.
    chain: Option<Chain>,
    allowed_sans: Option<Vec<String>>,
    /// The client's own certificate may be among the trusted ones.
    signatures: HandshakeSignatures,
}

/// Verifies that a trusted CA issued the certificate.
#[derive(Debug)]
struct Chain {
    /// `None` without any root.
    issuers: Option<Arc<dyn ClientCertVerifier>>,
}

impl Chain {
    fn new(roots: RootCertStore) -> Chain {
        let provider = Arc::new(default_provider());
        let issuers = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        Chain {
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

impl ClientCertVerifier for Verifier {
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
                good_by_itself(&parse(end_entity)?, CLIENT_USAGE, now)?;
            }
            Some(chain) => chain.verify(end_entity, intermediates, now)?,
        }
        if let Some(allowed) = &self.allowed_sans
            && !carries_one_of(&parse(end_entity)?, allowed)
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
