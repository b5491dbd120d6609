//! Certificates for servers and clients, made by the test.

use std::sync::Arc;

use exporter_toolkit::tls::client::client_config;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
};
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme, SupportedProtocolVersion};

use super::openssl::SelfSigned;

/// A certificate and its key.
#[derive(Clone)]
pub struct Identity {
    pub cert: String,
    pub key: String,
    der: CertificateDer<'static>,
    key_der: Vec<u8>,
}

/// A certificate authority.
pub struct Authority {
    pub cert: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let cert = params.self_signed(&key).expect("a certificate");
        Authority {
            cert: cert.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    pub fn issue(&self, names: Vec<SanType>) -> Identity {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity::new(&cert, &key)
    }
}

impl Identity {
    /// The PEM of certificate and key, as in files.
    pub fn read(made: &SelfSigned) -> Identity {
        let read = |name| std::fs::read_to_string(made.file(name)).expect("a file");
        let (cert, key) = (read("cert.pem"), read("key.pem"));
        let der = CertificateDer::from_pem_slice(cert.as_bytes()).expect("a certificate");
        let key_der = PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).expect("a key");
        let key_der = key_der.secret_pkcs8_der().to_vec();
        Identity {
            cert,
            key,
            der,
            key_der,
        }
    }

    fn new(cert: &rcgen::Certificate, key: &KeyPair) -> Identity {
        Identity {
            cert: cert.pem(),
            key: key.serialize_pem(),
            der: cert.der().clone(),
            key_der: key.serialize_der(),
        }
    }

    /// A server at `localhost` with a self-signed certificate.
    pub fn server() -> Identity {
        Identity::self_signed(CertificateParams::new(["localhost".to_owned()]).expect("a name"))
    }

    /// A client with a self-signed certificate that may also sign others, as `openssl req -x509` creates it.
    pub fn self_signed_ca() -> Identity {
        Identity::self_signed(self_signed_ca())
    }

    /// An expired certificate.
    pub fn expired() -> Identity {
        let mut params = self_signed_ca();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
        Identity::self_signed(params)
    }

    fn self_signed(params: CertificateParams) -> Identity {
        let key = KeyPair::generate().expect("a key");
        Identity::new(&params.self_signed(&key).expect("a certificate"), &key)
    }

    /// This certificate with the key of another identity.
    pub fn with_key_of(&self, other: &Identity) -> Identity {
        Identity {
            key: other.key.clone(),
            key_der: other.key_der.clone(),
            ..self.clone()
        }
    }

    fn certified(&self) -> CertifiedKey {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key_der.clone()));
        let key = default_provider().key_provider.load_private_key(key);
        CertifiedKey::new(vec![self.der.clone()], key.expect("a key"))
    }
}

fn self_signed_ca() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// A client that trusts `server`, with these settings of its TLS library.
pub fn client_of(
    server: &Identity,
    versions: &[&'static SupportedProtocolVersion],
    change: impl FnOnce(&mut CryptoProvider),
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(server.der.clone()).expect("a certificate");
    let mut provider = default_provider();
    change(&mut provider);
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// A client that trusts `server` and always presents its certificate.
pub fn client_with(server: &Identity, identity: Option<&Identity>) -> ClientConfig {
    let mut client = client_of(server, rustls::ALL_VERSIONS, |_| {});
    if let Some(identity) = identity {
        client.client_auth_cert_resolver =
            Arc::new(FixedCertificate(Arc::new(identity.certified())));
    }
    client
}

#[derive(Debug)]
struct FixedCertificate(Arc<CertifiedKey>);

impl ResolvesClientCert for FixedCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A client that trusts only the system's roots.
pub fn client_with_system_roots() -> ClientConfig {
    client_config(None).expect("a TLS configuration")
}
