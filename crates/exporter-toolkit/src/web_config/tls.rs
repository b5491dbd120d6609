//! Converts the section `tls_server_config` into a configuration of the TLS library.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::{Error, InconsistentKeys, ServerConfig, SupportedProtocolVersion};
use serde_saphyr::{Location, Spanned};
use tracing::warn;

use super::certificates::certificates;
use super::client_auth;
use super::file::TlsSection;
use super::names::{CIPHERS, CURVES, Support, VERSIONS, find, supported_names, unknown};
use super::reader::{ConfigReader, Pem};
use crate::tls::{UnusableKey, UsableKeys, certificate_error_text, check_key, parse};

const SECTION: &str = "tls_server_config";

/// The TLS configuration; `None` without TLS or on errors, which are added to `reader`.
pub(super) fn server_config(
    section: &Spanned<TlsSection>,
    http2: bool,
    reader: &mut ConfigReader,
) -> Option<Arc<ServerConfig>> {
    let tls = &section.value;
    // Names are checked even if TLS is off and they have no effect.
    let protocol = protocol(tls, section.referenced, reader);
    let clients = client_auth::verifier(tls, reader);
    if !tls.is_enabled() {
        return None;
    }
    let identity = identity(tls, section.referenced, reader);
    let (provider, versions) = protocol?;
    let (identity, clients) = (identity?, clients?);
    let fits = has_usable_suite(&identity, &provider, &versions);
    let builder =
        ServerConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&versions);
    let Some(builder) = builder.ok().filter(|_| fits) else {
        let message = "none of the cipher suites can be used with the key of the certificate and these TLS versions";
        reader.error_at(section.referenced, SECTION, message);
        return None;
    };
    let builder = builder.with_client_cert_verifier(clients);
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    config.ignore_client_order = tls.prefer_server_cipher_suites.unwrap_or(true);
    config.alpn_protocols = match http2 {
        true => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        false => vec![b"http/1.1".to_vec()],
    };
    Some(Arc::new(config))
}

/// Whether a cipher suite fits the key. TLS 1.3 suites fit all keys.
fn has_usable_suite(
    identity: &CertifiedKey,
    provider: &CryptoProvider,
    versions: &[&SupportedProtocolVersion],
) -> bool {
    let algorithm = identity.key.algorithm();
    let mut suites = provider.cipher_suites.iter();
    suites.any(|suite| {
        versions.contains(&suite.version()) && suite.usable_for_signature_algorithm(algorithm)
    })
}

/// The certificate chain and its private key.
fn identity(tls: &TlsSection, at: Location, reader: &mut ConfigReader) -> Option<CertifiedKey> {
    if tls.cert_file.is_none() && tls.cert.is_none() {
        reader.error_at(at, SECTION, "missing one of cert or cert_file");
    }
    if tls.key_file.is_none() && tls.key.is_none() {
        reader.error_at(at, SECTION, "missing one of key or key_file");
    }
    let cert = reader.pem("cert", tls.cert_file.as_ref(), tls.cert.as_ref());
    let key = reader.pem("key", tls.key_file.as_ref(), tls.key.as_ref());
    let chain = cert.as_ref().and_then(|pem| certificates(pem, reader));
    let private = key.as_ref().and_then(|pem| private_key(pem, reader));
    let (cert, key, chain) = (cert?, key?, chain?);
    if let Some(Err(unusable)) = chain.first().and_then(|leaf| checked_key(leaf)) {
        let message = format!("the certificate of {} has {unusable}", cert.place);
        reader.error_at(cert.at, &cert.key, message);
        return None;
    }
    let identity = CertifiedKey::new(chain, private?);
    let message = match identity.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => return Some(identity),
        Err(Error::InconsistentKeys(_)) => format!(
            "the certificate of {} does not belong to the key of {}",
            cert.place, key.place
        ),
        Err(Error::InvalidCertificate(error)) => {
            let reason = certificate_error_text(&error);
            format!("the certificate of {} cannot be used: {reason}", cert.place)
        }
        Err(error) => format!("the certificate of {} cannot be used: {error}", cert.place),
    };
    reader.error_at(cert.at, &cert.key, message);
    None
}

/// Checks the key of a certificate; `None` if the certificate cannot be parsed.
fn checked_key(certificate: &CertificateDer<'_>) -> Option<Result<(), UnusableKey>> {
    let certificate = parse(certificate).ok()?;
    Some(check_key(&certificate, UsableKeys::TO_SIGN))
}

fn private_key(pem: &Pem, reader: &mut ConfigReader) -> Option<Arc<dyn SigningKey>> {
    let message = match PrivateKeyDer::from_pem_slice(&pem.bytes) {
        // The TLS library's error does not name the supported keys.
        Ok(key) => match default_provider().key_provider.load_private_key(key) {
            Ok(key) => return Some(key),
            Err(_) => format!(
                "the key of {} cannot be used, expected {}",
                pem.place,
                UsableKeys::TO_SIGN
            ),
        },
        Err(pem::Error::NoItemsFound) => {
            format!("{} holds no private key that is not encrypted", pem.place)
        }
        Err(_) => format!("{} is not valid PEM", pem.place),
    };
    reader.error_at(pem.at, &pem.key, message);
    None
}

type Protocol = (CryptoProvider, Vec<&'static SupportedProtocolVersion>);

fn protocol(tls: &TlsSection, at: Location, reader: &mut ConfigReader) -> Option<Protocol> {
    let versions = versions(tls, at, reader);
    let ciphers = choice(
        "cipher",
        "cipher_suites",
        &CIPHERS,
        &tls.cipher_suites,
        reader,
    );
    let curves = choice(
        "curve",
        "curve_preferences",
        &CURVES,
        &tls.curve_preferences,
        reader,
    );
    let mut provider = default_provider();
    let (ciphers, curves) = (ciphers?, curves?);
    if !ciphers.is_empty() {
        // As in Go, the list applies to TLS 1.2 only; the suites of TLS 1.3 cannot be disabled.
        let suites = &mut provider.cipher_suites;
        suites.retain(|suite| suite.tls13().is_some());
        suites.extend(ciphers.iter().filter(|suite| suite.tls13().is_none()));
    }
    if !curves.is_empty() {
        provider.kx_groups = curves;
    }
    Some((provider, versions?))
}

/// The supported items of a list in the file. An empty list selects the library's defaults.
fn choice<T: Copy>(
    kind: &str,
    key: &str,
    list: &[(&str, Support<T>)],
    written: &[Spanned<String>],
    reader: &mut ConfigReader,
) -> Option<Vec<T>> {
    let (mut supported, mut unsupported, mut known) = (Vec::new(), Vec::new(), true);
    for (index, at) in written.iter().enumerate() {
        match find(list, &at.value) {
            Some(Support::Supported(item)) => supported.push(item),
            Some(Support::Unsupported) => unsupported.push(at.value.as_str()),
            None => {
                let message = unknown(
                    &format!("unknown {kind}"),
                    &at.value,
                    &supported_names(list),
                );
                reader.error_at(at.referenced, &format!("{SECTION}.{key}[{index}]"), message);
                known = false;
            }
        }
    }
    if let Some(first) = written.first()
        && known
        && supported.is_empty()
    {
        let message = format!(
            "the TLS library supports none of these: {}",
            unsupported.join(", ")
        );
        reader.error_at(first.referenced, &format!("{SECTION}.{key}"), message);
        return None;
    }
    if !unsupported.is_empty() {
        let names = unsupported.join(", ");
        warn!(
            key,
            names, "The TLS library does not support all names in the web configuration"
        );
    }
    known.then_some(supported)
}

/// The supported versions between `min_version` and `max_version`.
fn versions(
    tls: &TlsSection,
    at: Location,
    reader: &mut ConfigReader,
) -> Option<Vec<&'static SupportedProtocolVersion>> {
    let min = version("min_version", tls.min_version.as_ref(), "TLS12", reader);
    let max = version("max_version", tls.max_version.as_ref(), "TLS13", reader);
    let (min, max) = (min?, max?);
    let range = VERSIONS.iter().take(max + 1).skip(min);
    let supported: Vec<_> = range
        .filter_map(|(_, version)| match version {
            Support::Supported(version) => Some(*version),
            Support::Unsupported => None,
        })
        .collect();
    if supported.is_empty() {
        let (min, max) = (VERSIONS[min].0, VERSIONS[max].0);
        let message = format!(
            "no version from {min} to {max} can be used: the TLS library supports TLS12 and TLS13"
        );
        reader.error_at(at, SECTION, message);
        return None;
    }
    if VERSIONS[min].1 == Support::Unsupported {
        let (min_version, used) = (VERSIONS[min].0, "TLS12");
        warn!(
            min_version,
            used,
            "The TLS library does not support the minimum TLS version of the web configuration"
        );
    }
    Some(supported)
}

/// The index of a version in [`VERSIONS`].
fn version(
    key: &str,
    written: Option<&Spanned<String>>,
    default: &str,
    reader: &mut ConfigReader,
) -> Option<usize> {
    let name = written.map_or(default, |at| at.value.as_str());
    let place = VERSIONS.iter().position(|(known, _)| *known == name);
    if let (None, Some(at)) = (place, written) {
        let message = unknown("unknown TLS version", name, &supported_names(&VERSIONS));
        reader.error_at(at.referenced, &format!("{SECTION}.{key}"), message);
    }
    place
}
