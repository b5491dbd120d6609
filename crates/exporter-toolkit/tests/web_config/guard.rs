//! The rate limit and the headers, over plain HTTP.

use std::time::Duration;

use super::server::Server;
use crate::harness::certificates::Identity;
use crate::harness::http;
use crate::harness::web_config::{Folder, hash};

async fn serve(yaml: &str) -> Server {
    Folder::with(yaml, &Identity::server()).serve().await
}

/// The status codes of this many requests in a row.
async fn statuses(server: &Server, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        let answer = server.get().send().await.expect("a response");
        statuses.push(answer.status().as_u16());
    }
    statuses
}

/// [rate-limit]
#[tokio::test]
async fn burst_then_one_request_per_interval() {
    let server = serve("rate_limit: {interval: 10s, burst: 3}").await;
    assert_eq!(statuses(&server, 5).await, [200, 200, 200, 429, 429]);
    server.clock.advance(Duration::from_secs(9));
    assert_eq!(statuses(&server, 1).await, [429]);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(statuses(&server, 2).await, [200, 429]);
    server.clock.jump(3600);
    assert_eq!(
        statuses(&server, 1).await,
        [429],
        "a jump of the wall clock is no elapsed time"
    );

    let refused = server.get().send().await.expect("a response");
    assert_eq!(refused.text().await.expect("a text"), "Too Many Requests\n");
}

/// [rate-limit-rounding]
#[tokio::test]
async fn zero_burst_rejects_all_and_zero_interval_disables_the_limit() {
    let server = serve("rate_limit: {interval: 1s, burst: 0}").await;
    assert_eq!(statuses(&server, 2).await, [429, 429]);
    server.clock.advance(Duration::from_secs(60));
    assert_eq!(statuses(&server, 1).await, [429]);

    let server = serve("rate_limit: {interval: 0, burst: 0}").await;
    assert_eq!(statuses(&server, 20).await, [200; 20]);
}

#[tokio::test]
async fn bucket_survives_a_reload_unless_its_settings_change() {
    let server = serve("rate_limit: {interval: 10s, burst: 1}").await;
    assert_eq!(statuses(&server, 2).await, [200, 429]);
    let folder = &server.folder;
    folder.write("web.yml", "rate_limit: {interval: 10s, burst: 1}\nhttp_server_config: {headers: {X-XSS-Protection: '0'}}\n");
    let refused = server.get().send().await.expect("a response");
    assert_eq!(refused.status(), 429);
    assert_eq!(
        refused.headers()["x-xss-protection"],
        "0",
        "the new file is in force"
    );
    folder.write("web.yml", "rate_limit: {interval: 10s, burst: 2}\n");
    assert_eq!(statuses(&server, 3).await, [200, 200, 429]);
    folder.write("web.yml", "{}");
    assert_eq!(statuses(&server, 3).await, [200, 200, 200]);
}

/// [security-headers]
#[tokio::test]
async fn headers_are_on_every_response() {
    let alice = hash("secret", 4);
    let server = serve(&format!(
        "http_server_config:\n  headers:\n    Strict-Transport-Security: max-age=31536000\n    \
         X-Content-Type-Options: nosniff\n    X-Frame-Options: sameorigin\n    \
         X-XSS-Protection: 1; mode=block\n    Content-Security-Policy: default-src 'self'\n\
         rate_limit: {{interval: 1h, burst: 3}}\nbasic_auth_users: {{alice: {alice}}}\n"
    ))
    .await;
    let login = |path: &str| {
        let url = format!("http://{}{path}", server.address);
        http().get(url).basic_auth("alice", Some("secret"))
    };
    for (request, status) in [
        (login("/"), 200),
        (login("/nowhere"), 404),
        (server.get(), 401),
        (login("/"), 429),
        (server.get(), 429),
    ] {
        let answer = request.send().await.expect("a response");
        assert_eq!(answer.status(), status);
        let headers = answer.headers();
        assert_eq!(headers["strict-transport-security"], "max-age=31536000");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["x-frame-options"], "sameorigin");
        assert_eq!(headers["x-xss-protection"], "1; mode=block");
        assert_eq!(headers["content-security-policy"], "default-src 'self'");
    }
}
