//! TLS configuration of HTTP clients that trust the system's roots and, in addition, a CA file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, pem, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tracing::warn;

use super::server_verifier::ServerVerifier;
use crate::bounded_read::read_regular;
use crate::redacted::shown_path;
use crate::tls::{UnusableCertificate, tls_error_text, unusable_certificates};

/// An error of a TLS client configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The CA file cannot be read as PEM.
    #[error("cannot read certificates from {}: {source}", shown_path(path))]
    Unreadable {
        /// The CA file.
        path: PathBuf,
        /// The cause.
        source: pem::Error,
    },
    /// The CA file holds no certificate.
    #[error("{} holds no certificate", shown_path(path))]
    NoCertificate {
        /// The CA file.
        path: PathBuf,
    },
    /// A certificate in the CA file is invalid.
    #[error("{}: {}", shown_path(path), tls_error_text(source))]
    Invalid {
        /// The CA file.
        path: PathBuf,
        /// The error of rustls.
        source: rustls::Error,
    },
    /// The provider offers no protocol version.
    #[error("no usable TLS protocol version: {0}")]
    Protocol(#[from] rustls::Error),
}

/// Reads a CA file.
///
/// # Errors
/// [`TlsError::Unreadable`].
pub fn read_ca_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    read_regular(path).map_err(|error| TlsError::Unreadable {
        path: path.to_owned(),
        source: pem::Error::Io(error),
    })
}

/// A client configuration that trusts the system's roots and the certificates in `ca`, the path and content of a CA file.
///
/// ```no_run
/// use std::path::Path;
///
/// use exporter_toolkit::tls::client::{client_config, read_ca_file};
///
/// let path = Path::new("/etc/ssl/my-ca.pem");
/// let content = read_ca_file(path)?;
/// let config = client_config(Some((path, &content)))?;
/// # Ok::<(), exporter_toolkit::tls::client::TlsError>(())
/// ```
///
/// # Errors
/// [`TlsError`] if `ca` cannot be used. Missing system roots are not an error, because a container may trust `ca` alone;
/// the handshake then reports untrusted certificates.
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

/// The configuration of a client that does not use TLS. It trusts no certificate, and saves the time of reading the
/// system's roots.
///
/// # Errors
/// [`TlsError::Protocol`].
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

/// Logs a warning for each certificate in a CA file whose key the TLS library does not support. Without it, a failed
/// handshake would not show the cause.
pub fn warn_of_unusable(path: &Path, content: &[u8]) {
    for err in unusable_in(content) {
        let file = path.display();
        warn!(%file, %err, "A certificate of the CA file cannot be used");
    }
}

/// The certificates in a CA file whose keys the TLS library does not support.
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
