//! Which client certificates are accepted.

use rcgen::SanType;

use super::server::Server;
use crate::harness::certificates::{Authority, Identity, client_with};
use crate::harness::openssl::{P256, RSA, SelfSigned};
use crate::harness::tools::needs;
use crate::harness::web_config::Folder;

/// A server with its certificate, and clients with their certificates.
struct Fixture {
    server: Identity,
    authority: Authority,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture {
            server: Identity::server(),
            authority: Authority::new("CA"),
        }
    }

    async fn serve(&self, tls: &str, ca: &str) -> Server {
        let files = "cert_file: server.crt, key_file: server.key";
        let yaml = format!("tls_server_config: {{{files}, {tls}}}");
        let folder = Folder::with(&yaml, &self.server);
        folder.write("ca.crt", ca);
        folder.serve().await
    }

    async fn accepts(&self, running: &Server, client: Option<&Identity>) -> bool {
        running.accepts(client_with(&self.server, client)).await
    }
}

/// [client-certificate]
#[tokio::test]
async fn each_client_auth_type_accepts_the_right_clients() {
    let fixture = Fixture::new();
    let ours = fixture.authority.issue(Vec::new());
    let foreign = Authority::new("other CA").issue(Vec::new());
    let ca = ", client_ca_file: ca.crt";
    for (policy, ca, [nobody, known, unknown]) in [
        ("NoClientCert", "", [true, true, true]),
        ("RequestClientCert", "", [true, true, true]),
        ("RequestClientCert", ca, [true, true, true]),
        ("RequireAnyClientCert", ca, [false, true, true]),
        ("RequireClientCert", "", [false, true, true]),
        ("VerifyClientCertIfGiven", ca, [true, true, false]),
        ("VerifyClientCertIfGiven", "", [true, false, false]),
        ("RequireAndVerifyClientCert", ca, [false, true, false]),
        ("RequireAndVerifyClientCert", "", [false, false, false]),
    ] {
        let tls = format!("client_auth_type: {policy}{ca}");
        let running = fixture.serve(&tls, &fixture.authority.cert).await;
        assert_eq!(
            fixture.accepts(&running, None).await,
            nobody,
            "{tls}: nobody"
        );
        assert_eq!(
            fixture.accepts(&running, Some(&ours)).await,
            known,
            "{tls}: ours"
        );
        assert_eq!(
            fixture.accepts(&running, Some(&foreign)).await,
            unknown,
            "{tls}: foreign"
        );
    }
}

/// [client-certificate]
#[tokio::test]
async fn certificate_without_its_private_key_is_rejected() {
    let fixture = Fixture::new();
    let ours = fixture.authority.issue(Vec::new());
    let stolen = ours.with_key_of(&fixture.authority.issue(Vec::new()));
    for policy in [
        "RequestClientCert",
        "RequireAnyClientCert",
        "RequireAndVerifyClientCert",
    ] {
        let tls = format!("client_auth_type: {policy}, client_ca_file: ca.crt");
        let running = fixture.serve(&tls, &fixture.authority.cert).await;
        assert!(!fixture.accepts(&running, Some(&stolen)).await, "{policy}");
        assert!(fixture.accepts(&running, Some(&ours)).await, "{policy}");
    }
}

#[tokio::test]
async fn client_ca_accepts_inline_pem_and_several_cas() {
    let fixture = Fixture::new();
    let other = Authority::new("other CA");
    let both = format!("{}{}", fixture.authority.cert, other.cert).replace('\n', "\n    ");
    let yaml = format!(
        "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  \
         client_auth_type: RequireAndVerifyClientCert\n  client_ca: |\n    {both}\n"
    );
    let running = Folder::with(&yaml, &fixture.server).serve().await;
    for authority in [&fixture.authority, &other] {
        let client = authority.issue(Vec::new());
        assert!(fixture.accepts(&running, Some(&client)).await);
    }
    let unknown = Authority::new("unknown").issue(Vec::new());
    assert!(!fixture.accepts(&running, Some(&unknown)).await);
}

#[tokio::test]
async fn directly_trusted_certificate_is_accepted_while_valid() {
    needs!("openssl");
    let fixture = Fixture::new();
    let tls = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt";
    for (client, welcome) in [
        (Identity::self_signed_ca(), true),
        (
            Identity::read(&SelfSigned::of_version_1(P256, "/CN=client")),
            true,
        ),
        (
            Identity::read(&SelfSigned::of_version_1(RSA, "/CN=client")),
            true,
        ),
        (Identity::expired(), false),
    ] {
        let running = fixture.serve(tls, &client.cert).await;
        assert_eq!(fixture.accepts(&running, Some(&client)).await, welcome);
        let another = Identity::self_signed_ca();
        assert!(!fixture.accepts(&running, Some(&another)).await);
    }
}

/// [client-certificate]
#[tokio::test]
async fn certificate_needs_an_allowed_san() {
    let fixture = Fixture::new();
    let text = |name: &str| name.try_into().expect("ASCII");
    let address = |address: &str| SanType::IpAddress(address.parse().expect("an address"));
    let dns = SanType::DnsName(text("test3"));
    let tls = |policy: &str| {
        format!(
            "client_auth_type: {policy}, client_ca_file: ca.crt, client_allowed_sans: \
             [test3, prometheus@example.com, 192.0.2.7, '2001:db8::7', 'spiffe://example.com/prometheus']"
        )
    };
    let running = fixture
        .serve(&tls("RequireAndVerifyClientCert"), &fixture.authority.cert)
        .await;
    for (names, welcome) in [
        (vec![dns.clone()], true),
        (
            vec![SanType::Rfc822Name(text("prometheus@example.com"))],
            true,
        ),
        (vec![address("192.0.2.7")], true),
        (vec![address("2001:db8::7")], true),
        (
            vec![SanType::URI(text("spiffe://example.com/prometheus"))],
            true,
        ),
        (vec![SanType::DnsName(text("test2")), dns.clone()], true),
        (vec![SanType::DnsName(text("test2"))], false),
        (vec![SanType::DnsName(text("a.test3"))], false),
        (
            vec![SanType::Rfc822Name(text("grafana@example.com"))],
            false,
        ),
        (vec![address("192.0.2.8")], false),
        (
            vec![SanType::URI(text("spiffe://example.com/grafana"))],
            false,
        ),
        (Vec::new(), false),
    ] {
        let client = fixture.authority.issue(names.clone());
        assert_eq!(
            fixture.accepts(&running, Some(&client)).await,
            welcome,
            "{names:?}"
        );
    }
    let foreign = Authority::new("other CA").issue(vec![dns.clone()]);
    assert!(!fixture.accepts(&running, Some(&foreign)).await);

    // A client without a certificate has no allowed name, even if no certificate is required.
    let running = fixture
        .serve(&tls("VerifyClientCertIfGiven"), &fixture.authority.cert)
        .await;
    assert!(!fixture.accepts(&running, None).await);
    let running = fixture
        .serve(&tls("RequireAnyClientCert"), &fixture.authority.cert)
        .await;
    assert!(fixture.accepts(&running, Some(&foreign)).await);
    assert!(
        !fixture
            .accepts(&running, Some(&fixture.authority.issue(Vec::new())))
            .await
    );
}
