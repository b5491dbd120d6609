//! The order of password checks when many clients wait, counted in checks instead of seconds.

use std::net::{IpAddr, SocketAddr};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::future::join_all;
use h2::client::SendRequest;
use reqwest::header::{AUTHORIZATION, RETRY_AFTER};
use reqwest::{Client, ClientBuilder};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::http2::connect;
use super::server::Server;
use crate::harness::certificates::{Identity, client_with};
use crate::harness::web_config::{Folder, TLS, hash};
use crate::harness::{eventually, http};

/// A cost at which clients queue up but the test stays fast.
const COST: u32 = 9;
/// A cost at which a check takes seconds.
const EXPENSIVE: u32 = 15;
/// Maximum number of checks before the next client in line: the running ones, one of each group in the queue's
/// round, and those that end while the request is on its way.
const MAX_CHECKS_BEFORE_NEXT: u64 = 12;

async fn serve(tls: &str, identity: &Identity, users: &[(&str, &str, u32)]) -> Server {
    let mut yaml = format!("{tls}basic_auth_users:\n");
    for (name, password, cost) in users {
        yaml.push_str(&format!("  {name}: {}\n", hash(password, *cost)));
    }
    Folder::with(&yaml, identity).serve().await
}

/// A server without TLS.
async fn serve_plain(users: &[(&str, &str, u32)]) -> Server {
    serve("", &Identity::server(), users).await
}

impl Server {
    /// Returns when this many attempts wait.
    async fn until_waiting(&self, count: usize) {
        let waiting = async || (self.checks().await.queued >= count).then_some(());
        eventually("attempts that wait", waiting).await;
    }

    /// Number of checks between sending the right password of `good` and its response.
    async fn checks_before_good(&self, client: &Client) -> u64 {
        let before = self.checks().await.hashed;
        let is_tls = self.file.current().await.has_tls();
        let scheme = if is_tls { "https" } else { "http" };
        let request = client.get(format!("{scheme}://localhost:{}/", self.address.port()));
        let answer = request.basic_auth("good", Some("right")).send().await;
        assert_eq!(answer.expect("a response").status(), 200);
        self.checks().await.hashed - before
    }
}

fn header(user: &str, password: &str) -> String {
    let login = BASE64_STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {login}")
}

fn request(user: &str, password: &str) -> String {
    let login = header(user, password);
    format!("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: {login}\r\n\r\n")
}

/// Clients with a wrong password and a connection each. They end with their response.
fn attackers(server: &Server, count: usize, name: impl Fn(usize) -> String) -> JoinSet<()> {
    let mut attackers = JoinSet::new();
    for number in 0..count {
        let address = server.address;
        let request = request(&name(number), &format!("wrong {number}"));
        attackers.spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            stream.write_all(request.as_bytes()).await.expect("sent");
            stream.read_u8().await.expect("a response");
        });
    }
    attackers
}

/// A client that trusts this server.
fn client(identity: &Identity) -> ClientBuilder {
    let tls = client_with(identity, None);
    Client::builder().no_proxy().tls_backend_preconfigured(tls)
}

/// [expensive-hash]
#[tokio::test]
async fn expensive_hash_does_not_delay_other_users() {
    let server = serve_plain(&[("good", "right", 4), ("slow", "other", EXPENSIVE)]).await;
    let mut attackers = attackers(&server, 20, |_| "slow".to_owned());
    server.until_waiting(15).await;
    server.checks_before_good(&http()).await;
    assert!(
        attackers.try_join_next().is_none(),
        "the expensive checks still run"
    );
}

/// All clients have the same name and address but different passwords, and there are more clients than the queue
/// holds.
#[tokio::test]
async fn flood_from_the_same_user_and_address_does_not_delay_a_login() {
    for count in [300, 700] {
        let server = serve_plain(&[("good", "right", COST)]).await;
        let _attackers = attackers(&server, count, |_| "good".to_owned());
        server.until_waiting(200).await;
        let checks = server.checks_before_good(&http()).await;
        assert!(
            checks <= MAX_CHECKS_BEFORE_NEXT,
            "{count} attackers: {checks} checks"
        );
    }
}

/// [login-queue]
#[tokio::test]
async fn flood_for_another_user_does_not_delay_a_login() {
    let server = serve_plain(&[("good", "right", COST), ("bad", "other", COST)]).await;
    let _attackers = attackers(&server, 200, |_| "bad".to_owned());
    server.until_waiting(100).await;
    let checks = server.checks_before_good(&http()).await;
    assert!(checks <= MAX_CHECKS_BEFORE_NEXT, "{checks} checks");
}

/// [login-queue]
#[tokio::test]
async fn flood_from_another_address_does_not_delay_a_login() {
    for name in ["good", "invented"] {
        let server = serve_plain(&[("good", "right", COST)]).await;
        let _attackers = attackers(&server, 200, |number| match name {
            "good" => name.to_owned(),
            _ => format!("{name} {number}"),
        });
        server.until_waiting(100).await;
        let client = client(&Identity::server());
        let client = client.local_address(IpAddr::from([127, 0, 0, 2])).build();
        let client = client.expect("a client");
        let checks = server.checks_before_good(&client).await;
        assert!(checks <= MAX_CHECKS_BEFORE_NEXT, "{checks} checks");
    }
}

/// A client that tries one password after another over a single connection.
async fn try_passwords(address: SocketAddr, number: usize) {
    let mut stream = BufReader::new(TcpStream::connect(address).await.expect("a connection"));
    for attempt in 0.. {
        let request = request("good", &format!("wrong {number} {attempt}"));
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).await.expect("a head");
        }
        let mut body = [0; b"Unauthorized\n".len()];
        stream.read_exact(&mut body).await.expect("a body");
    }
}

/// The attackers have the user's name and address; only their connections differ.
/// [login-queue]
#[tokio::test]
async fn persistent_clients_do_not_delay_a_login() {
    let server = serve_plain(&[("good", "right", 6)]).await;
    let mut clients = JoinSet::new();
    for number in 0..300 {
        clients.spawn(try_passwords(server.address, number));
    }
    let all_have_tried = async || (server.checks().await.hashed >= 600).then_some(());
    eventually("everybody's first attempt", all_have_tried).await;
    server.until_waiting(200).await;
    let checks = server.checks_before_good(&http()).await;
    assert!(checks <= 4 * MAX_CHECKS_BEFORE_NEXT, "{checks} checks");
}

/// Status and `Retry-After`.
type Answer = (u16, Option<String>);

/// Sends a wrong password on each of the 16 streams of a connection.
fn streams(answers: &mut JoinSet<Answer>, client: &SendRequest<&'static [u8]>, name: &str) {
    for number in 0..16 {
        let request = axum::http::Request::get("https://localhost/")
            .header(AUTHORIZATION, header(name, &format!("wrong {number}")));
        let request = request.body(()).expect("a request");
        let client = client.clone();
        answers.spawn(async move {
            let mut client = client.ready().await.expect("room");
            let (answer, _) = client.send_request(request, true).expect("sent");
            let answer = answer.await.expect("a response");
            let retry = answer.headers().get(RETRY_AFTER);
            let retry = retry.map(|retry| retry.to_str().expect("a text").to_owned());
            (answer.status().as_u16(), retry)
        });
    }
}

/// [login-queue]
#[tokio::test]
async fn streams_of_one_connection_do_not_delay_a_login() {
    let identity = Identity::server();
    let server = serve(TLS, &identity, &[("good", "right", COST)]).await;
    let (attacker, _connection) = connect(&server, &identity).await;
    let mut answers = JoinSet::new();
    streams(&mut answers, &attacker, "good");
    server.until_waiting(10).await;
    let client = client(&identity).build().expect("a client");
    let checks = server.checks_before_good(&client).await;
    assert!(checks <= MAX_CHECKS_BEFORE_NEXT, "{checks} checks");
}

/// [login-queue-limit]
#[tokio::test]
async fn full_login_queue_answers_503_with_retry_after() {
    let identity = Identity::server();
    let server = serve(TLS, &identity, &[("good", "right", EXPENSIVE)]).await;
    let connections = join_all((0..36).map(|_| connect(&server, &identity))).await;
    let mut answers = JoinSet::new();
    for (number, (client, _)) in connections.iter().enumerate() {
        streams(&mut answers, client, &format!("bad {number}"));
    }
    let refused = async {
        while let Some(answer) = answers.join_next().await {
            let (status, retry) = answer.expect("a response");
            if status != 401 {
                return Some((status, retry));
            }
        }
        None
    };
    assert_eq!(refused.await, Some((503, Some("10".to_owned()))));
    assert!(server.checks().await.queued <= 512);
}
