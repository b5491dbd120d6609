//! How the exporter talks to the gateway.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use qlara_exporter::config::Settings;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use tracing::Level;

use crate::harness::fault_proxy::{After, Calls, Fault, FaultProxy, RawReply};
use crate::harness::listener::{Recorder, http_response, read_head};
use crate::harness::log::Log;
use crate::harness::scrape::Scrape;
use crate::harness::{API_KEY, Setup, Stack, make_too_long};

const EMPTY_LIST: &str = r#"{"profiles": [], "total": 0}"#;

fn exporter_of(url: String) -> Setup {
    Setup {
        url: Some(url),
        ..Setup::default()
    }
}

/// A configuration that trusts these certificate authorities.
pub fn ca_file_yaml(ca_file: &Path) -> String {
    let ca_file = ca_file.display();
    format!("gateway: {{tls_config: {{ca_file: '{ca_file}'}}}}")
}

pub fn failures(scrape: &Scrape) -> Vec<(&str, f64)> {
    let all = scrape.family("qlara_gateway_request_failures_total");
    all.into_iter().filter(|(_, count)| *count > 0.0).collect()
}

#[tokio::test]
async fn requests_carry_key_and_user_agent_to_the_configured_prefix() {
    for prefix in [
        "/api/v1/partner-gateway",
        "/api/partner-gateway/v1/",
        "",
        "/",
    ] {
        let gateway = Recorder::start(|_| http_response("200 OK", "", EMPTY_LIST)).await;
        let stack = exporter_of(format!("http://{}{prefix}", gateway.address))
            .start()
            .await;
        assert_eq!(stack.scrape().await.value("qlara_up"), 1.0);
        let request = gateway.requests().remove(0).to_lowercase();
        let path = format!("{}/socials", prefix.trim_end_matches('/'));
        assert!(
            request.starts_with(&format!("get {path} http/1.1\r\n")),
            "{request}"
        );
        assert!(
            request.contains(&format!("\r\nx-api-key: {API_KEY}\r\n")),
            "{request}"
        );
        let agent = format!(
            "\r\nuser-agent: qlara-exporter/{}\r\n",
            env!("CARGO_PKG_VERSION")
        );
        assert!(request.contains(&agent), "{request}");
        assert!(!request.contains("\r\nauthorization:"), "{request}");
    }
}

#[tokio::test]
async fn platform_names_are_percent_encoded_in_the_path() {
    let list = r#"{"profiles": [{"platform": "a/../b?c#d %\n.é", "profileId": "p", "name": "n",
        "status": "CONNECTED", "connectedAt": "2026-01-01T00:00:00Z"}], "total": 1}"#;
    let gateway = Recorder::start(move |_| http_response("200 OK", "", list)).await;
    let stack = exporter_of(format!("http://{}/prefix", gateway.address))
        .start()
        .await;
    stack.scrape().await;
    let details = gateway.requests().remove(1);
    let path = details.split(' ').nth(1).expect("a path");
    assert_eq!(path, "/prefix/socials/a%2F..%2Fb%3Fc%23d%20%25%0A.%C3%A9");
}

/// [redirect]
#[tokio::test]
async fn redirect_is_an_error_and_is_not_followed() {
    let elsewhere = Recorder::start(|_| http_response("200 OK", "", EMPTY_LIST)).await;
    let stack = Stack::start().await;
    for status in ["redirect", "details:redirect"] {
        stack
            .gateway
            .faults(&format!("{status}=http://{}/socials", elsewhere.address))
            .await;
        stack.scrape_after(61).await;
    }
    let scrape = stack.scrape_after(1).await;
    assert_eq!(
        failures(&scrape),
        [
            (r#"{endpoint="platform",reason="client_error"}"#, 3.0),
            (r#"{endpoint="socials",reason="client_error"}"#, 1.0)
        ]
    );
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn quota_is_exposed_if_stated_and_absent_otherwise() {
    let gateway = Recorder::start(|request| {
        let quota = if request.contains("/second/") {
            "X-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: 42\r\nX-RateLimit-Reset: soon\r\n"
        } else {
            "X-RateLimit-Limit: plenty\r\n"
        };
        http_response("200 OK", quota, EMPTY_LIST)
    })
    .await;
    let unstated = exporter_of(format!("http://{}/first", gateway.address))
        .start()
        .await
        .scrape()
        .await;
    assert_eq!(unstated.get("qlara_gateway_ratelimit_limit"), None);
    assert_eq!(unstated.get("qlara_gateway_ratelimit_remaining"), None);
    let stated = exporter_of(format!("http://{}/second", gateway.address))
        .start()
        .await
        .scrape()
        .await;
    assert_eq!(stated.value("qlara_gateway_ratelimit_limit"), 100.0);
    assert_eq!(stated.value("qlara_gateway_ratelimit_remaining"), 42.0);
}

/// [rate-limited]
#[tokio::test]
async fn retry_after_is_read_from_header_or_body() {
    // The test's clock is at 12:00:00 on that day.
    for (header, body, pause) in [
        ("Retry-After: 40\r\n", "", 40),
        // The value exceeds every integer; a backoff is never longer than five minutes.
        ("Retry-After: 99999999999999999999\r\n", "", 300),
        ("Retry-After: Fri, 10 Apr 2026 12:00:25 GMT\r\n", "", 25),
        ("Retry-After: Friday, 10-Apr-26 12:00:25 GMT\r\n", "", 25),
        ("Retry-After: Fri, 10 Apr 2026 12:00:25 +0000\r\n", "", 25),
        ("Retry-After: Fri Apr 10 12:00:25 2026\r\n", "", 25),
        ("", r#"{"status": 429, "retryAfter": 33}"#, 33),
        ("Retry-After: 7\r\n", r#"{"retryAfter": 9}"#, 9),
        ("Retry-After: whenever\r\n", r#"{"retryAfter": "soon"}"#, 1),
        ("", "", 1),
    ] {
        let gateway =
            Recorder::start(move |_| http_response("429 Too Many Requests", header, body)).await;
        let stack = exporter_of(format!("http://{}", gateway.address))
            .start()
            .await;
        stack.scrape().await;
        stack.scrape_after(pause - 1).await;
        assert_eq!(gateway.requests().len(), 1, "{header}{body}");
        stack.scrape_after(1).await;
        assert_eq!(gateway.requests().len(), 2, "{header}{body}");
    }
}

/// [error-without-body]
#[tokio::test]
async fn error_without_its_body_is_classified_by_status() {
    for (status, reason, pause) in [
        ("401 Unauthorized", "unauthorized", 60),
        ("429 Too Many Requests", "rate_limited", 120),
        ("503 Service Unavailable", "server_error", 1),
    ] {
        // The response announces more bytes than it sends, and the connection stays open.
        let head = format!("HTTP/1.1 {status}\r\nRetry-After: 120\r\nContent-Length: 100\r\n\r\n");
        let gateway = Recorder::start_open(move |_| head.clone().into_bytes()).await;
        let stack = exporter_of(format!("http://{}", gateway.address))
            .start()
            .await;
        // The refresh ends long before the timeout of ten seconds; otherwise this scrape would not see it.
        let patient = ("X-Prometheus-Scrape-Timeout-Seconds", "3");
        let answer = stack.get("/metrics").header(patient.0, patient.1).send();
        let scrape = Scrape::read(answer.await.expect("a response")).await;
        let expected = format!("{{endpoint=\"socials\",reason=\"{reason}\"}}");
        assert_eq!(failures(&scrape), [(expected.as_str(), 1.0)]);
        stack.scrape_after(pause - 1).await;
        assert_eq!(gateway.requests().len(), 1, "{status}");
        stack.scrape_after(1).await;
        assert_eq!(gateway.requests().len(), 2, "{status}");
    }
}

/// The start of the body demands the backoff, but counts only when the body is complete.
/// [error-body-limit]
#[tokio::test]
async fn error_body_is_read_up_to_64_kib() {
    const TOLD: &str = r#"{"retryAfter": 40}"#;
    const LONGEST: usize = 64 * 1024;
    for (length, pause) in [(LONGEST, 40), (LONGEST + 1, 1)] {
        let body = format!("{TOLD}{}", " ".repeat(length - TOLD.len()));
        let stated = http_response("429 Too Many Requests", "", &body);
        let unstated = format!("HTTP/1.1 429 Too Many Requests\r\n\r\n{body}").into_bytes();
        for answer in [stated, unstated] {
            let gateway = Recorder::start(move |_| answer.clone()).await;
            let stack = exporter_of(format!("http://{}", gateway.address))
                .start()
                .await;
            stack.scrape().await;
            stack.scrape_after(pause - 1).await;
            assert_eq!(gateway.requests().len(), 1, "{length}");
            stack.scrape_after(1).await;
            assert_eq!(gateway.requests().len(), 2, "{length}");
        }
    }
}

/// A gateway with error responses whose body never ends. It records how much of it each client read.
async fn endless_error() -> (SocketAddr, UnboundedReceiver<usize>) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .set_send_buffer_size(64 * 1024)
        .expect("a small buffer");
    let any_port = "127.0.0.1:0".parse().expect("an address");
    socket.bind(any_port).expect("a port");
    let listener = socket.listen(16).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let (taken, all_taken) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            read_head(&mut client).await;
            let head = b"HTTP/1.1 503 Service Unavailable\r\n\r\n";
            client.write_all(head).await.expect("a client");
            let mut sent = 0;
            while client.write_all(&[b' '; 1024]).await.is_ok() {
                sent += 1024;
            }
            let _ = taken.send(sent);
        }
    });
    (address, all_taken)
}

/// [error-body-limit]
#[tokio::test]
async fn endless_error_body_is_abandoned() {
    let (address, mut taken) = endless_error().await;
    let stack = exporter_of(format!("http://{address}")).start().await;
    let scrape = stack.scrape().await;
    assert_eq!(
        failures(&scrape),
        [(r#"{endpoint="socials",reason="server_error"}"#, 1.0)]
    );
    let taken = timeout(Duration::from_secs(60), taken.recv()).await;
    let taken = taken.expect("an end").expect("a number");
    // The operating system decides how many unread bytes are in transit.
    assert!(taken < 16 * 1024 * 1024, "{taken} bytes");
}

/// [rate-limited-platform]
#[tokio::test]
async fn remaining_platforms_are_skipped_after_a_429() {
    let profiles: Vec<String> = (0..20)
        .map(|number| format!(r#"{{"platform": "p{number}", "profileId": "x"}}"#))
        .collect();
    let list = format!(r#"{{"profiles": [{}]}}"#, profiles.join(","));
    let gateway = Recorder::start(move |request| {
        if request.starts_with("GET /socials ") {
            http_response("200 OK", "", &list)
        } else {
            http_response("429 Too Many Requests", "Retry-After: 30\r\n", "")
        }
    })
    .await;
    let scrape = exporter_of(format!("http://{}", gateway.address))
        .start()
        .await
        .scrape()
        .await;
    assert_eq!(scrape.value("qlara_up"), 1.0);
    assert_eq!(scrape.family("qlara_details_up").len(), 20);
    assert!(
        gateway.requests().len() < 10,
        "{} requests",
        gateway.requests().len()
    );
}

/// A gateway that closes an idle connection at the moment of its next use.
/// [retried-request]
#[tokio::test]
async fn closed_keep_alive_connection_is_retried_once() {
    for after in [After::Close, After::Cut, After::Reset] {
        for mut proxy in [FaultProxy::plain(), FaultProxy::over_tls()] {
            let yaml = proxy.ca_file().map(ca_file_yaml);
            let setup = Setup {
                url: Some(proxy.url()),
                yaml,
                ..Setup::default()
            };
            let stack = setup.start().await;
            let fault = Fault::Response(RawReply("", after));
            let gateway = stack.gateway.address;
            proxy.inject(gateway, fault, Calls::First).await;
            let scrape = stack.scrape().await;
            let url = proxy.url();
            assert_eq!(scrape.value("qlara_up"), 1.0, "{after:?}: {url}");
            assert_eq!(failures(&scrape), [], "{after:?}: {url}");
        }
    }

    let silent = Recorder::start(|_| Vec::new()).await;
    let scrape = exporter_of(format!("http://{}", silent.address))
        .start()
        .await
        .scrape()
        .await;
    assert_eq!(
        failures(&scrape),
        [(r#"{endpoint="socials",reason="connect"}"#, 1.0)]
    );
    assert_eq!(silent.requests().len(), 2, "the request is repeated once");
}

#[tokio::test]
async fn configured_proxy_carries_the_requests() {
    let proxy = Recorder::start(|_| http_response("200 OK", "", EMPTY_LIST)).await;
    let yaml = format!(
        "gateway:\n  url: http://gateway.invalid/prefix\n  allow_http: true\n  \
         proxy_url: http://user:proxy-password@{}\n",
        proxy.address
    );
    let setup = Setup {
        settings: Settings {
            url: Some("http://gateway.invalid/prefix".to_owned()),
            ..Settings::default()
        },
        ..Setup::yaml(&yaml)
    };
    assert_eq!(setup.start().await.scrape().await.value("qlara_up"), 1.0);
    let request = proxy.requests().remove(0);
    assert!(
        request.starts_with("GET http://gateway.invalid/prefix/socials HTTP/1.1\r\n"),
        "{request}"
    );
    let credentials = "dXNlcjpwcm94eS1wYXNzd29yZA==";
    assert!(
        request
            .to_lowercase()
            .contains(&format!("proxy-authorization: basic {credentials}").to_lowercase())
    );
}

#[tokio::test]
async fn proxy_never_sees_the_key_of_a_tls_gateway() {
    let proxy = Recorder::start(|_| http_response("403 Forbidden", "", "")).await;
    let yaml = format!("gateway: {{proxy_url: 'http://{}'}}", proxy.address);
    let setup = Setup {
        settings: Settings {
            url: Some("https://gateway.invalid/".to_owned()),
            ..Settings::default()
        },
        ..Setup::yaml(&yaml)
    };
    let scrape = setup.start().await.scrape().await;
    assert_eq!(
        failures(&scrape),
        [(r#"{endpoint="socials",reason="connect"}"#, 1.0)]
    );
    let request = proxy.requests().remove(0);
    assert!(
        request.starts_with("CONNECT gateway.invalid:443 HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(!request.contains(API_KEY), "{request}");
}

#[tokio::test]
async fn configured_ca_is_trusted_and_an_unknown_one_is_not() {
    let mut proxy = FaultProxy::over_tls();
    let yaml = ca_file_yaml(proxy.ca_file().expect("a file"));
    let setup = Setup {
        url: Some(proxy.url()),
        ..Setup::yaml(&yaml)
    };
    let stack = setup.start().await;
    proxy.open(stack.gateway.address).await;
    let scrape = stack.scrape().await;
    assert_eq!(scrape.value("qlara_up"), 1.0);
    assert_eq!(failures(&scrape), []);

    let scrape = exporter_of(proxy.url()).start().await.scrape().await;
    assert_eq!(scrape.value("qlara_up"), 0.0);
    assert_eq!(
        failures(&scrape),
        [(r#"{endpoint="socials",reason="tls"}"#, 1.0)]
    );
}

/// [changed-ca-file]
#[tokio::test]
async fn changed_ca_file_applies_without_restart_and_a_broken_one_does_not() {
    const GOOD: &str = "qlara_exporter_config_last_reload_successful";
    let (mut proxy, another) = (FaultProxy::over_tls(), FaultProxy::over_tls());
    let copy = |proxy: &FaultProxy, to: &Path| {
        std::fs::copy(proxy.ca_file().expect("a file"), to).expect("copied");
    };
    let directory = tempfile::tempdir().expect("a folder");
    let ca_file = directory.path().join("ca.pem");
    copy(&another, &ca_file);
    let setup = Setup {
        url: Some(proxy.url()),
        ..Setup::yaml(&ca_file_yaml(&ca_file))
    };
    let stack = setup.start().await;
    proxy.open(stack.gateway.address).await;
    let log = Log::collect(Level::INFO);
    let scrape = stack.scrape().await;
    assert_eq!((scrape.value("qlara_up"), scrape.value(GOOD)), (0.0, 1.0));
    log.take();
    copy(&proxy, &ca_file);
    let scrape = stack.scrape_after(61).await;
    assert_eq!((scrape.value("qlara_up"), scrape.value(GOOD)), (1.0, 1.0));
    let trusts = "Trusts the certificates of the changed CA file";
    assert_eq!(log.take().matches(trusts).count(), 1);
    let inject = |file: &Path| std::fs::write(file, "no certificate").expect("a file");
    for break_it in [inject, make_too_long] {
        break_it(&ca_file);
        for _ in 0..2 {
            let scrape = stack.scrape_after(61).await;
            assert_eq!((scrape.value("qlara_up"), scrape.value(GOOD)), (1.0, 0.0));
        }
        let lines = log.take();
        assert_eq!(lines.lines().count(), 1, "{lines}");
        assert!(lines.contains("CA file cannot be used"), "{lines}");
        copy(&proxy, &ca_file);
        let scrape = stack.scrape_after(61).await;
        assert_eq!((scrape.value("qlara_up"), scrape.value(GOOD)), (1.0, 1.0));
        let lines = log.take();
        assert_eq!(lines.lines().count(), 1, "{lines}");
        assert!(lines.contains("CA file can be used again"), "{lines}");
    }
}

/// [repeated-key]
#[tokio::test]
async fn key_repeated_by_the_gateway_is_redacted() {
    let gateway = Recorder::start(|_| {
        http_response("200 OK", "", format!("{{\"profiles\": \"{API_KEY}\"}}"))
    })
    .await;
    let scrape = exporter_of(format!("http://{}", gateway.address))
        .start()
        .await
        .scrape()
        .await;
    assert_eq!(
        failures(&scrape),
        [(r#"{endpoint="socials",reason="invalid_response"}"#, 1.0)]
    );
    assert!(!scrape.text.contains(API_KEY));
}
