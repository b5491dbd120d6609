//! TLS settings, observed by clients.

use std::time::Duration;

use exporter_toolkit::server::Timeouts;
use rustls::crypto::ring::cipher_suite::{
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
};
use rustls::crypto::ring::kx_group::{SECP256R1, SECP384R1};
use rustls::version::{TLS12, TLS13};
use rustls::{ALL_VERSIONS, CipherSuite, NamedGroup, ProtocolVersion, SupportedCipherSuite};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::server::Server;
use crate::harness::certificates::{Identity, client_of, client_with, client_with_system_roots};
use crate::harness::web_config::{Folder, TLS};

async fn serve(tls: &str, server: &Identity) -> Server {
    let files = "cert_file: server.crt, key_file: server.key";
    let yaml = format!("tls_server_config: {{{files}, {tls}}}");
    Folder::with(&yaml, server).serve().await
}

#[tokio::test]
async fn certificate_and_key_are_files_or_inline() {
    let (server, other) = (Identity::server(), Identity::server());
    let indented = |pem: &str| pem.replace('\n', "\n    ");
    let inline = |identity: &Identity| {
        let (cert, key) = (indented(&identity.cert), indented(&identity.key));
        format!("  cert: |\n    {cert}\n  key: |\n    {key}\n")
    };
    let files = "  cert_file: server.crt\n  key_file: server.key\n";
    for tls in [
        files.to_owned(),
        inline(&server),
        // A file takes precedence.
        inline(&other) + files,
    ] {
        let yaml = format!("tls_server_config:\n{tls}");
        let running = Folder::with(&yaml, &server).serve().await;
        assert!(running.accepts(client_with(&server, None)).await, "{yaml}");
        assert!(!running.accepts(client_with_system_roots()).await);
    }
}

/// [tls-to-http]
#[tokio::test]
async fn https_to_plain_http_fails_and_the_server_survives() {
    let server = Identity::server();
    let running = Folder::with("", &server).serve().await;
    assert!(!running.accepts(client_with(&server, None)).await);
    let answer = running.get().send().await.expect("a response");
    assert_eq!(answer.text().await.expect("a text"), "hello\n");
}

/// A ClientHello that offers at most TLS 1.1, with two of its cipher suites.
fn client_hello_of_tls_1_1() -> Vec<u8> {
    let version = [3, 2];
    let mut hello = version.to_vec();
    hello.extend([7; 32]); // random
    hello.push(0); // no session
    hello.extend([0, 4, 0xc0, 0x13, 0x00, 0x2f]); // cipher suites
    hello.extend([1, 0]); // no compression
    let length = hello.len() as u8;
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(hello);
    record
}

/// [old-tls]
#[tokio::test]
async fn tls_1_1_client_is_rejected() {
    let server = Identity::server();
    // Even if the file allows it.
    for tls in ["min_version: TLS12", "min_version: TLS10"] {
        let running = serve(tls, &server).await;
        let mut stream = TcpStream::connect(running.address).await.expect("a server");
        let hello = client_hello_of_tls_1_1();
        stream.write_all(&hello).await.expect("a client hello");
        let mut alert = [0; 7];
        stream.read_exact(&mut alert).await.expect("an alert");
        let (alert_record, fatal) = (21, 2);
        assert_eq!((alert[0], alert[5]), (alert_record, fatal), "{alert:?}");
        assert_eq!(stream.read(&mut alert).await.expect("the end"), 0);
        assert!(running.accepts(client_with(&server, None)).await);
    }
}

#[tokio::test]
async fn min_and_max_version_apply() {
    use ProtocolVersion::{TLSv1_2, TLSv1_3};
    let server = Identity::server();
    for (tls, versions, spoken) in [
        ("", ALL_VERSIONS, Some(TLSv1_3)),
        ("", &[&TLS12], Some(TLSv1_2)),
        ("max_version: TLS12", ALL_VERSIONS, Some(TLSv1_2)),
        ("max_version: TLS12", &[&TLS13], None),
        ("min_version: TLS13", ALL_VERSIONS, Some(TLSv1_3)),
        ("min_version: TLS13", &[&TLS12], None),
    ] {
        let running = serve(tls, &server).await;
        let stream = running.connect(client_of(&server, versions, |_| {})).await;
        let met = stream
            .ok()
            .and_then(|stream| stream.get_ref().1.protocol_version());
        assert_eq!(met, spoken, "{tls}");
    }
}

/// The suite that a TLS 1.2 client with these preferences negotiates with the server.
async fn agreed(
    running: &Server,
    server: &Identity,
    suites: &[SupportedCipherSuite],
) -> Option<CipherSuite> {
    let client = client_of(server, &[&TLS12], |provider| {
        provider.cipher_suites = suites.to_vec()
    });
    let stream = running.connect(client).await.ok()?;
    let suite = stream.get_ref().1.negotiated_cipher_suite()?;
    Some(suite.suite())
}

#[tokio::test]
async fn cipher_suites_follow_the_list_and_its_order() {
    let (small, large, other) = (
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    );
    let server = Identity::server();
    let list = "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]";
    let running = serve(list, &server).await;
    assert_eq!(
        agreed(&running, &server, &[small, large]).await,
        Some(large.suite())
    );
    assert_eq!(
        agreed(&running, &server, &[small]).await,
        Some(small.suite())
    );
    assert_eq!(agreed(&running, &server, &[other]).await, None);
    // The setting applies to TLS 1.2 only.
    assert!(running.accepts(client_of(&server, &[&TLS13], |_| {})).await);

    let order = format!("{list}, prefer_server_cipher_suites: false");
    let running = serve(&order, &server).await;
    assert_eq!(
        agreed(&running, &server, &[small, large]).await,
        Some(small.suite())
    );
}

#[tokio::test]
async fn curves_follow_the_list() {
    let server = Identity::server();
    let running = serve("curve_preferences: [CurveP521, CurveP256]", &server).await;
    for (groups, met) in [
        (vec![SECP384R1, SECP256R1], Some(NamedGroup::secp256r1)),
        (vec![SECP384R1], None),
    ] {
        let client = client_of(&server, ALL_VERSIONS, |provider| {
            provider.kx_groups = groups
        });
        let stream = running.connect(client).await.ok();
        let group = stream.and_then(|stream| {
            let group = stream.get_ref().1.negotiated_key_exchange_group()?;
            Some(group.name())
        });
        assert_eq!(group, met);
    }
}

#[tokio::test]
async fn all_go_names_are_accepted() {
    let server = Identity::server();
    let ciphers = [
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_RSA_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_RSA_WITH_AES_256_CBC_SHA",
        "TLS_RSA_WITH_AES_256_GCM_SHA384",
    ];
    let tls = format!(
        "cipher_suites: [{}], curve_preferences: [CurveP256, CurveP384, CurveP521, X25519], \
         min_version: TLS10, max_version: TLS13, client_auth_type: VerifyClientCertIfGiven",
        ciphers.join(", ")
    );
    let running = serve(&tls, &server).await;
    assert!(running.accepts(client_of(&server, &[&TLS12], |_| {})).await);
    assert!(running.accepts(client_of(&server, &[&TLS13], |_| {})).await);
}

#[tokio::test]
async fn http2_is_offered_unless_disabled() {
    let server = Identity::server();
    let with = |http: &str| format!("{TLS}{http}");
    // Go programs refuse a list without TLS_ECDHE_*_WITH_AES_128_GCM_SHA256.
    let aes_256 = TLS.replace(
        '}',
        ", max_version: TLS12, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]}",
    );
    for (yaml, met) in [
        (with(""), "h2"),
        (with("http_server_config: {http2: true}"), "h2"),
        (with("http_server_config: {http2: false}"), "http/1.1"),
        (aes_256, "h2"),
    ] {
        let running = Folder::with(&yaml, &server).serve().await;
        let mut client = client_with(&server, None);
        client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = running.connect(client).await.expect("a handshake");
        assert_eq!(
            stream.get_ref().1.alpn_protocol(),
            Some(met.as_bytes()),
            "{yaml}"
        );
    }
}

/// A request that arrives byte by byte has the same deadline as any head.
/// [http-to-tls]
#[tokio::test]
async fn plain_http_on_a_tls_port_has_the_head_deadline() {
    let never = Duration::from_secs(3600);
    let timeouts = Timeouts {
        head: Duration::from_millis(200),
        idle: never,
        response: never,
    };
    let folder = Folder::with(TLS, &Identity::server());
    let running = folder.serve_with(timeouts).await;
    let stream = TcpStream::connect(running.address).await;
    let mut stream = stream.expect("a connection");
    stream.write_all(b"GET / HT").await.expect("sent");
    let mut response = Vec::new();
    let end = stream.read_to_end(&mut response);
    // A reset ends the connection too.
    let _ = timeout(Duration::from_secs(60), end).await.expect("an end");
    assert_eq!(response, b"");
}
