//! Certificates created by OpenSSL.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::process::run;

/// An algorithm and its options for `openssl genpkey`.
pub type Key = &'static [&'static str];

pub const RSA: Key = &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
pub const RSA_1024: Key = &["RSA", "-pkeyopt", "rsa_keygen_bits:1024"];
pub const P256: Key = &["EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
pub const ED25519: Key = &["ED25519"];
/// Several short primes are found faster than two long ones.
pub const RSA_8200: Key = &[
    "RSA",
    "-pkeyopt",
    "rsa_keygen_bits:8200",
    "-pkeyopt",
    "rsa_keygen_primes:5",
];
pub const RSA_PSS: Key = &["RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"];
pub const P521: Key = &["EC", "-pkeyopt", "ec_paramgen_curve:secp521r1"];
pub const SECP256K1: Key = &["EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"];
pub const ED448: Key = &["ED448"];
pub const X25519: Key = &["X25519"];

/// The self-signed `cert.pem` and its `key.pem`.
pub struct SelfSigned {
    directory: TempDir,
}

impl SelfSigned {
    /// `openssl req -x509` with additional arguments: X.509 version 3, with the extension of a CA.
    pub fn new(key: Key, arguments: &[&str]) -> SelfSigned {
        let identity = SelfSigned::with_key(key);
        identity.openssl(
            &[
                &["req", "-x509", "-key", "key.pem", "-out", "cert.pem"],
                arguments,
            ]
            .concat(),
        );
        identity
    }

    /// X.509 version 1, which has no extensions.
    pub fn of_version_1(key: Key, subject: &str) -> SelfSigned {
        let identity = SelfSigned::with_key(key);
        identity.openssl(&[
            "req", "-new", "-key", "key.pem", "-out", "csr.pem", "-subj", subject,
        ]);
        // Some versions of OpenSSL add extensions unless the list is explicitly empty.
        std::fs::write(identity.file("none"), "").expect("a file");
        identity.openssl(&[
            "x509", "-req", "-in", "csr.pem", "-signkey", "key.pem", "-extfile", "none", "-out",
            "cert.pem",
        ]);
        identity
    }

    /// A certificate for `localhost`, signed by this one.
    pub fn issue(&self, key: Key) -> SelfSigned {
        self.issue_with(key, &[])
    }

    /// The same, with additional arguments for `openssl x509`.
    pub fn issue_with(&self, key: Key, arguments: &[&str]) -> SelfSigned {
        let issued = SelfSigned::with_key(key);
        std::fs::write(issued.file("names"), "subjectAltName=DNS:localhost").expect("a file");
        issued.openssl(&[
            "req",
            "-new",
            "-key",
            "key.pem",
            "-out",
            "csr.pem",
            "-subj",
            "/CN=localhost",
        ]);
        let (ca, ca_key) = (self.file("cert.pem"), self.file("key.pem"));
        let path = |path: &PathBuf| path.to_str().expect("UTF-8").to_owned();
        let command = [
            "x509",
            "-req",
            "-in",
            "csr.pem",
            "-CA",
            &path(&ca),
            "-CAkey",
            &path(&ca_key),
            "-set_serial",
            "7",
            "-extfile",
            "names",
            "-out",
            "cert.pem",
        ];
        issued.openssl(&[&command, arguments].concat());
        issued
    }

    /// Only a key.
    pub fn with_key(key: Key) -> SelfSigned {
        let directory = TempDir::new().expect("a folder");
        let identity = SelfSigned { directory };
        identity.openssl(&[&["genpkey", "-out", "key.pem", "-algorithm"], key].concat());
        identity
    }

    fn openssl(&self, arguments: &[&str]) {
        let mut command = Command::new("openssl");
        let (code, _, error) = run(command.current_dir(&self.directory).args(arguments));
        assert_eq!(code, 0, "{arguments:?}: {error}");
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}
