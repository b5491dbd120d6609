//! Go's names of versions, cipher suites and curves (<https://pkg.go.dev/crypto/tls>), and what the
//! TLS library has under them.

use rustls::crypto::SupportedKxGroup;
use rustls::crypto::ring::cipher_suite::*;
use rustls::crypto::ring::kx_group::{SECP256R1, SECP384R1, X25519};
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

use crate::likeness::is_like_one_of;

/// What stands behind a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named<T> {
    /// The library has it.
    Here(T),
    /// Go has it, or had it; the library has left it out as weak.
    NotHere,
}

/// From the oldest to the newest.
pub(super) const VERSIONS: [(&str, Named<&SupportedProtocolVersion>); 4] = [
    ("TLS10", Named::NotHere),
    ("TLS11", Named::NotHere),
    ("TLS12", Named::Here(&TLS12)),
    ("TLS13", Named::Here(&TLS13)),
];

pub(super) const CURVES: [(&str, Named<&dyn SupportedKxGroup>); 4] = [
    ("X25519", Named::Here(X25519)),
    ("CurveP256", Named::Here(SECP256R1)),
    ("CurveP384", Named::Here(SECP384R1)),
    ("CurveP521", Named::NotHere),
];

/// What Go's `tls.CipherSuites` lists or has listed.
#[rustfmt::skip]
pub(super) const CIPHERS: [(&str, Named<SupportedCipherSuite>); 17] = [
    ("TLS_AES_128_GCM_SHA256", Named::Here(TLS13_AES_128_GCM_SHA256)),
    ("TLS_AES_256_GCM_SHA384", Named::Here(TLS13_AES_256_GCM_SHA384)),
    ("TLS_CHACHA20_POLY1305_SHA256", Named::Here(TLS13_CHACHA20_POLY1305_SHA256)),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Named::Here(TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Named::Here(TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", Named::Here(TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Named::Here(TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Named::Here(TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", Named::Here(TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256)),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", Named::NotHere),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", Named::NotHere),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", Named::NotHere),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", Named::NotHere),
    ("TLS_RSA_WITH_AES_128_GCM_SHA256", Named::NotHere),
    ("TLS_RSA_WITH_AES_256_GCM_SHA384", Named::NotHere),
    ("TLS_RSA_WITH_AES_128_CBC_SHA", Named::NotHere),
    ("TLS_RSA_WITH_AES_256_CBC_SHA", Named::NotHere),
];

/// What stands behind `name` in one of the lists.
pub(super) fn find<T: Copy>(list: &[(&str, Named<T>)], name: &str) -> Option<Named<T>> {
    let mut named = list.iter().filter(|(known, _)| *known == name);
    named.next().map(|(_, named)| *named)
}

/// What is wrong with a word that is none of the names. It is repeated only if it is like one of them:
/// it may also be a secret in the wrong place.
pub(super) fn unknown<'a>(
    problem: &str,
    word: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> String {
    let of_names = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match word.bytes().all(of_names) && is_like_one_of(word, names) {
        true => format!("{problem}: {word}"),
        false => problem.to_owned(),
    }
}
