//! A real Prometheus with a client certificate and a password, which finds the accounts by `/sd`.

use std::sync::Arc;

use rcgen::SanType;
use serde_json::{Value, json};

use crate::harness::Setup;
use crate::harness::certificates::{Authority, Identity};
use crate::harness::tools::needs;
use crate::harness::web_config::{Folder, hash};
use crate::prometheus::Prometheus;

#[tokio::test]
async fn prometheus_needs_client_certificate_and_password() {
    needs!("prometheus");
    let server = Identity::server();
    let authority = Authority::new("clients");
    let name = SanType::DnsName("prometheus.example".try_into().expect("a name"));
    let client = authority.issue(vec![name]);
    let yaml = format!(
        "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  \
         client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: clients.crt\n  \
         client_allowed_sans: [prometheus.example]\n\
         basic_auth_users: {{prometheus: {}}}\n",
        hash("secret", 4)
    );
    let folder = Folder::with(&yaml, &server);
    folder.write("clients.crt", &authority.cert);
    folder.write("client.crt", &client.cert);
    folder.write("client.key", &client.key);
    let mut setup = Setup::yaml(
        "accounts:\n- {name: a, api_key_env: QLARA_API_KEY}\n- {name: b, api_key_env: QLARA_API_KEY}\n",
    );
    setup.web.config = Arc::new(folder.load().expect("a good file"));
    let stack = setup.start().await;

    let path = |name: &str| folder.path(name).display().to_string();
    let address = format!("localhost:{}", stack.exporter.port());
    let tls = json!({"ca_file": path("server.crt"), "cert_file": path("client.crt"), "key_file": path("client.key")});
    let without_certificate = json!({"ca_file": path("server.crt")});
    let static_job = |job: &str, tls: &Value, password: &str| {
        json!({
            "job_name": job,
            "scheme": "https",
            "tls_config": tls,
            "basic_auth": {"username": "prometheus", "password": password},
            "static_configs": [{"targets": [address]}],
        })
    };
    let basic_auth = json!({"username": "prometheus", "password": "secret"});
    let prometheus = Prometheus::with_scrape_configs(&json!([
        {
            "job_name": "qlara",
            "honor_labels": true,
            "tls_config": tls,
            "basic_auth": basic_auth,
            "http_sd_configs": [{
                "url": format!("https://{address}/sd"),
                "refresh_interval": "1s",
                "tls_config": tls,
                "basic_auth": basic_auth,
            }],
        },
        static_job("own", &tls, "secret"),
        static_job("wrong password", &tls, "guess"),
        static_job("no certificate", &without_certificate, "secret"),
    ]));
    prometheus
        .until(r#"count(qlara_up{job="qlara"} == 1)"#, 2.0)
        .await;
    prometheus
        .until(r#"count(up{job="qlara", account!=""} == 1)"#, 2.0)
        .await;
    prometheus.until(r#"up{job="own"}"#, 1.0).await;
    prometheus.until(r#"up{job="wrong password"}"#, 0.0).await;
    prometheus.until(r#"up{job="no certificate"}"#, 0.0).await;
}
