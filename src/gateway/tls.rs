//! TLS towards the gateway: the system's roots, and the operator's own CA beside them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, pem, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tracing::warn;

use super::server_verifier::ServerVerifier;
use crate::certificate::{UnusableCertificate, tls_error_text, unusable_certificates};
use crate::hidden::shown_path;
use crate::reread::read_regular;

/// Why no TLS configuration can be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The CA file cannot be read as PEM.
    #[error("cannot read certificates from {}: {source}", shown_path(path))]
    Unreadable {
        /// The CA file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The CA file holds no certificate.
    #[error("{} holds no certificate", shown_path(path))]
    NoCertificate {
        /// The CA file.
        path: PathBuf,
    },
    /// A certificate is not valid, or the provider has no usable protocol.
    #[error("{}: {}", shown_path(path), tls_error_text(source))]
    Invalid {
        /// The CA file.
        path: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
    /// The provider offers no protocol version.
    #[error("no usable TLS protocol version: {0}")]
    Protocol(#[from] rustls::Error),
}

/// The content of a file with the certificates of authorities.
///
/// # Errors
/// [`TlsError`] when it cannot be read.
pub fn read_ca_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    read_regular(path).map_err(|error| TlsError::Unreadable {
        path: path.to_owned(),
        source: pem::Error::Io(error),
    })
}

/// A client configuration that trusts the system's roots and those in `ca`, a file and its content.
///
/// # Errors
/// [`TlsError`] when `ca` cannot be used. Missing system roots are no error: a container may
/// well trust `ca` alone, and the handshake says what is not trusted.
pub fn client_config(ca: Option<(&Path, &[u8])>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let Some((path, content)) = ca else {
        return trusting(roots);
    };
    let trusted = add_ca(&mut roots, path, content)?;
    let provider = provider();
    let chain =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
    let chain = chain.map_err(|error| TlsError::Invalid {
        path: path.to_owned(),
        source: rustls::Error::General(error.to_string()),
    })?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ServerVerifier::new(trusted, chain)))
        .with_no_client_auth())
}

/// The configuration of a client that meets no TLS: it trusts nobody. Reading the system's roots takes
/// longer than everything else at the start.
///
/// # Errors
/// As for [`client_config`].
pub fn client_config_without_roots() -> Result<ClientConfig, TlsError> {
    trusting(RootCertStore::empty())
}

fn trusting(roots: RootCertStore) -> Result<ClientConfig, TlsError> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Warns of the certificates in a CA file that can verify nothing because of their keys. A server that has
/// nothing else to show ends the handshake without saying so.
pub(crate) fn warn_of_unusable(path: &Path, content: &[u8]) {
    for err in unusable_in(content) {
        let file = path.display();
        warn!(%file, %err, "A certificate of the CA file cannot be used");
    }
}

/// The certificates in a CA file that can verify nothing because of their keys.
pub(crate) fn unusable_in(content: &[u8]) -> Vec<UnusableCertificate> {
    let certificates = CertificateDer::pem_slice_iter(content).filter_map(Result::ok);
    unusable_certificates(&certificates.collect::<Vec<_>>())
}

/// Adds the certificates of the file to the roots, and returns them.
fn add_ca(
    roots: &mut RootCertStore,
    path: &Path,
    content: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<CertificateDer> = CertificateDer::pem_slice_iter(content)
        .collect::<Result<_, _>>()
        .map_err(|source| TlsError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate {
            path: path.to_owned(),
        });
    }
    for certificate in &certificates {
        roots
            .add(certificate.clone())
            .map_err(|source| TlsError::Invalid {
                path: path.to_owned(),
                source,
            })?;
    }
    Ok(certificates)
}
