//! From `tls_server_config` to what the TLS library needs.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::{Error, InconsistentKeys, ServerConfig, SupportedProtocolVersion};
use serde_saphyr::{Location, Spanned};
use tracing::warn;

use super::client_auth;
use super::file::Tls;
use super::names::{CIPHERS, CURVES, Named, VERSIONS, find, unknown};
use super::reading::{Pem, Reading};
use crate::certificate::{UnusableKey, UsableKeys, certificate_error_text, check_key, parse};

const SECTION: &str = "tls_server_config";

/// What is wrong is left with the reading; nothing wrong and `None` is a server without TLS.
pub(super) fn server_config(
    section: &Spanned<Tls>,
    http2: bool,
    reading: &mut Reading,
) -> Option<Arc<ServerConfig>> {
    let tls = &section.value;
    // Names are looked at even where they have no effect.
    let protocol = protocol(tls, section.referenced, reading);
    let clients = client_auth::verifier(tls, reading);
    if !tls.is_on() {
        return None;
    }
    let identity = identity(tls, section.referenced, reading);
    let (provider, versions) = protocol?;
    let (identity, clients) = (identity?, clients?);
    let fits = can_be_used(&identity, &provider, &versions);
    let builder =
        ServerConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&versions);
    let Some(builder) = builder.ok().filter(|_| fits) else {
        let message = "none of the cipher suites can be used with the key of the certificate and these TLS versions";
        reading.problem(section.referenced, SECTION, message);
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

/// Whether a suite fits the key. Those of TLS 1.3 fit all.
fn can_be_used(
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

/// The certificate and its key, both or neither.
fn identity(tls: &Tls, at: Location, reading: &mut Reading) -> Option<CertifiedKey> {
    if tls.cert_file.is_none() && tls.cert.is_none() {
        reading.problem(at, SECTION, "missing one of cert or cert_file");
    }
    if tls.key_file.is_none() && tls.key.is_none() {
        reading.problem(at, SECTION, "missing one of key or key_file");
    }
    let cert = reading.pem("cert", tls.cert_file.as_ref(), tls.cert.as_ref());
    let key = reading.pem("key", tls.key_file.as_ref(), tls.key.as_ref());
    let chain = cert.as_ref().and_then(|pem| certificates(pem, reading));
    let private = key.as_ref().and_then(|pem| private_key(pem, reading));
    let (cert, key, chain) = (cert?, key?, chain?);
    if let Some(Err(unusable)) = chain.first().and_then(|leaf| checked_key(leaf)) {
        let message = format!("the certificate of {} has {unusable}", cert.place);
        reading.problem(cert.at, &cert.key, message);
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
    reading.problem(cert.at, &cert.key, message);
    None
}

/// Whether the key of a certificate can be used; nothing if the certificate cannot be read.
fn checked_key(certificate: &CertificateDer<'_>) -> Option<Result<(), UnusableKey>> {
    let certificate = parse(certificate).ok()?;
    Some(check_key(&certificate, UsableKeys::TO_SIGN))
}

/// The certificates of a PEM text, at least one.
pub(super) fn certificates(
    pem: &Pem,
    reading: &mut Reading,
) -> Option<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem.bytes).collect();
    let message = match read {
        Ok(certificates) if !certificates.is_empty() => return Some(certificates),
        Ok(_) => format!("{} holds no certificate", pem.place),
        // The reader's text repeats what it met, which may be a misplaced key.
        Err(_) => format!("{} is not valid PEM", pem.place),
    };
    reading.problem(pem.at, &pem.key, message);
    None
}

fn private_key(pem: &Pem, reading: &mut Reading) -> Option<Arc<dyn SigningKey>> {
    let message = match PrivateKeyDer::from_pem_slice(&pem.bytes) {
        // The TLS library only says that it is none of its keys.
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
    reading.problem(pem.at, &pem.key, message);
    None
}

type Protocol = (CryptoProvider, Vec<&'static SupportedProtocolVersion>);

fn protocol(tls: &Tls, at: Location, reading: &mut Reading) -> Option<Protocol> {
    let versions = versions(tls, at, reading);
    let ciphers = choice(
        "cipher",
        "cipher_suites",
        &CIPHERS,
        &tls.cipher_suites,
        reading,
    );
    let curves = choice(
        "curve",
        "curve_preferences",
        &CURVES,
        &tls.curve_preferences,
        reading,
    );
    let mut provider = default_provider();
    let (ciphers, curves) = (ciphers?, curves?);
    if !ciphers.is_empty() {
        // As in Go, the list is one for TLS 1.2: the suites of TLS 1.3 are always there.
        let suites = &mut provider.cipher_suites;
        suites.retain(|suite| suite.tls13().is_some());
        suites.extend(ciphers.iter().filter(|suite| suite.tls13().is_none()));
    }
    if !curves.is_empty() {
        provider.kx_groups = curves;
    }
    Some((provider, versions?))
}

/// What is written in one of the lists, less what the library has not; an empty list is no choice.
fn choice<T: Copy>(
    kind: &str,
    key: &str,
    list: &[(&str, Named<T>)],
    written: &[Spanned<String>],
    reading: &mut Reading,
) -> Option<Vec<T>> {
    let (mut here, mut not_here, mut known) = (Vec::new(), Vec::new(), true);
    for (index, at) in written.iter().enumerate() {
        match find(list, &at.value) {
            Some(Named::Here(item)) => here.push(item),
            Some(Named::NotHere) => not_here.push(at.value.as_str()),
            None => {
                let names = list.iter().map(|(name, _)| *name);
                let message = unknown(&format!("unknown {kind}"), &at.value, names);
                reading.problem(at.referenced, &format!("{SECTION}.{key}[{index}]"), message);
                known = false;
            }
        }
    }
    if let Some(first) = written.first()
        && known
        && here.is_empty()
    {
        let message = format!("the TLS library has none of these: {}", not_here.join(", "));
        reading.problem(first.referenced, &format!("{SECTION}.{key}"), message);
        return None;
    }
    if !not_here.is_empty() {
        let names = not_here.join(", ");
        warn!(
            key,
            names, "The TLS library does not have everything that the web configuration names"
        );
    }
    known.then_some(here)
}

/// The versions from the least to the greatest that the library has.
fn versions(
    tls: &Tls,
    at: Location,
    reading: &mut Reading,
) -> Option<Vec<&'static SupportedProtocolVersion>> {
    let least = version("min_version", tls.min_version.as_ref(), "TLS12", reading);
    let greatest = version("max_version", tls.max_version.as_ref(), "TLS13", reading);
    let (least, greatest) = (least?, greatest?);
    let range = VERSIONS.iter().take(greatest + 1).skip(least);
    let here: Vec<_> = range
        .filter_map(|(_, version)| match version {
            Named::Here(version) => Some(*version),
            Named::NotHere => None,
        })
        .collect();
    if here.is_empty() {
        let (least, greatest) = (VERSIONS[least].0, VERSIONS[greatest].0);
        let message = format!(
            "nothing from {least} to {greatest} can be used: the TLS library has TLS12 and TLS13"
        );
        reading.problem(at, SECTION, message);
        return None;
    }
    if VERSIONS[least].1 == Named::NotHere {
        let (min_version, used) = (VERSIONS[least].0, "TLS12");
        warn!(
            min_version,
            used, "The TLS library does not have the least TLS version of the web configuration"
        );
    }
    Some(here)
}

/// The place of a version among all.
fn version(
    key: &str,
    written: Option<&Spanned<String>>,
    default: &str,
    reading: &mut Reading,
) -> Option<usize> {
    let name = written.map_or(default, |at| at.value.as_str());
    let place = VERSIONS.iter().position(|(known, _)| *known == name);
    if let (None, Some(at)) = (place, written) {
        let names = VERSIONS.iter().map(|(name, _)| *name);
        let message = unknown("unknown TLS version", name, names);
        reading.problem(at.referenced, &format!("{SECTION}.{key}"), message);
    }
    place
}
