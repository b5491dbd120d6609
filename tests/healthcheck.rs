//! `healthcheck`: an exit code for container runtimes.

use std::net::TcpListener;
use std::process::Command;

use crate::harness::listener::{Recorder, http_response};
use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter, run};
use crate::harness::tools::needs;
use crate::harness::{Gateway, eventually};
use crate::prometheus::system_gateway;

/// Runs `healthcheck` beside the servers of this test. Returns the exit code and the line on standard error.
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

/// [health]
#[tokio::test]
async fn health_does_not_depend_on_the_gateway() {
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
        // The same variable sets the listen address and the address to check.
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
            // The proxy of the gateway is not used here.
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
async fn uses_the_route_prefix_of_the_exporter() {
    let server = Recorder::start(|_| http_response("200 OK", "", "")).await;
    let address = server.address.to_string();
    for (variables, path) in [
        (vec![("QLARA_WEB_ROUTE_PREFIX", "/a/")], "/a/-/healthy"),
        (
            vec![("QLARA_WEB_EXTERNAL_URL", "https://proxy.example/qlara/")],
            "/qlara/-/healthy",
        ),
        (
            vec![
                ("QLARA_WEB_EXTERNAL_URL", "/qlara"),
                ("QLARA_WEB_ROUTE_PREFIX", "/"),
            ],
            "/-/healthy",
        ),
        (
            vec![
                ("QLARA_WEB_ROUTE_PREFIX", "/a"),
                ("QLARA_WEB_PROBE_LISTEN_ADDRESS", &address),
            ],
            "/-/healthy",
        ),
    ] {
        let variables: Vec<(String, String)> = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let address = address.clone();
        let result = healthcheck(|command| {
            command
                .env("QLARA_WEB_LISTEN_ADDRESS", address)
                .envs(variables);
        });
        assert_eq!(result.await, (0, String::new()));
        let asked = server.requests().pop().expect("a request");
        assert!(
            asked.starts_with(&format!("GET {path} HTTP/1.1\r\n")),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn other_response_is_a_failure() {
    let elsewhere = Recorder::start(|_| http_response("200 OK", "", "")).await;
    let location = format!("Location: http://{}/\r\n", elsewhere.address);
    for (answer, reason) in [
        (
            http_response("404 Not Found", "", ""),
            "answered 404, expected 200",
        ),
        (
            http_response("503 Service Unavailable", "", ""),
            "answered 503, expected 200",
        ),
        (
            http_response("204 No Content", "", ""),
            "answered 204, expected 200",
        ),
        (
            http_response("302 Found", &location, ""),
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
async fn hanging_exporter_is_a_failure_within_the_timeout() {
    // Connections wait in the accept queue and are never accepted.
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
async fn wildcard_address_is_checked_on_loopback() {
    let port = free_port();
    for (address, host) in [
        (format!(":{port}"), "127.0.0.1"),
        (format!("0.0.0.0:{port}"), "127.0.0.1"),
        (format!("[::]:{port}"), "[::1]"),
        (format!("[::0]:{port}"), "[::1]"),
        (format!("[::ffff:0.0.0.0]:{port}"), "127.0.0.1"),
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
async fn usage_error_is_exit_code_2() {
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

/// The image's variables and command, with a web configuration file that makes demands on clients.
#[tokio::test]
async fn image_is_healthy_with_every_web_configuration() {
    needs!("openssl");
    const DOCKERFILE: &str = include_str!("../Dockerfile");
    let variable = DOCKERFILE
        .lines()
        .find_map(|line| line.strip_prefix("ENV QLARA_WEB_PROBE_LISTEN_ADDRESS="))
        .expect("an address for health alone");
    assert!(variable.starts_with("127.0.0.1:"), "{variable}");
    let folder = self_signed();
    let tls = "tls_server_config: {cert_file: server.crt, key_file: server.key";
    for yaml in [
        format!("{tls}}}"),
        format!(
            "{tls}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: server.crt}}"
        ),
        "basic_auth_users: {alice: $2y$10$YEAY4ZwuneYlzRi1uYxnNOeta1.5EJJtwzpvUj.PnCvr86C8caNCu}"
            .to_owned(),
        "rate_limit: {interval: 1h, burst: 0}".to_owned(),
    ] {
        let web = folder.path().join("web.yml");
        std::fs::write(&web, &yaml).expect("a file");
        let probe = format!("127.0.0.1:{}", free_port());
        let listen = format!("127.0.0.1:{}", free_port());
        let variables = [
            ("QLARA_WEB_LISTEN_ADDRESS", listen),
            ("QLARA_WEB_PROBE_LISTEN_ADDRESS", probe),
        ];
        let _serving = Running::start(
            exporter()
                .env("QLARA_API_KEY", "x")
                .envs(variables.clone())
                .arg("--web.config.file")
                .arg(&web),
        );
        eventually(&yaml, async || {
            let variables = variables.clone();
            let result = healthcheck(|command| {
                command.envs(variables);
            });
            (result.await == (0, String::new())).then_some(())
        })
        .await;
    }
}

/// The certificate that docs/web-configuration.md creates.
fn self_signed() -> tempfile::TempDir {
    let documentation = include_str!("../docs/web-configuration.md");
    let (_, command) = documentation
        .split_once("```sh\nopenssl req -x509")
        .expect("a command");
    let (command, _) = command.split_once("```").expect("its end");
    let folder = tempfile::tempdir().expect("a folder");
    let script = format!("openssl req -x509{command}");
    let (code, _, error) = run(Command::new("sh")
        .args(["-c", &script])
        .current_dir(&folder));
    assert_eq!(code, 0, "{error}");
    folder
}

#[tokio::test]
async fn documented_certificate_is_accepted_with_ca_file() {
    needs!("openssl");
    let folder = self_signed();
    let web = folder.path().join("web.yml");
    std::fs::write(
        &web,
        "tls_server_config: {cert_file: server.crt, key_file: server.key}",
    )
    .expect("a file");
    let port = free_port();
    let _serving = Running::start(
        exporter()
            .env("QLARA_API_KEY", "x")
            .args([
                "--web.listen-address",
                &format!("127.0.0.1:{port}"),
                "--web.config.file",
            ])
            .arg(&web),
    );
    let certificate = folder.path().join("server.crt");
    let ask = async |host: &str, ca: Option<&std::path::Path>| {
        let url = format!("https://{host}:{port}/-/healthy");
        let ca = ca.map(std::path::Path::to_owned);
        healthcheck(move |command| {
            command.args(["--url", &url]);
            if let Some(ca) = ca {
                command.arg("--ca-file").arg(ca);
            }
        })
        .await
    };
    eventually("the exporter", async || {
        (ask("localhost", Some(&certificate)).await == (0, String::new())).then_some(())
    })
    .await;
    // An unknown certificate, another name, and another certificate for the same name are rejected.
    assert_eq!(ask("localhost", None).await.0, 1);
    assert_eq!(ask("127.0.0.1", Some(&certificate)).await.0, 1);
    let other = self_signed();
    assert_eq!(
        ask("localhost", Some(&other.path().join("server.crt")))
            .await
            .0,
        1
    );
}
