//! The certificate keys that the TLS library supports.

use std::fmt::{self, Display};

use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::asn1::UintRef;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{self, Decode, Reader, SliceReader};

use super::{parse, subject};

/// An unsupported key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found}, expected {expected}")]
pub(crate) struct UnusableKey {
    found: String,
    expected: UsableKeys,
}

/// The supported keys; the `Display` output lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UsableKeys {
    longest_rsa: usize,
}

impl UsableKeys {
    /// Keys for signing handshakes.
    pub(crate) const TO_SIGN: UsableKeys = UsableKeys {
        longest_rsa: LONGEST_RSA_TO_SIGN,
    };
    /// Keys for verifying signatures.
    pub(crate) const TO_VERIFY: UsableKeys = UsableKeys {
        longest_rsa: LONGEST_RSA_TO_VERIFY,
    };
}

impl Display for UsableKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.longest_rsa;
        write!(
            out,
            "RSA with {SHORTEST_RSA} to {longest} bits, ECDSA on P-256 or P-384, or Ed25519"
        )
    }
}

/// A CA certificate whose key is not supported.
#[derive(Debug)]
pub(crate) struct UnusableCertificate {
    /// Position in the file, from 1.
    position: usize,
    subject: String,
    key: UnusableKey,
}

impl Display for UnusableCertificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (position, subject, key) = (self.position, &self.subject, &self.key);
        match subject.is_empty() {
            true => write!(out, "certificate {position} has {key}"),
            false => write!(out, "certificate {position} ({subject}) has {key}"),
        }
    }
}

/// The certificates whose keys are not supported. Certificates that cannot be parsed are skipped; the TLS library reports
/// them.
pub(crate) fn unusable_certificates(
    certificates: &[CertificateDer<'_>],
) -> Vec<UnusableCertificate> {
    let read = certificates.iter().enumerate();
    let read = read.filter_map(|(index, der)| Some((index, parse(der).ok()?)));
    read.filter_map(|(index, certificate)| {
        let key = check_key(&certificate, UsableKeys::TO_VERIFY).err()?;
        Some(UnusableCertificate {
            position: index + 1,
            subject: subject(&certificate),
            key,
        })
    })
    .collect()
}

/// The shortest modulus of RSA, in bits.
const SHORTEST_RSA: usize = 2048;
/// The longest modulus of RSA that `ring` signs with, in bits.
const LONGEST_RSA_TO_SIGN: usize = 4096;
/// The longest modulus of RSA that `ring` checks signatures with, in bits.
const LONGEST_RSA_TO_VERIFY: usize = 8192;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ECDSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Other algorithms (RFC 8410; RFC 3279; RFC 4055).
const OTHER_ALGORITHMS: [(&str, &str); 3] = [
    ("1.3.101.113", "Ed448"),
    ("1.2.840.10040.4.1", "DSA"),
    ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
];
/// Named curves (RFC 5480, section 2.1.1.1; RFC 5639; SEC 2).
const CURVES: [(&str, &str); 7] = [
    ("1.2.840.10045.3.1.7", "P-256"),
    ("1.3.132.0.34", "P-384"),
    ("1.3.132.0.35", "P-521"),
    ("1.3.132.0.33", "P-224"),
    ("1.3.132.0.10", "secp256k1"),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"),
];
const USABLE_CURVES: [&str; 2] = ["P-256", "P-384"];

/// Checks that the key of a certificate is supported. The TLS library itself reports an unsupported key as a bad signature
/// or an encoding error.
///
/// # Errors
/// [`UnusableKey`], which names the key.
pub(crate) fn check_key(
    certificate: &Certificate,
    expected: UsableKeys,
) -> Result<(), UnusableKey> {
    let key = certificate.tbs_certificate().subject_public_key_info();
    let found = match key.algorithm.oid {
        ED25519 => return Ok(()),
        RSA => match rsa_bits(key.subject_public_key.raw_bytes()) {
            Ok(bits) if (SHORTEST_RSA..=expected.longest_rsa).contains(&bits) => return Ok(()),
            Ok(bits) => format!("an RSA key with {bits} bits"),
            Err(_) => "an RSA key that cannot be read".to_owned(),
        },
        ECDSA => {
            let curve = key.algorithm.parameters.as_ref();
            let curve = curve.and_then(|curve| curve.decode_as().ok());
            match curve.map(|curve| name(&CURVES, curve)) {
                Some(curve) if USABLE_CURVES.contains(&curve.as_str()) => return Ok(()),
                Some(curve) => format!("an ECDSA key on the curve {curve}"),
                None => "an ECDSA key on a curve without a name".to_owned(),
            }
        }
        other => format!("a key of the algorithm {}", name(&OTHER_ALGORITHMS, other)),
    };
    Err(UnusableKey { found, expected })
}

/// The name of an object identifier, or its numbers.
pub(super) fn name(names: &[(&str, &str)], searched: ObjectIdentifier) -> String {
    let searched = searched.to_string();
    let known = names.iter().find(|(oid, _)| *oid == searched);
    known.map_or(searched, |(_, name)| (*name).to_owned())
}

/// The bits of the modulus of an `RSAPublicKey` (RFC 8017, appendix A.1.1).
fn rsa_bits(key: &[u8]) -> der::Result<usize> {
    SliceReader::new(key)?.sequence(|fields| {
        let modulus = UintRef::decode(fields)?;
        UintRef::decode(fields)?;
        let bytes = modulus.as_bytes();
        let unused = bytes
            .first()
            .map_or(0, |first| first.leading_zeros() as usize);
        Ok(bytes.len() * 8 - unused)
    })
}
