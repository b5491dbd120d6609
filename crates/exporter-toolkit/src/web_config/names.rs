//! Go's names of TLS versions, cipher suites and curves (<https://pkg.go.dev/crypto/tls>), and whether the TLS library
//! supports them.

use rustls::crypto::SupportedKxGroup;
use rustls::crypto::ring::cipher_suite::*;
use rustls::crypto::ring::kx_group::{SECP256R1, SECP384R1, X25519};
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

use crate::suggest::closest;

/// Whether the TLS library supports a named item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Support<T> {
    /// The library supports it.
    Supported(T),
    /// Go supports or supported it; the library omits it as weak.
    Unsupported,
}

impl<T> Support<T> {
    fn is_supported(&self) -> bool {
        matches!(self, Support::Supported(_))
    }
}

/// TLS versions, the oldest first.
pub(super) const VERSIONS: [(&str, Support<&SupportedProtocolVersion>); 4] = [
    ("TLS10", Support::Unsupported),
    ("TLS11", Support::Unsupported),
    ("TLS12", Support::Supported(&TLS12)),
    ("TLS13", Support::Supported(&TLS13)),
];

pub(super) const CURVES: [(&str, Support<&dyn SupportedKxGroup>); 4] = [
    ("X25519", Support::Supported(X25519)),
    ("CurveP256", Support::Supported(SECP256R1)),
    ("CurveP384", Support::Supported(SECP384R1)),
    ("CurveP521", Support::Unsupported),
];

/// Current and former entries of Go's `tls.CipherSuites`.
#[rustfmt::skip]
pub(super) const CIPHERS: [(&str, Support<SupportedCipherSuite>); 17] = [
    ("TLS_AES_128_GCM_SHA256", Support::Supported(TLS13_AES_128_GCM_SHA256)),
    ("TLS_AES_256_GCM_SHA384", Support::Supported(TLS13_AES_256_GCM_SHA384)),
    ("TLS_CHACHA20_POLY1305_SHA256", Support::Supported(TLS13_CHACHA20_POLY1305_SHA256)),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Support::Supported(TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Support::Supported(TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", Support::Supported(TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Support::Supported(TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Support::Supported(TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", Support::Supported(TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256)),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", Support::Unsupported),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", Support::Unsupported),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", Support::Unsupported),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", Support::Unsupported),
    ("TLS_RSA_WITH_AES_128_GCM_SHA256", Support::Unsupported),
    ("TLS_RSA_WITH_AES_256_GCM_SHA384", Support::Unsupported),
    ("TLS_RSA_WITH_AES_128_CBC_SHA", Support::Unsupported),
    ("TLS_RSA_WITH_AES_256_CBC_SHA", Support::Unsupported),
];

/// Looks up `name` in a list.
pub(super) fn find<T: Copy>(list: &[(&str, Support<T>)], name: &str) -> Option<Support<T>> {
    let mut named = list.iter().filter(|(known, _)| *known == name);
    named.next().map(|(_, named)| *named)
}

/// The names of the supported items in a list.
pub(super) fn supported_names<'a, T>(list: &[(&'a str, Support<T>)]) -> Vec<&'a str> {
    let supported = list.iter().filter(|(_, support)| support.is_supported());
    supported.map(|(name, _)| *name).collect()
}

/// The error for an unknown name. The name is a value, which may be a secret in the wrong place, so it is repeated only if
/// it is similar to a known one.
pub(super) fn unknown(problem: &str, word: &str, names: &[&str]) -> String {
    let of_names = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let similar = closest(word, names.iter().copied());
    match similar.filter(|_| word.bytes().all(of_names)) {
        Some(similar) => format!("{problem} \"{word}\"; did you mean \"{similar}\"?"),
        None => format!("{problem}, expected one of {}", names.join(", ")),
    }
}
