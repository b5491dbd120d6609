//! `healthcheck`: an exit code that a container runtime can trust.

use std::net::TcpListener;
use std::process::Command;

use crate::harness::listener::{Recorder, http_answer};
use crate::harness::process::{Running, exporter, run};
use crate::harness::{Gateway, eventually};
use crate::prometheus::{free_port, system_gateway};

/// Runs `healthcheck` beside the servers of this test: exit code and the one line on standard error.
async fn healthcheck(change: impl FnOnce(&mut Command) + Send + 'static) -> (i32, String) {
    let run = tokio::task::spawn_blocking(move || {
        let mut command = exporter();
        command.arg("healthcheck");
        change(&mut command);
        run(&mut command)
    });
    let (code, output, error) = run.await.expect("a run");
    assert_eq!(output, "");
    (code, error)
}

fn failure(reason: &str) -> (i32, String) {
    (1, format!("qlara-exporter: not healthy: {reason}\n"))
}

#[tokio::test]
async fn a_serving_exporter_is_healthy_whatever_its_gateway_does() {
    let gateway: Gateway = system_gateway().await;
    gateway.faults("hang").await;
    let port = free_port();
    let address = format!("0.0.0.0:{port},127.0.0.1:{}", free_port());
    let serving = Running::start(
        exporter()
            .env("QLARA_API_KEY", "x")
            .env("QLARA_URL", gateway.url())
            .env("QLARA_WEB_LISTEN_ADDRESS", &address),
    );
    let healthy = (0, String::new());
    eventually("the exporter", async || {
        // The same variable says where it listens and where to ask.
        let address = address.clone();
        let result = healthcheck(|command| {
            command.env("QLARA_WEB_LISTEN_ADDRESS", address);
        });
        (result.await == healthy).then_some(())
    })
    .await;
    for arguments in [
        ["--web.listen-address".to_owned(), format!(":{port}")],
        [
            "--url".to_owned(),
            format!("http://127.0.0.1:{port}/-/healthy"),
        ],
    ] {
        let result = healthcheck(move |command| {
            // A proxy for the gateway is none for this.
            command
                .args(arguments)
                .env("HTTP_PROXY", "http://192.0.2.1:1");
        });
        assert_eq!(result.await, healthy);
    }
    drop(serving);
    let url = format!("http://127.0.0.1:{port}/-/healthy");
    let expected = failure(&format!("{url}: Connection refused (os error 111)"));
    let result = healthcheck(|command| {
        command.env("QLARA_HEALTHCHECK_URL", url);
    });
    assert_eq!(result.await, expected);
}

#[tokio::test]
async fn any_other_answer_is_a_failure() {
    let elsewhere = Recorder::start(|_| http_answer("200 OK", "", "")).await;
    let location = format!("Location: http://{}/\r\n", elsewhere.address);
    for (answer, reason) in [
        (
            http_answer("404 Not Found", "", ""),
            "answered 404, expected 200",
        ),
        (
            http_answer("503 Service Unavailable", "", ""),
            "answered 503, expected 200",
        ),
        (
            http_answer("204 No Content", "", ""),
            "answered 204, expected 200",
        ),
        (
            http_answer("302 Found", &location, ""),
            "answered 302, expected 200",
        ),
        (
            b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
            "invalid HTTP version parsed",
        ),
        (Vec::new(), "connection closed before message completed"),
    ] {
        let server = Recorder::start(move |_| answer.clone()).await;
        let address = server.address;
        let result = healthcheck(move |command| {
            command.args([
                "--url",
                &format!("http://user:s3cret@{address}/health?key=s3cret"),
            ]);
        });
        assert_eq!(
            result.await,
            failure(&format!("http://{address}/health: {reason}"))
        );
        assert!(server.requests()[0].starts_with("GET /health?key=s3cret HTTP/1.1\r\n"));
    }
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn an_exporter_that_hangs_is_a_failure_in_time() {
    // Connections wait in the backlog, where nobody takes them.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address").to_string();
    let expected = failure(&format!(
        "http://{address}/-/healthy: no answer within 200ms"
    ));
    let result = healthcheck(|command| {
        command.env("QLARA_WEB_LISTEN_ADDRESS", address);
        command.env("QLARA_HEALTHCHECK_TIMEOUT", "200ms");
    });
    assert_eq!(result.await, expected);
}

#[tokio::test]
async fn an_address_of_every_interface_is_asked_on_loopback() {
    let port = free_port();
    for (address, host) in [
        (format!(":{port}"), "127.0.0.1"),
        (format!("0.0.0.0:{port}"), "127.0.0.1"),
        (format!("[::]:{port}"), "[::1]"),
        (format!("[::1]:{port}"), "[::1]"),
        (format!("localhost:{port}"), "localhost"),
    ] {
        let (code, error) = healthcheck(move |command| {
            command.args(["--web.listen-address", &address]);
        })
        .await;
        assert_eq!(code, 1);
        let asked = format!("not healthy: http://{host}:{port}/-/healthy: ");
        assert!(error.contains(&asked), "{error}");
    }
}

#[tokio::test]
async fn wrong_use_is_exit_code_2() {
    let address = "--web.listen-address <ADDRESS>: expected HOST:PORT or :PORT";
    for (arguments, line) in [
        (["--url", "s3cret"], "--url <URL>: not an absolute URL"),
        (
            ["--url", "file:///s3cret"],
            "--url <URL>: expected http:// or https://",
        ),
        (["--web.listen-address", "s3cret"], address),
        (["--web.listen-address", ":70000"], address),
        (
            ["--timeout", "soon"],
            "--timeout <DURATION>: expected a duration such as 30s, 15m or 1h30m",
        ),
    ] {
        let result = healthcheck(move |command| {
            command.args(arguments);
        });
        let line = format!("qlara-exporter: error: {line}, try --help\n");
        assert_eq!(result.await, (2, line));
    }
}
