//! Self-signed certificates of the gateway that OpenSSL creates and curl accepts.

use std::path::Path;
use std::process::Command;

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use tracing::Level;

use crate::gateway_client::{ca_file_yaml, failures};
use crate::harness::fault_proxy::{After, BadCertificate, Calls, Fault, FaultProxy, RawReply};
use crate::harness::log::Log;
use crate::harness::openssl::{
    ED448, ED25519, P256, P521, RSA, RSA_1024, RSA_8200, RSA_PSS, SelfSigned,
};
use crate::harness::process::{Running, exporter, run};
use crate::harness::tools::needs;
use crate::harness::{Setup, eventually};

const BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// Whether an exporter that trusts `ca_file` can read a gateway with this certificate, and the log.
async fn read(
    identity: &SelfSigned,
    ca_file: &Path,
    versions: &[&'static SupportedProtocolVersion],
) -> (bool, String) {
    let (certificate, key) = (identity.file("cert.pem"), identity.file("key.pem"));
    let mut proxy = FaultProxy::showing(&certificate, &key, versions);
    let log = Log::collect(Level::WARN);
    let setup = Setup {
        url: Some(proxy.url()),
        ..Setup::yaml(&ca_file_yaml(ca_file))
    };
    let stack = setup.start().await;
    proxy.open(stack.gateway.address).await;
    let scrape = stack.scrape().await;
    let is_up = scrape.value("qlara_up") == 1.0;
    let expected: &[(&str, f64)] = match is_up {
        true => &[],
        false => &[(r#"{endpoint="socials",reason="tls"}"#, 1.0)],
    };
    assert_eq!(failures(&scrape), expected);
    (is_up, log.take())
}

#[tokio::test]
async fn self_signed_certificate_in_the_ca_file_is_trusted() {
    needs!("openssl");
    const SUBJECT: [&str; 2] = ["-subj", "/CN=localhost"];
    let named = |name: &'static str| ["-subj", "/CN=gateway", "-addext", name];
    for (identity, what) in [
        (SelfSigned::new(RSA, &SUBJECT), "common name"),
        (
            SelfSigned::new(P256, &["-subj", "/O=Brand/CN=LocalHost"]),
            "common name in capitals",
        ),
        (
            SelfSigned::new(ED25519, &named("subjectAltName=DNS:localhost")),
            "name",
        ),
        (
            SelfSigned::new(P256, &named("subjectAltName=DNS:other,DNS:localhost")),
            "second name",
        ),
        (
            SelfSigned::new(
                P256,
                &[SUBJECT, ["-addext", "subjectAltName=email:a@b.example"]].concat(),
            ),
            "no alternative name of a server",
        ),
        (
            SelfSigned::new(
                P256,
                &[SUBJECT, ["-addext", "extendedKeyUsage=serverAuth"]].concat(),
            ),
            "usage",
        ),
        (
            SelfSigned::of_version_1(RSA, "/CN=localhost"),
            "version 1, RSA",
        ),
        (
            SelfSigned::of_version_1(P256, "/CN=localhost"),
            "version 1, EC",
        ),
    ] {
        for versions in [&BOTH[..], &[&TLS12], &[&TLS13]] {
            let (is_up, log) = read(&identity, &identity.file("cert.pem"), versions).await;
            assert!(is_up, "{what}, {versions:?}: {log}");
        }
    }
}

#[tokio::test]
async fn trusted_certificate_for_another_host_is_rejected() {
    needs!("openssl");
    let with = |extension: &'static str| {
        SelfSigned::new(P256, &["-subj", "/CN=localhost", "-addext", extension])
    };
    for (identity, expected) in [
        (
            SelfSigned::new(P256, &["-subj", "/CN=elsewhere"]),
            "not valid for name",
        ),
        (
            SelfSigned::new(P256, &["-subj", "/O=localhost"]),
            "not valid for name",
        ),
        (
            SelfSigned::new(P256, &["-subj", "/CN=localhost.example"]),
            "not valid for name",
        ),
        // An alternative name replaces the common name.
        (with("subjectAltName=DNS:elsewhere"), "not valid for name"),
        (with("subjectAltName=IP:127.0.0.2"), "not valid for name"),
        (with("extendedKeyUsage=clientAuth"), "purpose"),
        (
            SelfSigned::of_version_1(P256, "/CN=elsewhere"),
            "not valid for name",
        ),
    ] {
        let (is_up, log) = read(&identity, &identity.file("cert.pem"), &BOTH).await;
        assert!(!is_up, "{expected}");
        assert!(log.to_lowercase().contains(expected), "{expected}: {log}");
        let advice = "the host in gateway.url (--qlara.url)";
        assert!(log.contains(advice), "{expected}: {log}");
    }
}

/// The error says which setting or clock to check.
/// [certificate-advice]
#[tokio::test]
async fn failed_handshake_comes_with_advice() {
    let answer = |bytes| Fault::Handshake(RawReply(bytes, After::Close));
    for (fault, advice) in [
        (
            Fault::Certificate(BadCertificate::UnknownIssuer),
            "name the file with the CA's certificate in gateway.tls_config.ca_file",
        ),
        (
            Fault::Certificate(BadCertificate::Expired),
            "; check the clock of this machine",
        ),
        (
            Fault::Certificate(BadCertificate::OtherHost),
            "; check the host in gateway.url (--qlara.url)",
        ),
        (
            answer("HTTP/1.1 400 Bad Request\r\n\r\n"),
            "; check scheme and port in gateway.url (--qlara.url): the server there does not speak TLS",
        ),
        // The alert `handshake_failure`.
        (
            answer("\u{15}\u{3}\u{3}\0\u{2}\u{2}\u{28}"),
            "; check scheme, host and port in gateway.url (--qlara.url), and proxies in between",
        ),
        // The alert `certificate_required`.
        (
            answer("\u{15}\u{3}\u{3}\0\u{2}\u{2}\u{74}"),
            "; the server asks for a client certificate, and the exporter has none to show",
        ),
        // The alert `protocol_version`.
        (
            answer("\u{15}\u{3}\u{3}\0\u{2}\u{2}\u{46}"),
            "; the server has to speak TLS 1.2 or 1.3",
        ),
        // A ServerHello of TLS 1.1.
        (
            answer(
                "\u{16}\u{3}\u{2}\0\u{2a}\u{2}\0\0\u{26}\u{3}\u{2}01234567890123456789012345678901\0\0\u{2f}\0",
            ),
            "; the server has to speak TLS 1.2 or 1.3",
        ),
        (
            answer(""),
            "the handshake breaks off; check scheme, host and port in gateway.url (--qlara.url)",
        ),
    ] {
        let mut proxy = FaultProxy::over_tls();
        let log = Log::collect(Level::WARN);
        let setup = Setup {
            url: Some(proxy.url()),
            ..Setup::yaml(&ca_file_yaml(proxy.ca_file().expect("a file")))
        };
        let stack = setup.start().await;
        proxy.inject(stack.gateway.address, fault, Calls::All).await;
        assert_eq!(stack.scrape().await.value("qlara_up"), 0.0);
        let text = log.take();
        assert!(text.contains(advice), "{advice}: {text}");
    }
}

/// Servers with TLS answer plain HTTP with an alert, or close the connection.
/// [certificate-advice]
#[tokio::test]
async fn http_at_a_port_with_tls_comes_with_advice() {
    for (answer, advice) in [
        (
            "",
            "; if the server speaks TLS, set the scheme in gateway.url (--qlara.url) to https",
        ),
        (
            "\u{15}\u{3}\u{3}\0\u{2}\u{2}\u{46}",
            "no valid HTTP; check scheme, host and port in gateway.url (--qlara.url)",
        ),
    ] {
        let mut proxy = FaultProxy::plain();
        let log = Log::collect(Level::WARN);
        let setup = Setup {
            url: Some(proxy.url()),
            ..Setup::default()
        };
        let stack = setup.start().await;
        let fault = Fault::Response(RawReply(answer, After::Close));
        proxy.inject(stack.gateway.address, fault, Calls::All).await;
        assert_eq!(stack.scrape().await.value("qlara_up"), 0.0);
        let text = log.take();
        assert!(text.contains(advice), "{advice}: {text}");
    }
}

/// The default of OpenSSL: a self-signed certificate of a CA. Naming its file is enough.
#[tokio::test]
async fn unknown_self_signed_certificate_comes_with_advice() {
    needs!("openssl");
    let other = SelfSigned::new(P256, &["-subj", "/CN=other"]);
    let advice = "it is the certificate of a CA, not of a server; if it is the gateway's own, self-signed certificate, \
                  name the file with it in gateway.tls_config.ca_file";
    let made = SelfSigned::new(P256, &["-subj", "/CN=localhost"]);
    let (is_up, log) = read(&made, &other.file("cert.pem"), &BOTH).await;
    assert!(!is_up && log.contains(advice), "{log}");
    let (is_up, log) = read(&made, &made.file("cert.pem"), &BOTH).await;
    assert!(is_up, "{log}");

    // The system may trust another certificate for CN=localhost.
    let no_ca = [
        "-subj",
        "/CN=gateway",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-addext",
        "basicConstraints=CA:FALSE",
    ];
    let made = SelfSigned::new(P256, &no_ca);
    let (is_up, log) = read(&made, &other.file("cert.pem"), &BOTH).await;
    let advice = "certificate in gateway.tls_config.ca_file";
    assert!(!is_up && log.contains(advice), "{log}");
}

/// The same names with another key are another certificate.
#[tokio::test]
async fn forged_certificate_with_trusted_names_is_rejected() {
    needs!("openssl");
    let subject = [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
    ];
    let trusted = SelfSigned::new(P256, &subject);
    let forged = SelfSigned::new(P256, &subject);
    let (is_up, log) = read(&forged, &trusted.file("cert.pem"), &BOTH).await;
    assert!(!is_up, "{log}");

    // The certificate is public: presenting it without its key proves nothing.
    std::fs::copy(trusted.file("cert.pem"), forged.file("cert.pem")).expect("copied");
    for versions in [[&TLS12], [&TLS13]] {
        let (is_up, log) = read(&forged, &trusted.file("cert.pem"), &versions).await;
        assert!(!is_up, "{log}");
        assert!(log.contains("BadSignature"), "{log}");
    }
}

/// OpenSSL as the server, because it accepts keys that other TLS libraries reject.
async fn serve(identity: &SelfSigned) -> (Running, String) {
    let mut command = Command::new("openssl");
    command.args(["s_server", "-accept", "127.0.0.1:0", "-www"]);
    command.args(["-cipher", "DEFAULT@SECLEVEL=0"]);
    command.arg("-cert").arg(identity.file("cert.pem"));
    command.arg("-key").arg(identity.file("key.pem"));
    let server = Running::start(&mut command);
    let port = eventually("a port", async || {
        let output = server.output();
        let (_, port) = output.split_once("ACCEPT 127.0.0.1:")?;
        port.lines().next().map(str::to_owned)
    })
    .await;
    (server, format!("https://localhost:{port}/"))
}

const EXPECTED: &str = "expected RSA with 2048 to 8192 bits, ECDSA on P-256 or P-384, or Ed25519";

/// [unusable-gateway-key]
#[tokio::test]
async fn weak_key_is_named() {
    needs!("openssl");
    let weak = SelfSigned::new(RSA_1024, &["-subj", "/CN=localhost"]);
    let (_server, url) = serve(&weak).await;
    let log = Log::collect(Level::WARN);
    let setup = Setup {
        url: Some(url),
        ..Setup::yaml(&ca_file_yaml(&weak.file("cert.pem")))
    };
    assert_eq!(setup.start().await.scrape().await.value("qlara_up"), 0.0);
    let text = log.take();
    let expected = format!(
        "TLS with the gateway fails: invalid peer certificate: an RSA key with 1024 bits, {EXPECTED}"
    );
    assert!(text.contains(&expected), "{text}");
}

/// The server has a key that the client cannot use, so the handshake fails without naming the key.
/// [unusable-ca-key]
#[tokio::test]
async fn unusable_certificate_in_the_ca_file_is_named_at_startup() {
    needs!("openssl");
    for (key, found) in [
        (P521, "an ECDSA key on the curve P-521"),
        (ED448, "a key of the algorithm Ed448"),
        (RSA_PSS, "a key of the algorithm RSASSA-PSS"),
    ] {
        let made = SelfSigned::new(key, &["-subj", "/CN=localhost"]);
        let (_server, url) = serve(&made).await;
        let ca_file = made.file("cert.pem");
        let named = format!("certificate 1 (CN=localhost) has {found}, {EXPECTED}");

        let log = Log::collect(Level::WARN);
        let accounts =
            "[{name: a, api_key_env: K, gateway: {timeout: 5s}}, {name: b, api_key_env: K}]";
        let setup = Setup {
            url: Some(url.clone()),
            variables: vec![("K", "x".to_owned())],
            ..Setup::yaml(&format!("{}\naccounts: {accounts}", ca_file_yaml(&ca_file)))
        };
        let stack = setup.start().await;
        let text = log.take();
        let warning = "A certificate of the CA file cannot be used";
        assert_eq!(text.matches(warning).count(), 1, "{text}");
        assert!(text.contains(&named), "{text}");
        assert_eq!(stack.scrape().await.value(r#"qlara_up{account="a"}"#), 0.0);

        let yaml = made.file("qlara.yml");
        std::fs::write(&yaml, ca_file_yaml(&ca_file)).expect("a file");
        for arguments in [&["--config.check"][..], &["check"]] {
            let (_, _, error) = run(exporter()
                .args(arguments)
                .arg("--config.file")
                .arg(&yaml)
                .args(["--qlara.url", "http://127.0.0.1:1"])
                .env("QLARA_API_KEY", "x"));
            assert!(error.contains(&named), "{arguments:?}: {error}");
        }
        let (code, _, error) = run(exporter()
            .args(["healthcheck", "--url", &url, "--ca-file"])
            .arg(&ca_file));
        assert_eq!(code, 1);
        assert!(
            error.contains(&format!("in the CA file, {named}")),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

/// [unusable-gateway-key]
#[tokio::test]
async fn unusable_issuer_key_is_named() {
    needs!("openssl");
    for (key, found) in [
        (RSA_1024, "an RSA key with 1024 bits"),
        (RSA_8200, "an RSA key with 8200 bits"),
        (P521, "an ECDSA key on the curve P-521"),
        (ED448, "a key of the algorithm Ed448"),
        (RSA_PSS, "a key of the algorithm RSASSA-PSS"),
    ] {
        let authority = SelfSigned::new(key, &["-subj", "/CN=weak CA"]);
        let issued = authority.issue(P256);
        let (is_up, log) = read(&issued, &authority.file("cert.pem"), &BOTH).await;
        assert!(!is_up, "{found}");
        let expected = format!(
            "TLS with the gateway fails: invalid peer certificate: the issuer CN=weak CA has {found}, {EXPECTED}"
        );
        let advice = "; the server, or the proxy that inspects TLS, needs another certificate";
        assert!(log.contains(&(expected + advice)), "{log}");
        let named = format!("certificate 1 (CN=weak CA) has {found}, {EXPECTED}");
        assert!(log.contains(&named), "{log}");
    }
}

/// The algorithm of a signature is the cause, not a key.
#[tokio::test]
async fn unsupported_certificate_is_explained() {
    needs!("openssl");
    let authority = SelfSigned::new(RSA, &["-subj", "/CN=CA"]);
    for (issued, expected) in [
        (
            authority.issue_with(P256, &["-sha1"]),
            "it is signed with RSA with SHA-1, which the TLS library cannot check",
        ),
        (
            SelfSigned::of_version_1(P256, "/CN=localhost"),
            "it is not of version 3 of X.509",
        ),
    ] {
        let (is_up, log) = read(&issued, &authority.file("cert.pem"), &BOTH).await;
        assert!(!is_up, "{expected}");
        let expected = format!("invalid peer certificate: {expected}");
        assert!(log.contains(&expected) && !log.contains("Context"), "{log}");
    }
    let authority = SelfSigned::new(P256, &["-subj", "/CN=CA"]);
    let issued = authority.issue_with(P256, &["-sha512"]);
    let (_, log) = read(&issued, &authority.file("cert.pem"), &BOTH).await;
    let expected = "it is signed with ECDSA with SHA-512, which the TLS library cannot check";
    assert!(log.contains(expected) && !log.contains("Context"), "{log}");
}
