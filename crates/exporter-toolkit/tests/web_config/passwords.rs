//! Users and passwords over plain HTTP.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use exporter_toolkit::web_config::PasswordChecks;
use futures_util::future::join_all;
use reqwest::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, StatusCode};

use super::server::Server;
use crate::harness::certificates::Identity;
use crate::harness::web_config::{Folder, hash};

/// The lowest cost, for tests that hash often.
const CHEAP: u32 = 4;

async fn serve(users: &[(&str, &str)]) -> Server {
    let users: Vec<_> = users
        .iter()
        .map(|(name, hash)| format!("{name}: {hash}"))
        .collect();
    let yaml = format!("basic_auth_users: {{{}}}", users.join(", "));
    Folder::with(&yaml, &Identity::server()).serve().await
}

async fn status(request: RequestBuilder) -> StatusCode {
    request.send().await.expect("a response").status()
}

async fn assert_unauthorized(request: RequestBuilder) {
    let answer = request.send().await.expect("a response");
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        answer.headers()[WWW_AUTHENTICATE],
        r#"Basic realm="example", charset="UTF-8""#
    );
    assert_eq!(answer.text().await.expect("a text"), "Unauthorized\n");
}

impl Server {
    pub async fn checks(&self) -> PasswordChecks {
        let config = self.file.current().await;
        config.password_checks().expect("users")
    }

    fn login(&self, user: &str, password: &str) -> RequestBuilder {
        self.get().basic_auth(user, Some(password))
    }
}

#[tokio::test]
async fn right_password_is_accepted_for_hashes_of_every_tool() {
    let made = hash("pa:ss wörd", CHEAP);
    for prefix in ["$2a$", "$2b$", "$2y$"] {
        let server = serve(&[("alice", &made.replacen("$2b$", prefix, 1))]).await;
        assert_eq!(
            status(server.login("alice", "pa:ss wörd")).await,
            200,
            "{prefix}"
        );
        assert_unauthorized(server.login("alice", "pa:ss")).await;
    }
    // Printed by htpasswd; from the documentation of another program that uses exporter-toolkit.
    let server = serve(&[(
        "bob",
        "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi",
    )])
    .await;
    assert_eq!(status(server.login("bob", "fakepassword")).await, 200);
}

#[tokio::test]
async fn user_name_is_utf8() {
    let server = serve(&[("zoë", &hash("secret", CHEAP))]).await;
    assert_eq!(status(server.login("zoë", "secret")).await, 200);
    // The same name in Latin-1.
    let login = BASE64_STANDARD.encode(b"zo\xeb:secret");
    assert_unauthorized(server.get().header(AUTHORIZATION, format!("Basic {login}"))).await;
}

/// [wrong-password]
#[tokio::test]
async fn wrong_password_is_rejected() {
    let server = serve(&[
        ("alice", &hash("secret", CHEAP)),
        ("bob", &hash("other", CHEAP)),
    ])
    .await;
    assert_unauthorized(server.get()).await;
    for (user, password) in [
        ("alice", "wrong"),
        ("alice", ""),
        ("alice", "other"),
        ("mallory", "secret"),
        ("Alice", "secret"),
        ("", "secret"),
        ("", ""),
    ] {
        assert_unauthorized(server.login(user, password)).await;
    }
    // "alice secret" and parts of it.
    for header in [
        "YWxpY2U6c2VjcmV0",
        "Bearer YWxpY2U6c2VjcmV0",
        "Basic",
        "Basic ",
        "Basic YWxpY2U=",
        "Basic !",
        "Basic alice:secret",
    ] {
        assert_unauthorized(server.get().header(AUTHORIZATION, header)).await;
    }
    for scheme in ["Basic", "basic", "BASIC"] {
        let header = format!("{scheme} YWxpY2U6c2VjcmV0");
        assert_eq!(
            status(server.get().header(AUTHORIZATION, header)).await,
            200
        );
    }
}

/// CVE-2022-46146: the cached result of one user was used for another user whose name, hash and password
/// concatenate to the same text.
/// [wrong-password]
#[tokio::test]
async fn crafted_user_name_does_not_hit_another_cache_entry() {
    let alice = hash("secret", CHEAP);
    let server = serve(&[("alice", &alice)]).await;
    let stand_in = format!("$2b$04${}", ".".repeat(53));
    for fake in [
        "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi",
        &stand_in,
    ] {
        assert_unauthorized(server.login(&format!("alice{alice}"), "fakepassword")).await;
        assert_unauthorized(server.login("alice", &format!("{fake}fakepassword"))).await;
        assert_unauthorized(server.login(&format!("alice{fake}"), "fakepassword")).await;
    }
    // The concatenated text of a successful login.
    assert_eq!(status(server.login("alice", "secret")).await, 200);
    assert_unauthorized(server.login("alic", &format!("e{alice}secret"))).await;
    assert_unauthorized(server.login(&format!("alice{alice}secret"), "")).await;
}

/// [password-cache]
#[tokio::test]
async fn password_is_hashed_once_and_not_per_request() {
    let server = serve(&[("alice", &hash("secret", CHEAP))]).await;
    let answers = join_all((0..150).map(|_| status(server.login("alice", "secret")))).await;
    assert_eq!(answers, [StatusCode::OK; 150]);
    assert_eq!(server.checks().await.hashed, 1);

    // Each wrong password is hashed once too, and none evicts the right one.
    for number in 0..200 {
        assert_unauthorized(server.login("alice", &format!("wrong {number}"))).await;
        assert_eq!(status(server.login("alice", "secret")).await, 200);
    }
    assert_eq!(server.checks().await.hashed, 201);
    assert_unauthorized(server.login("alice", "wrong 199")).await;
    assert_eq!(server.checks().await.hashed, 201);
}

/// The time of a login reveals no user: an unknown name always gets the cost of one of the file's users.
/// [expensive-hash]
#[tokio::test]
async fn unknown_user_takes_as_long_as_a_known_one() {
    let server = serve(&[
        ("cheap", &hash("a", CHEAP)),
        ("middling", &hash("b", 6)),
        ("dear", &hash("c", 8)),
    ])
    .await;
    let rounds = async |user: &str, password: &str| {
        let before = server.checks().await.rounds;
        let status = status(server.login(user, password)).await;
        let welcome = [("dear", "c"), ("middling", "b"), ("cheap", "a")];
        assert_eq!(status == 200, welcome.contains(&(user, password)), "{user}");
        server.checks().await.rounds - before
    };
    for (user, password, cost) in [
        ("dear", "a", 8),
        ("dear", "c", 8),
        ("middling", "a", 6),
        ("middling", "b", 6),
        ("cheap", "b", CHEAP),
        ("cheap", "a", CHEAP),
    ] {
        assert_eq!(rounds(user, password).await, 1 << cost, "{user}");
        assert_eq!(rounds(user, password).await, 0, "{user}: cached");
    }
    let mut costs = BTreeSet::new();
    for number in 0..100 {
        let name = format!("nobody {number}");
        let first = rounds(&name, "a").await;
        assert_eq!(rounds(&name, "b").await, first, "{name}");
        costs.insert(first);
    }
    assert_eq!(costs, [1 << CHEAP, 1 << 6, 1 << 8].into());
}
