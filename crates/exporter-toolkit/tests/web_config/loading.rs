//! Valid files, and the error messages of invalid ones.

use rcgen::KeyPair;

use crate::harness::certificates::{Authority, Identity};
use crate::harness::log::Log;
use crate::harness::make_too_long;
use crate::harness::openssl::{
    ED448, ED25519, Key, P256, P521, RSA, RSA_1024, RSA_8200, RSA_PSS, SECP256K1, SelfSigned,
    X25519,
};
use crate::harness::tools::needs;
use crate::harness::web_config::{Folder, TLS};

const SECRET: &str = "s3cret-value";

/// The errors of a file, without the name of its directory.
fn load_errors(yaml: &str) -> Vec<String> {
    let folder = Folder::with(yaml, &Identity::server());
    folder.write(
        "other.key",
        &KeyPair::generate().expect("a key").serialize_pem(),
    );
    folder.write("ca.crt", &Authority::new("CA").cert);
    folder.write("junk", SECRET);
    folder.write(
        "broken",
        &format!("-----BEGIN CERTIFICATE-----\n{SECRET}\n"),
    );
    let load_errors = folder.load().expect_err(yaml);
    for text in &load_errors {
        assert!(!text.contains(SECRET) && !text.contains('\n'), "{text}");
    }
    load_errors
}

/// The only error of the file.
fn load_error(yaml: &str) -> String {
    let mut load_errors = load_errors(yaml);
    assert_eq!(load_errors.len(), 1, "{load_errors:?}");
    load_errors.remove(0)
}

async fn is_plain(yaml: &str) {
    let folder = Folder::with(yaml, &Identity::server());
    let file = folder.load().expect(yaml);
    let config = file.current().await;
    assert!(!config.has_tls() && !config.has_users(), "{yaml:?}");
    assert!(
        config.headers().is_empty() && !config.has_rate_limit(),
        "{yaml:?}"
    );
    assert!(file.is_up_to_date());
}

#[tokio::test]
async fn empty_file_is_valid() {
    for yaml in [
        "",
        "# nothing\n",
        "{}",
        "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\nrate_limit:\n",
        "tls_server_config: {cert_file: '', key: '', client_auth_type: ''}",
        "tls_server_config: {cert_file: , key: , client_allowed_sans: , cipher_suites: }",
        "tls_server_config: {min_version: TLS13}",
        "http_server_config: {http2: false, headers: {X-Frame-Options: , X-XSS-Protection: ''}}",
        "rate_limit: {interval: 0, burst: 0}",
        "rate_limit: {interval: , burst: }",
    ] {
        is_plain(yaml).await;
    }
}

#[test]
fn missing_file_is_named() {
    let missing = Folder::new().load().expect_err("no file");
    assert_eq!(
        missing,
        ["DIR/web.yml: No such file or directory (os error 2)"]
    );
}

/// [file-limit]
#[test]
fn oversized_file_is_rejected_and_named() {
    let folder = Folder::new();
    make_too_long(&folder.path("web.yml"));
    let load_errors = folder.load().expect_err("too long");
    assert_eq!(load_errors, ["DIR/web.yml: longer than 16 MiB"]);
    for (key, file) in [("cert_file", "server.crt"), ("key_file", "server.key")] {
        let folder = Folder::with(TLS, &Identity::server());
        make_too_long(&folder.path(file));
        let load_errors = folder.load().expect_err("too long");
        let [load_error] = &load_errors[..] else {
            panic!("{load_errors:?}");
        };
        let expected =
            format!("tls_server_config.{key}: cannot read DIR/{file}: longer than 16 MiB");
        assert!(load_error.ends_with(&expected), "{load_error}");
    }
}

#[test]
fn syntax_errors_have_positions() {
    let keys = "tls_server_config, http_server_config, basic_auth_users, rate_limit";
    for (yaml, error) in [
        (
            "s3cret-value",
            "DIR/web.yml:1:1: expected a mapping".to_owned(),
        ),
        (
            "tls_server_config: [",
            "DIR/web.yml:1:20: tls_server_config: expected a mapping".to_owned(),
        ),
        (
            "tls: {}",
            "DIR/web.yml:1:1: unknown key \"tls\"; did you mean \"tls_server_config\"?".to_owned(),
        ),
        (
            "basic_auth_users: {bob: s3cret-value",
            "DIR/web.yml:1:19: basic_auth_users: not valid YAML".to_owned(),
        ),
        (
            "tls_server_config:\n  cert_file: a\n  cert_file: b\n",
            "DIR/web.yml:3:3: tls_server_config: duplicate key \"cert_file\"".to_owned(),
        ),
        (
            "$2y$10$s3cret-value.rest: bob",
            format!("DIR/web.yml:1:1: unknown key \"…\", expected one of {keys}"),
        ),
        (
            "basic_auth_users:\n  $2y$10$s3cret-value: a\n  $2y$10$s3cret-value: b\n",
            "DIR/web.yml:3:3: basic_auth_users: duplicate key \"…\"".to_owned(),
        ),
        (
            "basic_auth_users: {$2y$10$s3cret-value.rest: []}",
            "DIR/web.yml:1:46: basic_auth_users.…: expected a text".to_owned(),
        ),
        (
            "basic_auth_users:\n  bob: a\n  bob: b\n",
            "DIR/web.yml:3:3: basic_auth_users: duplicate key \"bob\"".to_owned(),
        ),
        (
            "http_server_config: {http2: s3cret-value}",
            "DIR/web.yml:1:29: http_server_config.http2: expected true or false".to_owned(),
        ),
        (
            "rate_limit: {interval: s3cret-value}",
            "DIR/web.yml:1:24: rate_limit.interval: expected a duration such as 1s, 1.5s or 100ms"
                .to_owned(),
        ),
        (
            "rate_limit: {burst: s3cret-value}",
            "DIR/web.yml:1:21: rate_limit.burst: expected a whole number".to_owned(),
        ),
    ] {
        assert_eq!(load_error(yaml), error, "{yaml}");
    }
    let unknown = load_error("tls_server_config:\n  cert_filse: a\n");
    assert_eq!(
        unknown,
        "DIR/web.yml:2:3: tls_server_config: unknown key \"cert_filse\"; did you mean \"cert_file\"?"
    );
}

/// [invalid-certificate]
#[test]
fn tls_errors_have_positions() {
    let place = "DIR/web.yml:1:20: tls_server_config";
    for (tls, error) in [
        ("key_file: server.key", ": missing one of cert or cert_file"),
        ("cert_file: server.crt", ": missing one of key or key_file"),
        (
            "cert_file: none, key_file: server.key",
            ".cert_file: cannot read DIR/none: No such file or directory (os error 2)",
        ),
        (
            "cert_file: server.crt, key_file: none",
            ".key_file: cannot read DIR/none: No such file or directory (os error 2)",
        ),
        (
            "client_auth_type: RequireAnyClientCert, client_ca_file: none, cert_file: server.crt, key_file: server.key",
            ".client_ca_file: cannot read DIR/none: No such file or directory (os error 2)",
        ),
        (
            "cert_file: /dev/null, key_file: server.key",
            ".cert_file: cannot read /dev/null: not a regular file",
        ),
        (
            "cert_file: junk, key_file: server.key",
            ".cert_file: DIR/junk holds no certificate",
        ),
        (
            "cert_file: broken, key_file: server.key",
            ".cert_file: DIR/broken is not valid PEM",
        ),
        (
            "cert_file: server.crt, key: s3cret-value",
            ".key: the value of key holds no private key that is not encrypted",
        ),
        (
            "cert_file: server.crt, key_file: other.key",
            ".cert_file: the certificate of DIR/server.crt does not belong to the key of DIR/other.key",
        ),
        (
            "cert_file: server.crt, key_file: '-----BEGIN PRIVATE KEY----- s3cret-value'",
            ".key_file: expected the path of a file, not its content",
        ),
        (
            "cert_file: \"s3cret-value\\n\", key_file: server.key",
            ".cert_file: expected the path of a file, not its content",
        ),
        (
            "client_auth_type: RequireAnyClientCert, client_ca_file: \"s3cret-value\\r\", cert_file: server.crt, key_file: server.key",
            ".client_ca_file: expected the path of a file, not its content",
        ),
        (
            "client_auth_type: RequireAnyCert, cert_file: server.crt, key_file: server.key",
            ".client_auth_type: invalid ClientAuth \"RequireAnyCert\"; did you mean \"RequireClientCert\"?",
        ),
        (
            "client_auth_type: hunter, cert_file: server.crt, key_file: server.key",
            ".client_auth_type: invalid ClientAuth, expected one of NoClientCert, RequestClientCert, RequireAnyClientCert, RequireClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert",
        ),
        (
            "client_ca_file: ca.crt, cert_file: server.crt, key_file: server.key",
            ".client_ca_file: client CA's have been configured without a Client Auth Policy",
        ),
        (
            "client_allowed_sans: [a], cert_file: server.crt, key_file: server.key",
            ".client_allowed_sans: allowed SANs have been configured without a Client Auth Policy",
        ),
        (
            "cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_AES_192_GCM_SHA256]",
            ".cipher_suites[1]: unknown cipher \"TLS_AES_192_GCM_SHA256\"; did you mean \"TLS_AES_128_GCM_SHA256\"?",
        ),
        (
            "cipher_suites: [hunter]",
            ".cipher_suites[0]: unknown cipher, expected one of TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ),
        (
            "curve_preferences: [CurveP25]",
            ".curve_preferences[0]: unknown curve \"CurveP25\"; did you mean \"CurveP256\"?",
        ),
        (
            "min_version: hunter",
            ".min_version: unknown TLS version, expected one of TLS12, TLS13",
        ),
        (
            "max_version: TLS14",
            ".max_version: unknown TLS version \"TLS14\"; did you mean \"TLS13\"?",
        ),
        (
            "cipher_suites: [$2y$10$s3cret-value]",
            ".cipher_suites[0]: unknown cipher, expected one of TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ),
        (
            "curve_preferences: [s3cret-value/s3cret-value]",
            ".curve_preferences[0]: unknown curve, expected one of X25519, CurveP256, CurveP384",
        ),
        (
            "min_version: s3cret-value0123456789012345678901234567890123456789012345678901234",
            ".min_version: unknown TLS version, expected one of TLS12, TLS13",
        ),
        (
            "client_auth_type: 's3cret-value with blanks', cert_file: server.crt, key_file: server.key",
            ".client_auth_type: invalid ClientAuth, expected one of NoClientCert, RequestClientCert, RequireAnyClientCert, RequireClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert",
        ),
    ] {
        let actual = load_error(&format!("tls_server_config: {{{tls}}}"));
        // The column of the value.
        let (start, end) = actual.split_once(": tls_server_config").expect(&actual);
        assert!(start.starts_with("DIR/web.yml:1:"), "{actual}");
        assert_eq!(end, error);
        if error.starts_with(':') {
            assert!(actual.starts_with(place), "{actual}");
        }
    }
}

#[test]
fn unsupported_tls_settings_are_errors() {
    for (tls, error) in [
        (
            "max_version: TLS11",
            "no version from TLS12 to TLS11 can be used: the TLS library supports TLS12 and TLS13",
        ),
        (
            "min_version: TLS10, max_version: TLS11",
            "no version from TLS10 to TLS11 can be used: the TLS library supports TLS12 and TLS13",
        ),
        (
            "min_version: TLS13, max_version: TLS12",
            "no version from TLS13 to TLS12 can be used: the TLS library supports TLS12 and TLS13",
        ),
        (
            "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_RSA_WITH_AES_128_GCM_SHA256]",
            "the TLS library supports none of these: TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_RSA_WITH_AES_128_GCM_SHA256",
        ),
        (
            "curve_preferences: [CurveP521]",
            "the TLS library supports none of these: CurveP521",
        ),
        (
            "max_version: TLS12, cipher_suites: [TLS_AES_128_GCM_SHA256]",
            "none of the cipher suites can be used with the key of the certificate and these TLS versions",
        ),
        (
            "max_version: TLS12, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]",
            "none of the cipher suites can be used with the key of the certificate and these TLS versions",
        ),
    ] {
        let actual = load_error(&format!(
            "tls_server_config: {{{tls}, cert_file: server.crt, key_file: server.key}}"
        ));
        assert!(actual.ends_with(error), "{actual}");
    }
}

#[test]
fn cipher_suites_for_other_key_types_are_ignored() {
    for tls in [
        "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]",
        "max_version: TLS12, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]",
        "max_version: TLS12",
    ] {
        let yaml =
            format!("tls_server_config: {{{tls}, cert_file: server.crt, key_file: server.key}}");
        let folder = Folder::with(&yaml, &Identity::server());
        folder.load().expect(tls);
    }
}

/// [unusable-server-key]
#[test]
fn unusable_server_key_is_named() {
    needs!("openssl");
    const EXPECTED: &str =
        "expected RSA with 2048 to 4096 bits, ECDSA on P-256 or P-384, or Ed25519";
    let server = Identity::server();
    let curve = |option: &'static str| -> Key { Box::leak(Box::new(["EC", "-pkeyopt", option])) };
    for (key, found) in [
        (RSA_1024, "an RSA key with 1024 bits"),
        (
            &["RSA", "-pkeyopt", "rsa_keygen_bits:5120"],
            "an RSA key with 5120 bits",
        ),
        (P521, "an ECDSA key on the curve P-521"),
        (
            curve("ec_paramgen_curve:secp224r1"),
            "an ECDSA key on the curve P-224",
        ),
        (SECP256K1, "an ECDSA key on the curve secp256k1"),
        (
            curve("ec_paramgen_curve:brainpoolP512r1"),
            "an ECDSA key on the curve 1.3.36.3.3.2.8.1.1.13",
        ),
        (ED448, "a key of the algorithm Ed448"),
        (RSA_PSS, "a key of the algorithm RSASSA-PSS"),
    ] {
        let made = SelfSigned::new(key, &["-subj", "/CN=localhost"]);
        let folder = Folder::with(TLS, &server);
        std::fs::copy(made.file("cert.pem"), folder.path("server.crt")).expect("copied");
        let actual = folder.load().expect_err(found);
        let place = "DIR/web.yml:1:32: tls_server_config.cert_file";
        let certificate = "the certificate of DIR/server.crt";
        assert_eq!(
            actual,
            [format!("{place}: {certificate} has {found}, {EXPECTED}")]
        );

        // The right certificate with the wrong key.
        let folder = Folder::with(TLS, &server);
        std::fs::copy(made.file("key.pem"), folder.path("server.key")).expect("copied");
        let actual = folder.load().expect_err(found);
        let place = "DIR/web.yml:1:54: tls_server_config.key_file";
        let key = "the key of DIR/server.key cannot be used";
        assert_eq!(actual, [format!("{place}: {key}, {EXPECTED}")]);
    }
    let folder = Folder::with(TLS, &server);
    let exchange = SelfSigned::with_key(X25519);
    std::fs::copy(exchange.file("key.pem"), folder.path("server.key")).expect("copied");
    let actual = folder.load().expect_err("no key that signs");
    assert!(actual[0].ends_with(EXPECTED), "{actual:?}");

    for key in [RSA, P256, ED25519, curve("ec_paramgen_curve:secp384r1")] {
        let folder = Folder::with(
            TLS,
            &Identity::read(&SelfSigned::new(key, &["-subj", "/CN=a"])),
        );
        folder.load().expect("a good key");
    }
}

#[test]
fn x509_version_1_certificate_is_named() {
    needs!("openssl");
    let made = Identity::read(&SelfSigned::of_version_1(P256, "/CN=localhost"));
    let actual = Folder::with(TLS, &made).load().expect_err("version 1");
    assert_eq!(
        actual,
        [
            "DIR/web.yml:1:32: tls_server_config.cert_file: the certificate of DIR/server.crt cannot be used: it is not of version 3 of X.509"
        ]
    );
}

/// [unusable-ca-key]
#[test]
fn client_ca_with_an_unusable_key_is_named() {
    needs!("openssl");
    const EXPECTED: &str =
        "expected RSA with 2048 to 8192 bits, ECDSA on P-256 or P-384, or Ed25519";
    let good = Authority::new("good CA").cert;
    let yaml = |policy: &str| {
        TLS.replace(
            '}',
            &format!(", client_ca_file: ca.crt, client_auth_type: {policy}}}"),
        )
    };
    let load = |policy: &str, ca: &str| {
        let folder = Folder::with(&yaml(policy), &Identity::server());
        folder.write("ca.crt", ca);
        let log = Log::collect(tracing::Level::WARN);
        (folder.load().map(drop), log.take())
    };
    for (key, found) in [
        (RSA_1024, "an RSA key with 1024 bits"),
        (RSA_8200, "an RSA key with 8200 bits"),
        (P521, "an ECDSA key on the curve P-521"),
        (SECP256K1, "an ECDSA key on the curve secp256k1"),
        (ED448, "a key of the algorithm Ed448"),
        (RSA_PSS, "a key of the algorithm RSASSA-PSS"),
    ] {
        let weak = SelfSigned::new(key, &["-subj", "/O=Brand/CN=weak CA"]);
        let weak = Identity::read(&weak).cert;
        for policy in ["VerifyClientCertIfGiven", "RequireAndVerifyClientCert"] {
            let (loaded, _) = load(policy, &weak);
            let place = "DIR/web.yml:1:82: tls_server_config.client_ca_file: DIR/ca.crt holds";
            let certificate = format!("(CN=weak CA,O=Brand) has {found}, {EXPECTED}");
            assert_eq!(
                loaded.expect_err(found),
                [format!(
                    "{place} no certificate that can be used: certificate 1 {certificate}"
                )]
            );
            let (loaded, log) = load(policy, &format!("{good}{weak}"));
            loaded.expect("the other CA can be used");
            assert!(
                log.contains("A certificate of the client CAs cannot be used")
                    && log.contains(&format!("certificate 2 {certificate}")),
                "{log}"
            );
        }
        // No client is verified.
        for policy in ["RequestClientCert", "RequireAnyClientCert"] {
            let (loaded, log) = load(policy, &weak);
            loaded.expect(policy);
            assert_eq!(log, "", "{policy}");
        }
    }
    let (loaded, log) = load("RequireAndVerifyClientCert", &good);
    loaded.expect("a good CA");
    assert_eq!(log, "");
}

#[test]
fn errors_in_users_and_headers_have_positions() {
    let hash = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";
    for bad in [
        SECRET.to_owned(),
        String::new(),
        hash[..59].to_owned(),
        hash.replace("$2y$", "$2x$"),
        hash.replace("$10$", "$03$"),
        hash.replace("$10$", "$32$"),
    ] {
        let yaml = format!("basic_auth_users: {{alice: {hash}, bob: '{bad}'}}");
        assert!(load_error(&yaml).ends_with(": basic_auth_users.bob: not a bcrypt hash"));
    }
    for (name, value) in [(hash, "bob"), (hash, hash), (&hash[..10], "s3cret-value")] {
        let actual = load_error(&format!("basic_auth_users: {{{name}: {value}}}"));
        let swapped =
            ": basic_auth_users.…: the name looks like a hash; are user name and hash swapped?";
        assert!(actual.ends_with(swapped), "{actual}");
    }
    let apache = load_error("basic_auth_users: {$apr1$s3cret-value: bob}");
    assert!(
        apache.ends_with(": basic_auth_users.…: not a bcrypt hash"),
        "{apache}"
    );
    let all = "Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, X-XSS-Protection, Content-Security-Policy";
    for (header, error) in [
        ("'$s3cret-value': a", format!(": unknown header \"…\", expected one of {all}")),
        ("Server: s3cret-value", format!(": unknown header \"Server\", expected one of {all}")),
        ("x-frame-options: deny", ": unknown header \"x-frame-options\"; did you mean \"X-Frame-Options\"?".to_owned()),
        (
            "X-Frame-Options: s3cret-value",
            ".X-Frame-Options: invalid value, expected one of deny, sameorigin".to_owned(),
        ),
        (
            "X-Content-Type-Options: s3cret-value",
            ".X-Content-Type-Options: invalid value, expected one of nosniff".to_owned(),
        ),
        (
            "Content-Security-Policy: \"s3cret-value\\n\"",
            ".Content-Security-Policy: invalid value: it contains a character that cannot be in an HTTP header".to_owned(),
        ),
    ] {
        let actual = load_error(&format!("http_server_config: {{headers: {{{header}}}}}"));
        assert!(actual.ends_with(&format!(": http_server_config.headers{error}")), "{actual}");
    }
}

/// [web-configuration-mistakes]
#[test]
fn all_errors_are_reported_at_once() {
    let actual = load_errors(
        "tls_server_config:\n  cert_file: none\n  client_auth_type: x\n  min_version: TLS9\n  \
         cipher_suites: [TLS_BROKEN]\n  curve_preferences: [CurveP25]\n\
         http_server_config: {headers: {Server: a, X-Frame-Options: b}}\n\
         basic_auth_users: {bob: s3cret-value, alice: s3cret-value}\n",
    );
    for part in [
        "missing one of key or key_file",
        "cannot read DIR/none",
        "invalid ClientAuth",
        "unknown TLS version",
        "unknown cipher",
        "unknown curve \"CurveP25\"",
        "unknown header \"Server\"",
        "headers.X-Frame-Options",
        "basic_auth_users.alice",
        "basic_auth_users.bob",
    ] {
        let with_it = actual.iter().filter(|text| text.contains(part)).count();
        assert_eq!(with_it, 1, "{part}: {actual:?}");
    }
    assert_eq!(actual.len(), 10, "{actual:?}");
}

#[tokio::test]
async fn errors_contain_no_secret() {
    let hash = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";
    let server = Identity::server();
    let folder = Folder::with(
        &format!("{TLS}basic_auth_users: {{alice: {hash}}}\n"),
        &server,
    );
    let file = folder.load().expect("a good web configuration");
    let printed = format!("{file:?} {:?}", file.current().await);
    assert!(printed.contains("alice"), "{printed}");
    assert!(!printed.contains("X0h1gDsPszWURQaxFh"), "{printed}");
    for line in server.key.lines() {
        assert!(!printed.contains(line), "{printed}");
    }
}

#[test]
fn unknown_header_that_looks_like_a_secret_is_redacted() {
    let actual = load_error(
        "http_server_config: {headers: {8f14e45fceea167a5a36dedd4bea2543: X-Frame-Options}}",
    );
    assert!(actual.contains(": unknown header \"…\""), "{actual}");
}

#[test]
fn pem_content_in_a_path_setting_is_rejected() {
    let key = "server.crt\n    s3cret-value\n    -----END PRIVATE KEY-----";
    let actual = load_error(&format!(
        "tls_server_config:\n  key_file: server.key\n  cert_file: {key}\n"
    ));
    assert!(
        actual.ends_with("cert_file: expected the path of a file, not its content"),
        "{actual}"
    );
}
