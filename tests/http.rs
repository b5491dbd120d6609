//! Responses of the web server.

use std::io::Read;

use flate2::read::GzDecoder;
use futures_util::future::join_all;
use reqwest::Method;

use crate::harness::scrape::Scrape;
use crate::harness::{Setup, Stack};

/// [gzip-response]
#[tokio::test]
async fn gzip_is_sent_on_request() {
    let stack = Stack::start().await;
    let plain = stack.get("/metrics").send().await.expect("a response");
    assert_eq!(plain.headers().get("content-encoding"), None);
    assert_eq!(plain.headers()["vary"], "accept, accept-encoding");
    for accepted in [
        "gzip",
        "deflate, gzip;q=0.8",
        "GZIP ; Q=1.000",
        "x-gzip",
        "identity;q=0, *",
        "br;q=1.0, *;q=0.1",
    ] {
        let answer = stack
            .get("/metrics")
            .header("Accept-Encoding", accepted)
            .send()
            .await
            .expect("a response");
        assert_eq!(answer.headers()["content-encoding"], "gzip", "{accepted}");
        assert_eq!(
            answer.headers()["content-type"],
            "text/plain; version=0.0.4; charset=utf-8"
        );
        let body = answer.bytes().await.expect("a body");
        let mut text = String::new();
        GzDecoder::new(&body[..])
            .read_to_string(&mut text)
            .expect("gzip");
        assert_eq!(Scrape::parse(text).value("qlara_up"), 1.0);
    }
    for refused in [
        "identity",
        "gzip;q=0",
        "gzip; q=0.000, *",
        "*;q=0",
        "br",
        "",
    ] {
        let answer = stack
            .get("/metrics")
            .header("Accept-Encoding", refused)
            .send()
            .await
            .expect("a response");
        assert_eq!(answer.headers().get("content-encoding"), None, "{refused}");
    }
}

/// [head-method]
#[tokio::test]
async fn head_response_has_headers_and_no_body() {
    let accounts = "accounts: [{name: a, api_key_env: QLARA_API_KEY}]";
    let stack = Setup::yaml(accounts).start().await;
    for path in [
        "/metrics",
        "/probe?account=a",
        "/sd",
        "/api/v1/profiles",
        "/api/v1/accounts",
        "/calendar.ics",
        "/",
        "/-/healthy",
        "/-/ready",
        "/-/documentation",
    ] {
        let answer = stack
            .request(Method::HEAD, path)
            .send()
            .await
            .expect("a response");
        assert_eq!(answer.status(), 200, "{path}");
        let length: usize = answer.headers()["content-length"]
            .to_str()
            .expect("text")
            .parse()
            .expect("a number");
        assert!(length > 0, "{path}");
        assert_eq!(answer.bytes().await.expect("a body").len(), 0, "{path}");
    }
}

/// [health]
#[tokio::test]
async fn health_sends_no_gateway_request() {
    let stack = Stack::start().await;
    for (path, text) in [
        ("/-/healthy", "qlara-exporter is Healthy.\n"),
        ("/-/ready", "qlara-exporter is Ready.\n"),
    ] {
        let answer = stack.get(path).send().await.expect("a response");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().await.expect("a text"), text);
    }
    assert_eq!(stack.gateway.stats().await.list, 0);
}

/// [unknown-path-or-method]
#[tokio::test]
async fn unknown_path_is_404_and_other_method_is_405() {
    let stack = Stack::start().await;
    for path in [
        "/nothing",
        "/metrics/",
        "/-/",
        "/-/quit",
        "/metrics/x",
        "//",
    ] {
        assert_eq!(
            stack.get(path).send().await.expect("a response").status(),
            404,
            "{path}"
        );
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let answer = stack
            .request(method.clone(), "/metrics")
            .send()
            .await
            .expect("a response");
        assert_eq!(answer.status(), 405, "{method}");
        assert_eq!(answer.headers()["allow"], "GET,HEAD");
    }
}

/// [telemetry-path]
#[tokio::test]
async fn metrics_path_is_configurable() {
    let mut setup = Setup::default();
    setup.web.telemetry_path = "/qlara".to_owned();
    setup.web.external_url = Some(
        "https://proxy.example/exporters/a&b/"
            .parse()
            .expect("a URL"),
    );
    let stack = setup.start().await;
    let scrape = Scrape::read(
        stack
            .get("/exporters/a&b/qlara")
            .send()
            .await
            .expect("a response"),
    )
    .await;
    assert_eq!(scrape.value("qlara_up"), 1.0);
    assert_eq!(
        stack
            .get("/exporters/a&b/metrics")
            .send()
            .await
            .expect("a response")
            .status(),
        404
    );
    let page = stack
        .get("/exporters/a&b/")
        .send()
        .await
        .expect("a response")
        .text()
        .await
        .expect("a text");
    assert!(page.contains("href=\"/exporters/a&amp;b/qlara\""), "{page}");
}

/// As in Prometheus and blackbox_exporter, the prefix is the path of the external URL by default.
/// [route-prefix]
#[tokio::test]
async fn every_route_is_below_the_prefix() {
    let explicit = Some("/a/b".to_owned());
    for (external, prefix, served, linked) in [
        (
            Some("https://proxy.example/qlara/"),
            None,
            "/qlara",
            "/qlara",
        ),
        (Some("/qlara"), None, "/qlara", "/qlara"),
        (Some("/my%20exp/"), None, "/my%20exp", "/my%20exp"),
        (None, explicit.clone(), "/a/b", "/a/b"),
        (
            Some("https://proxy.example/qlara"),
            explicit.clone(),
            "/a/b",
            "/qlara",
        ),
        // axum 0.7 gave these characters a meaning.
        (Some("/:a/*b"), None, "/:a/*b", "/:a/*b"),
        // A proxy that adds the prefix.
        (Some("https://proxy.example"), explicit.clone(), "/a/b", ""),
        // A proxy that removes the path.
        (
            Some("https://proxy.example/qlara"),
            Some(String::new()),
            "",
            "/qlara",
        ),
        (Some("https://proxy.example"), None, "", ""),
    ] {
        let mut setup = Setup::default();
        setup.web.external_url = external.map(|url| url.parse().expect("a URL"));
        setup.web.route_prefix = prefix;
        setup.web.enable_lifecycle = true;
        let stack = setup.start().await;
        let status = async |method: Method, path: String| {
            let answer = stack.request(method, &path).send().await;
            answer.expect("a response").status().as_u16()
        };
        for path in [
            "/",
            "/metrics",
            "/sd",
            "/api/v1/profiles",
            "/api/v1/accounts",
            "/calendar.ics",
            "/api/v1/profiles",
            "/api/v1/accounts",
            "/calendar.ics",
            "/-/healthy",
            "/-/ready",
            "/-/documentation",
        ] {
            assert_eq!(
                status(Method::GET, format!("{served}{path}")).await,
                200,
                "{served}{path}"
            );
            let at_root = status(Method::GET, path.to_owned()).await;
            let expected = if served.is_empty() {
                200
            } else if path == "/" {
                302
            } else {
                404
            };
            assert_eq!(at_root, expected, "{served}: {path}");
        }
        assert_eq!(
            status(Method::POST, format!("{served}/-/reload")).await,
            200
        );
        assert_eq!(
            status(Method::GET, format!("{served}/probe?account=x")).await,
            400
        );
        let page = stack
            .get(&format!("{served}/"))
            .send()
            .await
            .expect("a response");
        let page = page.text().await.expect("a page");
        for path in ["/metrics", "/-/healthy", "/-/ready", "/-/documentation"] {
            assert!(
                page.contains(&format!("href=\"{linked}{path}\"")),
                "{linked}{path}"
            );
        }
        let sd = stack
            .get(&format!("{served}/sd"))
            .send()
            .await
            .expect("a response");
        let sd: serde_json::Value =
            serde_json::from_str(&sd.text().await.expect("a text")).expect("JSON");
        let path = sd[0]["labels"]["__metrics_path__"]
            .as_str()
            .expect("a path");
        assert_eq!(path, format!("{linked}/metrics").replace("%20", " "));
        if !served.is_empty() {
            for (path, to) in [("/", served), (served, linked)] {
                for query in ["", "?", "?status=CONNECTED&account=a%20b"] {
                    let answer = stack.get(&format!("{path}{query}")).send().await;
                    let answer = answer.expect("a response");
                    assert_eq!(answer.status(), 302);
                    assert_eq!(answer.headers()["location"], format!("{to}/{query}"));
                }
            }
        }
        // The probe address is not behind the proxy.
        let url = format!("http://{}/-/healthy", stack.probe_address);
        assert_eq!(
            crate::harness::http()
                .get(url)
                .send()
                .await
                .expect("a response")
                .status(),
            200
        );
    }
}

/// [telemetry-path]
#[tokio::test]
async fn metrics_can_be_at_the_root() {
    let mut setup = Setup::default();
    setup.web.telemetry_path = "/".to_owned();
    let stack = setup.start().await;
    let scrape = Scrape::read(stack.get("/").send().await.expect("a response")).await;
    assert_eq!(scrape.value("qlara_up"), 1.0);
}

/// [concurrent-requests]
#[tokio::test]
async fn scrapes_above_the_limit_are_503() {
    let mut setup = Setup::default();
    setup.web.max_requests = 3;
    let stack = setup.start().await;
    stack.gateway.faults("latency=500ms").await;
    let answers = join_all((0..10).map(|_| stack.get("/metrics").send())).await;
    let statuses: Vec<u16> = answers
        .into_iter()
        .map(|answer| answer.expect("a response").status().as_u16())
        .collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        3,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 503).count(),
        7,
        "{statuses:?}"
    );
    // Permits are released.
    assert_eq!(stack.scrape().await.value("qlara_up"), 1.0);
}

/// [page-requests]
#[tokio::test]
async fn at_most_64_requests_wait_for_the_page() {
    let stack = Stack::start().await;
    stack.gateway.faults("hang").await;
    let pages = join_all((0..80).map(|number| stack.get(&format!("/?q={number}")).send()));
    let statuses = async {
        let answers = pages.await.into_iter();
        let statuses = answers.map(|answer| answer.expect("a response").status().as_u16());
        statuses.collect::<Vec<_>>()
    };
    let statuses = statuses.await;
    let count = |status| statuses.iter().filter(|it| **it == status).count();
    assert_eq!((count(200), count(503)), (64, 16), "{statuses:?}");
}
